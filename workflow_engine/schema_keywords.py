"""The keywords of JSON Schema as this project evaluates them, and the sentences about what does not fit.

The library's keywords are used, except those that would run Python's `re`, divide binary floats, or take quadratic
time. Every keyword first pays for its work from a budget that `limited_work` opens.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from typing import Any

import re2
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend as _extend

from eventchain.core.strict_json import MAX_DEPTH
from workflow_engine.errors import InvalidDataError
from workflow_engine.pattern_weight import COMPILED_BYTES, MAX_WEIGHT, pattern_weight

MAX_WORK = 250_000
"""Keyword evaluations and members looked at for one value, or for all values of one step of a process or of one check
of a scenario: a second of work; honest responses take hundreds."""

MAX_NESTING = 128
"""Keywords that may be evaluated within each other for one value: three for each level of the deepest asset, and some
600 of the 1,000 frames of Python's stack. Whatever came before on the stack, all nodes find it exceeded alike."""

_work: ContextVar[list[int] | None] = ContextVar("work", default=None)
_nesting: ContextVar[int] = ContextVar("nesting", default=0)

_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class _TooMuchWorkError(Exception):
    """The budget is used up, or keywords or the value nest too deeply."""


@contextlib.contextmanager
def shared_work(most: int = MAX_WORK) -> Iterator[list[int]]:
    """Give all values that are checked inside one budget together; inside another one, go on with that.

    Its only item is what is left of it.

    Args:
        most: The budget, where none is open.
    """
    opened = _work.get()
    if opened is not None:
        yield opened
        return
    left = [most]
    token = _work.set(left)
    try:
        yield left
    finally:
        _work.reset(token)


def affords(price: int) -> bool:
    """Pay for a verdict from the budget that is open, and tell whether it was enough; else nothing is paid."""
    left = _work.get()
    if left is None:
        return price <= MAX_WORK
    if price > left[0]:
        return False
    left[0] -= price
    return True


def is_used_up() -> bool:
    """Tell whether a budget is open of which nothing is left: there is no verdict any more that costs something."""
    left = _work.get()
    return left is not None and left[0] < 0


@contextlib.contextmanager
def limited_work(path: str) -> Iterator[list[int]]:
    """Check one value, on the budget that is open, else on one of its own; its only item is what is left of it.

    Raises:
        InvalidDataError: The budget was used up, or keywords or the value nest too deeply.
    """
    token = _nesting.set(0)
    try:
        with shared_work() as left:
            yield left
    except _TooMuchWorkError:
        message = "The data takes too much work to check against its JSON Schema. Simplify the schema."
        raise InvalidDataError([(path, message)]) from None
    finally:
        _nesting.reset(token)


def extend(dialect: Any) -> Any:
    """Return a dialect of the library with our keywords in it, every one of them paying for its work."""
    keywords = {**dialect.VALIDATORS, **{name: own for name, own in _OWN.items() if name in dialect.VALIDATORS}}
    paying = {name: _paying(keyword) for name, keyword in keywords.items()}
    return _extend(dialect, validators=paying)  # type: ignore[no-untyped-call]  # the library leaves it untyped


def is_readable_pattern(pattern: str) -> bool:
    """Tell whether RE2 can read a pattern."""
    return _compiled(pattern) is not None


class _List(list[Any]):
    """A list whose text is short."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[…]"


class _Object(dict[str, Any]):
    """An object whose text is short."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "{…}"


