"""A scenario as a BPMN 2.0 file with its layout (BPMN 2.0.2, clause 12), which `bpmn_import` reads back.

What BPMN has no word for (data, forms, texts, keys) stands in `lc:scenario`, as JSON, and in attributes of our
namespace. States that cannot be reached are left out.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.errors import quote
from workflow_engine.exchange.bpmn_drawing import Arrow, Box, Drawing, draw
from workflow_engine.exchange.errors import NotExportableError
from workflow_engine.exchange.layout import Bounds, Layout, lay_out
from workflow_engine.exchange.moves import has_deadline, reachable_states, text_of
from workflow_engine.exchange.names import plain
from workflow_engine.exchange.vocabulary import BPMN, BPMNDI, DC, DI, INSTRUCTION, OWN, XSI
from workflow_engine.exchange.xml_writing import Tag, is_carried, write_xml
from workflow_engine.scenario import Scenario

_PROCESS = "Process_1"
_POOL = "Participant_1"


def scenario_to_bpmn(scenario: Scenario) -> str:
    """Return the file.

    Raises:
        NotExportableError: A state can neither be left nor is final, a key holds characters that XML lacks, or the
            drawing would be larger than what `bpmn_to_scenario` reads.
    """
    _check_keys(scenario)
    drawing = draw(scenario)
    lanes = sorted(scenario.actors)
    layout = lay_out(drawing, lanes)
    title = plain(scenario.title or scenario.name or "Scenario")
    attributes = {
        "xmlns:bpmn": BPMN,
        "xmlns:bpmndi": BPMNDI,
        "xmlns:dc": DC,
        "xmlns:di": DI,
        "xmlns:xsi": XSI,
        "xmlns:lc": OWN,
        "id": "Definitions_1",
        "targetNamespace": OWN,
    }
    pool = Tag("bpmn:participant", {"id": _POOL, "name": title, "processRef": _PROCESS})
    content = [
        Tag("bpmn:collaboration", {"id": "Collaboration_1"}, [pool]),
        _process(scenario, drawing, lanes, title),
        _diagram(drawing, layout, lanes),
    ]
    return write_xml(Tag("bpmn:definitions", attributes, content))


def _check_keys(scenario: Scenario) -> None:
    responses = [name for action in scenario.actions.values() for name in action.responses]
    for key in (*scenario.states, *scenario.actions, *scenario.actors, *responses):
        if not is_carried(key):
            raise NotExportableError(f"The key {quote(key)} holds characters that XML cannot carry. Rename it.")


def _process(scenario: Scenario, drawing: Drawing, lanes: list[str], title: str) -> Tag:
    own = Tag("lc:scenario", {}, json.dumps(_beside(scenario), sort_keys=True))
    content = [Tag("bpmn:extensionElements", {}, [own])]
    if lanes:
        content.append(
            Tag("bpmn:laneSet", {"id": "LaneSet_1"}, [_lane(scenario, drawing, key, i) for i, key in enumerate(lanes)])
        )
    content += [_box(box, drawing) for box in drawing.boxes]
    content += [_arrow(arrow) for arrow in drawing.arrows]
    return Tag("bpmn:process", {"id": _PROCESS, "name": title, "isExecutable": "false"}, content)


_DRAWN = ("states", "allow_actions")
"""Members of a scenario that the drawing carries."""


def _beside(scenario: Scenario) -> dict[str, Any]:
    """Return what the drawing does not carry: the scenario without its machine."""
    form = scenario.normal_form
    kept = {name: value for name, value in form.items() if name not in _DRAWN}
    kept["actions"] = {key: _present(action) for key, action in form["actions"].items()}
    kept["states"] = {key: dict(_texts(scenario, key)) for key in reachable_states(scenario)}
    return kept


def _present(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action without the members that are null, which is the same as absent."""
    kept = {name: value for name, value in action.items() if value is not None}
    kept["responses"] = {
        key: {name: value for name, value in response.items() if value is not None}
        for key, response in action["responses"].items()
    }
    return kept


