"""What a scenario looks like in BPMN: nodes and arrows, without places. Pure.

A state is where its token waits: at the task of its only action, or at an event-based gateway that the tasks of its
actions follow (receive tasks, as BPMN wants them there). A deadline is a timer: on the border of the only task, behind
the gateway, or alone. Behind a task an exclusive gateway tells the responses apart, and behind each response
another one the conditions. A response after which the process stays leads back over a flow that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workflow_engine.errors import quote
from workflow_engine.exchange.bpmn_reading import MAX_FLOWS, MAX_NODES
from workflow_engine.exchange.errors import NotExportableError
from workflow_engine.exchange.moves import Move, condition_text, has_deadline, moves_of, reachable_states, text_of
from workflow_engine.exchange.names import plain
from workflow_engine.exchange.vocabulary import ERROR
from workflow_engine.normalise import FINAL_STATES
from workflow_engine.scenario import INITIAL_STATE, Action, Scenario, State

Definition = Literal["", "timer", "error", "terminate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node to be drawn.

    Attributes:
        id: Identifier in the document.
        element: Name of its element (`userTask`).
        name: For people, or "".
        lane: Key of the actor in whose lane it stands; "" where there are no actors.
        definition: What makes an event special, or "".
        duration: Of a timer: ISO 8601 text, or an instruction.
        host: Id of the task that a boundary event is on, or "".
        action: Key of the action that it stands for, or None.
        state: Key of the state in which its token waits, or None.
        final: Key of the final state, where the kind of end event does not say it; or None.
    """

    id: str
    element: str
    name: str
    lane: str
    definition: Definition = ""
    duration: Any = None
    host: str = ""
    action: str | None = None
    state: str | None = None
    final: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A sequence flow to be drawn.

    Attributes:
        id: Identifier in the document.
        source: Id of the box it leaves.
        target: Id of the box it leads to.
        name: For people, or "".
        condition: Instruction, or None.
        is_default: What the gateway takes where no condition holds.
        response: Key of the response that it stands for, or None.
        stays: It leads back without entering the state anew.
    """

    id: str
    source: str
    target: str
    name: str = ""
    condition: Any | None = None
    is_default: bool = False
    response: str | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything to be drawn, in the order in which tokens come to it."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def draw(scenario: Scenario) -> Drawing:
    """Return the drawing of the states of a scenario that can be reached.

    Raises:
        NotExportableError: A state can neither be left nor is final, or the drawing is larger than what is read.
    """
    pen = _Pen(scenario)
    states = [scenario.states[key] for key in reachable_states(scenario)]
    start = pen.box("startEvent", "", _first_lane(scenario))
    for state in states:
        pen.entries[state.key] = _entry(pen, state)
    pen.arrow(start, pen.entries[INITIAL_STATE])
    for state in states:
        if not state.is_final:
            _moves(pen, state)
        if len(pen.boxes) > MAX_NODES or len(pen.arrows) > MAX_FLOWS:
            raise NotExportableError(
                f"The drawing would have more than {MAX_NODES} nodes or {MAX_FLOWS} flows.",
                hint="Mermaid, SCXML and Graphviz have no such limit.",
            )
    return Drawing(tuple(pen.boxes), tuple(pen.arrows))


@dataclass
class _Pen:
    """What is drawn already; gives identifiers."""

    scenario: Scenario
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    entries: dict[str, str] = field(default_factory=dict)

    def box(self, element: str, name: str, lane: str, **more: Any) -> str:
        kind = next(word for word in ("Event", "Gateway", "Task") if element.endswith(word))
        identifier = f"{kind}_{len(self.boxes) + 1}"
        self.boxes.append(Box(id=identifier, element=element, name=plain(name), lane=lane, **more))
        return identifier

    def arrow(self, source: str, target: str, **more: Any) -> None:
        self.arrows.append(Arrow(id=f"Flow_{len(self.arrows) + 1}", source=source, target=target, **more))


def _first_lane(scenario: Scenario) -> str:
    actions = scenario.action_keys(INITIAL_STATE)
    return _lane(scenario, scenario.actions[actions[0]] if actions else None)


def _lane(scenario: Scenario, action: Action | None) -> str:
    """Return the first actor of an action, else the first of the scenario."""
    listed = action.actors if action is not None and isinstance(action.actors, tuple) else ()
    return next(iter(listed), min(scenario.actors, default=""))


def _entry(pen: _Pen, state: State) -> str:
    """Draw where the token of a state waits."""
    scenario, title = pen.scenario, text_of(state.title, state.key)
    if state.is_final:
        return _end(pen, state.key, title)
    actions = scenario.action_keys(state.key)
    if len(actions) == 1:
        action = scenario.actions[actions[0]]
        element = "userTask" if action.kind == "manual" else "serviceTask"
        name, lane = text_of(action.title, action.key), _lane(scenario, action)
        return pen.box(element, name, lane, action=action.key, state=state.key)
    lane = _lane(scenario, scenario.actions[actions[0]] if actions else None)
    if actions:
        return pen.box("eventBasedGateway", title, lane, state=state.key)
    if has_deadline(state):
        timer: dict[str, Any] = {"definition": "timer", "duration": state.timeout}
        return pen.box("intermediateCatchEvent", title, lane, state=state.key, **timer)
    raise NotExportableError(
        f"In the state {quote(state.key)} nothing can be done, and it is not final: BPMN has nothing like it.",
        path=f"$.states.{state.key}",
    )


def _end(pen: _Pen, key: str, title: str) -> str:
    lane = pen.boxes[0].lane
    if key == FINAL_STATES[0]:
        return pen.box("endEvent", title, lane)
    if key == FINAL_STATES[1]:
        return pen.box("endEvent", title, lane, definition="error")
    return pen.box("endEvent", title, lane, definition="terminate", final=key)


def _moves(pen: _Pen, state: State) -> None:
    """Draw what can happen in a state."""
    scenario, entry = pen.scenario, pen.entries[state.key]
    moves = moves_of(scenario, state)
    actions = scenario.action_keys(state.key)
    for key in actions:
        action, task = scenario.actions[key], entry
        if len(actions) > 1:
            task = pen.box("receiveTask", text_of(action.title, key), _lane(scenario, action), action=key)
            pen.arrow(entry, task)
        _responses(pen, action, task, [move for move in moves if move.action == key])
    deadline = [move for move in moves if move.is_timeout]
    if deadline:
        _follow(pen, _timer(pen, state, entry, len(actions)), deadline, entry, "", None)


def _timer(pen: _Pen, state: State, entry: str, actions: int) -> str:
    """Draw the timer of a state, and return its id."""
    if actions == 0:
        return entry
    lane = next(box.lane for box in pen.boxes if box.id == entry)
    name = state.timeout if isinstance(state.timeout, str) else ""
    timer: dict[str, Any] = {"definition": "timer", "duration": state.timeout}
    if actions == 1:
        return pen.box("boundaryEvent", name, lane, host=entry, **timer)
    event = pen.box("intermediateCatchEvent", name, lane, **timer)
    pen.arrow(entry, event)
    return event


def _responses(pen: _Pen, action: Action, task: str, moves: list[Move]) -> None:
    """Draw what follows a task."""
    entry = pen.entries[moves[0].state]
    ways = {key: [move for move in moves if move.response == key] for key in sorted(action.responses)}
    drawn = next(box for box in pen.boxes if box.id == task)
    if drawn.element == "serviceTask" and ERROR in ways and len(ways) > 1:
        title = text_of(action.responses[ERROR].title, "")
        event = pen.box("boundaryEvent", title, drawn.lane, definition="error", host=task)
        _follow(pen, event, ways.pop(ERROR), entry, "", None)
    if len({tuple((condition_text(move.condition), move.target) for move in way) for way in ways.values()}) == 1:
        _follow(pen, task, next(iter(ways.values())), entry, "", None)
        return
    gateway = pen.box("exclusiveGateway", "", drawn.lane)
    pen.arrow(task, gateway)
    for key, way in ways.items():
        _follow(pen, gateway, way, entry, text_of(action.responses[key].title, key), key)


def _follow(pen: _Pen, source: str, moves: list[Move], entry: str, name: str, response: str | None) -> None:
    """Draw from a source to where its moves lead, with a gateway where conditions decide."""
    if len(moves) > 1:
        lane = next(box.lane for box in pen.boxes if box.id == source)
        gateway = pen.box("exclusiveGateway", "", lane)
        pen.arrow(source, gateway, name=plain(name), response=response)
        source, name, response = gateway, "", None
    for move in moves:
        stays = move.target is None
        pen.arrow(
            source,
            entry if move.target is None else pen.entries[move.target],
            name=plain(name if move.condition is None else condition_text(move.condition)),
            condition=move.condition,
            is_default=len(moves) > 1 and move.condition is None,
            response=response,
            stays=stays,
        )