def quiet(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value as it is validated: the library writes all of it into the message of every deviation.

    Members come in the order of their names. What is found first, and what is paid until then, would depend on an order
    that means nothing, and that a process read from the store has lost.
    """
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise _TooMuchWorkError
    if isinstance(value, dict):
        return _Object((name, quiet(value[name], depth - 1)) for name in sorted(value))
    return _List(quiet(item, depth - 1) for item in value)


def _pay(cost: int) -> None:
    budget = _work.get()
    if budget is None:
        return
    budget[0] -= cost
    if budget[0] < 0:
        raise _TooMuchWorkError


def _paying(keyword: _Keyword) -> _Keyword:
    def evaluate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:
        cost = 1
        if isinstance(value, (list, dict)):
            cost += len(value)
        if isinstance(instance, (list, dict)):
            cost += len(instance)
        elif isinstance(instance, str):
            cost += len(instance) >> 8
        _pay(cost)
        deviations = keyword(validator, value, instance, schema)
        return None if deviations is None else _nested(deviations)

    return evaluate


def _nested(deviations: Iterator[ValidationError]) -> Iterator[ValidationError]:
    """Yield what a keyword finds, within the keywords that are being evaluated."""
    depth = _nesting.get()
    if depth >= MAX_NESTING:
        raise _TooMuchWorkError
    _nesting.set(depth + 1)
    try:
        yield from deviations
    finally:
        _nesting.set(depth)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> Any:
    if pattern_weight(pattern) > MAX_WEIGHT:
        return None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = COMPILED_BYTES
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return None


def price_of_match(pattern: str) -> Callable[[str], int]:
    """Return what it costs to look for a pattern in a text."""
    weight = pattern_weight(pattern)
    return lambda text: (weight >> 3) + (len(text) * weight >> 12)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern fits a text somewhere (RE2). It costs `price_of_match`."""
    compiled = _compiled(pattern)
    return compiled is not None and compiled.search(text) is not None


def _paid_match(pattern: str, text: str) -> bool:
    _pay(price_of_match(pattern)(text))
    return matches(pattern, text)


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _paid_match(pattern, instance):
        yield ValidationError("pattern")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    _pay(len(patterns) * len(instance))
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _paid_match(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, subschema: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    _pay(len(patterns) * len(instance))
    for name, value in instance.items():
        if name in properties or any(_paid_match(pattern, name) for pattern in patterns):
            continue
        if subschema is False:
            yield ValidationError("additionalProperties", path=(name,))
        else:
            yield from validator.descend(value, subschema, path=name)


def is_multiple(value: float, divisor: float) -> bool:
    """Tell whether a number is a multiple of another, both as the decimals that are written."""
    if type(value) is int and type(divisor) is int:
        return value % divisor == 0
    return not Fraction(repr(value)) % Fraction(repr(divisor))


def _multiple_of(validator: Any, divisor: float, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "number") and not is_multiple(instance, divisor):
        yield ValidationError("multipleOf")


def _unique_items(validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array"):
        seen = {hash_key(item) for item in instance}
        if len(seen) != len(instance):
            yield ValidationError("uniqueItems")


def hash_key(value: Any) -> Any:
    """Return something hashable that is equal for equal JSON values (1 and 1.0 are, 1 and true are not)."""
    if isinstance(value, dict):
        _pay(len(value))
        return frozenset((name, hash_key(member)) for name, member in value.items())
    if isinstance(value, list):
        _pay(len(value))
        return tuple(hash_key(item) for item in value)
    return (bool, value) if isinstance(value, bool) else value


def _dependent_required(
    validator: Any, dependents: Mapping[str, list[str]], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for name, needed in dependents.items():
            if name in instance:
                _pay(len(needed))
                yield from (ValidationError("dependentRequired") for each in needed if each not in instance)


def _dependencies(
    validator: Any, dependents: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for name, needed in dependents.items():
            if isinstance(needed, list):
                yield from _dependent_required(validator, {name: needed}, instance, _schema)
            elif name in instance:
                yield from validator.descend(instance, needed, schema_path=name)


def _enum(_validator: Any, values: list[Any], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    wanted = hash_key(instance)
    if all(hash_key(value) != wanted for value in values):
        yield ValidationError("enum")


def _const(_validator: Any, value: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if hash_key(value) != hash_key(instance):
        yield ValidationError("const")


def _any_of(validator: Any, branches: list[Any], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not any(_fits(validator, branch, instance) for branch in branches):
        yield ValidationError("anyOf")


def _one_of(validator: Any, branches: list[Any], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    fitting = (branch for branch in branches if _fits(validator, branch, instance))
    if next(fitting, None) is None or next(fitting, None) is not None:
        yield ValidationError("oneOf")


def _fits(validator: Any, schema: Any, instance: Any) -> bool:
    """Tell whether a value fits a schema, up to its first deviation: the library would keep all of them."""
    return next(validator.descend(instance, schema), None) is None


def _required(validator: Any, names: list[str], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        yield from (ValidationError(name) for name in names if name not in instance)


_OWN: Mapping[str, Any] = {
    "required": _required,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "multipleOf": _multiple_of,
    "uniqueItems": _unique_items,
    "enum": _enum,
    "const": _const,
    "dependentRequired": _dependent_required,
    "dependencies": _dependencies,
    "anyOf": _any_of,
    "oneOf": _one_of,
}
