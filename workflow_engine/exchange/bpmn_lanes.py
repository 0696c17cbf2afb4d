"""Lanes and pools of a BPMN file as actors: a lane is a role, its name is the actor's title."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.errors import Problem
from workflow_engine.exchange.bpmn_model import TASKS, Node
from workflow_engine.exchange.errors import refused
from workflow_engine.exchange.names import key_of, one_line
from workflow_engine.exchange.vocabulary import BPMN, OWN
from workflow_engine.exchange.xml_reading import Element


def read_lanes(
    root: Element,
    process: Element,
    nodes: Mapping[str, Node],
    scenario: Mapping[str, Any],
    problems: list[Problem],
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the titles of the actors by their keys, and the key of the actor by the id of each node.

    Lanes within lanes divide them, so the innermost count. Lanes of the same name are the same actor. A process
    without lanes has one actor, named by its pool, for the tasks that `lc:scenario` gives none.
    """
    titles: dict[str, str] = {}
    lane_of: dict[str, str] = {}
    for lane in (lane for lanes in process.find("laneSet", BPMN) for lane in _innermost(lanes)):
        key, title = _actor(lane)
        if not key:
            problems.append(refused("A lane needs a name: it says who does the tasks in it.", lane.line))
            continue
        titles.setdefault(key, title)
        for reference in lane.find("flowNodeRef", BPMN):
            node = reference.text.strip()
            if lane_of.setdefault(node, key) != key:
                problems.append(refused(f'The node "{node[:64]}" is in two lanes; put it into one.', reference.line))
    if not titles and (pool := _pool(root, process)) is not None:
        key, title = _actor(pool)
        alone = [node.id for node in nodes.values() if node.kind in TASKS and not names_actors(scenario, node)]
        if key and alone:
            return {key: title}, dict.fromkeys(alone, key)
    return titles, lane_of


def names_actors(scenario: Mapping[str, Any], node: Node) -> bool:
    """Tell whether `lc:scenario` says who does a task."""
    return not {"actors", "actor"}.isdisjoint(scenario.get("actions", {}).get(node.action, {}))


def _innermost(lanes: Element) -> Iterator[Element]:
    """Yield the lanes of a set that are not divided, without recursion (the reader bounds the depth)."""
    waiting = list(lanes.find("lane", BPMN))
    while waiting:
        lane = waiting.pop(0)
        inner = [child for inner_set in lane.find("childLaneSet", BPMN) for child in inner_set.find("lane", BPMN)]
        if inner:
            waiting = [*inner, *waiting]
        else:
            yield lane


def _actor(element: Element) -> tuple[str, str]:
    title = one_line(element.get("name") or "")
    return element.get("actor", OWN) or key_of(title), title


def _pool(root: Element, process: Element) -> Element | None:
    """Return the participant whose process this is, or None."""
    wanted = process.get("id")
    for collaboration in root.find("collaboration", BPMN):
        for participant in collaboration.find("participant", BPMN):
            reference = participant.get("processRef") or ""
            if wanted and reference.rpartition(":")[2] == wanted:
                return participant
    return None
