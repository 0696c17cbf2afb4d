"""`<hash>`: the digest of a text or of any JSON value.

A text is hashed as its UTF-8 bytes, any other value as its canonical JSON (RFC 8785), so that the SHA-256 of an object
is the name of the data object (paper section 5). The digest is written in lower-case hexadecimal digits.

sha256 and sha512 bind: nobody finds two values with the same digest. sha1 (RFC 3174), md5 (RFC 1321) and crc32 are here
because LTO has them, to compare with what other systems wrote. They do not bind: whoever chooses a value can make
another one with the same digest. `crc32` is that of PHP's `hash`: the polynomial 0x04C11DB7 with the highest bit first,
as in bzip2, and the four bytes of the result backwards. It is not the one of zip and Ethernet.

There is no HMAC: its key would stand in the process, where every party reads it.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine.operators import octets
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.form import Form, choice, refused

_BITS_BACKWARDS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _crc32(data: bytes) -> str:
    """Return PHP's crc32: zlib's, whose lowest bit comes first, with the bits of every byte the other way round."""
    register = zlib.crc32(data.translate(_BITS_BACKWARDS))
    return register.to_bytes(4, "little").translate(_BITS_BACKWARDS)[::-1].hex()


ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "sha256": lambda data: hashlib.sha256(data).hexdigest(),
    "sha512": lambda data: hashlib.sha512(data).hexdigest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "crc32": _crc32,
}

DEFAULT = "sha256"

BINDING = ("sha256", "sha512")
"""Those that nobody can find two values for; only they commit anybody to anything."""

FORM = Form(
    "<hash>",
    {
        "input": None,
        "algo": choice(ALGORITHMS),
        "hmac": refused(
            "an HMAC needs a secret, and every party sees what an instruction sees",
            hint='To commit to a value, put a random "salt" beside it and hash both.',
        ),
    },
    required=("input",),
)


def digest(value: Any, algorithm: str, budget: Budget) -> str:
    """Return the digest of a JSON value in hexadecimal digits; `algorithm` is one of `ALGORITHMS`.

    Raises:
        InvalidInstructionError: The value has no canonical form.
        BudgetExceededError: It is too large.
    """
    data = octets.of_value(value, budget)
    budget.spend(1 + len(data) // octets.BYTES_PER_STEP)
    return ALGORITHMS[algorithm](data)
