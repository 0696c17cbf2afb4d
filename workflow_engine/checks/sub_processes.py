"""Actions that are sub-processes: what they run, what they hand over, and what they answer to its ends."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks.arguments import expression_faults
from workflow_engine.checks.reads import names_in_expression
from workflow_engine.checks.references import known_part, missing
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, quote
from workflow_engine.reading import describe, is_instruction
from workflow_engine.sub_processes.naming import ERROR, response_key

MAX_SUB_PROCESSES = 256
"""Sub-processes that a process can come to, with theirs, without being in a state twice: nodes might start them all."""


def bad_sub_process(view: View) -> Iterator[Finding]:
    """An action that cannot run a sub-process, or has no answer to one of its ends."""
    for key, action in view.actions.items():
        if not view.is_sub_process(key):
            continue
        place: Path = ("actions", key)
        inner = view.inner_of(key)
        for part, message in _form(view, key, action):
            yield (*place, *part), message
        if inner is None:
            yield (*place, "scenario"), _no_scenario(view, key, action.get("scenario"))
            continue
        for part, message in (*_handed_over(view, action, inner), *_result(action, inner), *_ends(key, action, inner)):
            yield (*place, *part), message


def _form(view: View, key: str, action: Mapping[str, Any]) -> Iterator[Finding]:
    if not view.is_own:
        yield ("$schema",), 'Only scenarios with the "$schema" urn:livecontract:scenario:1 have sub-processes.'
    if not view.is_system(key):
        yield ("system",), 'A node starts a sub-process and tells how it ended: leave "system" out.'
    if action["determine_response"] is not None:
        yield (
            ("determine_response",),
            'How the sub-process ended decides the response: leave "determine_response" out.',
        )
    if ERROR not in action["responses"]:
        yield (
            ("responses",),
            (
                f'The sub-process of {quote(key)} may not start, or end badly; give it a response "error" and a '
                "transition for it."
            ),
        )


def _no_scenario(view: View, key: str, name: Any) -> str:
    if isinstance(name, str):
        return missing("embedded scenario", name, view.embedded)
    return f'The action {quote(key)} needs "scenario": the key of one of the "scenarios" embedded in this one.'


def _handed_over(view: View, action: Mapping[str, Any], inner: View) -> Iterator[Finding]:
    for name, kind in (("roles", "actor"), ("assets", "asset")):
        given = action.get(name)
        if given is None:
            continue
        if not isinstance(given, Mapping) or is_instruction(given):
            yield (name,), f"This should be an object with keys of {kind}s of the sub-process, not {describe(given)}."
            continue
        known = inner.form[f"{kind}s"]
        for key in given:
            if key not in known:
                yield (name, key), f"The sub-process: {missing(kind, key, known)}"
    roles = action.get("roles")
    for key, role in roles.items() if isinstance(roles, Mapping) and not is_instruction(roles) else ():
        if not isinstance(role, str):
            yield ("roles", key), f"This should be the key of an actor, not {describe(role)}."
        elif role not in view.form["actors"]:
            yield ("roles", key), missing("actor", role, view.form["actors"])


def _result(action: Mapping[str, Any], inner: View) -> Iterator[Finding]:
    result = action.get("result")
    if result is None:
        return
    if not isinstance(result, str):
        yield ("result",), f"The result is a JMESPath expression on the finished sub-process, not {describe(result)}."
        return
    faults = list(expression_faults(result))
    yield from ((("result",), message) for _, message in faults)
    for names in names_in_expression(result):
        message = known_part(inner, names)
        if message:
            yield ("result",), f"The sub-process: {message}"


def _ends(key: str, action: Mapping[str, Any], inner: View) -> Iterator[Finding]:
    for state in inner.ends:
        response = response_key(action["responses"], state)
        if response not in action["responses"] and response != ERROR:
            yield (
                ("responses",),
                (
                    f"The sub-process of {quote(key)} can end in {quote(state)}; give the action a response "
                    f"{quote(response)} and a transition for it."
                ),
            )


def incomplete_sub_process(view: View) -> Iterator[Finding]:
    """A sub-process with a role that nobody plays, or a response that none of its ends comes to."""
    for key, action in view.actions.items():
        inner = view.inner_of(key)
        if inner is None:
            continue
        roles = action.get("roles")
        played = roles if isinstance(roles, Mapping) else view.form["actors"]
        for actor in inner.form["actors"]:
            if actor not in played and not _is_bound(inner, actor):
                yield (
                    ("actions", key, "roles") if isinstance(roles, Mapping) else ("actions", key),
                    (
                        f"Nobody plays the actor {quote(actor)} of the sub-process. Name an actor of this scenario for "
                        'it in "roles".'
                    ),
                )
        possible = {response_key(action["responses"], state) for state in inner.ends} | {ERROR}
        for response in action["responses"]:
            if response not in possible:
                yield (
                    ("actions", key, "responses", response),
                    f"The sub-process never ends so that the response would be {quote(response)}.",
                )


def _is_bound(inner: View, actor: str) -> bool:
    """Tell whether an actor has an identity from its schema, or a response may give it one."""
    properties = inner.form["actors"][actor].get("properties")
    if isinstance(properties, Mapping) and "identity" in properties:
        return True
    updates = (
        update["select"]
        for action in inner.actions.values()
        for response in action["responses"].values()
        for update in response["update"]
    )
    return any(select in (f"actors.{actor}", f"actors.{actor}.identity") for select in updates)


def unused_scenario(view: View) -> Iterator[Finding]:
    """An embedded scenario that no action runs."""
    used = [action.get("scenario") for key, action in view.actions.items() if view.is_sub_process(key)]
    for key in view.embedded:
        if key not in used:
            yield ("scenarios", key), f"No action runs the embedded scenario {quote(key)}."


def many_sub_processes(view: View) -> Iterator[Finding]:
    """More sub-processes than nodes should ever start by themselves."""
    if view.sub_process_count > MAX_SUB_PROCESSES:
        yield (
            ("scenarios",),
            (
                f"A process of this scenario could come to more than {MAX_SUB_PROCESSES} sub-processes, with theirs. "
                "Let fewer states start some, or let them run less often."
            ),
        )
