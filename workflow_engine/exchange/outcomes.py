"""The responses of a task: named by the flows of the gateway behind it, by its action, or just `ok`. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.errors import Problem, quote
from workflow_engine.exchange.bpmn_model import TASKS, Flow, Model, Node
from workflow_engine.exchange.errors import refused
from workflow_engine.exchange.names import key_of
from workflow_engine.exchange.vocabulary import ERROR

Way = tuple[str | None, tuple[str, ...]]
"""A response, or None for any, and the flows that tokens leave by."""


def given_action(model: Model, node: Node) -> Mapping[str, Any]:
    """Return what `lc:scenario` says of the action of a task."""
    action: Mapping[str, Any] = model.scenario.get("actions", {}).get(node.action, {})
    return action


def response_of(flow: Flow) -> str:
    """Return the key of the response that a flow behind a task stands for; "" where it has no name."""
    return flow.response or key_of(flow.name)


def response_keys(model: Model, node: Node) -> tuple[str, ...]:
    """Return the keys of the responses of a task, in the order of the drawing."""
    gateway = model.outcome_gateway(node)
    given = given_action(model, node).get("responses")
    if gateway is not None:
        keys = [response_of(model.flows[flow]) for flow in gateway.outgoing]
    elif isinstance(given, Mapping) and given:
        keys = list(given)
    else:
        keys = ["ok"]
    error = [ERROR] if model.boundary(node, "failing") else []
    return tuple(dict.fromkeys([*keys, *error]))


def responses_of(model: Model, node: Node) -> Iterator[Way]:
    """Yield the ways in which a task can be left by its responses."""
    failing = model.boundary(node, "failing")
    gateway = model.outcome_gateway(node)
    if gateway is not None:
        for flow in gateway.outgoing:
            yield response_of(model.flows[flow]), (flow,)
    elif failing is None:
        yield None, node.outgoing
    else:
        for key in response_keys(model, node):
            if key != ERROR:
                yield key, node.outgoing
    if failing is not None:
        yield ERROR, failing.outgoing


def outcome_problems(model: Model) -> Iterator[Problem]:
    """Yield what is wrong with the names of responses."""
    for node in model.nodes.values():
        if node.kind not in TASKS:
            continue
        gateway = model.outcome_gateway(node)
        flows = [model.flows[flow] for flow in gateway.outgoing] if gateway else []
        seen: set[str] = set()
        for flow in flows:
            key = response_of(flow)
            if not key:
                message = f"{flow.shown} has neither a name nor a condition: nobody knows when it is taken."
                yield refused(message, flow.line)
            elif key in seen:
                yield refused(f"{flow.shown} has the same name as another flow of its gateway.", flow.line)
            seen.add(key)
        given = given_action(model, node).get("responses")
        if isinstance(given, Mapping) and given and set(given) != set(response_keys(model, node)):
            drawn = ", ".join(quote(key) for key in response_keys(model, node))
            message = f"{node.shown} has other responses in lc:scenario than in the drawing, which has {drawn}."
            yield refused(message, node.line)
