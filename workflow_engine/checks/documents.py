"""Document actions: their templates, and whether these find what they name."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks.references import missing
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.documents.admission import Template, admit
from workflow_engine.documents.comparison import action_shape, compare, fields_of
from workflow_engine.documents.embedding import template_in
from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import Path, quote
from workflow_engine.normalise import action_kind
from workflow_engine.reading import is_instruction


def bad_document(view: View) -> Iterator[Finding]:
    """A document action without a template that can be used, or without the outcome that it has."""
    for key, action in _documents(view):
        if "ok" not in action["responses"]:
            yield ("actions", key, "responses"), f'The document action {quote(key)} needs the response "ok".'
        name = action.get("template")
        if is_instruction(name):
            continue
        if not isinstance(name, str) or name not in view.form["definitions"]:
            yield ("actions", key, "template"), _no_template(view, key, name)
            continue
        try:
            fields_of(_template(view, name))
        except InvalidTemplateError as error:
            yield _place_of(name, error), f"{error.message} {error.hint or ''}".rstrip()


def incomplete_document(view: View) -> Iterator[Finding]:
    """A document action that has no answer to what can go wrong, or a template that names what cannot be there."""
    for key, action in _documents(view):
        if "error" not in action["responses"]:
            message = f'The document action {quote(key)} can fail; give it a response "error" and a transition for it.'
            yield ("actions", key, "responses"), message
        try:
            template = _template(view, action.get("template"))
        except InvalidTemplateError:
            continue
        for problem in compare(template, action_shape(view.form, action)):
            if problem.severity != "info":
                yield ("actions", key, "template"), f"The template does not fit the scenario. {problem.message}"


def _documents(view: View) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, action in view.actions.items():
        if view.is_own and action_kind(action["$schema"]) == "document":
            yield key, action


def _template(view: View, name: Any) -> Template:
    definition = view.form["definitions"].get(name) if isinstance(name, str) else None
    template = admit(template_in(definition))
    fields_of(template)
    return template


def _no_template(view: View, key: str, name: Any) -> str:
    if isinstance(name, str):
        return missing("definition", name, view.form["definitions"])
    return f'The document action {quote(key)} needs "template": the key of a definition.'


def _place_of(name: str, error: InvalidTemplateError) -> Path:
    """Return where in the scenario the fault of a template stands."""
    member = {"$.media_type": "media_type", "$.content": "content"}.get(error.path or "")
    return ("definitions", name) if member is None else ("definitions", name, member)
