"""Properties: what the author of a scenario promises of it, checked on every way that was found.

```
{ "title"?, "never": X, "after"?: Y }               X does not happen (once Y has happened)
{ "title"?, "only": X, "after": Y }                 X does not happen before Y has
{ "title"?, "always": condition, "after"?: Y }      the condition holds (once Y has happened)
{ "title"?, "always a way to": X, "for"?: actor, "after"?: Y }
                                                    while it has not ended, X can still come about; with `for`, by
                                                    nothing but what this actor, nodes and time do
```

X and Y are `":success"` (a state), `"inspect"`, `"inspect.approved"` or `"buyer: inspect.approved"` (an action, one of
its responses, given by that actor), or a condition.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import quote
from workflow_engine.model import powers
from workflow_engine.model.finding import Sighting
from workflow_engine.model.graph import NATURE, Configuration, Graph, Move
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.property_form import KINDS, WAY, Happening, read_happening
from workflow_engine.scenario import Scenario

Way = tuple[Move, ...]
_Node = tuple[int, bool]
"""A configuration, and whether `after` has happened (true from the start where there is none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property, ready to be checked.

    Attributes:
        index: Its place in the scenario's list.
        title: What it is called, for people.
        kind: `never`, `only`, `always` or `always a way to`.
        what: X.
        after: Y, or None.
        actor: Key of the actor of `for`, or None.
    """

    index: int
    title: str
    kind: str
    what: Happening
    after: Happening | None
    actor: str | None


def properties_of(scenario: Scenario) -> tuple[Property, ...]:
    """Return the properties of a scenario, in its order."""
    form = scenario.normal_form
    listed = form.get("properties", ()) if form["$schema"] == OWN_SCENARIO else ()
    return tuple(_property(index, item) for index, item in enumerate(listed))


def watched_in(scenario: Scenario) -> tuple[Any, ...]:
    """Return what the explorer has to watch: the conditions that properties name, and whose identity is changed."""
    named = (
        happening.condition
        for item in properties_of(scenario)
        for happening in (item.what, item.after)
        if happening is not None and happening.condition is not None
    )
    return (*named, *powers.watched_in(scenario))


def _property(index: int, form: Mapping[str, Any]) -> Property:
    kind = next(kind for kind in KINDS if kind in form)
    after = form.get("after")
    return Property(
        index=index,
        title=form.get("title") or _written(form, kind),
        kind=kind,
        what=read_happening(form[kind]),
        after=None if after is None else read_happening(after),
        actor=form.get("for"),
    )


def _written(form: Mapping[str, Any], kind: str) -> str:
    parts = [kind, _name(form[kind])]
    for more in ("after", "for"):
        if more in form:
            parts += [more, _name(form[more])]
    return " ".join(parts)


def _name(value: Any) -> str:
    return value if isinstance(value, str) else "a condition"


def broken(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A property that does not hold, with the shortest run that breaks it."""
    watched = list(watched_in(scenario))
    for item in properties_of(scenario):
        way = _counterexample(item, graph, watched)
        if way is not None:
            yield Sighting(
                path=("properties", item.index),
                message=f"This does not hold: {quote(item.title)}. {_why(item)}",
                way=way,
            )


def _why(item: Property) -> str:
    if item.kind == WAY:
        by = f" by what {quote(item.actor)}, nodes and time can do" if item.actor else ""
        return f"After this run it can no longer come about{by}."
    if item.kind == "only":
        return "This run comes there without what has to come first."
    return "This run breaks it."


def untested(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A property about something that never happens: it holds, and says nothing."""
    if not graph.is_complete:
        return
    watched = list(watched_in(scenario))
    for item in properties_of(scenario):
        if _counterexample(item, graph, watched) is not None:
            continue
        named = [item.after, item.what if item.kind == "only" else None]
        for happening in named:
            if happening is not None and not _ever(happening, graph, watched):
                yield Sighting(
                    path=("properties", item.index),
                    message=(
                        f"The property {quote(item.title)} says nothing: {quote(happening.name)} never happens, with "
                        "any of the values that were tried."
                    ),
                )
                break


def _ever(happening: Happening, graph: Graph, watched: list[Any]) -> bool:
    return any(_is_at(happening, item, watched) for item in graph.configurations) or any(
        _is_in(happening, move) for move in graph.all_moves()
    )


def goal_of(happening: Happening, graph: Graph, watched: list[Any]) -> frozenset[int]:
    """Return the configurations in which something has just happened, or is the case."""
    found = {index for index, item in enumerate(graph.configurations) if _is_at(happening, item, watched)}
    return frozenset(found | {move.target for move in graph.all_moves() if _is_in(happening, move)})


def _is_at(happening: Happening, configuration: Configuration, watched: list[Any]) -> bool:
    """Tell whether something is the case in a configuration."""
    if happening.condition is not None:
        return watched.index(happening.condition) in configuration.holds
    return happening.state is not None and configuration.state == happening.state


def _is_in(happening: Happening, move: Move) -> bool:
    """Tell whether a move is what happens."""
    return (
        happening.action is not None
        and move.action == happening.action
        and happening.response in (None, move.response)
        and happening.actor in (None, move.actor)
    )


def _counterexample(item: Property, graph: Graph, watched: list[Any]) -> Way | None:
    """Search breadth first, remembering whether `after` has happened; return the way to what breaks the property."""
    todo: list[_Node] = [
        (root, item.after is None or _is_at(item.after, graph.configurations[root], watched)) for root in graph.roots
    ]
    ways: dict[_Node, tuple[_Node, Move] | None] = dict.fromkeys(todo)
    lost = _lost(item, graph, watched) if item.kind == WAY else frozenset()
    for node in todo:
        index, armed = node
        if _breaks_at(item, graph, index, armed, watched, lost):
            return _way(ways, node)
        for move in graph.moves[index]:
            if _breaks_in(item, move, armed):
                return (*_way(ways, node), move)
            target = (move.target, armed or _arms(item, graph, move, watched))
            if target not in ways:
                ways[target] = (node, move)
                todo.append(target)
    return None


def _arms(item: Property, graph: Graph, move: Move, watched: list[Any]) -> bool:
    after = item.after
    return after is not None and (_is_in(after, move) or _is_at(after, graph.configurations[move.target], watched))


def _breaks_in(item: Property, move: Move, armed: bool) -> bool:
    """Tell whether a move breaks a property; what `after` names counts from the next move on."""
    wanted = {"never": True, "only": False}.get(item.kind)
    return armed == wanted and _is_in(item.what, move)


def _breaks_at(item: Property, graph: Graph, index: int, armed: bool, watched: list[Any], lost: frozenset[int]) -> bool:
    configuration = graph.configurations[index]
    if item.kind == WAY:
        return armed and index in lost
    happens = _is_at(item.what, configuration, watched)
    if item.kind == "only":
        return happens and not armed
    return armed and happens == (item.kind == "never")


def _lost(item: Property, graph: Graph, watched: list[Any]) -> frozenset[int]:
    """Return the configurations, ends left out, from which what is promised cannot come about any more."""
    before: list[list[int]] = [[] for _ in graph.configurations]
    hopeful = {index for index, found in enumerate(graph.configurations) if _is_at(item.what, found, watched)}
    hopeful |= graph.unexplored
    for move in graph.all_moves():
        if item.actor is None or move.mover in (item.actor, NATURE):
            before[move.target].append(move.source)
            if _is_in(item.what, move):
                hopeful.add(move.source)
    todo = list(hopeful)
    while todo:
        for source in before[todo.pop()]:
            if source not in hopeful:
                hopeful.add(source)
                todo.append(source)
    return frozenset(
        index for index, found in enumerate(graph.configurations) if index not in hopeful and not found.is_final
    )


def _way(ways: Mapping[_Node, tuple[_Node, Move] | None], node: _Node) -> Way:
    found: list[Move] = []
    step = ways[node]
    while step is not None:
        node, move = step
        found.append(move)
        step = ways[node]
    return tuple(reversed(found))
