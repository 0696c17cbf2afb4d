"""A scenario as the arguments of `transitions.Machine`, the Python library, as JSON.

```
{ "machine": { "name", "states": [ … ], "initial", "auto_transitions": false, "ignore_invalid_triggers": true,
               "transitions": [ { "trigger", "source", "dest", "conditions"? } … ] },
  "conditions": { method: instruction },
  "keys": { "states": { name: key }, "triggers": { name: [ action or ":timeout", response ] } } }
```

The library turns triggers and conditions into attributes of the model, so they are names of our making; `keys` says
what they stand for. Each condition is a method that the model has to have. Transitions are tried in their order, as in
a scenario; a trigger for which none fits changes nothing. A response that never leads anywhere has no trigger.
"""

import json
from typing import Any

from workflow_engine.exchange.moves import all_moves, reachable_states
from workflow_engine.exchange.names import identifiers, unique
from workflow_engine.scenario import INITIAL_STATE, Scenario


def scenario_to_transitions(scenario: Scenario) -> str:
    """Return the JSON: states that can be reached, and their transitions; what responses write is not exported."""
    states = identifiers(reachable_states(scenario), "s_")
    actions = identifiers(sorted(scenario.actions), "do_")
    triggers: dict[tuple[str, str], str] = {}
    conditions: dict[str, Any] = {}
    transitions: list[dict[str, Any]] = []
    for move in all_moves(scenario):
        if move.target is None:
            continue
        meaning = (move.action, move.response)
        if meaning not in triggers:
            wanted = "time_out" if move.is_timeout else f"{actions[move.action]}_{_ascii(move.response)}"
            triggers[meaning] = unique(wanted, triggers.values())
        item: dict[str, Any] = {"trigger": triggers[meaning], "source": states[move.state], "dest": states[move.target]}
        if move.condition is not None:
            method = f"holds_{len(conditions)}"
            conditions[method] = move.condition
            item["conditions"] = [method]
        transitions.append(item)
    machine = {
        "name": scenario.title or scenario.name or "",
        "states": list(states.values()),
        "initial": states[INITIAL_STATE],
        "auto_transitions": False,
        "ignore_invalid_triggers": True,
        "transitions": transitions,
    }
    keys = {
        "states": {name: key for key, name in states.items()},
        "triggers": {name: list(pair) for pair, name in triggers.items()},
    }
    return json.dumps({"machine": machine, "conditions": conditions, "keys": keys}, indent=2) + "\n"


def _ascii(key: str) -> str:
    return identifiers([key])[key]
