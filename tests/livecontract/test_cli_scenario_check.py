"""`livecontract scenario check` and `compare`, as people use them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import scenarios
from livecontract.cli import main

LIBRARY = Path(__file__).parents[2] / "scenarios" / "library"
QUOTATION = LIBRARY / "quotation.json"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Result:
        code = main(["scenario", *(str(item) for item in arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Result(code, said.out, said.err)

    return command


def written(name: str, document: Any) -> str:
    Path(name).write_text(json.dumps(document))
    return name


def test_check_tells_findings_with_runs_and_how_far_it_looked(run: Run) -> None:
    result = run("check", written("patient.json", patient()))
    assert result.code == 0
    assert 'can-stall: In the state "appointing" everybody waits for "buyer"' in result.out
    assert (
        "run: buyer: request → seller: offer → buyer: accept → seller: write → buyer: sign → seller: sign" in result.out
    )
    assert "Explored 57 configurations, 114 moves: all there are." in result.out
    assert run("check", QUOTATION).out.splitlines()[1:] == ["Explored 57 configurations, 124 moves: all there are."]


def patient() -> Any:
    """Return the quotation as it would be if buyer and inspector had all the time in the world."""
    document = copy.deepcopy(scenarios.load("quotation"))
    for state in ("appointing", "inspecting"):
        del document["states"][state]["timeout"]
        document["states"][state]["transitions"].pop()
    return document


def test_quick_check_is_that_of_nodes(run: Run) -> None:
    assert run("check", QUOTATION, "--quick").out.splitlines() == [
        "Valid: scenario ENfESzMhAWdcSS3mJbntBdw6qhC12XJ88kzdNw9RzALi"
    ]
    form = json.loads(run("check", QUOTATION, "--quick", "--json").out)
    assert form == {"valid": True, "id": "ENfESzMhAWdcSS3mJbntBdw6qhC12XJ88kzdNw9RzALi", "problems": []}
    assert run("check", QUOTATION, "--quick", "--game").code == 2


def test_game_is_shown_as_a_table(run: Run) -> None:
    lines = run("check", QUOTATION, "--game").out.splitlines()
    assert [line.split() for line in lines if line.startswith("  buyer ")] == [["buyer", "force", "prevent", "prevent"]]
    assert '  In "inspecting", "inspector" alone decides between :failed, :success.' in lines
    form = json.loads(run("check", QUOTATION, "--game", "--json").out)
    assert form["game"]["table"]["buyer"][":cancelled"] == {"forces": True, "prevents": False}


@pytest.mark.parametrize(
    ("goal", "code", "says"),
    [
        ("seller: :success", 1, "No: seller: :success cannot be forced."),
        ("buyer + seller: writing", 0, "Yes: buyer + seller: writing can be forced."),
        ("seller: {actors.seller.signed}", 1, "No: seller: {actors.seller.signed} cannot be forced."),
        (
            "seller + buyer: {assets.contract.currency}",
            0,
            "Yes: seller + buyer: {assets.contract.currency} can be forced.",
        ),
        ("buyer: withdraw", 0, "Yes: buyer: withdraw can be forced."),
    ],
)
def test_question_is_answered_with_a_run_and_the_exit_code(run: Run, goal: str, code: int, says: str) -> None:
    result = run("check", QUOTATION, "--goal", goal)
    assert result.code == code
    assert says in result.out
    form = json.loads(run("check", QUOTATION, "--goal", goal, "--json").out)
    assert form["goals"][0]["forces"] == (code == 0)
    played = run("simulate", QUOTATION, "--responses", written("r.json", form["goals"][0]["run"]["responses"]))
    assert played.code == 0


def test_question_about_nobody_says_who_there_is(run: Run) -> None:
    result = run("check", QUOTATION, "--goal", "judge: :success")
    assert result.code == 3
    assert 'as in "buyer: :success": buyer, seller, inspector' in result.err
    assert "cannot be read" in run("check", QUOTATION, "--goal", "buyer: {assets.}").err


def test_runs_are_written_as_simulate_takes_them(run: Run) -> None:
    waiting = written("patient.json", patient())
    result = run("check", waiting, "--runs", "runs", "--goal", "seller: :success")
    files = sorted(Path("runs").iterdir())
    assert f"Wrote {len(files)} runs to runs" in result.out
    assert [file.name for file in files][-1] == "03-goal.json"
    for file in files:
        assert run("simulate", waiting, "--responses", file).code == 0
    assert run("check", QUOTATION, "--runs", QUOTATION).code == 3


def test_bound_is_always_told(run: Run) -> None:
    result = run("check", QUOTATION, "--configurations", "5", "--game")
    assert result.code == 0
    assert "Stopped after 5 configurations; there are more." in result.out
    assert json.loads(run("check", QUOTATION, "--configurations", "5", "--json").out)["explored"]["complete"] is False
    assert "time for it was over" in run("check", QUOTATION, "--seconds", "0").out


def test_broken_property_makes_the_answer_negative(run: Run) -> None:
    promised = {**scenarios.load("quotation"), "properties": [{"never": ":cancelled"}]}
    result = run("check", written("s.json", promised), "--json")
    form = json.loads(result.out)
    assert (result.code, form["valid"], form["sound"]) == (1, True, False)
    first = form["problems"][0]
    assert (first["rule"], first["path"]) == ("property-broken", "$.properties[0]")
    assert first["run"]["state"] == ":cancelled"
    assert run("check", "s.json").out.startswith("Valid to every node, but not sound: scenario ")


def test_finding_about_data_shows_the_data_that_it_was_found_with(run: Run) -> None:
    numbers = {
        "type": "object",
        "properties": {"n": {"enum": [9, 10, 11]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    ends = [("<", ":failed"), (">", ":success")]
    document = {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"judge": {}},
        "assets": {"mark": numbers},
        "actions": {"judge": {"actor": "judge", "responses": {"ok": {"schema": numbers, "update": "assets.mark"}}}},
        "states": {
            "initial": {
                "action": "judge",
                "transitions": [
                    {"condition": {"<eval>": f"assets.mark.n {sign} `10`"}, "transition": end} for sign, end in ends
                ],
            }
        },
    }
    lines = run("check", written("marks.json", document)).out.splitlines()
    (place,) = [index for index, line in enumerate(lines) if " gap: " in line]
    assert lines[place + 1].split() == ["run:", "judge:", "judge", "with", '{"n":', "10}"]


def test_two_scenarios_are_compared(run: Run) -> None:
    same = run("compare", QUOTATION, QUOTATION)
    assert (same.code, same.out.splitlines()[-1]) == (0, "Everything was compared.")
    other = copy.deepcopy(scenarios.load("quotation"))
    other["states"]["inspecting"]["transitions"][1]["transition"] = "appointing"
    result = run("compare", QUOTATION, written("new.json", other), "--runs", "runs")
    assert result.code == 1
    assert 'in "inspecting": inspector: disapprove, which leads to "appointing"' in result.out
    assert 'in "inspecting": inspector: disapprove, which leads to ":failed"' in result.out
    for file in sorted(Path("runs").iterdir()):
        scenario = "new.json" if "-possible" in file.name else QUOTATION
        assert run("simulate", scenario, "--responses", file).code == 0
    form = json.loads(run("compare", QUOTATION, "new.json", "--json").out)
    assert (form["same_behaviour"], len(form["possible"]), len(form["impossible"])) == (False, 1, 1)
    assert run("compare", QUOTATION, written("bad.json", {})).code == 3
    assert run("compare", "-", "-").code == 2
