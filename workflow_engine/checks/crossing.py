"""What goes to another chain and what is taken from one: whether it says enough, and nothing that cannot be."""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId
from workflow_engine.action_kinds import action_kind
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import Path, quote
from workflow_engine.reading import describe, is_instruction

ACCEPTED = ("chain", "process", "action", "signer", "verbatim")
"""Members of `accepts` (`workflow_engine.origin`)."""

CARRIED = ("process", "action", "key", "data", "actor")
"""Members of a response that goes to another chain, beside its `$schema` (`workflow_engine.triggers.crossing`)."""


def bad_crossing(view: View) -> Iterator[Finding]:
    """An action takes from another chain, or carries to one, what it cannot."""
    for key, action in view.actions.items() if view.is_own else ():
        place: Path = ("actions", key)
        if action.get("accepts") is not None:
            yield from ((((*place, "accepts", *part)), message) for part, message in _acceptance(action))
        for where, form in _carriers(view, key, action):
            yield from (((*place, *where, *part), message) for part, message in _carriage(form))


def _carriers(view: View, key: str, action: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the action, or the steps of it, that carry something to another chain."""
    if action_kind(action["$schema"]) == "event" and action.get("chain") is not None:
        yield (), action
    for index, step, kind in view.steps_of(key):
        if kind == "event" and step.get("chain") is not None:
            yield ("steps", index), step


def _acceptance(action: Mapping[str, Any]) -> Iterator[Finding]:
    if not action["system"]:
        yield (), 'What comes from another chain is given by a node: add "system": true.'
    accepts = action["accepts"]
    if not isinstance(accepts, dict) or is_instruction(accepts):
        yield (), f"This should be an object that says from where, so that everybody sees it, not {describe(accepts)}."
        return
    for name in sorted(accepts.keys() - set(ACCEPTED)):
        yield (name,), f"There is no {quote(name)} here; there are {', '.join(ACCEPTED)}."
    if accepts.get("chain") is None:
        yield (), 'Say from which "chain"; everything that comes would be refused.'
    for name in ("chain", "process", "action"):
        if name in accepts:
            yield from (((name,), message) for message in _text(name, accepts[name]))
    signers = accepts.get("signer")
    for signer in signers if isinstance(signers, list) else [signers] if "signer" in accepts else []:
        yield from ((("signer",), message) for message in _text("signer", signer))
    if not isinstance(accepts.get("verbatim", True), bool):
        yield ("verbatim",), f"This should be true or false, not {describe(accepts['verbatim'])}."


def _carriage(form: Mapping[str, Any]) -> Iterator[Finding]:
    yield from ((("chain",), message) for message in _text("chain", form["chain"]))
    body = form.get("body")
    if body is None or is_instruction(body):
        return
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        yield ("body",), "One response goes to another chain at a time; a sequence may have several steps."
        return
    for name in sorted(body.keys() - {"$schema", *CARRIED}) if not is_instruction(body) else ():
        yield (
            ("body",),
            (
                f"Only a response goes to another chain, with {', '.join(CARRIED)}; {quote(name)} is none of "
                "them. The node adds where it comes from."
            ),
        )
    for name in ("process", "action") if not is_instruction(body) else ():
        if body.get(name) is None:
            yield ("body",), f"The response does not say which {name} it is for."


def _text(name: str, value: Any) -> Iterator[str]:
    """Yield what is wrong with a text that may be an instruction."""
    if is_instruction(value):
        return
    if not isinstance(value, str) or not value:
        yield f"This should be text or a data instruction, not {describe(value)}."
    elif name == "chain":
        try:
            ChainId.parse(value)
        except InvalidError as error:
            yield f"This is not the id of a chain: {error.message}."
