"""Which data decides what may happen next, and which values of it can make a difference.

Conditions, actors, outcomes and timeouts that are instructions read places of the projection (`assets.offer.price`).
These places matter; so does what update instructions read to write them, and so on back to the data of responses. All
other data is left out of a configuration: it is shown, and decides nothing. With each place go the constants it is
compared with: the values at which an answer can change. Where nothing else is done with a value, only its position
among these constants matters (`position`).

Everything here errs on the side of keeping too much: an expression that is not understood makes more matter.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import paths, query
from workflow_engine.reading import is_instruction
from workflow_engine.scenario import AvailableResponse, Scenario

Place = tuple[str, ...]
"""Names from the root of the process: `("assets", "offer", "price")`; below `DATA`, in the data of a response."""

Read = tuple[Place, frozenset[Any]]
"""A place that is read, and the constants beside it."""

DATA: Place = ("current", "response", "data")


class Mark(Enum):
    """What else is noted among the constants of a place."""

    WHOLE = "whole"
    """The value itself matters, not only how it compares with the constants: it is calculated with, or written on."""


LINKED = frozenset({1, "a"})
"""Constants of two places that are compared with each other: with what is around them, less, equal and more occur."""

MAX_PLACES = 1_000
MAX_ROUNDS = 64
"""Where more matters, or is written by way of more places in turn, all data matters: nobody could tell it apart."""

_SELECTS_FROM_FIRST = frozenset(
    {"index_expression", "projection", "filter_projection", "value_projection", "flatten", "slice", "pipe"}
)
_NAME_IN_TEMPLATE = re.compile(r"\{\{\{?\s*[#^&]?\s*([^\s{}]+)")
_EVERYTHING: tuple[Place, ...] = (("assets",), ("actors",), ("title",), DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """What matters in a scenario.

    Attributes:
        places: Places below `assets`, `actors` and `title` that matter, with their constants. None of them lies below
            another.
        data: For each response (action, response), the places in its data that matter, with their constants.
        reads_history: An instruction reads `previous`.
        reads_actor: Actors, or a timeout, depend on who acted last.
        reads_time: An instruction that decides reads when a state was entered or is over.
    """

    places: Mapping[Place, frozenset[Any]]
    data: Mapping[tuple[str, str], Mapping[Place, frozenset[Any]]]
    reads_history: bool
    reads_actor: bool
    reads_time: bool


@dataclass(slots=True)
class _Found:
    """What has been found to matter so far."""

    actors: tuple[str, ...]
    places: dict[Place, set[Any]] = field(default_factory=dict)
    data: dict[tuple[str, str], dict[Place, set[Any]]] = field(default_factory=dict)
    others: set[Place] = field(default_factory=set)

    def note(self, read: Read, responses: Iterable[tuple[str, str]] = ()) -> bool:
        """Add what an instruction reads; tell whether that is news."""
        place, constants = read
        if place[:3] == DATA:
            return sum(_add(self.data.setdefault(key, {}), place[3:], constants) for key in responses) > 0
        if place and place[0] not in ("assets", "actors", "title", "current"):
            self.others.add(place)
            return False
        return sum(self._note(item, constants, responses) for item in self._spelled_out(place)) > 0

    def _note(self, place: Place, constants: Iterable[Any], responses: Iterable[tuple[str, str]]) -> bool:
        if place[:3] == DATA:
            return sum(_add(self.data.setdefault(key, {}), (), constants) for key in responses) > 0
        if place[0] == "current":
            self.others.add(place)
            return False
        return _add(self.places, place, constants)

    def _spelled_out(self, place: Place) -> Iterator[Place]:
        if not place:
            self.others.update({("previous",), ("current", "actor")})
            yield from _EVERYTHING
        elif place[:2] == ("current", "actor"):
            yield from (("actors", actor, *place[2:]) for actor in self.actors)
        elif place in (("current",), ("current", "response")):
            self.others.update({("current", "actor"), ("current", "due_date")})
            yield from (*(("actors", actor) for actor in self.actors), DATA)
        else:
            yield place


def relevance_of(scenario: Scenario, watched: Iterable[Any] = ()) -> Relevance:
    """Return what matters in a scenario.

    Args:
        scenario: Compiled.
        watched: Further conditions that are looked at in every configuration (properties, goals).
    """
    found = _Found(actors=tuple(scenario.actors))
    lasting = list(_lasting_reads(scenario))
    conditions = [*(action.condition for action in scenario.actions.values()), *watched]
    for read in (*lasting, *(read for item in conditions for read in reads_of_condition(item))):
        found.note(read)
    for key, reads in _reads_at_responses(scenario):
        for read in reads:
            found.note(read, [key])
    rounds = 0
    while _from_updates(found, scenario):
        rounds += 1
        if rounds > MAX_ROUNDS or len(found.places) > MAX_PLACES:
            found.places = {place: {Mark.WHOLE} for place in _EVERYTHING if place != DATA}
            found.data = {key: {(): {Mark.WHOLE}} for key in found.data}
            break
    names = {place for place, _ in lasting}
    return Relevance(
        places=_outermost(found.places),
        data={key: _outermost(places) for key, places in found.data.items()},
        reads_history=any(place[0] == "previous" for place in found.others) or _mentions_history(scenario),
        reads_actor=any(place[:2] == ("current", "actor") or not place for place in names),
        reads_time=any(place[1:2] in (("due_date",), ("entered",)) for place in found.others),
    )


def position(value: Any, constants: frozenset[Any]) -> Any:
    """Return of a number or text only where it stands among its constants, unless the value itself matters."""
    if Mark.WHOLE in constants or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    is_text = isinstance(value, str)
    fixed = sorted(item for item in constants if item is not Mark.WHOLE and isinstance(item, str) == is_text)
    return [is_text, bisect_left(fixed, value), value in fixed, value == ""]


def reads_of_condition(value: Any) -> list[Read]:
    """Return what a condition reads from the process; where it is one expression, comparisons are taken as such."""
    if isinstance(value, dict) and value.keys() == {"<eval>"} and isinstance(value["<eval>"], str):
        return reads_of_expression(value["<eval>"])
    return list(reads_of(value))


def reads_of(value: Any) -> Iterator[Read]:
    """Yield what the instructions in a value read from the process, as values that matter themselves."""
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            if is_instruction(part):
                yield from ((place, found | {Mark.WHOLE}) for place, found in _reads_of_node(part))
            todo.extend(part.values())


def _reads_of_node(node: Mapping[str, Any]) -> Iterator[Read]:
    constants = frozenset(_plain_constants(node))
    for operator in ("<ref>", "<ifset>", "<switch>"):
        if isinstance(node.get(operator), str):
            yield _as_place(node[operator]), constants
    inner = [read for item in node.values() if isinstance(item, (dict, list)) for read in reads_of(item)]
    yield from ((place, constants) for place, _ in inner)
    if isinstance(node.get("<eval>"), str):
        yield from ((place, found | constants) for place, found in reads_of_expression(node["<eval>"]))
    template = node.get("<tpl>")
    if isinstance(template, str):
        yield from ((_as_place(name), frozenset()) for name in _NAME_IN_TEMPLATE.findall(template))
    elif template is not None:
        yield (), frozenset()


def _as_place(path: str) -> Place:
    try:
        return _named(paths.parse(path))
    except InvalidInstructionError:
        return ()


def _named(place: Iterable[str]) -> Place:
    """Return a place up to the first item of a list: lists matter as wholes."""
    names: list[str] = []
    for name in place:
        if paths.item_index(name) is not None:
            break
        names.append(name)
    return tuple(names)


def _plain_constants(node: Mapping[str, Any]) -> Iterator[Any]:
    """Yield texts and numbers in an instruction that are no operator's own language."""
    todo: list[Any] = [item for name, item in node.items() if name not in ("<ref>", "<eval>", "<tpl>", "<ifset>")]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if isinstance(part.get("options"), dict):
                yield from part["options"]
            todo.extend(item for name, item in part.items() if name not in ("<ref>", "<eval>", "<tpl>", "<ifset>"))
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, (str, int, float)) and not isinstance(part, bool):
            yield part


