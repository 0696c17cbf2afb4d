"""The token game of a BPMN process, played to the end: every marking that can be reached, and the steps between.

A marking is where tokens wait: the ids of tasks, timers and event-based gateways that have one, and of flows into a
parallel gateway that have brought one which waits for the others. Something happens at one of the nodes, its token goes
on, and everything that follows without anybody doing something (gateways, end events) belongs to the same step. What
exclusive gateways decide is not known here: a step has one leaf for each way that they can decide, in the order in
which the ways are tried.

The process has to be sound (van der Aalst 1997; here for every way in which conditions may decide): no place ever has
two tokens, no token waits for ever at a parallel gateway, and from everywhere the end can be reached. Then the markings
are the states of a machine that allows exactly the runs of the process. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from workflow_engine.errors import quote
from workflow_engine.exchange.bpmn_model import WAITING, Condition, Flow, Model, Node
from workflow_engine.exchange.errors import InvalidBpmnError, bpmn_error
from workflow_engine.exchange.outcomes import responses_of
from workflow_engine.normalise import FINAL_STATES

MAX_MARKINGS = 256
"""States of a scenario."""

MAX_LEAVES = 256
"""Ways in which the gateways of one step can decide."""

MAX_STEPS = 4_096
"""Steps between all markings; a scenario of 65,535 bytes has place for far fewer transitions."""

MAX_MOVES = 100_000
"""Flows that tokens pass in the whole game: some twenty for each step."""

Marking = frozenset[str]
END: Marking = frozenset()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One way in which a step can come to rest.

    Attributes:
        conditions: What has to hold for this way, where no earlier way of the step fits.
        marking: Where tokens wait then; empty at the end.
        final: Key of the final state at the end, else "".
        stays: The token goes back to where it waits without entering it anew.
    """

    conditions: tuple[Condition, ...]
    marking: Marking
    final: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can happen in a marking, and one way in which it comes to rest.

    Attributes:
        node: The task or timer that it happens at.
        response: Key of the response, or None for any response, or for a deadline.
        is_timeout: A deadline is over.
        leaf: What follows.
    """

    node: Node
    response: str | None
    is_timeout: bool
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Exploration:
    """The whole game.

    Attributes:
        initial: The first marking.
        steps: By marking, in the order in which they are found; the order of a marking's steps is that of trying.
    """

    initial: Marking
    steps: Mapping[Marking, tuple[Step, ...]]


@dataclass(slots=True)
class _Work:
    """What the game has cost so far, so that a drawing made to be costly is given up."""

    steps: int = 0
    moves: int = 0


def explore(model: Model) -> Exploration:
    """Play every run of a process.

    Raises:
        InvalidBpmnError: It is not sound, has more markings or steps than a scenario can have, or decides or waits
            before anybody did something.
    """
    work = _Work()
    initial = _first(model, work)
    steps: dict[Marking, tuple[Step, ...]] = {}
    waiting = [initial]
    known = {initial}
    for marking in waiting:
        _check_rest(model, marking)
        steps[marking] = tuple(_steps(model, marking, work))
        for step in steps[marking]:
            if step.leaf.marking and step.leaf.marking not in known:
                known.add(step.leaf.marking)
                waiting.append(step.leaf.marking)
        if len(waiting) > MAX_MARKINGS:
            raise _too_many(model)
    _check_nodes(model, steps)
    _check_ends(model, steps)
    return Exploration(initial, steps)


def waiting_nodes(model: Model, marking: Marking) -> tuple[Node, ...]:
    """Return the nodes of a marking at which something can happen, in the order of the file."""
    return tuple(node for key, node in model.nodes.items() if key in marking)


def _too_many(model: Model) -> InvalidBpmnError:
    return _refused(
        f"The process has more than the {MAX_MARKINGS} states or {MAX_STEPS} transitions that a scenario can have: "
        "every combination of tasks that wait at the same time is a state. Draw fewer tasks, or fewer side by side.",
        model.start,
    )


def _first(model: Model, work: _Work) -> Marking:
    leaves = list(islice(_settle(model, END, model.start.outgoing, None, work), 2))
    if len(leaves) > 1:
        raise _refused("Before the first task nothing is known that a gateway could decide by.", model.start)
    if not leaves[0].marking:
        raise _refused("The process ends before anybody does something.", model.start)
    return leaves[0].marking


def _steps(model: Model, marking: Marking, work: _Work) -> Iterator[Step]:
    for node in waiting_nodes(model, marking):
        rest = marking - {node.id}
        for event in [model.target(flow) for flow in node.outgoing] if node.kind == "choice" else [node]:
            if event.kind == "timer":
                yield from _leaves(model, event, None, rest, event.outgoing, node, work, is_timeout=True)
                continue
            for response, outgoing in responses_of(model, event):
                yield from _leaves(model, event, response, rest, outgoing, node, work)
        deadline = model.boundary(node, "timed")
        if deadline is not None:
            yield from _leaves(model, deadline, None, rest, deadline.outgoing, node, work, is_timeout=True)


def _leaves(
    model: Model,
    event: Node,
    response: str | None,
    rest: Marking,
    flows: tuple[str, ...],
    origin: Node,
    work: _Work,
    *,
    is_timeout: bool = False,
) -> Iterator[Step]:
    for number, leaf in enumerate(_settle(model, rest, flows, origin, work)):
        if number == MAX_LEAVES:
            raise _refused(f"Behind {event.shown[4:]} gateways can decide in more than {MAX_LEAVES} ways.", event)
        work.steps += 1
        if work.steps > MAX_STEPS:
            raise _too_many(model)
        yield Step(event, response, is_timeout, leaf)


def _settle(model: Model, rest: Marking, flows: tuple[str, ...], origin: Node | None, work: _Work) -> Iterator[Leaf]:
    """Let tokens on flows go on until all rest; yield each way that gateways can decide, in the order of trying."""
    todo: list[tuple[Marking, tuple[str, ...], tuple[Condition, ...]]] = [(rest, tuple(reversed(flows)), ())]
    while todo:
        marking, moving, conditions = todo.pop()
        leaf: Leaf | None = None
        while moving and leaf is None:
            work.moves += 1
            if work.moves > MAX_MOVES:
                raise _too_many(model)
            flow, moving = model.flows[moving[-1]], moving[:-1]
            node = model.nodes[flow.target]
            if flow.stays:
                leaf = _staying(flow, origin, conditions, is_alone=not moving)
            elif node.kind == "end" and node.ends_all:
                leaf = Leaf(conditions, END, node.final)
            elif node.kind in WAITING:
                marking = _put(marking, node, node.id)
            elif node.kind == "parallel":
                marking, moving = _join(marking, node, flow, moving)
            elif node.kind == "exclusive":
                first, *others = _decisions(model, node)
                for other, added in reversed(others):
                    todo.append((marking, (*moving, other), (*conditions, *added)))
                moving, conditions = (*moving, first[0]), (*conditions, *first[1])
        yield leaf or Leaf(conditions, marking, "" if marking else FINAL_STATES[0])


def _decisions(model: Model, gateway: Node) -> list[tuple[str, tuple[Condition, ...]]]:
    """Return the flows that an exclusive gateway can take with what each asks for, the default last."""
    flows = [model.flows[key] for key in gateway.outgoing]
    conditioned = [(flow.id, (flow.condition,)) for flow in flows if flow.condition is not None]
    return [*conditioned, *((flow.id, ()) for flow in flows if flow.condition is None)]


def _join(marking: Marking, gateway: Node, flow: Flow, moving: tuple[str, ...]) -> tuple[Marking, tuple[str, ...]]:
    """Let a token come to a parallel gateway; once every incoming flow brought one, each outgoing flow gets one."""
    if len(gateway.incoming) > 1:
        marking = _put(marking, gateway, flow.id)
        if not marking.issuperset(gateway.incoming):
            return marking, moving
        marking -= frozenset(gateway.incoming)
    return marking, (*moving, *reversed(gateway.outgoing))


def _put(marking: Marking, node: Node, place: str) -> Marking:
    if place in marking:
        raise _refused(
            f"{node.shown} can be reached by two tokens at once: parallel branches come together in front of it "
            "without a parallel gateway that joins them, or one of them goes round again while others wait.",
            node,
        )
    return marking | {place}


def _staying(flow: Flow, origin: Node | None, conditions: tuple[Condition, ...], *, is_alone: bool) -> Leaf:
    if origin is None or flow.target != origin.id or not is_alone:
        raise bpmn_error(
            f"{flow.shown} is marked as staying, and does not lead back to where it comes from.", flow.line
        )
    return Leaf(conditions, END, stays=True)


def _check_rest(model: Model, marking: Marking) -> None:
    """Refuse a marking in which nothing can happen, or in which side by side stands what cannot."""
    nodes = waiting_nodes(model, marking)
    if not nodes:
        flow = model.flows[min(marking)]
        join = model.nodes[flow.target]
        raise _refused(
            f"{join.shown} waits for ever: a token comes over {quote(flow.id)}, and none over another flow. Join "
            "exactly the branches that a parallel gateway has split.",
            join,
        )
    if len(nodes) == 1:
        return
    for node in nodes:
        if node.kind == "timer" or model.boundary(node, "timed") or _has_timer(model, node):
            raise _refused(
                f"{node.shown} has a deadline and waits beside {nodes[0 if nodes[0] is not node else 1].shown[4:]}. "
                "A state has one deadline, which starts anew when a parallel branch goes on. Put the timer before or "
                "behind the parallel part.",
                node,
            )


def _has_timer(model: Model, node: Node) -> bool:
    return node.kind == "choice" and any(model.target(flow).kind == "timer" for flow in node.outgoing)


def _check_nodes(model: Model, steps: Mapping[Marking, tuple[Step, ...]]) -> None:
    """Refuse nodes that no token ever comes to."""
    reached = {key for marking in steps for key in marking} | {
        step.node.id for found in steps.values() for step in found
    }
    for node in model.nodes.values():
        if node.kind in WAITING and node.id not in reached:
            raise _refused(f"{node.shown} is never reached by a token.", node)


def _check_ends(model: Model, steps: Mapping[Marking, tuple[Step, ...]]) -> None:
    """Refuse a process that can come to where it has no way to its end."""
    back: dict[Marking, list[Marking]] = {marking: [] for marking in steps}
    ending = []
    for marking, found in steps.items():
        for step in found:
            if step.leaf.final:
                ending.append(marking)
            elif step.leaf.marking:
                back[step.leaf.marking].append(marking)
    can_end = set(ending)
    while ending:
        for source in back[ending.pop()]:
            if source not in can_end:
                can_end.add(source)
                ending.append(source)
    for marking in steps:
        if marking not in can_end:
            nodes = waiting_nodes(model, marking)
            names = " and ".join(quote(node.name or node.id) for node in nodes[:4])
            raise _refused(
                f"From {names} no end event can be reached with all tokens: the process never ends.", nodes[0]
            )


def _refused(message: str, node: Node) -> InvalidBpmnError:
    return bpmn_error(message, node.line)
