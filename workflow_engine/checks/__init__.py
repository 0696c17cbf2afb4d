"""Passive tests: what can be said about a scenario without running it (paper section 7.7).

`check` never raises for any JSON value and never takes long, whoever wrote it. Rules are pure functions over the normal
form, one thing each, listed in `rules.RULES`, errors first; findings point into the document as it was given.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from workflow_engine.checks import limits
from workflow_engine.checks.report import Report, Rule
from workflow_engine.checks.rules import RULES
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, Problem, json_path
from workflow_engine.normalise import read, scenario_id
from workflow_engine.reading import Reading
from workflow_engine.schema_keywords import shared_work

__all__ = ["RULES", "Report", "Rule", "check", "check_bounded"]

MAX_PROBLEMS = 200
"""Findings listed; past these nobody reads on, and strangers choose how many there are."""


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
    found: dict[Problem, None] = {}
    with shared_work():
        for problem in _apply_rules(tuple(_views(View(form), ())), reading):
            found[problem] = None
            if len(found) == MAX_PROBLEMS:
                break
    return Report(problems=tuple(found), id=scenario_id(form))


def _apply_rules(views: Sequence[tuple[Path, View]], reading: Reading) -> Iterator[Problem]:
    """Yield what the rules find, errors first, as far as somebody asks: finding all of it can take long."""
    for rule in RULES:
        for place, view in views:
            for path, message in rule.find(view):
                given = json_path(reading.locate((*place, *path)))
                yield Problem(rule=rule.name, severity=rule.severity, path=given, message=message)


def _views(view: View, place: Path) -> Iterator[tuple[Path, View]]:
    """Yield a scenario and those embedded in it, with their places."""
    yield place, view
    for key, inner in view.inner.items():
        yield from _views(inner, (*place, "scenarios", key))