def reads_of_expression(text: str) -> list[Read]:
    """Return what a JMESPath expression reads of its input; nothing where it cannot be parsed."""
    try:
        tree = query.parse(text)
    except InvalidInstructionError:
        return []
    found: list[Read] = []
    _collect(tree, frozenset((*_literals(tree), Mark.WHOLE)), found, is_asked=True)
    return found


def _collect(node: Mapping[str, Any], constants: frozenset[Any], found: list[Read], *, is_asked: bool = False) -> None:
    """Collect what a node reads.

    Args:
        node: Of the syntax tree.
        constants: What is beside it.
        found: Where it goes.
        is_asked: All that matters of the node's value is whether it is true.
    """
    kind, children = node["type"], [child for child in node.get("children", ()) if isinstance(child, dict)]
    if kind in ("field", "subexpression"):
        names, whole = _chain(node)
        if names or whole:
            found.append((_named(names), frozenset() if is_asked and whole else constants))
        else:
            _collect(children[0], constants, found)
    elif kind in ("current", "root"):
        found.append(((), constants))
    elif kind in _SELECTS_FROM_FIRST:
        _collect(children[0], constants, found)
    elif kind == "comparator":
        _collect_comparison(node, children, found)
    else:
        is_asked = is_asked and kind in ("or_expression", "and_expression", "not_expression")
        for child in children:
            _collect(child, constants, found, is_asked=is_asked)


