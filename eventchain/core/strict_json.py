"""Strict reading of JSON that strangers wrote (RFC 8259, I-JSON RFC 7493).

Refused: bytes that are not UTF-8, a byte order mark, duplicate keys, NaN and infinities, numbers without a canonical
form, lone surrogates, and documents over the limits of size and depth. What passes has a canonical form, which passes
as well and is the same value.
"""

import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NoReturn

from eventchain.core.errors import InvalidJsonError, TooLargeError

MAX_BYTES = 16 * 1024 * 1024
"""A chain of some ten thousand small events; larger ones are sent in parts."""

MAX_DEPTH = 64
"""Far above any scenario, far below what exhausts the stack."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 7493, 2.2)."""


_PIECE = 64 * 1024
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
"""A bracket as a signed byte: one level deeper, or one less."""

_MAX_INTEGER_TEXT = len(str(-MAX_SAFE_INTEGER))

_FIRST_WITH_EXPONENT = 1e21
"""From here on the canonical form has an exponent; below, it would be an integer that is refused when read again."""


def parse(data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON document.

    Raises:
        TooLargeError: Over `max_bytes` or nested deeper than `max_depth`.
        InvalidJsonError: Not strict JSON; the message names what and where.
    """
    text = _decode(data, max_bytes)
    _check_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except InvalidJsonError:
        raise
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except ValueError as error:
        raise InvalidJsonError(f"not JSON this node reads: {error}") from None
    if "\\u" in text or "\\U" in text:
        _check_surrogates(value)
    return value


def _decode(data: bytes | str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise TooLargeError(f"the document is larger than {max_bytes} bytes")
    if isinstance(data, str):
        text = data
        _check_text(text)
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidJsonError(f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise InvalidJsonError("the document starts with a byte order mark")
    return text


def _check_depth(text: str, max_depth: int) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for part in _outside_strings(text):
        steps = memoryview(part.encode("utf-8", "replace").translate(_STEPS, _NO_BRACKETS)).cast("b")
        depths = tuple(accumulate(steps, initial=depth))
        if max(depths) > max_depth:
            raise TooLargeError(f"the document is nested deeper than {max_depth} levels")
        depth = depths[-1]


def _outside_strings(text: str) -> Iterator[str]:
    """Yield what stands outside strings, piece by piece, so that many short strings take no memory.

    Where a backslash stands outside a string, the rest is no JSON, and what is yielded of it means nothing.
    """
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    inside = 0
    for start in range(0, len(text), _PIECE):
        parts = text[start : start + _PIECE].split('"')
        yield "".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidJsonError(f"the key {json.dumps(key)} stands twice in one object")
            seen.add(key)
    return result


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_TEXT or not -MAX_SAFE_INTEGER <= (value := int(text)) <= MAX_SAFE_INTEGER:
        raise InvalidJsonError(f"the integer {text[:24]} is beyond 2^53 - 1; write it as a string")
    return value


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InvalidJsonError(f"the number {text[:24]} is too large")
    if MAX_SAFE_INTEGER < abs(value) < _FIRST_WITH_EXPONENT:
        raise InvalidJsonError(f"the number {text[:24]} is beyond 2^53 - 1; write it as a string")
    return value


def _constant(text: str) -> NoReturn:
    raise InvalidJsonError(f"{text} is not JSON")


def _check_surrogates(value: Any) -> None:
    """Refuse strings that UTF-8 cannot carry; the parser lets escaped ones through."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_surrogates(key)
            _check_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidJsonError("a string holds a lone surrogate") from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
