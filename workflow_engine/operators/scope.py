"""What an operator is, and what it sees."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.operators.budget import Budget


@dataclass(frozen=True, slots=True)
class Scope:
    """What an instruction sees.

    Attributes:
        context: The process as a JSON object; never changed.
        budget: Shared by the whole evaluation.
    """

    context: Mapping[str, Any]
    budget: Budget


class StopNode(Exception):  # noqa: N818  # no error: `<ifset>` ends the work on a node
    """Nothing else on this node runs; it is null."""


Operator = Callable[[Any, Any, Scope], Any]
"""From its argument (not null, its instructions evaluated), the rest of its node, and the scope to the node's value."""
