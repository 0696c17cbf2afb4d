"""What exploring needs to know of embedded scenarios: what they are handed, how they end, who can keep them from it.

An embedded scenario is explored by itself, once, from every start that what it is handed can make different. In the
scenario around it the action that runs it is then one move of nature for each end that was found: which one comes is
taken to be up to nobody. That is coarser than playing both together, and says so (`docs/checks.md`).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any

from workflow_engine.checks.view import View
from workflow_engine.model import game
from workflow_engine.model.graph import Graph, Inner
from workflow_engine.model.relevance import Relevance
from workflow_engine.model.samples import values_for, wanted
from workflow_engine.scenario import Action, Scenario
from workflow_engine.sub_processes.beginning import roles_of
from workflow_engine.sub_processes.naming import ERROR, response_key
from workflow_engine.sub_processes.relation import SUB_PROCESS

MAX_STARTS = 64
"""Starts of an embedded scenario that are explored: as many as values of one response are tried."""


def inner_key(scenario: Scenario, action: Action) -> str | None:
    """Return the key of the embedded scenario that an action runs; None for every other action."""
    key = action.properties.get("scenario") if action.kind == SUB_PROCESS else None
    return key if isinstance(key, str) and key in scenario.scenarios else None


def handed_to(scenario: Scenario, key: str) -> tuple[str, ...]:
    """Return the assets that some action hands to an embedded scenario."""
    given = [
        action.properties.get("assets") for action in scenario.actions.values() if inner_key(scenario, action) == key
    ]
    names = {name for assets in given if isinstance(assets, Mapping) for name in assets}
    return tuple(sorted(names & scenario.scenarios[key].assets.keys()))


def starts(scenario: Scenario, relevance: Relevance, handed: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the assets that a scenario is started with: values that can make a difference where it is handed some."""
    options: dict[str, list[Any]] = {}
    for key in handed:
        places = {place[2:]: item for place, item in relevance.places.items() if place[:2] == ("assets", key)}
        values, _ = values_for(scenario.assets[key].schema_document, wanted(places))
        options[key] = [None, *values] if not values or places else values[:1]
    for chosen in islice(product(*options.values()), MAX_STARTS):
        yield {key: value for key, value in zip(options, chosen, strict=True) if value is not None}


def ends_of(scenario: Scenario, graph: Graph | None) -> tuple[str, ...]:
    """Return the final states that an embedded scenario can come to; where not all was seen, those that it may."""
    found = set() if graph is None else {item.state for item in graph.configurations if item.is_final}
    if graph is None or graph.unexplored or graph.bound is not None:
        found.update(View(scenario.normal_form).ends)
    return tuple(sorted(found))


def possible_responses(action: Action, ends: Iterable[str]) -> list[str]:
    """Return the responses that a sub-process may come to: those of its ends, and that it cannot be started."""
    keys = {response_key(action.responses, state) for state in ends} | {ERROR}
    return [key for key in action.responses if key in keys]


def schema_of(scenario: Scenario, action: Action, response: str, ends: Iterable[str]) -> dict[str, Any]:
    """Return a JSON Schema of what is told of a sub-process with a response."""
    key = inner_key(scenario, action)
    states = [state for state in ends if response_key(action.responses, state) == response]
    if key is None or not states:
        return {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["process", "state", "result"],
        "properties": {
            "process": {"const": "sub-process:example"},
            "state": {"enum": states},
            "result": _result_schema(scenario.scenarios[key], action.properties.get("result")),
        },
    }


def _result_schema(inner: Scenario, result: Any) -> Any:
    """Return what is known of a result: the schemas of the assets, or of the one that is handed back whole."""
    schemas = {key: _plain(asset.schema_document) for key, asset in inner.assets.items()}
    if result is None:
        return {"type": "object", "properties": schemas}
    name = result.removeprefix("assets.") if isinstance(result, str) else ""
    return schemas.get(name, True)


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in schema.items() if name not in ("$schema", "title", "description")}


def called_in(scenario: Scenario, graphs: Mapping[str, Graph]) -> dict[str, Inner]:
    """Return the sub-processes that actions of a scenario run, by the key of the action."""
    found: dict[str, Inner] = {}
    for action in scenario.actions.values():
        key = inner_key(scenario, action)
        if key is not None and key in graphs:
            found[action.key] = Inner(
                graph=graphs[key],
                roles=roles_of(scenario, action.key, scenario.scenarios[key]),
                responses={state: response_key(action.responses, state) for state in scenario.scenarios[key].states},
            )
    return found


def waited_for(inner: Inner | None) -> Mapping[str, game.Stall]:
    """Return who can keep a sub-process from ending, as actors of the scenario around it, and where."""
    found: dict[str, game.Stall] = {}
    for stall in () if inner is None else game.stalls(inner.graph):
        role = None if inner is None else inner.roles.get(stall.party)
        if role is not None:
            found.setdefault(role, stall)
    return found
