"""What the pages about the language of scenarios show and list is so."""

import json
import re
from pathlib import Path

import scenarios
from workflow_engine import simulate
from workflow_engine.checks import RULES, check, limits
from workflow_engine.checks.calls import MAX_STEPS
from workflow_engine.checks.sub_processes import MAX_SUB_PROCESSES
from workflow_engine.operators import OPERATORS
from workflow_engine.reading import FORM
from workflow_engine.schedule import MAX_RUNS, MIN_INTERVAL
from workflow_engine.timing import GRACE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scenarios.md").read_text("utf-8")
BEYOND = (DOCS / "beyond-one-process.md").read_text("utf-8")


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


def test_actions_that_are_shown_are_accepted():
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE + BEYOND, re.DOTALL)]
    objects = [block for block in blocks if isinstance(block, dict)]
    shown = [block for block in objects if block.get("$schema", "").startswith("urn:livecontract:action:")]
    assert {block["$schema"].rpartition(":")[2] for block in shown} >= {"sequence", "invite", "http", "sub-process"}
    for action in shown:
        keys = [key for key in action["responses"] if key != "404"]
        document = {
            "$schema": "urn:livecontract:scenario:1",
            "actors": {key: {} for key in ("buyer", "seller", "inspector", "carrier")},
            "assets": {key: {} for key in ("order", "entry", "inspection", "there", "request", "received")},
            "actions": {"run": action},
            "scenarios": {"survey": scenarios.load("due-diligence")["scenarios"]["survey"]},
            "states": {
                "initial": {
                    "action": "run",
                    "timeout": "P30D",
                    "transitions": [
                        *({"response": key, "transition": ":success"} for key in keys),
                        {"action": ":timeout", "transition": ":failed"},
                    ],
                }
            },
        }
        alone = ("unused-", "unsigned-")  # what is so because the action is all there is
        problems = [item for item in check(document).to_dict()["problems"] if not item["rule"].startswith(alone)]
        assert problems == []


def test_limits_of_sub_processes_are_those_of_the_code():
    assert f"{MAX_SUB_PROCESSES:,} sub-processes at most" in BEYOND
    assert "ten minutes. Give the state a timeout" in BEYOND
    assert GRACE == 10 * 60 * 1000


def test_limits_of_schedules_and_sequences_are_those_of_the_code():
    assert f"up to {MAX_RUNS:,} for all actions of a state" in PAGE
    assert f"up to {MAX_STEPS} `steps`" in PAGE
    assert (MIN_INTERVAL, GRACE) == (60_000, 600_000)
    assert "a minute at least" in PAGE
    assert "ten minutes after the one before" in PAGE
