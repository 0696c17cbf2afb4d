"""`livecontract scenario test`, `record`, `generate`, `mutate`: what is printed, written, and how each ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import scenarios
from livecontract.cli import main

ROOT = Path(__file__).parents[2]
LIBRARY = Path(scenarios.__file__).parent / "library"
GUIDE = (ROOT / "docs" / "testing-scenarios.md").read_text("utf-8")
RUNS = scenarios.runs("signing")


class Said:
    """Runs the command line in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        assert main(["scenario", *map(str, words)]) == code
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return captured.out if code in (0, 1) else captured.err

    def json(self, *words: str | Path, code: int = 0) -> Any:
        assert main(["scenario", *map(str, words), "--json"]) == code
        return json.loads(self.capsys.readouterr().out)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("signing.json").write_text(json.dumps(scenarios.load("signing")), "utf-8")
    return Said(capsys)


@pytest.fixture
def handshake(said: Said) -> Said:
    """The example of the guide, as files."""
    page = (ROOT / "docs" / "scenarios.md").read_text("utf-8")
    Path("handshake.json").write_text(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0], "utf-8")
    Path("handshake.feature").write_text(re.findall(r"```gherkin\n(.*?)```", GUIDE, re.DOTALL)[0], "utf-8")
    return said


def test_example_of_the_guide_passes_and_comes_to_everything(handshake: Said) -> None:
    assert handshake("test", "handshake.feature", "--fail-under", "100") == "2 tests: 2 passed\n"


def test_mutants_of_the_example_are_told_as_the_guide_shows_them(handshake: Said) -> None:
    shown = re.findall(r"^    (SURVIVED .*?)\n\n", GUIDE, re.DOTALL | re.MULTILINE)[0].replace("\n    ", "\n")
    assert handshake("mutate", "handshake.json", "--tests", "handshake.feature") == f"{shown}\n"
    text = Path("handshake.feature").read_text("utf-8")
    noticing = '"agree" action\n    Then "Bob" is the "two" actor\n'
    Path("handshake.feature").write_text(text.replace('"agree" action\n', noticing, 1), "utf-8")
    handshake("mutate", "handshake.json", "--tests", "handshake.feature", "--fail-on-survivors")


def test_failure_is_told_as_the_guide_shows_it(handshake: Said) -> None:
    text = Path("handshake.feature").read_text("utf-8")
    Path("handshake.feature").write_text(text.replace("When P1D pass", "When PT1H pass"), "utf-8")
    shown = re.findall(r"^    (FAILED .*?)\n\n", GUIDE, re.DOTALL | re.MULTILINE)[0].replace("\n    ", "\n")
    assert shown in handshake("test", "handshake.feature", code=1)


def test_features_and_runs_pass_together_and_are_covered(said: Said) -> None:
    feature, runs = LIBRARY / "features" / "signing.feature", LIBRARY / "runs" / "signing.json"
    document = said.json("test", feature, runs, "--fail-under", "100")
    assert (document["failed"], document["passed"]) == (0, len(document["tests"]))
    assert {item["percent"] for item in document["coverage"]} == {100}
    assert document["coverage"][0]["missing"] == []


def test_runs_of_one_file_are_tests_and_what_they_miss_is_named(said: Said) -> None:
    Path("runs").mkdir()
    Path("runs/signing.json").write_text(json.dumps({"Withdrawn": RUNS["Never presented"]}), "utf-8")
    text = said("test", "runs", "-v", "--coverage", "--fail-under", "90", code=1)
    assert "passed  Withdrawn" in text
    assert "No test comes to the state" in text
    assert "Less than 90 % of signing is covered." in text


