"""What must hold of a BPMN process before tokens are played through it. Each rule yields findings; pure."""

from collections.abc import Iterator

import networkx as nx

from workflow_engine.errors import Problem, quote
from workflow_engine.exchange.bpmn_lanes import names_actors
from workflow_engine.exchange.bpmn_model import BOUNDARIES, TASKS, Model, Node
from workflow_engine.exchange.errors import refused
from workflow_engine.exchange.outcomes import response_of
from workflow_engine.exchange.vocabulary import ERROR
from workflow_engine.scenario import INITIAL_STATE


def structure_problems(model: Model) -> list[Problem]:
    """Return everything that keeps tokens from being played through a process."""
    rules = (_one_start, _ends_of_nodes, _boundaries, _choices, _decisions, _conditions, _circles, _actors)
    return [problem for rule in rules for problem in rule(model)]


def _one_start(model: Model) -> Iterator[Problem]:
    starts = [node for node in model.nodes.values() if node.kind == "start"]
    if not starts:
        yield refused("The process has no start event, so nobody knows where it begins.", model.line)
    for extra in starts[1:]:
        yield refused(f"{extra.shown} is a second start: a scenario begins in one state.", extra.line)


def _ends_of_nodes(model: Model) -> Iterator[Problem]:
    behind_choice = {
        model.flows[flow].target for node in model.nodes.values() if node.kind == "choice" for flow in node.outgoing
    }
    for node in model.nodes.values():
        no_entry = node.kind == "start" or node.kind in BOUNDARIES
        if no_entry and node.incoming:
            yield refused(f"{node.shown} cannot be reached by a sequence flow.", node.line)
        if not no_entry and not node.incoming:
            yield refused(f"{node.shown} is never reached: no sequence flow leads to it.", node.line)
        if node.final == INITIAL_STATE:
            yield refused(f"{node.shown} cannot lead to {quote(INITIAL_STATE)}, the first state.", node.line)
        if node.kind == "end" and node.outgoing:
            yield refused(f"{node.shown} cannot be left by a sequence flow.", node.line)
        if node.kind != "end" and not node.outgoing:
            yield refused(f"{node.shown} leads nowhere: draw a sequence flow to an end event.", node.line)
        if node.id in behind_choice and len(node.incoming) > 1:
            yield refused(f"{node.shown} follows an event-based gateway, so no other flow can lead to it.", node.line)


def _boundaries(model: Model) -> Iterator[Problem]:
    for host, events in model.boundaries.items():
        task = model.nodes.get(host)
        if task is None or task.kind not in TASKS:
            for event in events:
                yield refused(f"{event.shown} is attached to {quote(host)}, which is no task.", event.line)
            continue
        if any(model.nodes[model.flows[flow].source].kind == "choice" for flow in task.incoming):
            yield refused(f"{task.shown} follows an event-based gateway, so it can have no boundary event.", task.line)
        kinds = [event.kind for event in events]
        for kind, what in (("timed", "timers"), ("failing", "error events")):
            if kinds.count(kind) > 1:  # type: ignore[arg-type]  # both are kinds
                yield refused(f"{task.shown} has several {what} on its border; a scenario has one.", task.line)


def _choices(model: Model) -> Iterator[Problem]:
    for node in model.nodes.values():
        if node.kind != "choice":
            continue
        targets = [model.target(flow) for flow in node.outgoing]
        for target in targets:
            if target.kind not in ("receive", "timer"):
                yield refused(f"{target.shown} cannot follow an event-based gateway: draw a receive task.", target.line)
        if sum(target.kind == "timer" for target in targets) > 1:
            yield refused(f"{node.shown} has several timers; a state has one deadline.", node.line)


def _decisions(model: Model) -> Iterator[Problem]:
    """An exclusive gateway decides by responses, or by conditions with a default flow."""
    for node in model.nodes.values():
        if node.kind != "exclusive" or len(node.outgoing) < 2:
            continue
        if model.names_outcomes(node):
            yield from _outcomes(model, node)
            continue
        if node.default not in node.outgoing:
            yield refused(
                f"{node.shown} has no default flow: where no condition holds, the process would be stuck. Mark one.",
                node.line,
            )
        conditioned = [flow for flow in node.outgoing if flow != node.default]
        for flow in conditioned:
            if model.flows[flow].condition is None:
                message = f"{model.flows[flow].shown} has no condition, while others of its gateway have."
                yield refused(message, model.flows[flow].line)
        listed = [flow for flow in node.listed if flow in conditioned]
        if sorted(listed) == sorted(conditioned) and listed != conditioned:
            yield refused(
                f"{node.shown} lists its flows in another order than they stand in the file, and engines differ in "
                "which one they try first. Bring them into one order.",
                node.line,
            )


def _outcomes(model: Model, gateway: Node) -> Iterator[Problem]:
    tasks = [model.nodes[model.flows[flow].source] for flow in gateway.incoming]
    if len(tasks) != 1 or model.outcome_gateway(tasks[0]) is not gateway:
        yield refused(
            f"{gateway.shown} has no conditions, and is not directly behind one task whose responses it could tell "
            "apart. Write conditions, or put it behind the task.",
            gateway.line,
        )
        return
    if model.boundary(tasks[0], "failing") is None:
        return
    for flow in gateway.outgoing:
        if response_of(model.flows[flow]) == ERROR:
            message = f"{model.flows[flow].shown} means the response error, which the boundary event takes."
            yield refused(message, model.flows[flow].line)


def _conditions(model: Model) -> Iterator[Problem]:
    for flow in model.flows.values():
        source = model.nodes[flow.source]
        if flow.condition is not None and (source.kind != "exclusive" or len(source.outgoing) < 2):
            message = f"{flow.shown} has a condition, and leaves no exclusive gateway with a choice. Draw one."
            yield refused(message, flow.line)
        if flow.response is not None and not model.names_outcomes(source):
            message = f"{flow.shown} names a response (lc:response), and is not behind a gateway of responses."
            yield refused(message, flow.line)
        if flow.condition is not None and source.default == flow.id:
            yield refused(f"{flow.shown} is the default of its gateway, so it can have no condition.", flow.line)
    for node in model.nodes.values():
        if node.default is not None and node.kind != "exclusive":
            yield refused(f"{node.shown} has a default flow; only exclusive gateways can.", node.line)
        elif node.default is not None and node.default not in node.outgoing:
            yield refused(f"{node.shown} has a default flow that does not leave it.", node.line)


def _circles(model: Model) -> Iterator[Problem]:
    """Gateways alone in a circle would pass tokens around without anybody doing anything."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for flow in model.flows.values():
        if all(model.nodes[end].kind in ("exclusive", "parallel") for end in (flow.source, flow.target)):
            graph.add_edge(flow.source, flow.target)
    order = {key: index for index, key in enumerate(model.nodes)}
    for group in nx.strongly_connected_components(graph):
        if len(group) > 1 or any(graph.has_edge(key, key) for key in group):
            node = model.nodes[min(group, key=order.__getitem__)]
            yield refused(f"{node.shown} stands in a circle of gateways without a task.", node.line)


def _actors(model: Model) -> Iterator[Problem]:
    for node in model.nodes.values():
        if node.kind in TASKS and node.id not in model.lane_of and not names_actors(model.scenario, node):
            yield refused(f"{node.shown} is in no lane: nobody knows who does it. Draw lanes.", node.line)
