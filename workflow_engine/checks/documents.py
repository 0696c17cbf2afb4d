"""Document actions: their templates, and whether these find what they name."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from workflow_engine.action_kinds import action_kind
from workflow_engine.checks.references import missing
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.documents.comparison import Field, action_shape, compare, fields_in
from workflow_engine.documents.embedding import template_in
from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import Path, quote
from workflow_engine.reading import is_instruction

MAX_DOCUMENTS = 16
"""Document actions in one scenario."""


def bad_document(view: View) -> Iterator[Finding]:
    """A document action without a template that can be used, or without the outcome that it has."""
    for number, (key, action) in enumerate(_documents(view)):
        if number >= MAX_DOCUMENTS:
            yield ("actions", key), f"A scenario makes at most {MAX_DOCUMENTS} documents."
            return
        if "ok" not in action["responses"]:
            yield ("actions", key, "responses"), f'The document action {quote(key)} needs the response "ok".'
        name = action.get("template")
        if is_instruction(name):
            continue
        if not isinstance(name, str) or name not in view.form["definitions"]:
            yield ("actions", key, "template"), _no_template(view, key, name)
            continue
        try:
            _fields(view, name)
        except InvalidTemplateError as error:
            yield _place_of(name, error), f"{error.message} {error.hint or ''}".rstrip()


def incomplete_document(view: View) -> Iterator[Finding]:
    """A document action that has no answer to what can go wrong, or a template that names what cannot be there."""
    for key, action in islice(_documents(view), MAX_DOCUMENTS):
        if "error" not in action["responses"]:
            message = f'The document action {quote(key)} can fail; give it a response "error" and a transition for it.'
            yield ("actions", key, "responses"), message
        try:
            fields = _fields(view, action.get("template"))
        except InvalidTemplateError:
            continue
        for problem in compare(fields, action_shape(view.form, action)):
            if problem.severity != "info":
                yield ("actions", key, "template"), f"The template does not fit the scenario. {problem.message}"


def _documents(view: View) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, action in view.actions.items():
        if view.is_own and action_kind(action["$schema"]) == "document":
            yield key, action


def _fields(view: View, name: Any) -> tuple[Field, ...]:
    return fields_in(template_in(view.form["definitions"].get(name) if isinstance(name, str) else None))


def _no_template(view: View, key: str, name: Any) -> str:
    if isinstance(name, str):
        return missing("definition", name, view.form["definitions"])
    return f'The document action {quote(key)} needs "template": the key of a definition.'


def _place_of(name: str, error: InvalidTemplateError) -> Path:
    """Return where in the scenario the fault of a template stands."""
    member = {"$.media_type": "media_type", "$.content": "content"}.get(error.path or "")
    return ("definitions", name) if member is None else ("definitions", name, member)
