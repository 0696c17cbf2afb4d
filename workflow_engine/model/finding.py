"""A finding about what a scenario can do: a problem as the passive tests tell it, with a run that shows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import Path, Problem, Severity
from workflow_engine.model.graph import Graph, Move
from workflow_engine.model.runs import Run
from workflow_engine.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a rule saw, before it has a place in the document as given.

    Attributes:
        path: Place in the normal form.
        message: A sentence about it.
        way: Moves that show it, from the start; None where no run shows it.
        ends_refused: The last of these moves is one that the engine refuses.
        severity: Where it differs from that of its rule.
    """

    path: Path
    message: str
    way: tuple[Move, ...] | None = None
    ends_refused: bool = False
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class BehaviourRule:
    """One thing that the behaviour of a scenario is checked for.

    Attributes:
        name: How findings refer to it.
        severity: Of its findings, unless one says otherwise.
        find: Yields what it sees.
    """

    name: str
    severity: Severity
    find: Callable[[Scenario, Graph], Iterator[Sighting]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem, and the run that shows it.

    Attributes:
        problem: Rule, severity, path into the document as given, and a sentence.
        run: A shortest run that shows it, or None where none can.
    """

    problem: Problem
    run: Run | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: that of the problem, with `run` where there is one."""
        form: dict[str, Any] = dict(self.problem.to_dict())
        return form if self.run is None else {**form, "run": self.run.to_dict()}
