"""What docs/scenarios.md shows and lists is so."""

import json
import re
from pathlib import Path

from workflow_engine import simulate
from workflow_engine.checks import RULES, check, limits
from workflow_engine.operators import OPERATORS
from workflow_engine.reading import FORM

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text("utf-8")


def example():
    return json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL).group(1))


def test_example_is_without_findings_and_plays():
    assert check(example()).to_dict()["problems"] == []
    shake = [{"actor": "two", "action": "agree"}, {"actor": "one", "action": "agree"}]
    assert simulate.run(example(), shake)["state"] == ":success"
    late = [{"actor": "one", "action": "agree", "at": "2026-01-01T00:00:00Z"}]
    timeout = {"actor": "one", "action": ":timeout", "at": "2026-01-16T00:00:00Z"}
    assert simulate.run(example(), [*late, timeout])["state"] == ":cancelled"


def test_every_rule_is_listed_under_its_severity():
    errors, warnings = PAGE.split("**Errors**")[1].split("**Warnings**")
    for severity, text in (("error", errors), ("warning", warnings.split("Limits:")[0])):
        listed = set(re.findall(r"`([a-z-]+)`", text))
        assert listed == {rule.name for rule in RULES if rule.severity == severity} | (
            {FORM} if severity == "error" else set()
        )


def test_every_operator_is_listed():
    for name in OPERATORS:
        assert name in PAGE


def test_limits_are_those_of_the_code():
    assert f"{limits.MAX_BYTES:,} bytes" in PAGE
    assert f"{limits.MAX_DEPTH} levels, {limits.MAX_STATES} states" in PAGE
    assert f"{limits.MAX_ACTORS} actors, {limits.MAX_RESPONSES} responses" in PAGE
    assert limits.MAX_STATES == limits.MAX_ACTIONS == limits.MAX_ASSETS
