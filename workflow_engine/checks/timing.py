"""Time in a scenario: schedules that can be kept, and clocks that cannot run away with a chain (paper section 7.3)."""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain.core.errors import InvalidError
from workflow_engine.checks.report import Finding
from workflow_engine.checks.structure import loops
from workflow_engine.checks.view import TIMEOUT, Edge, View
from workflow_engine.durations import add_duration
from workflow_engine.errors import quote
from workflow_engine.schedule import MAX_RUNS, MIN_INTERVAL

_SECONDS = MIN_INTERVAL // 1000


def bad_schedule(view: View) -> Iterator[Finding]:
    """A schedule that no node could keep, or that would fill the chain."""
    for key in view.actions:
        schedule = view.schedule_of(key)
        for member, message in _schedule_faults(view, key, schedule) if schedule is not None else ():
            yield ("actions", key, "schedule", *member), message
    for key in view.states:
        runs = sum(_most_runs(view, name) for name in view.available(key))
        if runs > MAX_RUNS:
            yield (
                ("states", key),
                (
                    f"In the state {quote(key)} nodes would run actions {runs} times; at most {MAX_RUNS} runs are "
                    'allowed in one state. Lower the "max" of their schedules.'
                ),
            )


def _most_runs(view: View, action: str) -> int:
    schedule = view.schedule_of(action)
    return schedule["max"] if schedule is not None and schedule["every"] is not None else 0


def _schedule_faults(view: View, key: str, schedule: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not view.is_system(key):
        yield (), f"The action {quote(key)} has a schedule, and people do it; only nodes keep schedules."
    if schedule["after"] is None and schedule["every"] is None:
        yield (), 'A schedule says "after" what time an action is run, "every" how long it is run again, or both.'
    for name in ("after", "every"):
        fault = _duration_fault(schedule[name], least=MIN_INTERVAL if name == "every" else 0)
        if fault:
            yield (name,), fault
    if not 1 <= schedule["max"] <= MAX_RUNS:
        yield ("max",), f"An action is run 1 to {MAX_RUNS} times while the state stays: each run is an event."
    for index, response in enumerate(schedule["until"]):
        if schedule["every"] is None:
            yield ("until", index), 'Without "every" the action is run once, so there is no "until".'
        elif not view.can_answer(key, response):
            yield ("until", index), f"The action {quote(key)} has no response {quote(response)}."


def _duration_fault(text: str | None, *, least: int) -> str | None:
    if text is None:
        return None
    try:
        length = add_duration(0, text)
    except InvalidError as error:
        return f"{error.message}. {error.hint or ''}".rstrip()
    if length < least:
        return f"{quote(text)} is too short: there are at least {_SECONDS} seconds between two runs."
    return None


def _is_short(duration: Any) -> bool:
    """Tell whether something is a duration of less than a minute."""
    try:
        return isinstance(duration, str) and add_duration(0, duration) < MIN_INTERVAL
    except InvalidError:
        return False


def timeout_loop(view: View) -> Iterator[Finding]:
    """A circle that short timeouts and nodes run through for ever, faster than anybody would want."""
    edges = {
        key: [edge for edge in edges if _is_quick(view, edge) or _is_done_at_once(view, edge)]
        for key, edges in view.edges.items()
    }
    for loop in loops(edges):
        members = set(loop)
        inside = (edge for key in loop for edge in edges[key] if edge.target in members)
        quick = next((edge for edge in inside if _is_quick(view, edge)), None)
        if quick is not None:
            names = " → ".join(quote(name) for name in (*loop[:6], loop[0]))
            yield (
                ("states", quick.source, "transitions", quick.index),
                (
                    f"Timeouts of less than {_SECONDS} seconds lead in a circle, {names}: the nodes would run through "
                    "it without end. Make one of them longer, or put an action of a person into it."
                ),
            )


def _is_quick(view: View, edge: Edge) -> bool:
    """Tell whether an edge is taken by a timeout that is known to be short."""
    state = view.states[edge.source]
    return state["transitions"][edge.index]["action"] == TIMEOUT and _is_short(state["timeout"])


def _is_done_at_once(view: View, edge: Edge) -> bool:
    """Tell whether a node may take an edge within a minute from entering the state."""
    if not edge.is_system:
        return False
    awaited = view.states[edge.source]["transitions"][edge.index]["action"]
    takers = [name for name in view.available(edge.source) if awaited in (None, name) and view.is_system(name)]
    schedules = [view.schedule_of(name) for name in takers]
    return any(item is None or item["after"] is None or _is_short(item["after"]) for item in schedules)


def polling_without_timeout(view: View) -> Iterator[Finding]:
    """Polling ends after so many runs, and nobody else may be there to go on."""
    for key, state in view.states.items():
        if key not in view.reachable or state["timeout"] is not None:
            continue
        for name in view.available(key):
            if view.is_polled(name):
                most = _most_runs(view, name)
                yield (
                    ("states", key),
                    (
                        f"In the state {quote(key)} the action {quote(name)} is run at most {most} times, and then "
                        'nothing happens any more. Give the state a timeout, with a transition for ":timeout".'
                    ),
                )
