"""`<encode>` and `<decode>`: base64, base58 and the encoding of web addresses.

Each works on the UTF-8 bytes of a text. What is decoded has to be the one text that encodes to it, and text again:
nothing is guessed, skipped or repaired.

| name | what |
|---|---|
| base64 | RFC 4648, section 4, with padding |
| base58 | the alphabet of Bitcoin, at most 256 bytes |
| url | a value in a form (application/x-www-form-urlencoded): all but A-Z a-z 0-9 - . _ as %XX, a space as + |
"""

import base64 as rfc4648
import re
from collections.abc import Callable, Mapping

from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import octets
from workflow_engine.operators.budget import Budget

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
_URL_BYTES = tuple("+" if byte == 0x20 else chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
_URL = re.compile(r"(?:[A-Za-z0-9\-._~!$'()*+,;:@/?\[\]]|%[0-9A-Fa-f]{2})*", re.ASCII)
"""What is read: also what other encoders leave as it is, but for `&` and `=`, which stand between values."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def _from_base64(text: str) -> bytes:
    if not _BASE64.fullmatch(text):
        raise InvalidInstructionError("this is not base64 (RFC 4648, with padding and without line breaks)")
    data = rfc4648.b64decode(text)
    if _to_base64(data) != text:
        raise InvalidInstructionError("this is not base64: its last character holds bits that belong to nothing")
    return data


def _to_base64(data: bytes) -> str:
    return rfc4648.b64encode(data).decode("ascii")


def _to_base58(data: bytes) -> str:
    try:
        return base58.encode(data)
    except InvalidEncodingError as error:
        raise InvalidInstructionError(error.message) from None


def _from_base58(text: str) -> bytes:
    try:
        return base58.decode(text, name="this")
    except InvalidEncodingError as error:
        raise InvalidInstructionError(error.message) from None


def _to_url(data: bytes) -> str:
    return "".join(map(_URL_BYTES.__getitem__, data))


def _from_url(text: str) -> bytes:
    if not _URL.fullmatch(text):
        raise InvalidInstructionError(
            'this is not URL-encoded: a character has to be encoded, or a "%" lacks two digits'
        )
    spaced = text.replace("+", " ").encode("ascii")
    return _ESCAPE.sub(lambda match: bytes.fromhex(match.group(1).decode("ascii")), spaced)


_CODECS: Mapping[str, tuple[Callable[[bytes], str], Callable[[str], bytes]]] = {
    "base64": (_to_base64, _from_base64),
    "base58": (_to_base58, _from_base58),
    "url": (_to_url, _from_url),
}

ALGORITHMS = tuple(_CODECS)


def encode(text: str, algorithm: str, budget: Budget) -> str:
    """Return a text encoded; `algorithm` is one of `ALGORITHMS`.

    Raises:
        InvalidInstructionError: It is too long for base58, or holds a lone surrogate.
        BudgetExceededError: It is too long.
    """
    return _CODECS[algorithm][0](octets.of_text(text, budget))


def decode(text: str, algorithm: str, budget: Budget) -> str:
    """Return the text that `encode` makes this of.

    Raises:
        InvalidInstructionError: There is none.
        BudgetExceededError: It is too long.
    """
    budget.spend(1 + len(text) // octets.BYTES_PER_STEP)
    return octets.to_text(_CODECS[algorithm][1](text), f"what this {algorithm} stands for")
