"""The conditions of LibreOffice Writer, as far as they mean the same to everybody.

Writer writes what a person typed, after the prefix `ooow:`:

```
condition   operand  |  operand comparison operand  |  operand (AND operand)+  |  operand (OR operand)+
operand     NOT operand  |  ! operand  |  ( condition )  |  name  |  number  |  "text"  |  TRUE  |  FALSE
comparison  ==  EQ  |  !=  NEQ  |  <  L  |  >  G  |  <=  LEQ  |  >=  GEQ
```

Words may be in either case. Writer gives comparisons and AND and OR the same rank, so that `a == 1 AND b == 2` means
`((a == 1) AND b) == 2` to it and something else to whoever reads it: brackets are required, and with them all agree.
Calculations, functions and database fields are refused.

True is what is not empty, not 0 and not false. A name that the data lacks is an empty text, and 0 beside a number; true
and false are 1 and 0 beside a number. Texts are equal or not; only numbers are larger or smaller.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import quote
from workflow_engine.operators import values

MAX_LENGTH = 1024
MAX_NESTING = 16
"""Characters of a condition, and brackets within brackets."""

PREFIX = "ooow:"

Find = Callable[[str], Any]
"""Gives the value of a name, or None."""


@dataclass(frozen=True, slots=True)
class Name:
    """A field, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text, true or false."""

    value: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """`not`, `and`, `or` or a comparison of its operands."""

    operator: str
    operands: "tuple[Condition, ...]"


Condition = Name | Constant | Operation

_LETTER = r"[A-Za-z0-9_\u0080-\U0010ffff]"
"""Of a name; what is a letter beyond ASCII differs between versions of Unicode, so all of it is let in."""

_TOKEN = re.compile(
    r'[ \t\r\n]*(?:(?P<text>"[^"]*")|(?P<number>[0-9]+(?:\.[0-9]+)?(?!\.|'
    + _LETTER
    + rf"))|(?P<word>{_LETTER}+(?:\.{_LETTER}+)*)|(?P<mark>==|!=|<=|>=|[<>!()]))"
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SPACE = " \t\r\n"
_WORDS: Mapping[str, str] = {
    "and": "and", "or": "or", "not": "not", "!": "not", "eq": "==", "neq": "!=", "l": "<", "g": ">", "leq": "<=",
    "geq": ">=", "==": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=",
}  # fmt: skip
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_CONSTANTS: Mapping[str, bool] = {"true": True, "false": False}


@lru_cache(maxsize=512)
def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        InvalidTemplateError: It cannot be read, or could be read in two ways.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidTemplateError(f"A condition has at most {MAX_LENGTH} characters.")
    tokens = _Tokens(text.removeprefix(PREFIX), text)
    found = _condition(tokens, MAX_NESTING)
    if tokens.next is not None:
        raise tokens.unreadable()
    return found


class _Tokens:
    """The words of a condition, one after the other."""

    def __init__(self, text: str, shown: str) -> None:
        self._text, self._shown, self._position = text, shown, 0
        self.next: str | None = None
        self.advance()

    def advance(self) -> str | None:
        """Return the present word and go to the next one."""
        present = self.next
        rest = self._text[self._position :]
        match = _TOKEN.match(rest)
        if match is None and rest.strip(_SPACE):
            raise self.unreadable()
        self.next = match.group().strip(_SPACE) if match else None
        self._position += match.end() if match else len(rest)
        return present

    @property
    def operator(self) -> str | None:
        """The operator that stands here, or None."""
        return None if self.next is None else _WORDS.get(_lower(self.next))

    def unreadable(self) -> InvalidTemplateError:
        """Return the error that says so."""
        return InvalidTemplateError(
            f"The condition {quote(self._shown)} cannot be read, or could be read in two ways.",
            hint='Compare one field with one value (assets.terms.years > 1, assets.terms.law == "NL"), and put '
            "brackets around each comparison that is joined with AND or OR.",
        )


def _condition(tokens: _Tokens, depth: int) -> Condition:
    first = _operand(tokens, depth)
    operator = tokens.operator
    if operator in _COMPARISONS:
        tokens.advance()
        return Operation(str(operator), (first, _operand(tokens, depth)))
    if operator not in ("and", "or"):
        return first
    operands = [first]
    while tokens.operator == operator:
        tokens.advance()
        operands.append(_operand(tokens, depth))
    return Operation(operator, tuple(operands))


def _operand(tokens: _Tokens, depth: int) -> Condition:
    if depth == 0 or tokens.next is None:
        raise tokens.unreadable()
    if tokens.operator == "not":
        tokens.advance()
        return Operation("not", (_operand(tokens, depth - 1),))
    word = tokens.advance() or ""
    if word == "(":
        found = _condition(tokens, depth - 1)
        if tokens.advance() != ")":
            raise tokens.unreadable()
        return found
    if word.startswith('"'):
        return Constant(word[1:-1])
    if _lower(word) in _CONSTANTS:
        return Constant(_CONSTANTS[_lower(word)])
    if _lower(word) in _WORDS or word == ")":
        raise tokens.unreadable()
    return Constant(Decimal(word)) if _NUMBER.fullmatch(word) else Name(word)


def _lower(word: str) -> str:
    return word.lower() if word.isascii() else word


def names_in(condition: Condition) -> tuple[str, ...]:
    """Return the names that a condition reads, in its order."""
    if isinstance(condition, Name):
        return (condition.name,)
    operands = condition.operands if isinstance(condition, Operation) else ()
    return tuple(name for operand in operands for name in names_in(operand))


def holds(condition: Condition, find: Find) -> bool:
    """Tell whether a condition is met.

    Raises:
        InvalidTemplateError: It compares what cannot be compared.
    """
    if not isinstance(condition, Operation):
        return bool(_value(condition, find))
    if condition.operator == "not":
        return not holds(condition.operands[0], find)
    if condition.operator == "and":
        return all(holds(operand, find) for operand in condition.operands)
    if condition.operator == "or":
        return any(holds(operand, find) for operand in condition.operands)
    left, right = (_value(operand, find) for operand in condition.operands)
    return _compare(condition.operator, left, right)


def _value(condition: Condition, find: Find) -> Any:
    if isinstance(condition, Constant):
        return condition.value
    return find(condition.name) if isinstance(condition, Name) else holds(condition, find)


def _compare(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        raise InvalidTemplateError("A condition compares a list or an object; only texts and numbers can be compared.")
    as_numbers = any(isinstance(value, int | float | Decimal) for value in (left, right))
    if as_numbers and not isinstance(left, str) and not isinstance(right, str):
        return _ordered(operator, _number(left), _number(right))
    if operator not in ("==", "!="):
        raise InvalidTemplateError("A condition asks which of two texts is larger; only numbers are larger or smaller.")
    same = type(left or "") is type(right or "") and (left or "") == (right or "")
    return same if operator == "==" else not same


def _ordered(operator: str, left: Decimal, right: Decimal) -> bool:
    answers = {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }
    return answers[operator]


def _number(value: Any) -> Decimal:
    if value is None or isinstance(value, bool):
        return Decimal(1 if value else 0)
    return value if isinstance(value, Decimal) else values.to_decimal(value)
