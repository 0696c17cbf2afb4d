"""The features that the guide to tests shows pass as they stand there."""

import re
from pathlib import Path

import pytest

from livecontract.cli import main
from workflow_engine.testing.feature import Step
from workflow_engine.testing.vocabulary import bind

GUIDE = (Path(__file__).parents[2] / "docs" / "testing-scenarios.md").read_text("utf-8")
FEATURES = re.findall(r"^```gherkin\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)[1:]
"""All but the first, which stands with its scenario on another page (`test_cli_scenario_testing`)."""

PERMIT = re.findall(r"^```json\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)[0]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("permit.json").write_text(PERMIT, "utf-8")


def test_guide_shows_services_invitations_and_deviations() -> None:
    assert [re.findall(r"Feature: (.*)", text)[0] for text in FEATURES] == [
        "A permit",
        "An offer to somebody new",
        "Paying an invoice in instalments",
    ]


@pytest.mark.parametrize("text", FEATURES, ids=lambda text: text.split("\n")[0])
def test_feature_of_the_guide_passes(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("shown.feature").write_text(text, "utf-8")
    assert main(["scenario", "test", "shown.feature"]) == 0, capsys.readouterr().out


def test_sentences_of_shorter_examples_are_known() -> None:
    prose = re.sub(r"^```.*?^```", "", GUIDE, flags=re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^    (?:Given|When|Then|And) (.+)$", prose, re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        table = (("a", "b"),) if line.endswith(":") else None
        bind(Step(kind="when", text=line, line=1, table=table))


def test_scenario_of_the_guide_has_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "check", "permit.json", "--quick"]) == 0, capsys.readouterr().out
