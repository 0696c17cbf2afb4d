"""Which data decides what may happen next, and which values of it can make a difference.

Conditions, actors, outcomes and timeouts that are instructions read places of the projection (`assets.offer.price`).
These places matter; so does what update instructions read to write them, and so on back to the data of responses. All
other data is left out of a configuration: it is shown, and decides nothing. With each place go the constants it is
compared with: the values at which an answer can change. Where nothing else is done with a value, only its position
among these constants matters (`position`).

Everything here errs on the side of keeping too much: an expression that is not understood makes more matter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow_engine.model.reads import (
    COUNTED,
    DATA,
    Mark,
    Place,
    Read,
    reads_of,
    reads_of_condition,
    reads_of_expression,
)
from workflow_engine.reading import is_instruction
from workflow_engine.scenario import AvailableResponse, Scenario

MAX_PLACES = 1_000
MAX_ROUNDS = 64
"""Where more matters, or is written by way of more places in turn, all data matters: nobody could tell it apart."""

_EVERYTHING: tuple[Place, ...] = (("assets",), ("actors",), ("title",), DATA)

_ORIGIN: Place = ("current", "response", "origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """What matters in a scenario.

    Attributes:
        places: Places below `assets`, `actors` and `title` that matter, with their constants. None of them lies below
            another.
        data: For each response (action, response), the places in its data that matter, with their constants.
        reads_history: An instruction that decides reads `previous`, whose order then matters.
        counted: Constants beside `previous` where it is only counted (`COUNTED`); None where it is not.
        keeps_history: Something reads it, and be it a text.
        reads_actor: Actors, or a timeout, depend on who acted last.
        reads_time: An instruction that decides reads when a state was entered or is over.
        reads_origin: An instruction that decides reads where on another chain a response comes from.
    """

    places: Mapping[Place, frozenset[Any]]
    data: Mapping[tuple[str, str], Mapping[Place, frozenset[Any]]]
    reads_history: bool
    counted: frozenset[Any] | None
    keeps_history: bool
    reads_actor: bool
    reads_time: bool
    reads_origin: bool


@dataclass(slots=True)
class _Found:
    """What has been found to matter so far."""

    actors: tuple[str, ...]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    places: dict[Place, set[Any]] = field(default_factory=dict)
    data: dict[tuple[str, str], dict[Place, set[Any]]] = field(default_factory=dict)
    others: set[Place] = field(default_factory=set)
    counted: set[Any] = field(default_factory=set)

    def note(self, read: Read, responses: Iterable[tuple[str, str]] = ()) -> bool:
        """Add what an instruction reads; tell whether that is news."""
        place, constants = read
        if place[:3] == DATA:
            return sum(_add(self.data.setdefault(key, {}), place[3:], constants) for key in responses) > 0
        if place and place[0] not in ("assets", "actors", "title", "current"):
            self.others.add(place)
            self.counted.update(constants if place == COUNTED else ())
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
    found = _Found(actors=tuple(scenario.actors), definitions=scenario.definitions)
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
        reads_history=any(place[0] == "previous" and place != COUNTED for place in found.others),
        counted=frozenset(found.counted) if COUNTED in found.others else None,
        keeps_history=_mentions_history(scenario),
        reads_actor=any(place[:2] == ("current", "actor") or not place for place in names),
        reads_time=any(place[1:2] in (("due_date",), ("entered",)) for place in found.others),
        reads_origin=any(place[:3] == _ORIGIN for place in found.others),
    )


def _lasting_reads(scenario: Scenario) -> Iterator[Read]:
    """Yield what is read when a state is entered, with `current.actor` as whoever led there."""
    for action in scenario.actions.values():
        yield from reads_of(action.actors if not isinstance(action.actors, tuple) else None)
        yield from reads_of(action.properties.get("trigger_response"))
        yield from reads_of(action.accepts)
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
                    part = _part(instruction.data, place[len(target) :])
                    reads.extend((source, beside | known) for source, beside in reads_of(part, found.definitions))
                elif instruction.projection is not None:
                    inner = reads_of_expression(instruction.projection) or [((), frozenset())]
                    reads.extend(((*DATA, *source), beside | known | {Mark.WHOLE}) for source, beside in inner)
                else:
                    reads.append(((*DATA, *place[len(target) :]), known))
    return reads


def _part(data: Any, names: Place) -> Any:
    """Return what of an update's data is written to a place below its target: the whole, where that is not plain."""
    for name in names:
        if not isinstance(data, dict) or is_instruction(data):
            return data
        data = data.get(name)
    return data


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
