"""Every benchmark runs, on little work, and gives its figures. How fast it is, is no test."""

import json
from pathlib import Path

import pytest

from benchmarks import beside, operators
from benchmarks.__main__ import BENCHMARKS, DOCUMENT, main
from benchmarks.machine import machine_line
from benchmarks.measure import Figure, Ratio, compare
from benchmarks.report import BEGIN, END, as_json, as_markdown, as_text, between_marks
from benchmarks.sizes import Sizes
from tests.needs import missing
from tests.servers import rabbitmq
from workflow_engine.operators import OPERATORS, evaluate

ON_RABBITMQ = {"handover", "shovel", "workers"}
TINY = Sizes(
    chain=3,
    ingest=4,
    steps=5,
    responses=20,
    states=40,
    hashes=7,
    blocks=3,
    chains=100,
    messages=200,
    requests=8,
    rounds=2,
)


def figure(**changes: object) -> Figure:
    values: dict[str, object] = {
        "benchmark": "x",
        "what": "the work",
        "limit": "the limit",
        "ratio": Ratio(median=0.5, lowest=0.4, highest=0.6),
        "meaning": "speed",
        "aim": 0.5,
        "count": 1,
        "unit": "unit",
        "seconds": 2e-6,
        "limit_seconds": 1e-6,
        **changes,
    }
    return Figure(**values)  # type: ignore[arg-type]  # the values are those above


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in BENCHMARKS])
def test_benchmark_gives_its_figures(name: str) -> None:
    if name in ON_RABBITMQ:
        rabbitmq.install()
    figures = BENCHMARKS[name](TINY)
    if name == "beside" and not figures:
        missing("no other engine can be installed here: node with npm, or pip, is needed")
    assert figures
    for found in figures:
        assert found.benchmark == name
        assert found.count > 0
        assert found.seconds > 0
        assert found.limit_seconds > 0
        assert 0 < found.ratio.lowest <= found.ratio.median <= found.ratio.highest


def test_ingest_tells_where_the_time_goes() -> None:
    steps = {"receive", "verify", "skip known", "resolve", "apply", "save", "commit", "anchor", "trigger", "forward"}
    for found in BENCHMARKS["ingest"](TINY):
        assert set(found.details) == steps


def test_every_operator_is_measured_but_proofs() -> None:
    assert {*operators.INSTRUCTIONS, "<proof>"} == set(OPERATORS)
    assert all(evaluate(item, operators.seen()) is not None for item in operators.INSTRUCTIONS.values())


def test_engine_that_cannot_be_installed_is_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(beside, "FOLDER", tmp_path / "file")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert beside.run(TINY) == []
    said = capsys.readouterr().err
    assert "XState" in said
    assert "it needs node and npm." in said
    assert f"SpiffWorkflow {beside.SPIFFWORKFLOW} is left out: " in said


def test_limit_and_work_take_turns() -> None:
    turns: list[str] = []

    def turn(name: str, seconds: float) -> float:
        turns.append(name)
        return seconds

    ratio, seconds, limit_seconds = compare(lambda: turn("work", 4), lambda: turn("limit", 2), rounds=3)
    assert turns == ["limit", "work"] * 3
    assert (ratio.median, seconds, limit_seconds) == (0.5, 4, 2)
    ratio, _, _ = compare(lambda: turn("work", 4), lambda: turn("limit", 2), rounds=1, meaning="time")
    assert ratio.median == 2


@pytest.mark.parametrize(
    ("meaning", "aim", "median", "met"),
    [
        ("speed", 0.5, 0.5, True),
        ("speed", 0.5, 0.49, False),
        ("time", 1.5, 1.5, True),
        ("time", 1.5, 1.51, False),
        ("speed", None, 9.0, None),
    ],
)
def test_aim_is_at_least_for_speed_and_at_most_for_time(
    meaning: str, aim: float | None, median: float, met: bool | None
) -> None:
    ratio = Ratio(median=median, lowest=median, highest=median)
    assert figure(meaning=meaning, aim=aim, ratio=ratio).is_met is met


def test_every_form_shows_each_figure_beside_its_limit_and_aim() -> None:
    figures = [figure(details={"apply": "3 µs"}), figure(what="other work", aim=0.6)]
    for form in (as_text, as_markdown):
        text = form("a machine", figures)
        for part in ("a machine", "the work", "other work", "the limit", "0.50 (0.40", "≥ 0.5: met", "≥ 0.6: missed"):
            assert part in text
        assert "3 µs" in text
    document = json.loads(as_json("a machine", figures))
    assert document["machine"] == "a machine"
    assert [(item["what"], item["ratio"]["median"], item["met"]) for item in document["figures"]] == [
        ("the work", 0.5, True),
        ("other work", 0.5, False),
    ]


def test_table_goes_between_the_marks_of_the_document() -> None:
    assert between_marks(f"before\n{BEGIN}\nold\n{END}\nafter\n", "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no <!-- figures"):
        between_marks("nothing", "new")
    document = DOCUMENT.read_text(encoding="utf-8")
    assert "`./dev bench verify`" in document.partition(BEGIN)[2].partition(END)[0]


def test_table_names_the_command_of_every_figure() -> None:
    assert "./dev bench x" in as_markdown("a machine", [figure()])


def test_machine_line_names_what_matters() -> None:
    for part in ("cores", "Python", "libsodium", "SQLite"):
        assert part in machine_line()


def test_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2
    assert "there is no benchmark nothing; there are verify" in capsys.readouterr().err