def _texts(scenario: Scenario, key: str) -> Iterator[tuple[str, Any]]:
    deadline = has_deadline(scenario.states[key])
    for name, value in scenario.normal_form["states"][key].items():
        is_drawn = name in ("actions", "transitions") or (name == "timeout" and deadline)
        if name == "title" or (not is_drawn and value not in (None, {})):
            yield name, value


def _lane(scenario: Scenario, drawing: Drawing, key: str, index: int) -> Tag:
    title = plain(text_of(scenario.actors[key].title, key))
    nodes = [Tag("bpmn:flowNodeRef", {}, box.id) for box in drawing.boxes if box.lane == key]
    return Tag("bpmn:lane", {"id": f"Lane_{index + 1}", "name": title, "lc:actor": key}, nodes)


def _box(box: Box, drawing: Drawing) -> Tag:
    default = next((arrow.id for arrow in drawing.arrows if arrow.source == box.id and arrow.is_default), None)
    attributes = {
        "id": box.id,
        "name": box.name or None,
        "attachedToRef": box.host or None,
        "default": default,
        "lc:action": box.action,
        "lc:state": box.state,
        "lc:final": box.final,
    }
    content = [Tag("bpmn:incoming", {}, arrow.id) for arrow in drawing.arrows if arrow.target == box.id]
    content += [Tag("bpmn:outgoing", {}, arrow.id) for arrow in drawing.arrows if arrow.source == box.id]
    if box.definition:
        duration = [_expression("bpmn:timeDuration", box.duration)] if box.definition == "timer" else []
        content.append(Tag(f"bpmn:{box.definition}EventDefinition", {"id": f"{box.id}_definition"}, duration))
    return Tag(f"bpmn:{box.element}", attributes, content)


def _arrow(arrow: Arrow) -> Tag:
    attributes = {
        "id": arrow.id,
        "name": arrow.name or None,
        "sourceRef": arrow.source,
        "targetRef": arrow.target,
        "lc:response": arrow.response,
        "lc:stays": "true" if arrow.stays else None,
    }
    condition = [] if arrow.condition is None else [_expression("bpmn:conditionExpression", arrow.condition)]
    return Tag("bpmn:sequenceFlow", attributes, condition)


def _expression(name: str, value: Any) -> Tag:
    """Return an expression element: text as it is, a plain `<eval>` as its expression, else the instruction as JSON."""
    attributes: dict[str, str | None] = {"xsi:type": "bpmn:tFormalExpression"}
    if isinstance(value, str):
        return Tag(name, attributes, value)
    text = value.get("<eval>") if value.keys() == {"<eval>"} else None
    is_plain = isinstance(text, str) and text == text.strip() and text[:1] not in ("", "{") and is_carried(text)
    return Tag(name, {**attributes, "language": INSTRUCTION}, str(text) if is_plain else json.dumps(value))


def _diagram(drawing: Drawing, layout: Layout, lanes: list[str]) -> Tag:
    shapes = [_shape(_POOL, layout.pool, {"isHorizontal": "true"})]
    shapes += [_shape(f"Lane_{i + 1}", layout.lanes[key], {"isHorizontal": "true"}) for i, key in enumerate(lanes)]
    for box in drawing.boxes:
        marker = {"isMarkerVisible": "true"} if box.element == "exclusiveGateway" else {}
        shapes.append(_shape(box.id, layout.boxes[box.id], marker))
    edges = [
        Tag(
            "bpmndi:BPMNEdge",
            {"id": f"{arrow.id}_di", "bpmnElement": arrow.id},
            [Tag("di:waypoint", {"x": str(x), "y": str(y)}) for x, y in layout.arrows[arrow.id]],
        )
        for arrow in drawing.arrows
    ]
    plane = Tag("bpmndi:BPMNPlane", {"id": "Plane_1", "bpmnElement": "Collaboration_1"}, [*shapes, *edges])
    return Tag("bpmndi:BPMNDiagram", {"id": "Diagram_1"}, [plane])


def _shape(element: str, bounds: Bounds, more: Mapping[str, str]) -> Tag:
    place = {name: str(getattr(bounds, name)) for name in ("x", "y", "width", "height")}
    return Tag("bpmndi:BPMNShape", {"id": f"{element}_di", "bpmnElement": element, **more}, [Tag("dc:Bounds", place)])
