"""The expressions of `<math>`: a small calculator in decimal.

```
sum     = product { ("+" | "-") product }          left to right
product = sign { ("*" | "/" | "%") sign }           left to right; % has the sign of the left side
sign    = "-" sign | "+" sign | value
value   = number | name | name "(" sum { "," sum } ")" | "(" sum ")"
```

Functions: abs, avg, ceil, floor, max, min, pow (whole exponents from -1000 to 1000), round (half away from zero, as
people do with money; an optional number of places from 0 to 15), sqrt. Every step keeps 34 significant digits, rounded
half to even; pow multiplies step by step, from the highest bit of the exponent on. JSON numbers enter as the decimal
that their shortest text means, so 0.1 + 0.2 is 0.3.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException, localcontext
from functools import lru_cache
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


@dataclass(frozen=True, slots=True)
class _Call:
    """Take `count` values off the stack, and put what `function` makes of them on it."""

    function: Callable[..., Decimal]
    count: int


_Step = Decimal | str | _Call
"""A number, the name of a variable, or what is done with the values so far."""


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation that has been read.

    Attributes:
        steps: In the order in which they are done: operands before what is done with them.
        symbols: How many symbols its text has.
    """

    steps: tuple[_Step, ...]
    symbols: int

    @property
    def names(self) -> frozenset[str]:
        """The names whose values it needs."""
        return frozenset(step for step in self.steps if isinstance(step, str))


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
    calculation = parse(text)
    budget.spend(calculation.symbols)
    try:
        with localcontext(values.ARITHMETIC):
            return values.from_decimal(_result(calculation, variables))
    except (DecimalException, ZeroDivisionError) as error:
        raise InvalidInstructionError(f'"{text[:64]}" has no result ({type(error).__name__})') from None


def parse(text: Any) -> Calculation:
    """Read an expression.

    Raises:
        InvalidInstructionError: It is not text, too long, or has a syntax error or an unknown function.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"a calculation should be text of at most {MAX_LENGTH} characters")
    return _parse(text)


@lru_cache(maxsize=256)
def _parse(text: str) -> Calculation:
    symbols = _symbols(text)
    return Calculation(tuple(_Reader(symbols).steps()), len(symbols))


def _result(calculation: Calculation, variables: Mapping[str, Any]) -> Decimal:
    stack: list[Decimal] = []
    for step in calculation.steps:
        if isinstance(step, Decimal):
            stack.append(step)
        elif isinstance(step, str):
            if step not in variables:
                raise InvalidInstructionError(
                    f'the calculation uses "{step[:64]}", which has no value', hint='Give it beside "<math>".'
                )
            stack.append(values.to_decimal(variables[step]))
        else:
            taken = stack[-step.count :]
            del stack[-step.count :]
            stack.append(step.function(*taken))
    return stack[0]


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


class _Reader:
    """One pass over the symbols, noting what has to be done."""

    def __init__(self, symbols: list[str]) -> None:
        self._symbols = symbols
        self._steps: list[_Step] = []
        self._position = 0
        self._depth = 0

    def steps(self) -> list[_Step]:
        self._sum()
        if self._next is not None:
            raise InvalidInstructionError(f'the calculation has "{self._next}" where it should end')
        return self._steps

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

    def _sum(self) -> None:
        self._product()
        while sign := self._take("+", "-"):
            self._product()
            self._steps.append(_Call(_SIGNS[sign], 2))

    def _product(self) -> None:
        self._sign()
        while sign := self._take("*", "/", "%"):
            self._sign()
            self._steps.append(_Call(_SIGNS[sign], 2))

    def _sign(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise InvalidInstructionError(f"a calculation nests at most {MAX_NESTING} deep")
        sign = self._take("+", "-")
        if sign is None:
            self._value()
        else:
            self._sign()
            if sign == "-":
                self._steps.append(_Call(operator.neg, 1))
        self._depth -= 1

    def _value(self) -> None:
        symbol = self._next
        if symbol is None:
            raise InvalidInstructionError("the calculation ends too early")
        self._position += 1
        if symbol == "(":
            self._sum()
            self._require(")")
        elif symbol[0].isdigit():
            self._steps.append(Decimal(symbol))
        elif symbol in "-+*/%),":
            raise InvalidInstructionError(f'the calculation has "{symbol}" where a value should stand')
        elif self._take("("):
            self._call(symbol)
        else:
            self._steps.append(symbol)

    def _call(self, name: str) -> None:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise InvalidInstructionError(f'there is no function "{name[:64]}"; there are {", ".join(_FUNCTIONS)}')
        count = self._arguments()
        self._require(")")
        least, most, call = function
        if not least <= count <= most:
            raise InvalidInstructionError(f"{name} does not take {count} values")
        self._steps.append(_Call(call, count))

    def _arguments(self) -> int:
        """Read the values of a call, and return how many there are."""
        if self._next == ")":
            return 0
        count = 1
        self._sum()
        while self._take(","):
            self._sum()
            count += 1
        return count


def _average(*items: Decimal) -> Decimal:
    return sum(items, Decimal(0)) / len(items)


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent != exponent.to_integral_value() or abs(exponent) > MAX_EXPONENT:
        raise InvalidInstructionError(f"pow takes whole exponents from -{MAX_EXPONENT} to {MAX_EXPONENT}")
    power = Decimal(1)
    for bit in f"{abs(int(exponent)):b}":
        power = power * power
        if bit == "1":
            power = power * base
    return power if exponent >= 0 else 1 / power


def _round(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    if places not in range(MAX_PLACES + 1):
        raise InvalidInstructionError(f"round takes 0 to {MAX_PLACES} places")
    return value.quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP)


_SIGNS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}

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
