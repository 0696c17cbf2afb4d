"""`livecontract document`: templates, documents, forms and data objects. No node is needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from livecontract.cli.files import STANDARD_INPUT, DocumentFile, read_bytes, read_document
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish, note, to_json
from livecontract.errors import InvalidFileError

app = typer.Typer(help="Documents made from templates, forms, and data objects.", no_args_is_help=True)

_Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="An OpenDocument text (.odt or .ott).")]
_Out = Annotated[str, typer.Option(metavar="FILE", help="Where to write it; an existing file is kept.")]
_Scenario = Annotated[str | None, typer.Option("--scenario", metavar="FILE", help="The scenario it is meant for.")]
_Action = Annotated[
    str | None, typer.Option("--action", help="The document action whose data it gets; by default the only one.")
]


@app.command("fields")
def fields(template: _Template, as_json: AsJson = False) -> None:
    """List what a template reads, in the order of the document."""
    from workflow_engine.documents import admit
    from workflow_engine.documents.comparison import fields_of

    admitted = admit(read_bytes(template))
    found = fields_of(admitted)
    document = {"fields": [field.to_dict() for field in found], "notes": list(admitted.notes)}
    lines = [
        f"{field.use:<10} {field.name}" + (" (repeated if it goes through a list)" if field.repeated else "")
        for field in found
    ]
    finish(document, "\n".join(lines) or "The template has no fields.", as_json=as_json)


@app.command("check")
def check(template: _Template, scenario: _Scenario = None, action: _Action = None, as_json: AsJson = False) -> None:
    """Check a template, and whether its fields are in the data of a scenario; negative if there is an error."""
    from workflow_engine.documents import InvalidTemplateError, admit
    from workflow_engine.documents.comparison import compare, fields_of
    from workflow_engine.errors import Problem

    data = read_bytes(template)
    shape = None if scenario is None else _shape(read_document(scenario), action)
    problems: list[Problem] = []
    try:
        admitted = admit(data)
        fields = fields_of(admitted)
        problems += [_finding("left-out", "info", None, _sentence(note)) for note in admitted.notes]
        problems += compare(fields, shape) if shape is not None else ()
    except InvalidTemplateError as error:
        problems.append(_finding("template", "error", error.path, f"{error.message} {error.hint or ''}".rstrip()))
    problems.sort(key=lambda problem: ("error", "warning", "info").index(problem.severity))
    valid = not any(problem.severity == "error" for problem in problems)
    document = {"valid": valid, "template": _hash(data), "problems": [problem.to_dict() for problem in problems]}
    lines = [f"  {item.severity:<8} {item.rule}: {item.message} (at {item.path})" for item in problems]
    text = "\n".join([f"Valid: template {document['template']}" if valid else "Not valid:", *lines])
    finish(document, text, as_json=as_json, code=OK if valid else FAILURE)


@app.command("fill")
def fill(
    template: _Template,
    data: Annotated[str, typer.Option("--data", metavar="FILE", help="JSON: a process, or any object.")],
    out: _Out,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="HASH", help="What the chain says; nothing is written if it differs."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Make a PDF beside it as well, by LibreOffice.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a template: the same bytes for the same template and data, everywhere. The hash is of the document."""
    from livecontract.pdf import to_pdf
    from workflow_engine.documents.action import description
    from workflow_engine.documents.filling import fill as fill_template

    _check_out(out)
    source, values = read_bytes(template), read_document(data)
    if not isinstance(values, dict):
        raise InvalidFileError(f"{data} should hold an object", path="$")
    document = fill_template(source, values)
    result: dict[str, Any] = description(document, source)
    if expect not in (None, result["hash"]):
        text = f"Not the document {expect}: this template and data make {result['hash']}."
        finish({**result, "expected": expect}, text, as_json=as_json, code=FAILURE)
    _write(out, document)
    result["file"] = out
    if pdf:
        result["pdf"] = str(Path(out).with_suffix(".pdf"))
        _write(result["pdf"], to_pdf(document))
    finish(result, _filled_text(result), as_json=as_json)


