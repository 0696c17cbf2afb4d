"""Passive tests: what can be said about a scenario without running it (paper section 7.7).

`check` never raises for any JSON value and never takes long, whoever wrote it. Rules are pure functions over the normal
form, one thing each, listed in `rules.RULES`; findings point into the document as it was given.
"""

from collections.abc import Iterator
from typing import Any

from workflow_engine.checks import limits
from workflow_engine.checks.report import Report, Rule
from workflow_engine.checks.rules import RULES
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, Problem, json_path
from workflow_engine.normalise import read, scenario_id
from workflow_engine.reading import Reading

__all__ = ["RULES", "Report", "Rule", "check", "check_bounded"]

MAX_PROBLEMS = 200
"""Findings listed; past these nobody reads on, and strangers choose how many there are."""

_ORDER = {"error": 0, "warning": 1, "info": 2}


def check(document: Any) -> Report:
    """Check a scenario of either dialect.

    A document that is too large is not looked into; of one that is not of the form of its dialect only that is said.
    """
    limit = limits.over_limit(document)
    if limit is not None:
        return Report(problems=(Problem(rule="limit", severity="error", path="$", message=limit),), id=None)
    return check_bounded(document)


def check_bounded(document: Any) -> Report:
    """Check a document whose size is known to be bounded: made of parts that were each within the limits."""
    form, reading = read(document)
    if reading.problems:
        return Report(problems=tuple(reading.problems[:MAX_PROBLEMS]), id=None)
    found = dict.fromkeys(_apply_rules(View(form), reading, ()))
    ordered = sorted(found, key=lambda problem: _ORDER[problem.severity])
    return Report(problems=tuple(ordered[:MAX_PROBLEMS]), id=scenario_id(form))


def _apply_rules(view: View, reading: Reading, place: Path) -> Iterator[Problem]:
    for rule in RULES:
        for path, message in rule.find(view):
            given = json_path(reading.locate((*place, *path)))
            yield Problem(rule=rule.name, severity=rule.severity, path=given, message=message)
    for key, inner in view.inner.items():
        yield from _apply_rules(inner, reading, (*place, "scenarios", key))
