"""A scenario as SCXML (W3C Recommendation, 1 September 2015).

The event `action.<action>.<response>` stands for a response, `timeout.<state>` for a deadline. Names are made of
letters, digits and `_`; the keys that they stand for, and who may do what, are attributes of our own namespace.
Conditions are data instructions as JSON, and the data model has a name of its own (5.3: others than ecmascript and
xpath are the platform's): an interpreter needs these conditions plugged in. As in a scenario, the first transition in
document order that fits is taken, and an event that none fits changes nothing. What responses write is not exported.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.exchange.moves import Move, has_deadline, moves_of, reachable_states, text_of
from workflow_engine.exchange.names import identifiers
from workflow_engine.exchange.xml_writing import Tag, write_xml
from workflow_engine.scenario import INITIAL_STATE, Scenario

SCXML = "http://www.w3.org/2005/07/scxml"
OWN = "urn:livecontract:scxml:1"
DATA_MODEL = "x-livecontract"


def scenario_to_scxml(scenario: Scenario) -> str:
    """Return the state chart: the states that can be reached, with their transitions and deadlines."""
    names = identifiers(reachable_states(scenario))
    actions = identifiers(sorted(scenario.actions))
    states = [_state(scenario, key, names, actions) for key in names]
    attributes = {
        "xmlns": SCXML,
        "xmlns:lc": OWN,
        "version": "1.0",
        "datamodel": DATA_MODEL,
        "initial": names[INITIAL_STATE],
        "lc:scenario": scenario.id,
        "lc:title": scenario.title,
    }
    return write_xml(Tag("scxml", attributes, states))


def _state(scenario: Scenario, key: str, names: Mapping[str, str], actions: Mapping[str, str]) -> Tag:
    state = scenario.states[key]
    attributes = {"id": names[key], "lc:key": key, "lc:title": text_of(state.title, key)}
    if state.is_final:
        return Tag("final", attributes)
    content = [
        _transition(scenario, move, names, actions) for move in moves_of(scenario, state) if move.target is not None
    ]
    deadline = list(_deadline(state.timeout, names[key])) if has_deadline(state) else []
    return Tag("state", attributes, [*deadline, *content])


def _deadline(timeout: Any, name: str) -> Iterator[Tag]:
    """Start the clock on entry and stop it on exit; the delay is an ISO 8601 duration, as an expression."""
    delay = timeout if isinstance(timeout, str) else _json(timeout)
    send = {"event": f"timeout.{name}", "id": f"timeout.{name}", "delayexpr": delay}
    yield Tag("onentry", {}, [Tag("send", send)])
    yield Tag("onexit", {}, [Tag("cancel", {"sendid": f"timeout.{name}"})])


def _transition(scenario: Scenario, move: Move, names: Mapping[str, str], actions: Mapping[str, str]) -> Tag:
    attributes: dict[str, str | None] = {}
    if move.is_timeout:
        attributes["event"] = f"timeout.{names[move.state]}"
    else:
        action = scenario.actions[move.action]
        attributes["event"] = f"action.{actions[move.action]}.{identifiers(sorted(action.responses))[move.response]}"
        attributes["lc:actors"] = _json(list(action.actors) if isinstance(action.actors, tuple) else action.actors)
        attributes["lc:action"] = move.action
        attributes["lc:response"] = move.response
        attributes["lc:title"] = text_of(action.title, move.action)
    attributes["cond"] = None if move.condition is None else _json(move.condition)
    attributes["target"] = names[move.target or ""]
    return Tag("transition", attributes)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
