"""What a check says, and what a rule is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from workflow_engine.checks.view import View
from workflow_engine.errors import Path, Problem, Severity

Finding = tuple[Path, str]
"""Place in the normal form of one scenario, and a sentence about it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a scenario is checked for.

    Attributes:
        name: How findings refer to it.
        severity: Of every one of its findings.
        find: Yields the findings; pure, and in time that grows slowly with the scenario.
    """

    name: str
    severity: Severity
    find: Callable[[View], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of checking a scenario.

    Attributes:
        problems: All findings, errors first.
        id: Base58 id of the scenario, or None when it has no normal form.
    """

    problems: tuple[Problem, ...]
    id: str | None

    @property
    def valid(self) -> bool:
        """Tell whether the scenario can be used: no finding is an error."""
        return not any(problem.severity == "error" for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: valid, id, problems."""
        return {"valid": self.valid, "id": self.id, "problems": [problem.to_dict() for problem in self.problems]}
