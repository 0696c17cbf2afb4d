"""What an operator is, and what it sees."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.operators.budget import Budget

Seen = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""What instructions see, the process as a JSON object; or what makes that object, for the first one that looks."""


@dataclass(slots=True)
class Scope:
    """What an instruction sees.

    Attributes:
        seen: What there is to see; never changed.
        budget: Shared by the whole evaluation.
    """

    seen: Seen
    budget: Budget

    @property
    def context(self) -> Mapping[str, Any]:
        """What there is to see, as a JSON object."""
        seen = self.seen
        if callable(seen):
            seen = self.seen = seen()
        return seen


class StopNode(Exception):  # noqa: N818  # no error: `<ifset>` ends the work on a node
    """Nothing else on this node runs; it is null."""


Operator = Callable[[Any, Any, Scope], Any]
"""From its argument (not null, its instructions evaluated), the rest of its node, and the scope to the node's value."""
