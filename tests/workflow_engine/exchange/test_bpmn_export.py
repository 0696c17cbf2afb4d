"""A scenario as BPMN: read back it is the same machine, and its drawing can be looked at."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree  # type: ignore[import-untyped]  # it has no types
from hypothesis import assume, given, settings

from tests.workflow_engine.samples import ORDER
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.exchange.bpmn_export import scenario_to_bpmn
from workflow_engine.exchange.bpmn_import import bpmn_to_scenario
from workflow_engine.exchange.errors import NotExportableError
from workflow_engine.exchange.moves import moves_of
from workflow_engine.scenario import Scenario

from .machines import SCENARIOS, assert_same_machine
from .test_bpmn_soundness import refused
from .texts import NASTY, nasty_scenario

LIBRARY = sorted((Path(__file__).parents[3] / "scenarios" / "library").glob("*.json"))
NAMESPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}


def library(path: Path) -> Scenario:
    return load(json.loads(path.read_text("utf-8")))


def read_back(scenario: Scenario) -> Scenario:
    return load(bpmn_to_scenario(scenario_to_bpmn(scenario).encode()))


# --- Round trip -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_scenario_of_the_library_is_the_same_but_for_how_its_transitions_are_written(path: Path) -> None:
    scenario = library(path)
    back = read_back(scenario)
    for name, value in scenario.normal_form.items():
        if name != "states":
            assert back.normal_form[name] == value
    for key, state in scenario.states.items():
        other = back.states[key]
        assert _bare(other) == _bare(state)
        assert moves_of(back, other) == moves_of(scenario, state)


def _bare(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__slots__ if name != "transitions"}


def test_scenario_with_every_transition_written_out_keeps_its_id() -> None:
    for name in ("nda", "signing"):
        scenario = library(next(path for path in LIBRARY if path.stem == name))
        assert read_back(scenario).id == scenario.id


def test_scenario_of_the_other_dialect_stays_in_it() -> None:
    document = {
        "$schema": "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#",
        "actors": {"a": {}},
        "actions": {"go": {"actor": "a", "responses": {"ok": {}, "no": {}}}},
        "states": {"initial": {"action": "go", "transitions": [{"response": "ok", "transition": ":success"}]}},
    }
    back = read_back(load(document))
    assert back.normal_form["$schema"] == document["$schema"]
    assert assert_same_machine(load(document), back) == 3


@pytest.mark.slow
@settings(max_examples=25)
@given(SCENARIOS)
def test_scenario_read_back_is_the_same_machine(document: dict[str, Any]) -> None:
    assume(check(document).valid)
    scenario = load(document)
    try:
        xml = scenario_to_bpmn(scenario)
    except NotExportableError:
        assume(False)
    refusal = refused(xml.encode())
    if refusal is None:
        assert_same_machine(scenario, load(bpmn_to_scenario(xml.encode())))
    else:  # a drawing that can come to where it never ends is not sound; a scenario may
        assert "the process never ends" in refusal


@pytest.mark.parametrize("text", NASTY)
def test_names_of_strangers_are_carried_as_they_are(text: str) -> None:
    scenario = load(nasty_scenario(text))
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text):
        with pytest.raises(NotExportableError, match="characters that XML cannot carry"):
            scenario_to_bpmn(scenario)
        scenario = load(nasty_scenario(text, in_keys=False))
    back = read_back(scenario)
    assert back.normal_form["actions"] == scenario.normal_form["actions"]
    assert back.normal_form["actors"] == scenario.normal_form["actors"]
    assert back.states.keys() == scenario.states.keys()
    assert_same_machine(scenario, back)


def test_same_scenario_gives_the_same_bytes() -> None:
    assert scenario_to_bpmn(load(ORDER)) == scenario_to_bpmn(load(json.loads(json.dumps(ORDER, sort_keys=True))))


def test_state_that_nothing_can_be_done_in_is_not_exported() -> None:
    document = {**ORDER, "states": {**ORDER["states"], "notifying": {"transition": ":success"}}}
    with pytest.raises(NotExportableError, match="nothing can be done") as caught:
        scenario_to_bpmn(load(document))
    assert caught.value.path == "$.states.notifying"


def test_drawing_that_nothing_could_read_back_is_not_made() -> None:
    actions = {f"a{number}": {"actor": "buyer"} for number in range(200)}
    moves = [{"action": key, "transition": "next"} for key in actions]
    states = {f"s{number}": {"actions": list(actions), "transition": f"s{number + 1}"} for number in range(1, 9)} | {
        "initial": {"actions": list(actions), "transitions": [*moves[:0], {"transition": "s1"}]},
        "s9": {},
    }
    document = {"$schema": ORDER["$schema"], "actors": {"buyer": {}}, "actions": actions, "states": states}
    with pytest.raises(NotExportableError, match="more than 1000 nodes"):
        scenario_to_bpmn(load(document))


# --- The file ---------------------------------------------------------------------------------------------------------

ORDER_OF_CHILDREN = [
    "extensionElements", "incoming", "outgoing", "laneSet", "timerEventDefinition", "errorEventDefinition",
    "terminateEventDefinition",
]  # fmt: skip
"""As the schema of BPMN wants the children of a process and of nodes."""


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_file_is_of_the_form_of_the_schema(path: Path) -> None:
    root = ElementTree.fromstring(scenario_to_bpmn(library(path)))
    assert root.get("targetNamespace")
    identifiers = [item.get("id") for item in root.iter() if item.get("id")]
    assert len(identifiers) == len(set(identifiers))
    process = root.find("bpmn:process", NAMESPACES)
    for item in process:
        names = [child.tag.rpartition("}")[2] for child in item]
        assert names == sorted(
            names, key=lambda name: ORDER_OF_CHILDREN.index(name) if name in ORDER_OF_CHILDREN else 9
        )
        for reference in ("sourceRef", "targetRef", "attachedToRef", "default"):
            assert item.get(reference) is None or item.get(reference) in identifiers
    drawn = [item.get("bpmnElement") for item in root.iter() if item.get("bpmnElement")]
    assert sorted(drawn) == sorted({*drawn})
    assert {item.get("id") for item in process if item.get("id")} - {"LaneSet_1"} <= set(drawn)


# --- The layout -------------------------------------------------------------------------------------------------------

Box = tuple[int, int, int, int]
Point = tuple[int, int]


def boxes_of(root: Any) -> dict[str, Box]:
    return {
        shape.get("bpmnElement"): tuple(
            int(shape.find("dc:Bounds", NAMESPACES).get(name)) for name in ("x", "y", "width", "height")
        )
        for shape in root.iter(f"{{{NAMESPACES['bpmndi']}}}BPMNShape")
    }  # type: ignore[return-value]  # four numbers


def overlap(one: Box, other: Box) -> bool:
    (x, y, width, height), (left, top, wide, high) = one, other
    return x < left + wide and left < x + width and y < top + high and top < y + height


def inside(one: Box, other: Box) -> bool:
    (x, y, width, height), (left, top, wide, high) = one, other
    return left <= x and top <= y and x + width <= left + wide and y + height <= top + high


def on_border(point: Point, box: Box) -> bool:
    (px, py), (x, y, width, height) = point, box
    return (px in (x, x + width) and y <= py <= y + height) or (py in (y, y + height) and x <= px <= x + width)


def assert_drawn_well(xml: str) -> int:
    root = ElementTree.fromstring(xml)
    boxes = boxes_of(root)
    process = root.find("bpmn:process", NAMESPACES)
    nodes = {item.get("id"): item for item in process if item.get("id") in boxes}
    hosts = {key: item.get("attachedToRef") for key, item in nodes.items()}
    lanes = {lane.get("id"): lane for lane in process.iter(f"{{{NAMESPACES['bpmn']}}}lane")}
    for one in nodes:
        for other in nodes:
            if one < other and hosts[one] != other and hosts[other] != one:
                assert not overlap(boxes[one], boxes[other]), (one, other)
    for lane, item in lanes.items():
        assert inside(boxes[lane], boxes["Participant_1"])
        for node in item.findall("bpmn:flowNodeRef", NAMESPACES):
            assert inside(boxes[node.text], boxes[lane])
    assert not any(overlap(boxes[one], boxes[other]) for one in lanes for other in lanes if one < other)
    flows = {item.get("id"): item for item in process if item.get("sourceRef")}
    edges = list(root.iter(f"{{{NAMESPACES['bpmndi']}}}BPMNEdge"))
    assert {edge.get("bpmnElement") for edge in edges} == flows.keys()
    for edge in edges:
        flow = flows[edge.get("bpmnElement")]
        points = [(int(item.get("x")), int(item.get("y"))) for item in edge.findall("di:waypoint", NAMESPACES)]
        assert on_border(points[0], boxes[flow.get("sourceRef")])
        assert on_border(points[-1], boxes[flow.get("targetRef")])
        for (x, y), (left, top) in pairwise(points):
            assert x == left or y == top
            segment = (min(x, left), min(y, top), abs(x - left), abs(y - top))
            for key in nodes:
                assert not crosses(segment, boxes[key]), (flow.get("id"), key)
    return len(edges)


def crosses(segment: Box, box: Box) -> bool:
    """Tell whether a line goes through the inside of a box."""
    x, y, width, height = box
    return overlap((segment[0], segment[1], segment[2] or 1, segment[3] or 1), (x + 1, y + 1, width - 2, height - 2))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_nothing_lies_over_a_box_and_arrows_lead_from_border_to_border(path: Path) -> None:
    assert assert_drawn_well(scenario_to_bpmn(library(path))) > 10


@pytest.mark.slow
@settings(max_examples=15)
@given(SCENARIOS)
def test_random_scenario_is_drawn_well(document: dict[str, Any]) -> None:
    assume(check(document).valid)
    try:
        xml = scenario_to_bpmn(load(document))
    except NotExportableError:
        assume(False)
    assert assert_drawn_well(xml) > 0
