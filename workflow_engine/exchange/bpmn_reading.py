"""From the XML of a BPMN file to the model of its process. What the subset lacks is noted, all of it, and refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.checks.limits import MAX_BYTES as MAX_SCENARIO_BYTES
from workflow_engine.errors import Problem, quote
from workflow_engine.exchange.bpmn_elements import (
    EVENTS,
    FIXED_ATTRIBUTES,
    KINDS,
    REASONS,
    SILENT,
    SILENT_COLLABORATION,
    SILENT_DEFINITIONS,
)
from workflow_engine.exchange.bpmn_lanes import read_lanes
from workflow_engine.exchange.bpmn_model import Flow, Kind, Model, Node
from workflow_engine.exchange.bpmn_own import own_problems
from workflow_engine.exchange.errors import InvalidBpmnError, bpmn_error, refused
from workflow_engine.exchange.expressions import read_duration, read_expression
from workflow_engine.exchange.names import one_line
from workflow_engine.exchange.vocabulary import BPMN, OWN
from workflow_engine.exchange.xml_reading import Element
from workflow_engine.normalise import FINAL_STATES

MAX_NODES = 1_000
MAX_FLOWS = 2_000
"""A scenario has 256 states; gateways come on top."""

MAX_OWN_BYTES = 4 * MAX_SCENARIO_BYTES
"""Of lc:scenario; spaces and escapes do not count in a scenario."""

_ENDS = {"": ":success", "terminateEventDefinition": ":success", "errorEventDefinition": ":failed"}


def read_model(root: Element) -> Model:
    """Return the process in a BPMN file.

    Raises:
        InvalidBpmnError: It is no BPMN file, has no process or several, or elements outside the subset.
    """
    if (root.namespace, root.name) != (BPMN, "definitions"):
        message = f"This is not a BPMN 2.0 file: it starts with <{root.name[:64]}>, not with <definitions> of {BPMN}."
        raise bpmn_error(message, root.line)
    problems: list[Problem] = [*_foreign(root, SILENT_DEFINITIONS), *_extensions(root), *own_problems(root)]
    for collaboration in root.find("collaboration", BPMN):
        problems += _foreign(collaboration, SILENT_COLLABORATION)
        for participant in collaboration.find("participant", BPMN):
            problems += _foreign(participant, SILENT | {"interfaceRef", "endPointRef"})
    process = _only_process(root)
    problems += _foreign(process, SILENT | KINDS.keys() | {"supports", "supportedInterfaceRef"})
    nodes = _nodes(process, problems)
    flows = _flows(process, nodes, problems)
    scenario = _scenario(process, problems)
    names, lane_of = read_lanes(root, process, nodes, scenario, problems)
    if problems:
        raise InvalidBpmnError(problems)
    return Model(
        id=process.get("id") or "process",
        name=one_line(process.get("name") or ""),
        description=_documentation(process),
        nodes=_connected(nodes, flows),
        flows=flows,
        actors=names,
        lane_of=lane_of,
        scenario=scenario,
        line=process.line,
    )


def _only_process(root: Element) -> Element:
    processes = list(root.find("process", BPMN))
    if not processes:
        raise bpmn_error("The file holds no process.", root.line)
    if len(processes) > 1:
        message = (
            f"The file holds {len(processes)} processes. A scenario is one process that all parties share: "
            "draw one pool with a lane for each party."
        )
        raise bpmn_error(message, processes[1].line)
    return processes[0]


def _foreign(parent: Element, known: frozenset[str] | set[str]) -> Iterator[Problem]:
    """Yield what stands in an element of BPMN and cannot be translated. Elements of other namespaces are extensions."""
    for child in parent.children:
        if child.namespace == BPMN and child.name not in known:
            yield refused(f"{_named(child)} cannot be translated: {_reason(child)}.", child.line)


def _reason(element: Element) -> str:
    return REASONS.get(element.name, "it is not in the subset of BPMN that is read (docs/exchange.md)")


def _named(element: Element) -> str:
    """An element in a sentence: its kind in words, its name and id where it has them."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in element.name[:64])
    parts = [f"The {words}"]
    if name := one_line(element.get("name") or ""):
        parts.append(quote(name))
    if identifier := element.get("id"):
        parts.append(f"({identifier[:64]})")
    return " ".join(parts)


def _extensions(root: Element) -> Iterator[Problem]:
    for extension in root.find("extension", BPMN):
        if extension.get("mustUnderstand") == "true":
            yield refused("The file says that an extension of it must be understood; it is not.", extension.line)


def _documentation(element: Element) -> str | None:
    texts = [child.text.strip() for child in element.find("documentation", BPMN)]
    return "\n\n".join(text for text in texts if text) or None


