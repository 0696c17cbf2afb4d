"""The expressions of `<math>`: a small calculator in decimal.

```
sum     = product { ("+" | "-") product }          left to right
product = sign { ("*" | "/" | "%") sign }           left to right; % has the sign of the left side
sign    = "-" sign | "+" sign | value
value   = number | name | name "(" sum { "," sum } ")" | "(" sum ")"
```

Functions: abs, avg, ceil, floor, max, min, pow (whole exponents from -1000 to 1000), round (half away from zero, as
people do with money; an optional number of places from 0 to 15), sqrt. Every step keeps 34 significant digits, rounded
half to even. JSON numbers enter as the decimal that their shortest text means, so 0.1 + 0.2 is 0.3.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException, localcontext
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import values
from workflow_engine.operators.budget import Budget

MAX_LENGTH = 1024
"""Characters of an expression."""

MAX_NESTING = 32
"""Brackets and signs within each other."""

MAX_EXPONENT = 1000
MAX_PLACES = 15

_SYMBOL = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]+)?)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/%(),]))", re.ASCII)


def calculate(text: Any, variables: Mapping[str, Any], budget: Budget) -> int | float:
    """Calculate an expression.

    Args:
        text: The expression.
        variables: JSON values by name; the ones that are used have to be numbers.
        budget: Pays one step per symbol.

    Raises:
        InvalidInstructionError: A syntax error, an unknown name, a value that is no number, a division by zero, or a
            result beyond 2^53 - 1.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"a calculation should be text of at most {MAX_LENGTH} characters")
    symbols = _symbols(text)
    budget.spend(len(symbols))
    try:
        with localcontext(values.ARITHMETIC):
            return values.from_decimal(_Calculation(symbols, variables).result())
    except (DecimalException, ZeroDivisionError) as error:
        raise InvalidInstructionError(f'"{text[:64]}" has no result ({type(error).__name__})') from None


def _symbols(text: str) -> list[str]:
    symbols = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _SYMBOL.match(text, position)
        if match is None:
            raise InvalidInstructionError(f'the calculation is not understood at "{text[position:][:20]}"')
        symbols.append(match.group().lstrip())
        position = match.end()
    return symbols


class _Calculation:
    """One pass over the symbols, calculating on the way."""

    def __init__(self, symbols: list[str], variables: Mapping[str, Any]) -> None:
        self._symbols = symbols
        self._variables = variables
        self._position = 0
        self._depth = 0

    def result(self) -> Decimal:
        value = self._sum()
        if self._next is not None:
            raise InvalidInstructionError(f'the calculation has "{self._next}" where it should end')
        return value

    @property
    def _next(self) -> str | None:
        return self._symbols[self._position] if self._position < len(self._symbols) else None

    def _take(self, *expected: str) -> str | None:
        """Take the next symbol if it is one of these."""
        symbol = self._next
        if symbol is None or symbol not in expected:
            return None
        self._position += 1
        return symbol

    def _require(self, expected: str) -> None:
        if self._take(expected) is None:
            raise InvalidInstructionError(f'the calculation lacks a "{expected}"')

    def _sum(self) -> Decimal:
        value = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            value = value + right if sign == "+" else value - right
        return value

    def _product(self) -> Decimal:
        value = self._sign()
        while sign := self._take("*", "/", "%"):
            right = self._sign()
            value = value * right if sign == "*" else value / right if sign == "/" else value % right
        return value

    def _sign(self) -> Decimal:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise InvalidInstructionError(f"a calculation nests at most {MAX_NESTING} deep")
        sign = self._take("+", "-")
        value = self._value() if sign is None else -self._sign() if sign == "-" else self._sign()
        self._depth -= 1
        return value

    def _value(self) -> Decimal:
        symbol = self._next
        if symbol is None:
            raise InvalidInstructionError("the calculation ends too early")
        self._position += 1
        if symbol == "(":
            value = self._sum()
            self._require(")")
            return value
        if symbol[0].isdigit():
            return Decimal(symbol)
        if symbol in "-+*/%),":
            raise InvalidInstructionError(f'the calculation has "{symbol}" where a value should stand')
        return self._call(symbol) if self._take("(") else self._variable(symbol)

    def _variable(self, name: str) -> Decimal:
        if name not in self._variables:
            raise InvalidInstructionError(
                f'the calculation uses "{name[:64]}", which has no value', hint='Give it beside "<math>".'
            )
        return values.to_decimal(self._variables[name])

    def _call(self, name: str) -> Decimal:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise InvalidInstructionError(f'there is no function "{name[:64]}"; there are {", ".join(_FUNCTIONS)}')
        arguments = list(self._arguments())
        self._require(")")
        least, most, call = function
        if not least <= len(arguments) <= most:
            raise InvalidInstructionError(f"{name} does not take {len(arguments)} values")
        return call(*arguments)

    def _arguments(self) -> Iterator[Decimal]:
        if self._next == ")":
            return
        yield self._sum()
        while self._take(","):
            yield self._sum()


def _average(*items: Decimal) -> Decimal:
    return sum(items, Decimal(0)) / len(items)


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent != exponent.to_integral_value() or abs(exponent) > MAX_EXPONENT:
        raise InvalidInstructionError(f"pow takes whole exponents from -{MAX_EXPONENT} to {MAX_EXPONENT}")
    return base ** int(exponent)


def _round(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    if places not in range(MAX_PLACES + 1):
        raise InvalidInstructionError(f"round takes 0 to {MAX_PLACES} places")
    return value.quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP)


_MANY = MAX_LENGTH
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Decimal]]] = {
    "abs": (1, 1, abs),
    "avg": (1, _MANY, _average),
    "ceil": (1, 1, lambda value: value.to_integral_value(rounding=ROUND_CEILING)),
    "floor": (1, 1, lambda value: value.to_integral_value(rounding=ROUND_FLOOR)),
    "max": (1, _MANY, max),
    "min": (1, _MANY, min),
    "pow": (2, 2, _power),
    "round": (1, 2, _round),
    "sqrt": (1, 1, lambda value: value.sqrt()),
}
"""Name → fewest and most values, and what it does."""
