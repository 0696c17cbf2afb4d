"""How a command ends: its output in two forms, and the exit code of each family of errors."""

import json
import sys
from typing import Annotated, Any

import typer

from eventchain.core import errors, problem
from livecontract.errors import InvalidConfigError, InvalidKeyFileError

OK = 0
FAILURE = 1
USAGE = 2
INVALID = 3
UNREACHABLE = 4
CONFLICT = 5
STOPPED = 130
"""As shells write the end by an interrupt."""

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The parser's error of usage: typer exports only this descendant of it, and where it is defined changes."""

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document.")]

_CODES: tuple[tuple[type[errors.LiveContractError], int], ...] = (
    (InvalidConfigError, USAGE),
    (InvalidKeyFileError, FAILURE),
    (errors.InvalidError, INVALID),
    (errors.ConflictError, CONFLICT),
    (errors.UnavailableError, UNREACHABLE),
)
"""The first that fits decides; an error outside is a failure."""


def exit_code(error: Exception) -> int:
    """Return the exit code of an error."""
    return next((code for family, code in _CODES if isinstance(error, family)), FAILURE)


def finish(document: Any, text: str, *, as_json: bool, code: int = OK) -> None:
    """Print the result of a command, as a document or as text for people, and end with a code.

    Raises:
        typer.Exit: Where the code is not 0.
    """
    typer.echo(to_json(document) if as_json else printable(text))
    if code != OK:
        raise typer.Exit(code)


def to_json(document: Any) -> str:
    """Return a document as JSON, escaped where the output could not carry it."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=2)
    return text


def printable(text: str) -> str:
    """Return text that strangers may have written without what would steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: 1 step, 2 steps."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def note(text: str) -> None:
    """Tell a person something beside the result."""
    typer.echo(printable(text), err=True)


def report_error(error: Exception, *, as_json: bool) -> int:
    """Report what ended a command, and return the exit code."""
    if isinstance(error, errors.LiveContractError):
        if as_json:
            typer.echo(to_json(problem.to_dict(error)))
        else:
            note(_error_text(error))
        return exit_code(error)
    sentence = _sentence(error)
    if as_json:
        typer.echo(to_json({"type": "about:blank", "title": "Failure", "status": 500, "detail": sentence}))
    else:
        note(f"Error: {sentence}")
    return FAILURE


def report_usage(error: Exception, *, as_json: bool) -> int:
    """Report that a command was given wrongly, and return the exit code."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    message = message.replace("\t", "  ").replace("Value error, ", "")  # as the parser's libraries word it
    if as_json:
        document = {"type": "about:blank", "title": "Usage", "status": 400, "detail": message}
        typer.echo(to_json(document))
    elif type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(message, err=True)
    else:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "livecontract"
        note(f"Error: {message}\nTry '{command} --help'.")
    return USAGE


def _error_text(error: errors.LiveContractError) -> str:
    place = f" (at {error.path})" if error.path else ""
    return f"Error: {error.message}{place}" + (f"\n{error.hint}" if error.hint else "")


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return f"the program made a mistake ({type(error).__name__}); please report it, with what you ran"