def _nodes(process: Element, problems: list[Problem]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    found = [child for child in process.children if child.namespace == BPMN and child.name in KINDS]
    if len(found) > MAX_NODES:
        message = f"The process has {len(found)} nodes; at most {MAX_NODES} are read. Split it."
        raise bpmn_error(message, process.line)
    for element in found:
        identifier = element.get("id")
        if not identifier or identifier in nodes:
            what = "has no id" if not identifier else "has an id that another node has, too"
            problems.append(refused(f"{_named(element)} {what}; flows cannot name it.", element.line))
            continue
        nodes[identifier] = _node(element, identifier, problems)
    return nodes


def _node(element: Element, identifier: str, problems: list[Problem]) -> Node:
    definition = _event(element, problems)
    kind = KINDS[element.name]
    if definition is not None:
        kind = EVENTS[kind].get(definition.name, kind)
    for name, (value, why) in FIXED_ATTRIBUTES.items():
        given = element.get(name)
        if given is not None and given.strip() != value:
            problems.append(refused(f'{_named(element)} has {name}="{given[:32]}": {why}.', element.line))
    final = element.get("final", OWN)
    return Node(
        id=identifier,
        element=element.name,
        kind=kind,
        name=one_line(element.get("name") or ""),
        description=_documentation(element),
        line=element.line,
        action=element.get("action", OWN),
        state=element.get("state", OWN),
        final=(final or _ENDS.get(definition.name if definition else "", "")) if kind == "end" else "",
        ends_all=definition is not None or final not in (None, FINAL_STATES[0]),
        duration=read_duration(definition, _named(element), problems) if kind in ("timer", "timed") else None,
        host=element.get("attachedToRef") or "",
        default=element.get("default"),
        listed=tuple(child.text.strip() for child in element.find("outgoing", BPMN)),
    )


def _event(element: Element, problems: list[Problem]) -> Element | None:
    """Return the event definition of a node, and note what in the node cannot be translated."""
    kind: Kind = KINDS[element.name]
    allowed = EVENTS.get(kind)
    definitions = [
        child
        for child in element.children
        if child.namespace == BPMN and child.name.endswith(("EventDefinition", "eventDefinitionRef"))
    ]
    known = SILENT if allowed is None else SILENT | allowed.keys()
    problems += _foreign(element, known)
    if len(definitions) > 1:
        problems.append(refused(f"{_named(element)} has several triggers; give it one.", element.line))
    if kind in ("timer", "timed") and not definitions:
        problems.append(refused(f"{_named(element)} has no trigger; make it a timer.", element.line))
    return definitions[0] if definitions and allowed and definitions[0].name in allowed else None


def _flows(process: Element, nodes: Mapping[str, Node], problems: list[Problem]) -> dict[str, Flow]:
    flows: dict[str, Flow] = {}
    found = list(process.find("sequenceFlow", BPMN))
    if len(found) > MAX_FLOWS:
        message = f"The process has {len(found)} sequence flows; at most {MAX_FLOWS} are read. Split it."
        raise bpmn_error(message, process.line)
    noted = {child.get("id") for child in process.children if child.namespace == BPMN and child.name not in KINDS}
    for element in found:
        identifier = element.get("id")
        if not identifier or identifier in flows or identifier in nodes:
            problems.append(refused(f"{_named(element)} needs an id of its own.", element.line))
            continue
        ends = [element.get("sourceRef") or "", element.get("targetRef") or ""]
        if lost := [end for end in ends if end not in nodes]:
            if not noted.isdisjoint(lost):
                continue
            message = f"{_named(element)} is tied to {quote(lost[0])}, which is no node that can be translated."
            problems.append(refused(message, element.line))
            continue
        conditions = list(element.find("conditionExpression", BPMN))
        flows[identifier] = Flow(
            id=identifier,
            source=ends[0],
            target=ends[1],
            name=one_line(element.get("name") or ""),
            condition=read_expression(conditions[0], _named(element), problems) if conditions else None,
            response=element.get("response", OWN),
            stays=element.get("stays", OWN) == "true",
            line=element.line,
        )
    return flows


def _connected(nodes: Mapping[str, Node], flows: Mapping[str, Flow]) -> dict[str, Node]:
    """Return the nodes with the ids of their flows."""
    incoming: dict[str, list[str]] = {key: [] for key in nodes}
    outgoing: dict[str, list[str]] = {key: [] for key in nodes}
    for flow in flows.values():
        incoming[flow.target].append(flow.id)
        outgoing[flow.source].append(flow.id)
    return {
        key: replace(node, incoming=tuple(incoming[key]), outgoing=tuple(outgoing[key])) for key, node in nodes.items()
    }


_DRAWN = frozenset({"actions", "transitions"})
"""Members of a state that the drawing gives."""


def _scenario(process: Element, problems: list[Problem]) -> Mapping[str, Any]:
    """Return what `lc:scenario` says, or nothing."""
    texts = [
        child
        for extension in process.find("extensionElements", BPMN)
        for child in extension.children
        if (child.namespace, child.name) == (OWN, "scenario")
    ]
    if not texts:
        return {}
    try:
        value = strict_json.parse(texts[0].text.strip(), max_bytes=MAX_OWN_BYTES)
    except InvalidError as error:
        problems.append(refused(f"What stands in lc:scenario cannot be read: {error.message}.", texts[0].line))
        return {}
    found = [refused(message, texts[0].line) for message in _scenario_problems(value)]
    problems += found
    return {} if found else dict(value)


def _scenario_problems(value: Any) -> Iterator[str]:
    members = ("actors", "actions", "assets", "definitions", "states", "scenarios")
    if not isinstance(value, dict):
        yield "lc:scenario should hold a JSON object with members of a scenario."
        return
    for name in members:
        items = value.get(name, {})
        if not isinstance(items, dict) or (name in members[:2] and not all(map(_is_object, items.values()))):
            yield f'The member "{name}" of lc:scenario should be an object of objects by key.'
            return
    if "allow_actions" in value:
        yield "lc:scenario cannot allow actions in every state: the drawing says what may be done where."
    for key, state in value.get("states", {}).items():
        if not _is_object(state) or _DRAWN & state.keys():
            yield f"lc:scenario can give texts to the state {quote(key)}; actions and transitions are drawn."


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
