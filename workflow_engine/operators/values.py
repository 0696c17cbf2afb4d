"""JSON values inside the operators: what is true, what is equal, how a value reads as text.

Each is pinned here once for conditions, expressions and templates, because two nodes must never see it differently.
"""

import math
from decimal import Context as DecimalContext
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.strict_json import MAX_SAFE_INTEGER
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError
from workflow_engine.operators.budget import MAX_DEPTH, Budget

PRECISION = 34
"""Significant digits of every intermediate result: those of IEEE 754 decimal128, rounded half to even."""

SORTED_PER_STEP = 8
"""Keys that are compared and sorted for one step: those of small objects cost nothing."""

FIRST_WITH_EXPONENT = 1e21
"""From here on canonical JSON writes a double with an exponent, so that it is not read again as an unsafe integer."""

ARITHMETIC = DecimalContext(prec=PRECISION, rounding="ROUND_HALF_EVEN", Emin=-6143, Emax=6144)
"""Division by zero, overflow and results that are no number raise; the exponents are those of decimal128."""


def is_truthy(value: Any) -> bool:
    """Tell whether a value counts as true: anything but false, null, "", [] and {} (JMESPath). 0 counts as true."""
    return not (value is None or value is False or (isinstance(value, (str, list, dict)) and not value))


def is_number(value: Any) -> bool:
    """Tell whether a value is a JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_equal(left: Any, right: Any, budget: Budget) -> bool:
    """Compare two JSON values strictly: 1 equals 1.0, true equals neither 1 nor "true", lists compare in order.

    Raises:
        BudgetExceededError: The values are too large to compare.
    """
    budget.spend()
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(is_equal(a, b, budget) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):  # by sorted keys: up to the first difference, it would cost what their order makes of it
        if len(left) != len(right):
            return False
        budget.spend(len(left) // SORTED_PER_STEP)
        return left.keys() == right.keys() and all(is_equal(left[key], right[key], budget) for key in sorted(left))
    if isinstance(left, str):
        budget.spend(min(len(left), len(right)) // 1024)
    return bool(left == right)


def text_of(value: Any) -> str:
    """Return a scalar as text: numbers as canonical JSON writes them, true and false by name, null as nothing.

    Raises:
        InvalidInstructionError: A list or an object has no text.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        kind = "a list" if isinstance(value, list) else "an object"
        raise InvalidInstructionError(f"{kind} cannot be written as text", hint="Choose one of its members.")
    return canonical_json.encode(value).decode("ascii")


def measure(value: Any, budget: Budget) -> None:
    """Check that a value is JSON with a canonical form, and take its size off the budget.

    Raises:
        InvalidInstructionError: It holds something that JSON lacks, or an integer beyond 2^53 - 1.
        BudgetExceededError: It is too large or too deep.
    """
    if value is True or value is False or value is None:
        budget.spend()
        return
    weight = _weight(value, MAX_DEPTH)
    if weight is None or not budget.take(*weight):
        _measure(value, budget, MAX_DEPTH)


def _weight(value: Any, depth: int) -> tuple[int, int] | None:
    """Return the steps and the size that a value takes off a budget; None where something may be wrong with it."""
    kind = type(value)
    if kind is str:
        return (1, len(value) + 1) if value.isascii() else None
    if kind is not dict and kind is not list:
        return (1, 0) if _is_plain(value) else None
    if depth == 0:
        return None
    steps, size, items = 1, len(value) + 1, value
    if kind is dict:
        names = "".join(value)
        if not names.isascii():
            return None
        size += len(names) + len(value)
        items = value.values()
    for item in items:
        if type(item) is str and item.isascii():
            steps += 1
            size += len(item) + 1
            continue
        weight = _weight(item, depth - 1)
        if weight is None:
            return None
        steps += weight[0]
        size += weight[1]
    return steps, size


def _measure(value: Any, budget: Budget, depth: int) -> None:
    """Do what `measure` promises, part by part: what is wrong first is told."""
    budget.spend()
    if isinstance(value, str):
        _measure_text(value, budget)
    elif isinstance(value, (dict, list)):
        if depth == 0:
            raise BudgetExceededError(f"the result is nested deeper than {MAX_DEPTH} levels")
        budget.grow(len(value) + 1)
        if isinstance(value, dict):
            for key in value:
                _measure_text(key, budget)
        for item in value.values() if isinstance(value, dict) else value:
            _measure(item, budget, depth - 1)
    elif not _is_plain(value):
        raise InvalidInstructionError("the result is not a JSON value that every node reads alike")


def _measure_text(text: str, budget: Budget) -> None:
    budget.grow(len(text) + 1)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidInstructionError("the result holds a lone surrogate") from None


def _is_plain(value: Any) -> bool:
    """Tell whether a scalar has a canonical form that strict reading gives back as the same value."""
    if value is None or isinstance(value, bool):
        return True
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    return abs(value) <= MAX_SAFE_INTEGER or (isinstance(value, float) and abs(value) >= FIRST_WITH_EXPONENT)


def to_decimal(value: Any) -> Decimal:
    """Return a JSON number as the decimal that its shortest text means.

    Raises:
        InvalidInstructionError: It is not a number.
    """
    if not is_number(value):
        raise InvalidInstructionError(f"{_describe(value)} is not a number")
    return Decimal(repr(value))


def from_decimal(value: Decimal) -> int | float:
    """Return a decimal as a JSON number: an integer where it is integral, else the nearest double.

    Raises:
        InvalidInstructionError: Its magnitude is beyond 2^53 - 1, where integers are no longer exact.
    """
    if not value.is_finite() or value.copy_abs() > MAX_SAFE_INTEGER:
        raise InvalidInstructionError("the result of the calculation is beyond 2^53 - 1")
    if value == value.to_integral_value():
        return int(value)
    double = float(value)
    return int(double) if double.is_integer() else double


def add(values: list[Any], budget: Budget) -> Decimal:
    """Return the sum of JSON numbers, in their order.

    Raises:
        InvalidInstructionError: One of them is not a number.
    """
    budget.spend(len(values))
    total = Decimal(0)
    for value in values:
        total = ARITHMETIC.add(total, to_decimal(value))
    return total


def divide(left: Decimal, right: Decimal) -> Decimal:
    """Return the quotient.

    Raises:
        InvalidInstructionError: Division by zero, or the quotient is out of range.
    """
    try:
        with localcontext(ARITHMETIC) as context:
            return context.divide(left, right)
    except (ZeroDivisionError, InvalidOperation, OverflowError) as error:
        raise InvalidInstructionError(f"the division cannot be done: {type(error).__name__}") from None


def _describe(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    return {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "this")
