"""What somebody proposes: to deviate from the scenario of a process, or to go on by another one (paper 8.2 and 8.3).

```
{ "$schema": "urn:livecontract:deviation:1", "id"?, "process": id | {"id"}, "title": text, "reason"?: text,
  "deadline"?: "2026-12-01T12:00:00Z",       when it lapses; 30 days after the proposal by default
  "from": state,                             where the process stands
  "start"?: state of "states",               where the deviation begins; may be left out where there is one state
  "to": state,                               the one existing state in which it ends
  "states"?, "actions"?, "assets"?, "definitions"?: { key: … },       in the dialect of the scenario; new keys only
  "scenario"?: id | {"id"},                  the scenario by which the process goes on; "to" is then a state of that
  "map"?: { "actors"?: { new: old | null }, "assets"?: { new: old | null } } }     same keys where nothing is said
```

Without states of its own it leads from `from` to `to` at once; so one ends a deviation early, from a state of that. A
proposal is checked as a whole when it is made: the scenario with its parts in it has to pass every rule of
`workflow_engine.checks`, and each of its states has to be reached from `start` and lead to `to`. So what parties agree
to can always be run, and always comes back.

Pure and consensus-critical: what one node refuses, every node refuses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core.errors import InvalidError
from workflow_engine.checks import check_bounded, limits
from workflow_engine.checks.view import View
from workflow_engine.compiling import compile_scenario
from workflow_engine.durations import from_iso
from workflow_engine.errors import InvalidDeviationError, Path, Problem, json_path, quote
from workflow_engine.normalise import read
from workflow_engine.scenario import Scenario

OWN_DEVIATION = "urn:livecontract:deviation:1"

MAX_TEXT = 256
"""Characters of an id, a key and a title."""

MAX_REASON = 4096
MAX_MAP = 256
"""Actors or assets that an update maps: as many as a scenario may have."""

MAX_SHOWN = 4
"""Problems that the hint of an error names, beside the first one."""

PARTS = ("states", "actions", "assets", "definitions")
"""Collections of a scenario to which a deviation adds."""

RULE = "deviation"
"""Rule name of the findings made here, beside those of the scenario's checks."""

