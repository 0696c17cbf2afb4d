"""What system actions ask of others: whether they say what to do, and what follows when it fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.action_kinds import action_kind
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, quote

MAX_STEPS = 16
"""Steps of a sequence."""

_CAN_FAIL = ("http", "sequence", "invite", "identity", "reinvite")

_NEEDED: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "http": ((("url", "requests"), '"url": there is nothing to ask'),),
    "event": ((("body",), '"body": there is nothing to add'),),
    "invite": (
        (("identity",), '"identity": the id under which the invitee takes part'),
        (("email",), '"email": nobody knows where the invitation goes'),
        (("name",), '"name": nobody knows who is invited'),
    ),
    "identity": ((("identity",), '"identity": nobody knows whose is changed'),),
    "reinvite": (
        (("identity",), '"identity": nobody knows whose keys are replaced'),
        (("email",), '"email": nobody knows where the invitation goes'),
        (("name",), '"name": nobody knows who is invited'),
    ),
    "sequence": ((("steps",), '"steps": there is nothing to do'),),
}
"""By kind: members of which one has to be there, and what is missing without."""


def no_error_response(view: View) -> Iterator[Finding]:
    """A call over the network, or to another chain, can fail, and the scenario does not say what then."""
    for key, action in view.actions.items():
        kind = action_kind(action["$schema"])
        crosses = view.is_own and kind == "event" and action.get("chain") is not None
        if (kind in _CAN_FAIL or crosses) and "error" not in action["responses"]:
            yield (
                ("actions", key, "responses"),
                f'The {kind} action {quote(key)} can fail; give it a response "error" and a transition for it.',
            )


def incomplete_call(view: View) -> Iterator[Finding]:
    """A system action that does not say what to do."""
    for key, action in view.actions.items():
        place: Path = ("actions", key)
        kind = action_kind(action["$schema"])
        for message in _missing(action, kind, f"The {kind} action {quote(key)}"):
            yield place, message
        for index, step, inner in view.steps_of(key):
            for message in _missing(step, inner, f"The {inner} step {index} of {quote(key)}"):
                yield (*place, "steps", index), message


def _missing(form: Mapping[str, Any], kind: str, what: str) -> Iterator[str]:
    if form.get("projection") is not None and kind != "sequence":
        return  # it makes the members
    for names, missing in _NEEDED.get(kind, ()):
        if not any(form.get(name) for name in names):
            yield f"{what} has no {missing}."


def long_sequence(view: View) -> Iterator[Finding]:
    """A sequence of more steps than a node does in one go."""
    for key in view.actions:
        if len(view.steps_of(key)) > MAX_STEPS:
            yield ("actions", key, "steps"), f"A sequence has at most {MAX_STEPS} steps. Split it into states."
