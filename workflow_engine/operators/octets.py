"""Values as bytes, and bytes as text: UTF-8 both ways, as JSON has no bytes of its own."""

from typing import Any

from eventchain.core import canonical_json
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import values
from workflow_engine.operators.budget import Budget

BYTES_PER_STEP = 64
"""How many bytes of reading, hashing or coding make one step."""


def of_text(text: str, budget: Budget) -> bytes:
    """Return the UTF-8 bytes of a text.

    Raises:
        InvalidInstructionError: It holds a lone surrogate, which has none.
        BudgetExceededError: Reading it takes too long.
    """
    budget.spend(1 + len(text) // BYTES_PER_STEP)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInstructionError("the text holds a lone surrogate") from None


def of_value(value: Any, budget: Budget) -> bytes:
    """Return the bytes that a JSON value is hashed as: a text in UTF-8, anything else in canonical JSON (RFC 8785).

    Raises:
        InvalidInstructionError: It has no such form.
        BudgetExceededError: It is too large.
    """
    if isinstance(value, str):
        return of_text(value, budget)
    values.measure(value, budget)
    return canonical_json.encode(value)


def to_text(data: bytes, what: str) -> str:
    """Return bytes as text.

    Raises:
        InvalidInstructionError: They are not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInstructionError(
            f"{what} is not text (UTF-8), and JSON has no place for other bytes", hint="Keep it encoded."
        ) from None