@app.command("embed")
def embed(
    template: _Template,
    scenario: _Scenario = None,
    key: Annotated[str, typer.Option("--key", help="Key of the definition in the scenario.")] = "template",
) -> None:
    """Print the definition that carries a template, or a whole scenario with it. It is JSON."""
    from workflow_engine.documents.embedding import slim, template_definition

    definition = template_definition(slim(read_bytes(template)))
    document: Any = definition
    if scenario is not None:
        document = _object(read_document(scenario), scenario)
        document = {
            **document,
            "definitions": {**_object(document.get("definitions") or {}, scenario), key: definition},
        }
    finish(document, to_json(document), as_json=True)


@app.command("extract")
def extract(
    file: DocumentFile,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the definition.")],
    out: _Out,
    as_json: AsJson = False,
) -> None:
    """Write the template that a scenario carries to a file."""
    from workflow_engine.compiling import load
    from workflow_engine.documents.action import template_of

    _check_out(out)
    template = template_of(load(read_document(file)), key)
    _write(out, template)
    finish({"template": _hash(template), "file": out}, f"{_hash(template)} in {out}", as_json=as_json)


@app.command("form")
def form(
    file: DocumentFile,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Key of the action.")],
    response: Annotated[str | None, typer.Option("--response", help="Key of the outcome; the default one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the form of a response: what a user interface needs. It is JSON with and without --json."""
    from workflow_engine.compiling import load
    from workflow_engine.forms import FormNotFoundError, form_of

    try:
        found = form_of(load(read_document(file)), action, response)
    except FormNotFoundError as error:
        raise InvalidFileError(error.message, hint=error.hint) from error
    finish(found, to_json(found), as_json=as_json)


@app.command("id")
def object_id(file: DocumentFile, as_json: AsJson = False) -> None:
    """Print the id of a data object: the SHA-256 of its canonical JSON."""
    from workflow_engine import data_objects

    document = read_document(file)
    name = data_objects.object_id(document)
    finish({"id": name, "link": data_objects.link_to(document)}, name, as_json=as_json)


def _shape(document: Any, action: str | None) -> Any:
    """Return the shape of what a template sees in a scenario."""
    from workflow_engine.compiling import load
    from workflow_engine.documents.comparison import action_shape, process_shape

    scenario = load(document)
    actions = [key for key, item in scenario.actions.items() if item.kind == "document"]
    if action is not None and action not in actions:
        raise typer.BadParameter(f"the scenario has no document action {action}", param_hint="--action")
    chosen = action or (actions[0] if len(actions) == 1 else None)
    if chosen is None:
        return process_shape(scenario.normal_form)
    return action_shape(scenario.normal_form, scenario.normal_form["actions"][chosen])


def _finding(rule: str, severity: Any, path: str | None, message: str) -> Any:
    from workflow_engine.errors import Problem

    return Problem(rule=rule, severity=severity, path=path or "$", message=message)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _hash(data: bytes) -> str:
    from eventchain.core import base58
    from eventchain.core.hashing import sha256

    return base58.encode(sha256(data))


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidFileError(f"{name} should hold an object with definitions by key", path="$")
    return value


def _write(name: str, data: bytes) -> None:
    """Write a file; one that holds something else is kept."""
    path = Path(name)
    if path.exists() and (not path.is_file() or path.read_bytes() != data):
        raise InvalidFileError(f"{name} exists already, and is not what would be written", hint="Name another file.")
    path.write_bytes(data)
    note(f"Written: {name}")


def _check_out(name: str) -> None:
    """Refuse names that would not hold what people expect: a document is no PDF, and no text for a terminal."""
    if name == STANDARD_INPUT or name.lower().endswith(".pdf"):
        raise typer.BadParameter("name the .odt file that is written; --pdf makes a PDF beside it", param_hint="--out")


def _filled_text(result: Mapping[str, Any]) -> str:
    lines = [f"hash       {result['hash']}", f"template   {result['template']}", f"size       {result['size']}"]
    return "\n".join(lines)