def test_failing_test_ends_with_one(said: Said) -> None:
    Path("runs").mkdir()
    Path("runs/signing.json").write_text(json.dumps({"T": {"state": ":success", "responses": []}}), "utf-8")
    document = said.json("test", "runs", code=1)
    assert (document["passed"], document["failed"]) == (0, 1)
    failure = document["tests"][0]["failure"]
    assert failure["expected"] == 'the process to be in the state ":success"'
    assert failure["possible"][0]["actions"] == {"present": ["sender"], "withdraw": ["sender"]}


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["test"], 2, "PATH"),
        (["test", "missing.feature"], 3, "missing.feature: This file does not exist."),
        (["test", "empty"], 3, "no tests in this folder"),
        (["test", "bad.feature"], 3, "bad.feature, line 3: No sentence reads: nothing"),
        (["test", "bad.feature", "--fail-under", "101"], 2, "--fail-under"),
        (["record", "signing.json", "--responses", "missing.json"], 3, "missing.json does not exist"),
        (["record", "-", "--responses", "-"], 2, "standard input"),
        (["record", "signing.json", "--responses", "late.json"], 5, "not available"),
        (["generate", "missing.json"], 3, "does not exist"),
        (["generate", "bad.json"], 3, "has errors"),
        (["generate", "signing.json", "--out", "signing.json"], 2, "is there already"),
        (["generate", "signing.json", "--out", "nowhere/a.feature"], 1, "nowhere/a.feature"),
        (["generate", "signing.json", "--bound", "0"], 2, "--bound"),
        (["generate", "say $no.json"], 3, "cannot be the name of a scenario"),
        (["mutate", "signing.json"], 2, "--tests"),
        (["mutate", "signing.json", "--tests", "bad.feature"], 3, "line 3"),
        (["mutate", "signing.json", "--tests", str(LIBRARY / "features" / "nda.feature")], 3, "None of the tests"),
    ],
)
def test_misuse_is_told_in_a_sentence(
    said: Said, words: list[str], code: int, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.feature").write_text("Feature: F\nScenario: S\nGiven nothing\n", "utf-8")
    Path("bad.json").write_text('{"$schema": "urn:livecontract:scenario:1"}', "utf-8")
    Path("late.json").write_text('[{"actor": "sender", "action": "sign"}]', "utf-8")
    Path("empty").mkdir()
    assert main(["scenario", *words]) == code
    captured = capsys.readouterr()
    assert expected in captured.err
    assert "Traceback" not in captured.err


def test_recorded_feature_passes_beside_its_scenario(said: Said) -> None:
    Path("runs.json").write_text(json.dumps(RUNS), "utf-8")
    said("record", "signing.json", "--responses", "runs.json", "--out", "signing.feature")
    assert said("test", "signing.feature") == f"{len(RUNS)} tests: {len(RUNS)} passed\n"
    Path("run.json").write_text(json.dumps(RUNS["Withdrawn"]["responses"]), "utf-8")
    assert "Scenario: run\n" in said.json("record", "signing.json", "--responses", "run.json")["features"][0]


def test_generated_feature_takes_every_transition(said: Said) -> None:
    assert said("generate", "signing.json", "--out", "signing.feature") == "signing.feature is written.\n"
    said("test", "signing.feature", "--fail-under", "100")


def test_what_no_generated_test_comes_to_is_told_beside_the_feature(
    said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    document = scenarios.load("signing")
    document["states"]["signing"]["transitions"][0]["condition"] = {"<eval>": "assets.document.size == `-1`"}
    Path("never.json").write_text(json.dumps(document), "utf-8")
    assert main(["scenario", "generate", "never.json"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Feature: ")
    assert 'to ":success" by sign: its condition is not met by any example data (at $.states.signing' in captured.err
    made = said.json("generate", "never.json")
    assert {"kind", "path", "message", "reason"} == made["missing"][0].keys()


def test_survivors_are_told_and_fail_only_where_that_is_asked(said: Said) -> None:
    Path("runs").mkdir()
    Path("runs/signing.json").write_text(json.dumps(RUNS), "utf-8")
    text = said("mutate", "signing.json", "--tests", "runs")
    assert "SURVIVED  condition-dropped $.actions.sign.condition" in text
    assert 'Without the condition of the action "sign", no test fails.' in text
    document = said.json("mutate", "signing.json", "--tests", "runs", "--fail-on-survivors", code=1)
    assert {"kind", "path", "outcome", "message", "by"} == document["mutants"][0].keys()


def test_mutation_of_a_scenario_whose_tests_fail_says_which(said: Said) -> None:
    Path("runs").mkdir()
    Path("runs/signing.json").write_text(json.dumps({"T": {"state": ":success", "responses": []}}), "utf-8")
    assert "These tests fail on the scenario as it is:" in said("mutate", "signing.json", "--tests", "runs", code=1)


def test_what_strangers_wrote_steers_no_terminal(said: Said) -> None:
    Path("a.feature").write_text("Feature: F\nScenario: \x1b[31mred\u202e\nGiven \x1b[2J\n", "utf-8")
    assert "\x1b" not in said("test", "a.feature", code=3)


@pytest.mark.parametrize(
    "words",
    [
        ("test", LIBRARY / "features" / "signing.feature"),
        ("test", LIBRARY / "runs" / "signing.json"),
        ("mutate", "signing.json", "--tests", LIBRARY / "features" / "signing.feature"),
    ],
)
def test_tests_end_when_their_time_is_over(said: Said, words: tuple[str | Path, ...]) -> None:
    assert "The time for the tests is over" in said(*words, "--seconds", "0", code=3)


def test_generating_says_what_it_did_not_come_to_in_time(said: Said) -> None:
    made = said.json("generate", "signing.json", "--seconds", "0")
    assert made["configurations"] == 0
    assert made["missing"]