def _collect_comparison(node: Mapping[str, Any], children: Sequence[Mapping[str, Any]], found: list[Read]) -> None:
    """Collect from a comparison: of one place with a literal that is no list or object, only the literal matters."""
    literals = frozenset(_literals(node))
    fixed = [child for child in children if child["type"] == "literal" and not isinstance(child["value"], (list, dict))]
    plain = [child for child in children if child["type"] in ("field", "subexpression") and _chain(child)[1]]
    if len(fixed) == len(plain) == 1:
        found.append((_named(_chain(plain[0])[0]), literals))
        return
    before = len(found)
    for child in children:
        _collect(child, literals | {Mark.WHOLE}, found)
    if len(found) - before > 1:
        found[before:] = [(place, known | LINKED) for place, known in found[before:]]


def _chain(node: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the plain names that a node starts with, and whether there is nothing else in it."""
    if node["type"] == "field":
        return [str(node["value"])], True
    if node["type"] == "root":
        return [], True
    if node["type"] != "subexpression":
        return [], False
    names: list[str] = []
    for child in node["children"]:
        inner, whole = _chain(child)
        names += inner
        if not whole:
            return names, False
    return names, True


def _literals(node: Mapping[str, Any]) -> Iterator[Any]:
    if node["type"] == "literal":
        value = node.get("value")
        items = value if isinstance(value, list) else [value]
        yield from (item for item in items if isinstance(item, (str, int, float)) and not isinstance(item, bool))
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _literals(child)


def _lasting_reads(scenario: Scenario) -> Iterator[Read]:
    """Yield what is read when a state is entered, with `current.actor` as whoever led there."""
    for action in scenario.actions.values():
        yield from reads_of(action.actors if not isinstance(action.actors, tuple) else None)
        yield from reads_of(action.properties.get("trigger_response"))
    for state in scenario.states.values():
        yield from reads_of(state.timeout)


def _reads_at_responses(scenario: Scenario) -> Iterator[tuple[tuple[str, str], list[Read]]]:
    """Yield what is read while a response is handled, by response."""
    for action in scenario.actions.values():
        chosen = list(reads_of(action.determine_response))
        for response in action.responses:
            yield (action.key, response), chosen
    for state in scenario.states.values():
        for transition in state.transitions:
            reads = reads_of_condition(transition.condition)
            for key in scenario.action_keys(state.key) if reads else ():
                known = scenario.actions.get(key)
                if known is None or transition.action not in (None, key):
                    continue
                for response in known.responses:
                    if transition.response in (None, response):
                        yield (key, response), reads


def _from_updates(found: _Found, scenario: Scenario) -> bool:
    """Go once from the places that matter back to what is written there; tell whether something was new."""
    news = False
    below: dict[Place, list[Place]] = {}
    for place in found.places:
        for length in range(len(place) + 1):
            below.setdefault(place[:length], []).append(place)
    for action in scenario.actions.values():
        for response in action.responses.values():
            for read in _sources(found, below, response):
                news |= found.note(read, [(action.key, response.key)])
    return news


def _sources(found: _Found, below: Mapping[Place, list[Place]], response: AvailableResponse) -> list[Read]:
    """Return what the updates of a response read in order to write a place that matters.

    Args:
        found: What matters so far.
        below: The places that matter, by every place that they are at or below.
        response: Its updates.
    """
    reads: list[Read] = []
    for instruction in response.update:
        for target in _targets(instruction.select, found.actors):
            above = (target[:length] for length in range(len(target)))
            for place in (*below.get(target, ()), *(item for item in above if item in found.places)):
                known = frozenset(found.places[place])
                if instruction.data is not None:
                    reads.extend((source, beside | known) for source, beside in reads_of(instruction.data))
                elif instruction.projection is not None:
                    inner = reads_of_expression(instruction.projection) or [((), frozenset())]
                    reads.extend(((*DATA, *source), beside | known | {Mark.WHOLE}) for source, beside in inner)
                else:
                    reads.append(((*DATA, *place[len(target) :]), known))
    return reads


def _targets(select: str, actors: tuple[str, ...]) -> list[Place]:
    place = tuple(select.removeprefix("$.").split("."))
    if place[:2] == ("current", "actor"):
        return [("actors", actor, *place[2:]) for actor in actors]
    return [place]


def _add(places: dict[Place, set[Any]], place: Place, constants: Iterable[Any]) -> bool:
    known = places.get(place)
    if known is None:
        places[place] = set(constants)
        return True
    size = len(known)
    known.update(constants)
    return len(known) > size


def _outermost(places: Mapping[Place, set[Any]]) -> dict[Place, frozenset[Any]]:
    """Return the places without those below another, whose constants go to the one above."""
    kept: dict[Place, set[Any]] = {}
    for place in sorted(places, key=lambda item: (len(item), item)):
        above = next((place[:length] for length in range(len(place)) if place[:length] in kept), None)
        if above is None:
            kept[place] = set(places[place])
        else:
            kept[above] |= places[place]
    return {place: frozenset(constants) for place, constants in kept.items()}


def _mentions_history(scenario: Scenario) -> bool:
    """Tell whether any text of the scenario might read the history: then it is kept while exploring."""
    todo: list[Any] = [scenario.normal_form["states"], scenario.normal_form["actions"]]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, str) and "previous" in part:
            return True
    return False
