"""From a BPMN process to a scenario that allows exactly its runs (paper section 3.2).

Every marking that the token game can come to is a state, its tasks are the state's actions, its steps the transitions;
so parallel branches become the product of their states. Decision 0057 says why. A run is a sequence of actions with
their responses, and of deadlines.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks import check
from workflow_engine.errors import quote
from workflow_engine.exchange.bpmn_actions import Actions, read_actions
from workflow_engine.exchange.bpmn_model import Condition, Model, Node
from workflow_engine.exchange.bpmn_reading import read_model
from workflow_engine.exchange.bpmn_structure import structure_problems
from workflow_engine.exchange.errors import InvalidBpmnError, bpmn_error, refused
from workflow_engine.exchange.names import key_of, plain, unique
from workflow_engine.exchange.outcomes import outcome_problems
from workflow_engine.exchange.tokens import Exploration, Marking, Step, explore, waiting_nodes
from workflow_engine.exchange.xml_reading import parse_xml
from workflow_engine.normalise import FINAL_STATES, OWN_SCENARIO
from workflow_engine.operators import query
from workflow_engine.scenario import INITIAL_STATE, TIMEOUT


def bpmn_to_scenario(xml: bytes) -> dict[str, Any]:
    """Return the scenario that a BPMN 2.0 file describes.

    Args:
        xml: The file. Which elements are read is in `docs/exchange.md`.

    Raises:
        InvalidBpmnError: It is malformed, over a limit, not sound, or has what a scenario cannot do. Each finding names
            the element, its line and the reason.
    """
    model = read_model(parse_xml(xml))
    problems = structure_problems(model)
    if not problems:
        problems = list(outcome_problems(model))
    if problems:
        raise InvalidBpmnError(problems)
    game = explore(model)
    actions = read_actions(model)
    document = _document(model, game, actions)
    _check(document, model)
    return document


def _document(model: Model, game: Exploration, actions: Actions) -> dict[str, Any]:
    given = model.scenario
    keys = _state_keys(model, game)
    states = {keys[marking]: _state(model, actions, marking, steps, keys) for marking, steps in game.steps.items()}
    used = {step.leaf.final for steps in game.steps.values() for step in steps if step.leaf.final}
    used |= given.get("states", {}).keys() & FINAL_STATES
    _check_texts(model, {*states, *used})
    document = {
        "$schema": OWN_SCENARIO,
        "id": model.id,
        "title": model.name or None,
        "description": model.description,
        **given,
        "actors": {**{key: {"title": title} for key, title in model.actors.items()}, **given.get("actors", {})},
        "actions": {**given.get("actions", {}), **actions.documents},
        "states": {**states, **{key: _final(model, key) for key in sorted(used)}},
    }
    return {name: value for name, value in document.items() if value is not None}


def _state_keys(model: Model, game: Exploration) -> dict[Marking, str]:
    """Return the key of the state of each marking: the names of its nodes, with `+` between them."""
    keys = {game.initial: INITIAL_STATE}
    taken = {INITIAL_STATE, *(node.final for node in model.nodes.values() if node.final)}
    for marking in game.steps:
        if marking == game.initial:
            continue
        nodes = waiting_nodes(model, marking)
        wanted = "+".join(node.state or key_of(node.name) or node.id for node in nodes)
        keys[marking] = unique(wanted if len(wanted) <= _MAX_STATE_KEY else f"{wanted[:_MAX_STATE_KEY]}…", taken)
        taken.add(keys[marking])
    return keys


_MAX_STATE_KEY = 100
"""Characters of a key made of several; with a number it stays below what a scenario allows."""


def _state(
    model: Model, actions: Actions, marking: Marking, steps: tuple[Step, ...], keys: Mapping[Marking, str]
) -> dict[str, Any]:
    nodes = waiting_nodes(model, marking)
    found = list(dict.fromkeys(actions.key_of[step.node.id] for step in steps if not step.is_timeout))
    _check_side_by_side(nodes, steps, actions)
    duration = next((step.node.duration for step in steps if step.is_timeout), None)
    state = {
        "title": _title([node.name for node in nodes]),
        **_texts(model, keys[marking]),
        "actions": found or None,
        "transitions": list(_transitions(steps, actions, keys)),
    }
    state["timeout"] = duration or state.get("timeout")
    return {name: value for name, value in state.items() if value is not None}


def _title(names: list[str]) -> str | None:
    return plain(" / ".join(dict.fromkeys(name for name in names[:_MAX_NAMES] if name))) or None


_MAX_NAMES = 16
"""Names in a title, which is cut in any case."""


def _texts(model: Model, key: str) -> Mapping[str, Any]:
    """Return what `lc:scenario` says of a state."""
    texts: Mapping[str, Any] = model.scenario.get("states", {}).get(key, {})
    return texts


def _check_texts(model: Model, states: set[str]) -> None:
    for key in model.scenario.get("states", {}):
        if key not in states:
            close = difflib.get_close_matches(key[:64], sorted(states), n=1)
            advice = f" Did you mean {quote(close[0])}?" if close else ""
            message = f"lc:scenario has texts for the state {quote(key)}, which is not in the drawing.{advice}"
            raise bpmn_error(message, model.line)


def _final(model: Model, key: str) -> dict[str, Any]:
    state = {"title": _title([node.name for node in model.nodes.values() if node.final == key]), **_texts(model, key)}
    return {name: value for name, value in state.items() if value is not None}


def _transitions(steps: tuple[Step, ...], actions: Actions, keys: Mapping[Marking, str]) -> Iterator[dict[str, Any]]:
    for index, step in enumerate(steps):
        if step.leaf.stays:
            _check_stays(step, steps[index + 1 :])
            continue
        transition = {
            "action": TIMEOUT if step.is_timeout else actions.key_of[step.node.id],
            "response": step.response,
            "condition": _all_of(step.leaf.conditions, step.node),
            "transition": step.leaf.final or keys[step.leaf.marking],
        }
        yield {name: value for name, value in transition.items() if value is not None}


def _all_of(conditions: tuple[Condition, ...], node: Node) -> Condition | None:
    """Return one condition for several on one way; None for none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    texts = [item["<eval>"] for item in conditions if item.keys() == {"<eval>"} and isinstance(item["<eval>"], str)]
    if sum(map(len, texts)) > query.MAX_LENGTH:
        message = f"Behind {node.shown[4:]} so many gateways decide that their conditions are too long together."
        raise bpmn_error(message, node.line)
    if len(texts) < len(conditions):
        raise bpmn_error(
            f"Behind {node.shown[4:]} two gateways decide one after the other; their conditions can only be put "
            "together where each is a JMESPath expression.",
            node.line,
        )
    return {"<eval>": " && ".join(f"({text})" for text in texts)}


