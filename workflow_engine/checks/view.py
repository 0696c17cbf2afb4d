"""A scenario as the rules look at it: its normal form, and the graph of its states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workflow_engine.action_kinds import action_kind
from workflow_engine.errors import Path
from workflow_engine.normalise import FINAL_STATES, OWN_SCENARIO
from workflow_engine.old_spellings import OLD_OPERATORS
from workflow_engine.reading import is_operator
from workflow_engine.sub_processes.naming import ERROR, response_key

INITIAL = "initial"
TIMEOUT = ":timeout"


@dataclass(frozen=True)
class Edge:
    """A transition that can be taken, conditions ignored.

    Attributes:
        source: Key of the state it leaves.
        index: Its place in the state's transitions.
        target: Key of the state it leads to.
        is_system: A system action can take it.
    """

    source: str
    index: int
    target: str
    is_system: bool


@dataclass(frozen=True)
class View:
    """One scenario (the document itself, or one embedded in it).

    Attributes:
        form: Its normal form.
        shared: Assets that the scenario around it hands over or looks at in the end.
    """

    form: Mapping[str, Any]
    shared: frozenset[str] = frozenset()

    @property
    def is_own(self) -> bool:
        """Tell whether it is of our dialect."""
        return bool(self.form["$schema"] == OWN_SCENARIO)

    @property
    def states(self) -> Mapping[str, Any]:
        """The states by key."""
        found: Mapping[str, Any] = self.form["states"]
        return found

    @property
    def actions(self) -> Mapping[str, Any]:
        """The actions by key."""
        found: Mapping[str, Any] = self.form["actions"]
        return found

    def is_final(self, key: str) -> bool:
        """Tell whether a process ends in a state."""
        state = self.states[key]
        return key in FINAL_STATES or not (state["actions"] or state["transitions"])

    def is_system(self, action: str) -> bool:
        """Tell whether an action is run by a node."""
        form = self.actions[action]
        return bool(form["system"]) if self.is_own else action_kind(form["$schema"]) != "manual"

    def schedule_of(self, action: str) -> Mapping[str, Any] | None:
        """Return the schedule of an action; the other dialect has none, whatever it calls one."""
        found: Mapping[str, Any] | None = self.actions[action].get("schedule") if self.is_own else None
        return found

    def is_polled(self, action: str) -> bool:
        """Tell whether a node runs an action again and again, so that a response may lead nowhere."""
        schedule = self.schedule_of(action)
        return schedule is not None and schedule["every"] is not None

    def steps_of(self, action: str) -> list[tuple[int, Mapping[str, Any], str]]:
        """Return the steps of a sequence with their places and kinds; of every other action none."""
        form = self.actions[action]
        steps = form.get("steps") if action_kind(form["$schema"]) == "sequence" else None
        given = [(place, step) for place, step in enumerate(steps if isinstance(steps, list) else ())]
        return [(place, step, action_kind(str(step.get("$schema")))) for place, step in given if isinstance(step, dict)]

    def available(self, key: str) -> list[str]:
        """Return the actions that exist and may be done in a state, its own first."""
        if self.is_final(key):
            return []
        names = dict.fromkeys((*self.states[key]["actions"], *self.form["allow_actions"]))
        return [name for name in names if name in self.actions]

    @cached_property
    def edges(self) -> Mapping[str, tuple[Edge, ...]]:
        """The transitions that can be taken, by the state they leave."""
        return {key: tuple(self._edges_of(key)) for key in self.states}

    def _edges_of(self, key: str) -> Iterator[Edge]:
        state, available = self.states[key], self.available(key)
        system = [action for action in available if self.is_system(action)]
        if key in FINAL_STATES:
            return
        for index, transition in enumerate(state["transitions"]):
            target, action = transition["transition"], transition["action"]
            if target not in self.states or transition["condition"] is False:
                continue
            if action is None:
                takers, by_system = available, system
            elif action == TIMEOUT:
                takers, by_system = [TIMEOUT] if state["timeout"] is not None else [], []
            else:
                takers, by_system = [name for name in available if name == action], system
            response = transition["response"]
            takers = [name for name in takers if name == TIMEOUT or self.can_answer(name, response)]
            if takers:
                yield Edge(
                    key, index, target, any(name in by_system and self._by_nodes(name, response) for name in takers)
                )

    def can_answer(self, action: str, response: str | None) -> bool:
        """Tell whether an action can have a response."""
        return response is None or response in self.actions[action]["responses"]

    def _by_nodes(self, action: str, response: str | None) -> bool:
        """Tell whether nodes alone can come to a response of a system action: not where a person ends a sub-process."""
        inner = self.inner_of(action)
        if inner is None or response in (None, ERROR):
            return True
        ends = inner.ends_by_nodes
        return any(response_key(self.actions[action]["responses"], state) == response for state in ends)

    @property
    def embedded(self) -> Mapping[str, Any]:
        """The embedded scenarios by key."""
        found: Mapping[str, Any] = self.form.get("scenarios", {}) if self.is_own else {}
        return found

    def is_sub_process(self, action: str) -> bool:
        """Tell whether an action is a sub-process."""
        return action_kind(self.actions[action]["$schema"]) == "sub-process"

    def inner_of(self, action: str) -> "View | None":
        """Return the scenario that an action runs as a sub-process; None for every other action."""
        key = self.actions[action].get("scenario") if self.is_sub_process(action) else None
        return self.inner.get(key) if isinstance(key, str) else None

    @cached_property
    def inner(self) -> Mapping[str, "View"]:
        """The embedded scenarios by key, as the rules look at them."""
        return {key: View(form, self._shared_with(key, form)) for key, form in self.embedded.items()}

    def _shared_with(self, key: str, form: Mapping[str, Any]) -> frozenset[str]:
        shared: set[str] = set()
        for name, action in self.actions.items():
            if not self.is_sub_process(name) or action.get("scenario") != key:
                continue
            handed, result = action.get("assets"), action.get("result")
            shared.update(handed if isinstance(handed, Mapping) else ())
            shared.update(asset for asset in form["assets"] if result is None or asset in str(result))
        return frozenset(shared)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The states that can be reached from the initial one."""
        return self._closure({key: [edge.target for edge in edges] for key, edges in self.edges.items()}, [INITIAL])

    @cached_property
    def can_end(self) -> frozenset[str]:
        """The states from which a final one can be reached."""
        back: dict[str, list[str]] = {key: [] for key in self.states}
        for edges in self.edges.values():
            for edge in edges:
                back[edge.target].append(edge.source)
        return self._closure(back, [key for key in self.states if self.is_final(key)])

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """The final states that can be reached."""
        return tuple(key for key in self.states if key in self.reachable and self.is_final(key))

    @cached_property
    def ends_by_nodes(self) -> tuple[str, ...]:
        """The final states that nodes alone can come to."""
        graph = {key: [edge.target for edge in edges if edge.is_system] for key, edges in self.edges.items()}
        found = self._closure(graph, [INITIAL])
        return tuple(key for key in self.states if key in found and self.is_final(key))

    @cached_property
    def sub_process_count(self) -> int:
        """How many sub-processes a process can come to, with theirs, without being in a state twice."""
        runs = {
            name: (schedule["max"] if (schedule := self.schedule_of(name)) and schedule["every"] is not None else 1)
            for name in self.actions
        }
        each = {name: inner.sub_process_count for name in self.actions if (inner := self.inner_of(name)) is not None}
        return sum(runs[name] * (1 + each[name]) for key in self.states for name in self.available(key) if name in each)

    def _closure(self, graph: Mapping[str, list[str]], start: list[str]) -> frozenset[str]:
        found = {key for key in start if key in self.states}
        todo = list(found)
        while todo:
            for target in graph[todo.pop()]:
                if target not in found:
                    found.add(target)
                    todo.append(target)
        return frozenset(found)

    @cached_property
    def instructions(self) -> tuple[tuple[Path, Mapping[str, Any]], ...]:
        """Every data instruction, with its place."""
        return tuple(found for place, value in self._evaluated() for found in _instructions_in(value, place))

    def _evaluated(self) -> Iterator[tuple[Path, Any]]:
        """Yield the parts of a scenario that are evaluated: everything but keys, schemas and constants."""
        for key, state in self.states.items():
            yield ("states", key), {name: value for name, value in state.items() if name != "actions"}
        for key, action in self.actions.items():
            yield ("actions", key), {name: value for name, value in action.items() if name != "responses"}
            for name, response in action["responses"].items():
                place = ("actions", key, "responses", name)
                yield place, {part: response[part] for part in ("title", "update")}
        yield ("properties",), self.form.get("properties", ()) if self.is_own else ()


def _instructions_in(value: Any, place: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    todo = [(place, value)]
    while todo:
        where, part = todo.pop()
        if isinstance(part, dict):
            if any(is_operator(key) or key in OLD_OPERATORS for key in part):
                yield where, part
            todo.extend(((*where, key), item) for key, item in part.items())
        elif isinstance(part, list):
            todo.extend(((*where, index), item) for index, item in enumerate(part))