_MEMBERS = frozenset(
    {
        *("$schema", "id", "process", "title", "reason", "deadline", "from", "start", "to", "scenario", "map"),
        *PARTS,
    }
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
"""Fewer forms than the standard library reads, whose versions differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal as it was made.

    Attributes:
        process: Id of the process.
        title: What it is called.
        reason: Why, or None.
        deadline: When it lapses, in milliseconds since 1970, or None for the default.
        source: Key of the state it starts from (`from`).
        start: Key of its first state, or None where it leads to `target` at once.
        target: Key of the state in which it ends (`to`).
        parts: What it adds to the scenario: `PARTS`, each by key, as written.
        scenario: Id or name of the scenario by which the process goes on, or None.
        actors: Old actor by new actor, as far as they are mapped.
        assets: Old asset by new asset, as far as they are mapped.
    """

    process: str
    title: str
    reason: str | None
    deadline: int | None
    source: str
    start: str | None
    target: str
    parts: Mapping[str, Mapping[str, Any]]
    scenario: str | None
    actors: Mapping[str, str | None]
    assets: Mapping[str, str | None]


def read_proposal(body: Mapping[str, Any]) -> Proposal:
    """Read the body of a proposal.

    Raises:
        InvalidDeviationError: It is malformed, or too large to be looked into.
    """
    for name in sorted(body):
        if name not in _MEMBERS and not name.startswith("x-"):
            raise InvalidDeviationError(f"A deviation has no member {quote(name)}.", path=json_path((name,)))
    limit = limits.over_limit(dict(body))
    if limit is not None:
        raise InvalidDeviationError(limit.replace("scenario", "deviation"), path="$")
    parts = {name: _part(body.get(name), name) for name in PARTS}
    if not parts["states"] and any(parts.values()):
        raise InvalidDeviationError("A deviation without states of its own has nothing to do with these.", path="$")
    given_map = _object(body.get("map"), ("map",), ("actors", "assets"))
    scenario = None if body.get("scenario") is None else _reference(body["scenario"], "scenario")
    if scenario is None and body.get("map") is not None:
        raise InvalidDeviationError("Only who goes on by another scenario maps actors and assets.", path="$.map")
    _text(body.get("id"), ("id",), required=False)
    return Proposal(
        process=_reference(body.get("process"), "process"),
        title=_needed(body.get("title"), "title"),
        reason=_text(body.get("reason"), ("reason",), required=False, most=MAX_REASON),
        deadline=_moment(body.get("deadline")),
        source=_needed(body.get("from"), "from"),
        start=_start(body.get("start"), parts["states"]),
        target=_needed(body.get("to"), "to"),
        parts=parts,
        scenario=scenario,
        actors=_map(given_map.get("actors"), "actors"),
        assets=_map(given_map.get("assets"), "assets"),
    )


def deviating_scenario(proposal: Proposal, base: Scenario) -> Scenario:
    """Return a scenario with a deviation in it, which was checked before."""
    form, _ = read(_document(proposal, base))
    return compile_scenario(form)


def validate_proposal(
    proposal: Proposal, base: Scenario, successor: Scenario | None, *, present: Scenario | None = None
) -> None:
    """Check a proposal as a whole; see `check_proposal`.

    Raises:
        InvalidDeviationError: It has problems: the error carries all of them, and its hint names the next few.
    """
    problems = check_proposal(proposal, base, successor, present=present)
    if problems:
        rest = [f"{problem.message} (at {problem.path})" for problem in problems[1 : 1 + MAX_SHOWN]]
        raise InvalidDeviationError(
            problems[0].message, path=problems[0].path, hint=" ".join(rest) or None, problems=problems
        )


def check_proposal(
    proposal: Proposal, base: Scenario, successor: Scenario | None, *, present: Scenario | None = None
) -> tuple[Problem, ...]:
    """Return what is wrong with a proposal: problems with paths into its body; none if it can be agreed to.

    Args:
        proposal: As it was read.
        base: The scenario it deviates from.
        successor: The scenario by which the process goes on, if it names one.
        present: The scenario that has the state it starts from: by default `base`, during a deviation the one with the
            deviation in it.
    """
    found = [_problem(path, message) for path, message in _ends(proposal, present or base, successor or base)]
    found += [_problem(path, message) for path, message in _taken(proposal, base)]
    found += [_problem(path, message) for path, message in _mapped(proposal, base, successor)]
    if found or not proposal.parts["states"]:
        return tuple(found)
    document = _document(proposal, base)
    errors = [problem for problem in check_bounded(document).problems if problem.severity == "error"]
    if errors:
        return tuple(errors)
    form, reading = read(document)
    return tuple(_problem(reading.locate(path), message) for path, message in _ways(proposal, View(form)))


def _document(proposal: Proposal, base: Scenario) -> dict[str, Any]:
    """Return the scenario with the deviation's parts in it; where an update ends, nothing more is there to be done."""
    form = base.normal_form
    document = {**form, **{name: {**form[name], **proposal.parts[name]} for name in PARTS}}
    if proposal.scenario is not None:
        document["states"][proposal.target] = {}
    return document


def _problem(path: Path, message: str) -> Problem:
    return Problem(rule=RULE, severity="error", path=json_path(path), message=message)


def _ends(proposal: Proposal, present: Scenario, following: Scenario) -> Iterator[tuple[Path, str]]:
    """A deviation starts in one existing state that is not final, and ends in one."""
    source = present.states.get(proposal.source)
    if source is None or source.is_final:
        yield ("from",), f"{quote(proposal.source)} is no state of the scenario that a process can go on from."
    if proposal.target not in following.states:
        where = "the scenario" if proposal.scenario is None else "the scenario by which it goes on"
        yield ("to",), f"{quote(proposal.target)} is no state of {where}."


def _taken(proposal: Proposal, base: Scenario) -> Iterator[tuple[Path, str]]:
    """A deviation adds; it replaces nothing."""
    for name in PARTS:
        for key in sorted(proposal.parts[name]):
            if key in base.normal_form[name] or (name == "states" and key == proposal.target):
                yield (name, key), f"The scenario has {quote(key)} among its {name} already; choose another key."


def _mapped(proposal: Proposal, base: Scenario, successor: Scenario | None) -> Iterator[tuple[Path, str]]:
    """What an update maps has to be there, in the new scenario and in the old one."""
    if successor is None:
        return
    old_assets = {*base.assets, *proposal.parts["assets"]}
    pairs: Iterable[tuple[str, Mapping[str, str | None], Iterable[str], Iterable[str]]] = (
        ("actors", proposal.actors, successor.actors, base.actors),
        ("assets", proposal.assets, successor.assets, old_assets),
    )
    for name, given, new, old in pairs:
        for key, source in sorted(given.items()):
            if key not in new:
                yield ("map", name, key), f"The new scenario has no {quote(key)} among its {name}."
            elif source is not None and source not in old:
                yield ("map", name, key), f"The old scenario has no {quote(source)} among its {name}."


def _ways(proposal: Proposal, view: View) -> Iterator[tuple[Path, str]]:
    """Every state of a deviation is reached from its start and leads to its end, and nowhere else."""
    own = proposal.parts["states"]
    for key in sorted(own):
        for index, transition in enumerate(view.states[key]["transitions"]):
            if transition["transition"] not in own and transition["transition"] != proposal.target:
                yield (
                    ("states", key, "transitions", index, "transition"),
                    f"The deviation ends in {quote(proposal.target)}, and this leads elsewhere.",
                )
    ahead = {key: [edge.target for edge in view.edges[key]] for key in own}
    back: dict[str, list[str]] = {}
    for key, targets in ahead.items():
        for target in targets:
            back.setdefault(target, []).append(key)
    reached = _closure(ahead, proposal.start)
    returning = _closure(back, proposal.target)
    for key in sorted(own):
        if key not in reached:
            yield ("states", key), f"No way leads from the start of the deviation to the state {quote(key)}."
        elif key not in returning:
            yield ("states", key), f"No way leads from the state {quote(key)} back to {quote(proposal.target)}."


def _closure(graph: Mapping[str, list[str]], start: str | None) -> set[str]:
    found = set() if start is None else {start}
    waiting = list(found)
    while waiting:
        for target in graph.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _start(value: Any, states: Mapping[str, Any]) -> str | None:
    start = _text(value, ("start",), required=False)
    if start is None and len(states) == 1:
        return next(iter(states))
    if (start is None and not states) or start in states:
        return start
    raise InvalidDeviationError('"start" should name one of the states of the deviation.', path="$.start")


def _part(value: Any, name: str) -> Mapping[str, Any]:
    """Return what is added to a collection, by key. Lists with keys inside are a short form that is not read here."""
    return {} if value is None else _object(value, (name,), None)


def _object(value: Any, place: Path, known: Iterable[str] | None) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidDeviationError("This should be an object.", path=json_path(place))
    for key in sorted(value):
        if known is not None and key not in known:
            raise InvalidDeviationError(f"There is no member {quote(key)} here.", path=json_path((*place, key)))
    return value


def _map(value: Any, name: str) -> Mapping[str, str | None]:
    given = _object(value, ("map", name), None)
    if len(given) > MAX_MAP:
        raise InvalidDeviationError(f"At most {MAX_MAP} can be mapped.", path=json_path(("map", name)))
    return {key: _text(item, ("map", name, key), required=False) for key, item in given.items()}


def _reference(value: Any, name: str) -> str:
    if isinstance(value, dict):
        return _needed(value.get("id"), name, "id")
    return _needed(value, name)


def _needed(value: Any, *place: str) -> str:
    return str(_text(value, place))


def _text(value: Any, place: Path, *, required: bool = True, most: int = MAX_TEXT) -> str | None:
    if value is None and not required:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise InvalidDeviationError(f"This should be text of 1 to {most} characters.", path=json_path(place))
    return value


def _moment(value: Any) -> int | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return from_iso(value)
    except InvalidError:
        pass
    raise InvalidDeviationError("This should be a moment such as 2026-12-01T12:00:00Z.", path="$.deadline")
