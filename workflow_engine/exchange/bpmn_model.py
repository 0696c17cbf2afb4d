"""A BPMN process as far as a scenario can be made from it: nodes, flows, lanes. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from workflow_engine.errors import quote

Kind = Literal[
    "start", "end", "person", "receive", "service", "exclusive", "parallel", "choice", "timer", "timed", "failing"
]
"""What a node does with a token. `choice` is an event-based gateway, `timer` an intermediate event; `timed` and
`failing` are the timer and error events on the border of a task."""

TASKS: frozenset[Kind] = frozenset({"person", "receive", "service"})
BOUNDARIES: frozenset[Kind] = frozenset({"timed", "failing"})
WAITING: frozenset[Kind] = TASKS | {"choice", "timer"}
"""Nodes where a token stays until something happens."""

Condition = Any
"""A data instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A flow node.

    Attributes:
        id: As in the file.
        element: Name of its element (`userTask`).
        kind: What it does with a token.
        name: For people, on one line; may be "".
        description: Its documentation, or None.
        line: Where it stands in the file.
        action: Key of the action that it stands for (`lc:action`), or None to make one from the name.
        state: Key of the state in which its token waits (`lc:state`), or None.
        final: Key of the final state that an end event leads to; "" for other nodes.
        ends_all: An end event that ends the process, whatever other tokens there are.
        duration: ISO 8601 duration, or the instruction that gives one, of a timer; None for other nodes.
        host: Id of the task that a boundary event is on; "" for other nodes.
        default: Id of the flow that an exclusive gateway takes where no condition holds, or None.
        listed: Ids of its outgoing flows in the order in which the node lists them.
        incoming: Ids of the flows that lead to it, in the order of the file.
        outgoing: Ids of the flows that leave it, in the order of the file.
    """

    id: str
    element: str
    kind: Kind
    name: str
    description: str | None
    line: int
    action: str | None
    state: str | None
    final: str
    ends_all: bool
    duration: Any
    host: str
    default: str | None
    listed: tuple[str, ...]
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The node in a sentence: `The user task "Sign" (Activity_1)`."""
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in self.element)
        return f"The {words} {quote(self.name)} ({self.id[:64]})" if self.name else f"The {words} {quote(self.id)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sequence flow.

    Attributes:
        id: As in the file.
        source: Id of the node it leaves.
        target: Id of the node it leads to.
        name: For people, on one line; may be "".
        condition: Instruction on it, or None.
        response: Key of the response that it stands for (`lc:response`), or None.
        stays: It leads back without entering the state anew (`lc:stays`).
        line: Where it stands in the file.
    """

    id: str
    source: str
    target: str
    name: str
    condition: Condition | None
    response: str | None
    stays: bool
    line: int

    @property
    def shown(self) -> str:
        """The flow in a sentence."""
        if self.name:
            return f"The sequence flow {quote(self.name)} ({self.id[:64]})"
        return f"The sequence flow {quote(self.id)}"


@dataclass(frozen=True)
class Model:
    """A process.

    Attributes:
        id: As in the file.
        name: For people, or "".
        description: Its documentation, or None.
        nodes: By id, in the order of the file.
        flows: By id, in the order of the file.
        actors: Names of the lanes (or of the only pool) by the key of the actor.
        lane_of: Key of the actor by id of the node.
        scenario: What the scenario has beside the drawing (`lc:scenario`).
        line: Where the process stands in the file.
    """

    id: str
    name: str
    description: str | None
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    actors: Mapping[str, str]
    lane_of: Mapping[str, str]
    scenario: Mapping[str, Any]
    line: int

    @cached_property
    def start(self) -> Node:
        """The start event."""
        return next(node for node in self.nodes.values() if node.kind == "start")

    @cached_property
    def boundaries(self) -> Mapping[str, tuple[Node, ...]]:
        """The boundary events by the id of their task."""
        found: dict[str, tuple[Node, ...]] = {}
        for node in self.nodes.values():
            if node.kind in BOUNDARIES:
                found[node.host] = (*found.get(node.host, ()), node)
        return found

    def target(self, flow: str) -> Node:
        """Return the node that a flow leads to."""
        return self.nodes[self.flows[flow].target]

    def boundary(self, node: Node, kind: Kind) -> Node | None:
        """Return the boundary event of a kind on a task, or None."""
        return next((event for event in self.boundaries.get(node.id, ()) if event.kind == kind), None)

    def outcome_gateway(self, node: Node) -> Node | None:
        """Return the exclusive gateway directly after a task whose flows name the responses, or None."""
        if node.kind not in TASKS or len(node.outgoing) != 1:
            return None
        gateway = self.target(node.outgoing[0])
        return gateway if self.names_outcomes(gateway) and len(gateway.incoming) == 1 else None

    def names_outcomes(self, node: Node) -> bool:
        """Tell whether a node is an exclusive gateway with a choice and without conditions."""
        if node.kind != "exclusive" or len(node.outgoing) < 2:
            return False
        return all(self.flows[flow].condition is None for flow in node.outgoing)
