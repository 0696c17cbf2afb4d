"""Mutants: a scenario with one part of it changed, to see whether any test notices. Pure.

Each kind is one function over the normal form that yields the place, a sentence, and the changed form. Texts for people
are left alone; everything else that decides what happens is changed in turn.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import Path, quote
from workflow_engine.scenario import Scenario
from workflow_engine.testing.coverage import concerns, described

Form = Mapping[str, Any]
"""A normal form; parts that are not changed are shared."""

Change = tuple[str, Path, str, Form]
"""Kind, place in the normal form, what it amounts to, and the changed form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A scenario with one part changed.

    Attributes:
        kind: What was done (`condition-dropped`).
        path: Where, in the normal form.
        sentence: What that amounts to.
        form: The changed normal form.
    """

    kind: str
    path: Path
    sentence: str
    form: Form


def mutants(scenario: Scenario) -> Iterator[Mutant]:
    """Yield the mutants of a scenario, in the order of `KINDS`."""
    for find in KINDS:
        for kind, path, sentence, form in find(scenario):
            if form != scenario.normal_form:
                yield Mutant(kind=kind, path=path, sentence=sentence, form=form)


def replaced(form: Any, path: Path, value: Any) -> Any:
    """Return a JSON value with what stands at a path replaced; the rest is shared."""
    if not path:
        return value
    inner = replaced(form[path[0]], path[1:], value)
    if isinstance(form, list):
        index = int(path[0])
        return [*form[:index], inner, *form[index + 1 :]]
    return {**form, path[0]: inner}


def _without(form: Form, path: Path) -> Form:
    """Return a normal form without one item of a list."""
    there = _at(form, path[:-1])
    index = int(path[-1])
    changed: Form = replaced(form, path[:-1], [*there[:index], *there[index + 1 :]])
    return changed


def _at(form: Any, path: Path) -> Any:
    for key in path:
        form = form[key]
    return form


def _conditions(scenario: Scenario) -> Iterator[Change]:
    places: list[tuple[Path, str]] = [
        (("actions", key, "condition"), f"of the action {quote(key)}") for key in scenario.actions
    ]
    for state in scenario.states.values():
        for index, transition in enumerate(state.transitions):
            place: Path = ("states", state.key, "transitions", index, "condition")
            places.append((place, f"of the transition {described(state.key, transition)}"))
    for path, of in places:
        condition = _at(scenario.normal_form, path)
        if isinstance(condition, bool):
            continue
        yield "condition-dropped", path, f"Without the condition {of}", replaced(scenario.normal_form, path, True)
        negated = {"<if>": {"condition": condition, "then": False, "else": True}}
        yield (
            "condition-negated",
            path,
            f"With the opposite of the condition {of}",
            replaced(scenario.normal_form, path, negated),
        )


def _transitions(scenario: Scenario) -> Iterator[Change]:
    form = scenario.normal_form
    for state in scenario.states.values():
        for index, transition in enumerate(state.transitions):
            path: Path = ("states", state.key, "transitions", index)
            way = described(state.key, transition)
            yield "transition-dropped", path, f"Without the transition {way}", _without(form, path)
            if transition.target.startswith(":"):
                other = ":failed" if transition.target == ":success" else ":success"
                yield (
                    "end-changed",
                    (*path, "transition"),
                    f"With the end {quote(other)} for the transition {way}",
                    replaced(form, (*path, "transition"), other),
                )
            following = state.transitions[index + 1 : index + 2]
            for other_transition in following:
                action = transition.action or other_transition.action or ""
                response = transition.response or other_transition.response or ""
                if concerns(transition, action, response) and concerns(other_transition, action, response):
                    there = _at(form, path[:-1])
                    swapped = [*there[:index], there[index + 1], there[index], *there[index + 2 :]]
                    yield (
                        "transitions-swapped",
                        path,
                        f"With the transition {way} after the one that follows it",
                        replaced(form, path[:-1], swapped),
                    )


def _timeouts(scenario: Scenario) -> Iterator[Change]:
    for state in scenario.states.values():
        if state.timeout is None:
            continue
        path: Path = ("states", state.key, "timeout")
        yield (
            "timeout-dropped",
            path,
            f"Without the timeout of the state {quote(state.key)}",
            replaced(scenario.normal_form, path, None),
        )
        if isinstance(state.timeout, str):
            longer = re.sub(r"\d+", lambda match: str(2 * int(match[0])), state.timeout)
            yield (
                "timeout-doubled",
                path,
                f"With twice the time in the state {quote(state.key)}",
                replaced(scenario.normal_form, path, longer),
            )


def _actions_of_states(scenario: Scenario) -> Iterator[Change]:
    form = scenario.normal_form
    for state in scenario.states.values():
        for index, action in enumerate(state.actions):
            path: Path = ("states", state.key, "actions", index)
            sentence = f"Without the action {quote(action)} in the state {quote(state.key)}"
            yield "action-dropped", path, sentence, _without(form, path)
    for index, action in enumerate(scenario.allow_actions):
        path = ("allow_actions", index)
        sentence = f"Without the action {quote(action)} outside the states that name it"
        yield "action-dropped", path, sentence, _without(form, path)


def _actors(scenario: Scenario) -> Iterator[Change]:
    for action in scenario.actions.values():
        if not isinstance(action.actors, tuple):
            continue
        for index, actor in enumerate(action.actors):
            path: Path = ("actions", action.key, "actors", index)
            sentence = f"If the actor {quote(actor)} may not do the action {quote(action.key)}"
            yield "actor-dropped", path, sentence, _without(scenario.normal_form, path)


def _responses(scenario: Scenario) -> Iterator[Change]:
    form = scenario.normal_form
    for action in scenario.actions.values():
        if action.determine_response is not None:
            path: Path = ("actions", action.key, "determine_response")
            sentence = f"If whoever does the action {quote(action.key)} chooses its response"
            yield "determination-dropped", path, sentence, replaced(form, path, None)
        for response in action.responses.values():
            if response.schema is not None:
                path = ("actions", action.key, "responses", response.key, "schema")
                sentence = f"If the action {quote(action.key)} takes any data as {quote(response.key)}"
                yield "form-dropped", path, sentence, replaced(form, path, None)


def _updates(scenario: Scenario) -> Iterator[Change]:
    form = scenario.normal_form
    for action in scenario.actions.values():
        for response in action.responses.values():
            for index, update in enumerate(response.update):
                path: Path = ("actions", action.key, "responses", response.key, "update", index)
                of = f"of {quote(update.select)} by {action.key}.{response.key}"
                yield "update-dropped", path, f"Without the update {of}", _without(form, path)
                place = (*path, "patch")
                how = "If it replaces what is there instead of adding to it" if update.patch else "If it adds to it"
                yield "patch-flipped", place, f"{how}: the update {of}", replaced(form, place, not update.patch)
                if update.projection is not None:
                    place = (*path, "projection")
                    yield (
                        "projection-dropped",
                        place,
                        f"With all the data in the update {of}",
                        replaced(form, place, None),
                    )


KINDS: tuple[Callable[[Scenario], Iterator[Change]], ...] = (
    _conditions,
    _transitions,
    _timeouts,
    _actions_of_states,
    _actors,
    _responses,
    _updates,
)
