"""Exploring a scenario with the real machine: the shortest ways to everything that a test can come to.

Breadth first over configurations (state and projection), beginning with few example data and going on with more of them
where something is missing. Everybody may act, every response is given, and time runs out where it can. The number of
configurations is bounded; what was not reached is told with the reason.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidError, LiveContractError
from eventchain.core.hashing import sha256
from workflow_engine import simulate
from workflow_engine.due import due
from workflow_engine.errors import InvalidDataError, quote
from workflow_engine.process import Process, identity_of
from workflow_engine.reading import is_instruction, is_operator
from workflow_engine.scenario import TIMEOUT, AvailableResponse, Scenario
from workflow_engine.schema import Validator
from workflow_engine.testing.coverage import Item, Key, items, state_reached, step_reached
from workflow_engine.testing.examples import examples
from workflow_engine.testing.running import IsOver, never

MAX_CONFIGURATIONS = 2_000

TRIES = 10
"""Responses that are tried for each configuration of the bound, on average; one takes about a millisecond."""

MAX_WEIGHT = 128 * 1024 * 1024
"""Bytes of the processes that are kept: scenarios of strangers can double a text with every step."""

VARIETY = (2, 12)
"""Example data for one response, in the first round and in the second."""

UNWRITABLE = "A line\vand another"
"""A text that no document can hold: a line break as word processors copy it, which XML does not know."""

_MAX_HINTS = 32
_LITERAL = re.compile(r"`([^`]{1,100})`|'([^']{0,100})'")

Response = dict[str, Any]
"""As `livecontract scenario simulate` takes it."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A configuration on the shortest way to it.

    Attributes:
        process: What stands there.
        moment: When the next response is given, in milliseconds since 1970.
        before: The configuration before it, or None at the start.
        response: What led here from there.
        reached: What that step and this state come to.
    """

    process: Process
    moment: int
    before: "Node | None"
    response: Response | None
    reached: frozenset[Key]

    def way(self) -> list["Node"]:
        """Return the configurations from the start to this one."""
        found: list[Node] = [self]
        while found[-1].before is not None:
            found.append(found[-1].before)
        return found[::-1]


@dataclass(slots=True)
class Exploration:
    """What an exploration found.

    Attributes:
        scenario: What was explored.
        first: For each item that was reached, the first configuration that did.
        refused: The last refusal of each action in each state.
        configurations: How many were looked at.
        tried: How many responses were tried.
        bounded: Whether the bound ended it.
    """

    scenario: Scenario
    first: dict[Key, Node] = field(default_factory=dict)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    configurations: int = 0
    tried: int = 0
    bounded: bool = False

    def missing(self) -> list[tuple[Item, str]]:
        """Return what was not reached, each with the reason."""
        return [(item, self._reason(item)) for item in items(self.scenario) if item.key not in self.first]

    def _reason(self, item: Item) -> str:
        bound = f" within {self.configurations} configurations" if self.bounded else ""
        if item.kind == "transition" and isinstance(item.key[1], str) and isinstance(item.key[2], int):
            return self._no_transition(item.key[1], item.key[2], bound)
        if item.kind == "state":
            return f"no transition that leads there is taken{bound}"
        if item.kind == "response":
            action = str(item.key[1])
            said = next((why for (_, key), why in sorted(self.refused.items()) if key == action), None)
            return f"it was always refused: {said}" if said else f"nobody can give it{bound}"
        return f"no example data makes it so{bound}"

    def _no_transition(self, state: str, index: int, bound: str) -> str:
        transition = self.scenario.states[state].transitions[index]
        if ("state", state) not in self.first:
            return f"the state {quote(state)} is not reached{bound}"
        if (state, transition.action or "") in self.refused:
            return f"the action was refused: {self.refused[state, transition.action or '']}"
        if transition.condition is not True:
            return f"its condition is not met by any example data{bound}"
        return f"its action is not possible there, or another transition is taken before it{bound}"


def explore(scenario: Scenario, bound: int = MAX_CONFIGURATIONS, is_over: IsOver = never) -> Exploration:
    """Explore a scenario.

    Args:
        scenario: What is explored.
        bound: Configurations that are looked at.
        is_over: Asked before each configuration whether the time for it is over.

    Raises:
        LiveContractError: It cannot even start.
    """
    hints = hints_of(scenario)
    found = Exploration(scenario)
    wanted = {item.key for item in items(scenario)}
    for variety in VARIETY:
        _search(found, _Offers(scenario, hints, variety), wanted, bound, is_over)
        if wanted <= found.first.keys():
            break
    return found


def _search(found: Exploration, offers: "_Offers", wanted: set[Key], bound: int, is_over: IsOver) -> None:
    start = simulate.start(found.scenario)
    root = Node(start, simulate.START, None, None, frozenset(state_reached(start)))
    seen, waiting, weight = {_name(start)[0]}, deque([root]), 0
    _note(found, root)
    looked_at, most = 0, found.tried + TRIES * bound
    while waiting and not wanted <= found.first.keys():
        if looked_at >= bound or found.tried >= most or weight > MAX_WEIGHT or is_over():
            found.bounded = True
            break
        node = waiting.popleft()
        looked_at += 1
        for following in _followers(found, node, offers):
            _note(found, following)
            name, size = _name(following.process)
            if name not in seen:
                seen.add(name)
                weight += size
                waiting.append(following)
    found.configurations = max(found.configurations, looked_at)


def _note(found: Exploration, node: Node) -> None:
    for key in sorted(node.reached, key=repr):  # the order of a set differs from run to run
        found.first.setdefault(key, node)


def _name(process: Process) -> tuple[bytes, int]:
    """Return a name of what decides how a process can go on, and how many bytes that has."""
    form = {"state": process.current.key, "title": process.title, "actors": process.actors, "assets": process.assets}
    data = canonical_json.encode(form)
    return sha256(data), len(data)


def _followers(found: Exploration, node: Node, offers: "_Offers") -> Iterator[Node]:
    before = node.process
    for response in offers.of(before):
        found.tried += 1
        moment = response.get("at", node.moment)
        try:
            after = simulate.respond(before, response, moment)
        except LiveContractError as error:
            found.refused[before.current.key, response["action"]] = error.message
            continue
        reached = frozenset(step_reached(before, after) | state_reached(after))
        yield Node(after, moment + simulate.STEP, node, response, reached)


# --- What may be tried ------------------------------------------------------------------------------------------------


class _Offers:
    """The responses that are tried, with their example data made once."""

    def __init__(self, scenario: Scenario, hints: Sequence[Any], variety: int) -> None:
        self._hints, self._variety = hints, variety
        self._writes = any(action.kind == "document" for action in scenario.actions.values())
        self._data = {
            (action.key, key): self._examples(scenario, response)
            for action in scenario.actions.values()
            for key, response in action.responses.items()
        }

    def of(self, process: Process) -> Iterator[Response]:
        """Yield the responses that are tried on a process."""
        for key in process.available:
            action = process.scenario.actions[key]
            for actor in process.current.actions[key]["actors"]:
                if identity_of(process.actors[actor]) is None:
                    continue
                for response in action.responses:
                    for data in self._data[key, response]:
                        given = {"actor": actor, "action": key, "response": response}
                        yield given if data is None else {**given, "data": data}
        for task in due(process):
            if task.action == TIMEOUT:
                yield {"actor": task.actor, "action": TIMEOUT, "at": task.not_before}

    def _examples(self, scenario: Scenario, response: AvailableResponse) -> list[Any]:
        """Return data for a response: of its own schema, else of what it is written to."""
        if response.schema is not None:
            found = examples(response.schema, self._hints, self._variety)
            return [*found, *_unwritable(response.schema, found)] if self._writes else found
        for update in response.update:
            kind, _, key = update.select.partition(".")
            if update.data is None and update.projection is None and kind == "assets" and key in scenario.assets:
                return [None, *examples(scenario.assets[key].schema, self._hints, self._variety)]
        return [None]


def _unwritable(schema: Validator, found: Sequence[Any]) -> Iterator[Any]:
    """Yield the first example with texts that no document can hold, wherever the schema takes them."""
    if not found or not isinstance(found[0], dict):
        return
    changed = dict(found[0])
    for name in [name for name, value in found[0].items() if isinstance(value, str)]:
        try:
            schema.validate({**changed, name: UNWRITABLE})
        except InvalidDataError:
            continue
        changed[name] = UNWRITABLE
    if changed != found[0]:
        yield changed


def hints_of(scenario: Scenario) -> list[Any]:
    """Return the scalars that the conditions of a scenario compare with, in a fixed order."""
    conditions = [action.condition for action in scenario.actions.values()]
    conditions += [item.condition for state in scenario.states.values() for item in state.transitions]
    found: dict[str, Any] = {}
    for condition in conditions:
        for scalar in _scalars(condition):
            if scalar is not None and not isinstance(scalar, bool) and len(found) < _MAX_HINTS:
                found.setdefault(repr(scalar), scalar)
    return list(found.values())


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if is_operator(key) and isinstance(item, str):
                yield from _literals(item)
            else:
                yield from _scalars(item)
        if is_instruction(value) and isinstance(value.get("options"), Mapping):
            yield from value["options"]
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    else:
        yield value


def _literals(expression: str) -> Iterator[Any]:
    """Yield the scalars that stand in a JMESPath expression: in backticks, as JSON, and in single quotes."""
    for literal, text in _LITERAL.findall(expression):
        try:
            value = strict_json.parse(literal) if literal else text
        except InvalidError:
            continue
        if not isinstance(value, (list, dict)):
            yield value
