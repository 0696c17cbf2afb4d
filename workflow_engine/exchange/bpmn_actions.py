"""The tasks of a BPMN process as actions of a scenario."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.action_kinds import action_kind
from workflow_engine.errors import Problem, quote
from workflow_engine.exchange.bpmn_model import TASKS, Model, Node
from workflow_engine.exchange.errors import InvalidBpmnError, refused
from workflow_engine.exchange.names import key_of, unique
from workflow_engine.exchange.outcomes import given_action, response_keys, response_of
from workflow_engine.exchange.vocabulary import ERROR


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions of a process.

    Attributes:
        documents: Each action as a scenario has it, by its key.
        key_of: Its key by the id of the task.
    """

    documents: Mapping[str, Mapping[str, Any]]
    key_of: Mapping[str, str]

    def kind_of(self, key: str) -> str:
        """Return what runs an action: `manual`, `http`, `nop` or `event`."""
        schema = self.documents[key].get("$schema")
        return action_kind(schema) if isinstance(schema, str) else "manual"


def read_actions(model: Model) -> Actions:
    """Return the actions that the tasks stand for.

    A task with `lc:action` stands for that action of `lc:scenario`, or for one of that key. Another one is named after
    its task.

    Raises:
        InvalidBpmnError: A service task does not say what a node does, or does not say what follows a failure.
    """
    problems: list[Problem] = []
    documents: dict[str, Mapping[str, Any]] = {}
    key_by_node: dict[str, str] = {}
    taken = {*model.scenario.get("actions", {}), *(node.action for node in model.nodes.values() if node.action)}
    for node in model.nodes.values():
        if node.kind not in TASKS:
            continue
        key = node.action or unique(key_of(node.name) or node.id, taken)
        taken.add(key)
        problems += [*_service_problems(model, node), *_lane_problems(model, node)]
        document = _action(model, node)
        if documents.setdefault(key, document) != document and not given_action(model, node):
            message = (
                f"{node.shown} stands for the action {quote(key)}, as another task does that differs from it. Describe "
                "the action in lc:scenario."
            )
            problems.append(refused(message, node.line))
        key_by_node[node.id] = key
    if problems:
        raise InvalidBpmnError(problems)
    return Actions(documents, key_by_node)


def _action(model: Model, node: Node) -> dict[str, Any]:
    given = given_action(model, node)
    title, description = (None, None) if given else (node.name or node.id, node.description)
    action: dict[str, Any] = {"title": title, "description": description, **given}
    if not given.keys() & {"actors", "actor"}:
        action["actors"] = [model.lane_of[node.id]]
    if not given.get("responses"):
        action["responses"] = {key: _response(model, node, key) for key in response_keys(model, node)}
    if "ok" not in action["responses"]:
        action.setdefault("default_response", _default(model, node))
    return {name: value for name, value in action.items() if value is not None}


def _response(model: Model, node: Node, key: str) -> dict[str, Any]:
    """Return a response, with the name of its flow as its title."""
    failing = model.boundary(node, "failing")
    if key == ERROR and failing is not None:
        return {"title": failing.name} if failing.name else {}
    gateway = model.outcome_gateway(node)
    flows = [model.flows[flow] for flow in gateway.outgoing] if gateway else []
    title = next((flow.name for flow in flows if response_of(flow) == key), "")
    return {"title": title} if title else {}


def _default(model: Model, node: Node) -> str:
    """Return the response of the default flow of the gateway behind a task, else the first."""
    gateway = model.outcome_gateway(node)
    if gateway is not None and gateway.default is not None:
        return response_of(model.flows[gateway.default])
    return response_keys(model, node)[0]


def _lane_problems(model: Model, node: Node) -> Iterator[Problem]:
    """Yield that a task stands in the lane of somebody who may not do it, as after it was moved."""
    given = given_action(model, node)
    listed, lane = given.get("actors", given.get("actor")), model.lane_of.get(node.id)
    listed = [listed] if isinstance(listed, str) else listed
    if isinstance(listed, list) and listed and lane is not None and lane not in listed:
        message = f"{node.shown} is in the lane of {quote(lane)}, whom lc:scenario does not let do it."
        yield refused(message, node.line)


def _service_problems(model: Model, node: Node) -> list[Problem]:
    given = given_action(model, node)
    schema = given.get("$schema")
    kind = action_kind(schema) if isinstance(schema, str) else "manual"
    if node.kind == "service" and kind == "manual":
        message = (
            f"{node.shown} does not say what a node does. Describe an action of the kind http, nop or event in "
            "lc:scenario, and name it with lc:action."
        )
        return [refused(message, node.line)]
    if node.kind == "person" and kind != "manual":
        message = f"{node.shown} is done by a person, and stands for an action that a node does: draw a service task."
        return [refused(message, node.line)]
    if kind == "http" and not given.get("responses") and ERROR not in response_keys(model, node):
        message = f"{node.shown} can fail, and nothing says what follows: put an error event on its border."
        return [refused(message, node.line)]
    return []
