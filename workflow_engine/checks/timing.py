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
    for key, action in view.actions.items() if view.is_own else ():
        schedule = action.get("schedule")
        if schedule is not None:
            for member, message in _schedule_faults(view, key, schedule):
                yield ("actions", key, "schedule", *member), message
    for key in view.states:
        runs = sum(view.actions[name]["schedule"]["max"] for name in view.available(key) if view.is_polled(name))
        if runs > MAX_RUNS:
            yield (
                ("states", key),
                (
                    f"In the state {quote(key)} nodes would run actions {runs} times; at most {MAX_RUNS} runs are "
                    'allowed in one state. Lower the "max" of their schedules.'
                ),
            )


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


def timeout_loop(view: View) -> Iterator[Finding]:
    """A circle that short timeouts and nodes run through for ever, faster than anybody would want."""
    edges = {
        key: [edge for edge in edges if edge.is_system or _is_quick(view, edge)] for key, edges in view.edges.items()
    }
    for loop in loops(edges):
        members = set(loop)
        quick = next(
            (edge for key in loop for edge in edges[key] if edge.target in members and _is_quick(view, edge)), None
        )
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
    if state["transitions"][edge.index]["action"] != TIMEOUT or not isinstance(state["timeout"], str):
        return False
    try:
        return add_duration(0, state["timeout"]) < MIN_INTERVAL
    except InvalidError:
        return False


def polling_without_timeout(view: View) -> Iterator[Finding]:
    """Polling ends after so many runs, and nobody else may be there to go on."""
    for key, state in view.states.items():
        if key not in view.reachable or state["timeout"] is not None:
            continue
        for name in view.available(key):
            if view.is_polled(name):
                most = view.actions[name]["schedule"]["max"]
                yield (
                    ("states", key),
                    (
                        f"In the state {quote(key)} the action {quote(name)} is run at most {most} times, and then "
                        'nothing happens any more. Give the state a timeout, with a transition for ":timeout".'
                    ),
                )