def _check_stays(step: Step, later: tuple[Step, ...]) -> None:
    """A way that stays is no transition, so no later transition may fit where it would."""
    for other in later:
        same_event = other.node is step.node and other.is_timeout == step.is_timeout
        same_response = other.response == step.response or None in (other.response, step.response)
        if same_event and same_response and not other.leaf.stays:
            raise bpmn_error(f"Behind {step.node.shown[4:]} the flow that stays has to be the last.", step.node.line)


def _check_side_by_side(nodes: tuple[Node, ...], steps: tuple[Step, ...], actions: Actions) -> None:
    """Refuse what a state cannot offer beside something else."""
    seen: dict[str, Node] = {}
    for node in dict.fromkeys(step.node for step in steps if not step.is_timeout):
        key = actions.key_of[node.id]
        if key in seen:
            message = f"{node.shown} stands for the action {quote(key)} while {seen[key].shown[4:]} does, too."
            raise bpmn_error(message, node.line)
        seen[key] = node
        if len(nodes) > 1 and actions.kind_of(key) not in ("manual", "nop"):
            raise bpmn_error(
                f"{node.shown} has effects outside and waits beside other tasks: a node would do it again whenever one "
                "of them is done. Put it before or behind the parallel part.",
                node.line,
            )


def _check(document: Mapping[str, Any], model: Model) -> None:
    """Refuse a scenario that this node would not take.

    What is wrong with it then is in `lc:scenario`, in the sizes, or in circles of service tasks.
    """
    errors = [problem for problem in check(document).problems if problem.severity == "error"]
    if errors:
        raise InvalidBpmnError(
            [refused(f"The scenario that this gives has an error: {p.message} ({p.path})", model.line) for p in errors]
        )
