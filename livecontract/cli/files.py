"""Reading the files that people name; `-` is standard input. What goes wrong is told with the file's name."""

import stat
import sys
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from eventchain.core import strict_json
from eventchain.core.errors import InvalidJsonError, TooLargeError
from livecontract.errors import InvalidFileError

MAX_BYTES = 64 * 1024 * 1024
"""Four times what a node takes in one request."""

STANDARD_INPUT = "-"
_BINARY = b"\0"

DocumentFile = Annotated[str, typer.Argument(metavar="FILE", help="A JSON file; - reads standard input.")]


def read_document(name: str) -> Any:
    """Return the strict JSON in a file.

    Raises:
        InvalidFileError: It cannot be read, is too large, is no text, or no strict JSON.
    """
    shown = _shown(name)
    data = read_bytes(name)
    if not data.strip():
        raise InvalidFileError(f"{shown} is empty", hint="Name a file that holds a JSON document.")
    if _BINARY in data:
        raise InvalidFileError(f"{shown} is binary, not JSON text", hint="Name a JSON file in UTF-8.")
    try:
        return strict_json.parse(data, max_bytes=MAX_BYTES)
    except TooLargeError as error:
        raise InvalidFileError(f"{shown}: {error.message}", hint="Split it, or reduce how deep it nests.") from None
    except InvalidJsonError as error:
        raise InvalidFileError(f"{shown}: {error.message}", hint="Correct it there and try again.") from None


def read_text(name: str, what: str) -> str:
    """Return a short text in a file, such as a seed phrase, without its line end.

    Raises:
        InvalidFileError: It cannot be read or is no text, or empty.
    """
    try:
        text = read_bytes(name).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidFileError(f"{_shown(name)} is not text in UTF-8") from None
    if not text:
        raise InvalidFileError(f"{_shown(name)} holds no {what}")
    return text


def read_bytes(name: str) -> bytes:
    """Return the bytes of a file, or of standard input.

    Raises:
        InvalidFileError: It cannot be read, is a directory, or larger than `MAX_BYTES`.
    """
    try:
        if name == STANDARD_INPUT:
            return _read(sys.stdin.buffer, name)
        with Path(name).open("rb") as stream:
            return _read(stream, name)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None


def _read(stream: BinaryIO, name: str) -> bytes:
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidFileError(f"{_shown(name)} is larger than {MAX_BYTES} bytes", hint="Split it into parts.")
    return data


def _unreadable(name: str, error: Exception) -> InvalidFileError:
    shown = _shown(name)
    if isinstance(error, FileNotFoundError):
        return InvalidFileError(f"{shown} does not exist", hint="Check the name and the directory you are in.")
    if isinstance(error, IsADirectoryError) or _is_directory(name):
        return InvalidFileError(f"{shown} is a directory", hint="Name a file in it.")
    if isinstance(error, PermissionError):
        return InvalidFileError(f"{shown} may not be read by you", hint="Ask its owner, or change its permissions.")
    return InvalidFileError(f"{shown} cannot be read", hint="Check the name.")


def _is_directory(name: str) -> bool:
    try:
        return stat.S_ISDIR(Path(name).stat().st_mode)
    except (OSError, ValueError):
        return False


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def refuse_deviation(document: Any, name: str) -> None:
    """Say of a deviation that it is no scenario, and what to do with it.

    Raises:
        InvalidFileError: It is one.
    """
    from workflow_engine.proposal import OWN_DEVIATION

    if isinstance(document, dict) and document.get("$schema") == OWN_DEVIATION:
        raise InvalidFileError(
            f"{name} is a deviation from a scenario, which is checked together with that",
            hint="Run: livecontract scenario impact SCENARIO DEVIATION",
        )
