"""JMESPath for `<eval>`, `<apply>` and projections, with its differences between machines taken out.

The language is JMESPath with LTO's additions (`operators.dialect`), read and evaluated by the `jmespath` package.
Pinned on top of it:

- `*`, `keys()` and `values()` go by sorted keys, as the order of object members means nothing;
- `==`, `!=` and `contains()` compare strictly, at any depth (`true` is not `1`); ordering compares two numbers or two
  texts, anything else gives null;
- `+ - * / %` calculate in decimal, with 34 digits from the first sign to the last; with a null in it there is null;
- `sum()` and `avg()` calculate in decimal; `to_number()` reads JSON numbers only; `to_string()` writes canonical JSON;
- literals in back-quotes are strict JSON.

Length, nesting, steps and the size of what is made are limited; every failure is an `InvalidInstructionError`.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from jmespath import exceptions, functions
from jmespath.visitor import TreeInterpreter

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.kept import kept
from workflow_engine.operators import dialect, values
from workflow_engine.operators.budget import Budget

MAX_LENGTH = 4096
"""Characters of an expression."""

_CHARACTERS_PER_STEP = 2
"""How many characters are read for one step. Paid each time, as what is kept must not change prices."""

MAX_NESTING = 40
"""Depth of brackets, and of the parsed expression."""

Query = Mapping[str, Any]
"""The parsed expression: the syntax tree of the `jmespath` package."""

_SELECTING = ("subexpression", "index_expression", "projection", "filter_projection", "value_projection", "flatten")
"""Nodes of the syntax tree that select from their first child."""

_QUOTED_OR_BRACKET = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[()\[\]{}]|[!&]+""", re.DOTALL
)


_DECIMAL_POINT = re.compile(r"(?<![\w`])[0-9]+\.[0-9]", re.ASCII)


@kept(short=256, many=1024)
def parse(text: str) -> Query:
    """Parse an expression.

    Raises:
        InvalidInstructionError: It has a syntax error, or is too long or too deeply nested.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"an expression has at most {MAX_LENGTH} characters, not {len(text)}")
    _check_tokens(text)
    try:
        tree = dialect.parse(text)
    except exceptions.JMESPathError as error:
        raise InvalidInstructionError(
            f"the expression {_show(text)} has a syntax error: {_one_line(error)}",
            hint="Write numbers with a decimal point in back-quotes." if _DECIMAL_POINT.search(text) else None,
        ) from None
    except (RecursionError, ValueError):
        raise InvalidInstructionError("the expression is nested too deeply or holds a number too large") from None
    _check_tree(tree)
    return tree


def check_expression(text: Any) -> None:
    """Check that a value is an expression. Raises InvalidInstructionError where it is not."""
    if not isinstance(text, str):
        raise InvalidInstructionError("an expression should be text")
    parse(text)


def search(text: Any, value: Any, budget: Budget) -> Any:
    """Evaluate an expression on a JSON value, which is not changed and may share parts with the result.

    Raises:
        InvalidInstructionError: The expression is malformed, or a function got what it does not take.
        BudgetExceededError: It takes too long or makes too much.
    """
    if not isinstance(text, str):
        raise InvalidInstructionError("an expression should be text")
    budget.spend(len(text) // _CHARACTERS_PER_STEP)
    tree = parse(text)
    try:
        result = _Interpreter(budget, value).visit(tree, value)
    except exceptions.JMESPathError as error:
        raise InvalidInstructionError(f"the expression {_show(text)} fails: {_one_line(error)}") from None
    except (RecursionError, TypeError, ValueError, OverflowError):
        raise InvalidInstructionError(f"the expression {_show(text)} cannot be evaluated on this data") from None
    values.measure(result, budget)
    return result


def _check_tokens(text: str) -> None:
    """Refuse nesting before the parser recurses into it, and literals that are not strict JSON."""
    depth = 0
    for token in _QUOTED_OR_BRACKET.finditer(text):
        first, whole = token.group()[0], token.group()
        if first == "`":
            try:
                strict_json.parse(whole[1:-1].replace("\\`", "`"), max_depth=MAX_NESTING)
            except InvalidError:
                raise InvalidInstructionError(f"{_show(whole)} is not JSON", hint="Write texts as 'text'.") from None
        elif first in "([{":
            depth += 1
        elif first in ")]}":
            depth -= 1
        if depth > MAX_NESTING or (first in "!&" and len(whole) > MAX_NESTING):
            raise InvalidInstructionError(f"the expression is nested deeper than {MAX_NESTING} levels")


def _check_tree(tree: Query) -> None:
    """Refuse what nests too deeply, and `!a.b`, which the language reads as `(!a).b` and nobody means."""
    level: list[Query] = [tree]
    for _ in range(MAX_NESTING):
        for node in level:
            children = node.get("children", ())
            if node["type"] in _SELECTING and children[0]["type"] == "not_expression":
                raise InvalidInstructionError("an expression like !a.b means (!a).b", hint="Write !(a.b).")
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return
    raise InvalidInstructionError(f"the expression is nested deeper than {MAX_NESTING} levels")


def _show(text: str) -> str:
    return f'"{text if len(text) <= 64 else text[:63] + "…"}"'


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


class _Functions(functions.Functions):
    """The functions of the language that differ from those of the package."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        resolved_args = list(resolved_args)
        for argument in resolved_args:
            if isinstance(argument, (str, list, dict)):
                self._budget.spend(1 + len(argument) // (64 if isinstance(argument, str) else 1))
        result = super().call_function(function_name, resolved_args)
        if isinstance(result, (str, list, dict)):
            self._budget.grow(len(result))
        return result

    @functions.signature({"types": ["array-number"]})
    def _func_sum(self, numbers: list[Any]) -> int | float:
        return values.from_decimal(values.add(numbers, self._budget))

    @functions.signature({"types": ["array-number"]})
    def _func_avg(self, numbers: list[Any]) -> int | float | None:
        if not numbers:
            return None
        total = values.add(numbers, self._budget)
        return values.from_decimal(values.divide(total, values.to_decimal(len(numbers))))

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        values.measure(value, self._budget)
        return canonical_json.encode(value).decode("utf-8")

    @functions.signature({"types": []})
    def _func_to_number(self, value: Any) -> int | float | None:
        if values.is_number(value):
            return value  # type: ignore[no-any-return]  # is_number has just said so
        if not isinstance(value, str) or len(value) > 400 or _NUMBER.fullmatch(value) is None:
            return None
        return values.from_decimal(values.ARITHMETIC.create_decimal(value))

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(values.is_equal(item, search, self._budget) for item in subject)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        self._budget.grow(len(separator) * len(texts) + sum(map(len, texts)))
        return separator.join(texts)

    @functions.signature({"types": ["object"]})
    def _func_keys(self, value: dict[str, Any]) -> list[str]:
        return sorted(value)

    @functions.signature({"types": ["object"]})
    def _func_values(self, value: dict[str, Any]) -> list[Any]:
        return [value[key] for key in sorted(value)]


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


_ARITHMETIC: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "divide": operator.truediv,
    "modulo": operator.mod,
}


class _Interpreter(TreeInterpreter):
    """The package's interpreter with a budget, strict comparison and sorted keys."""

    def __init__(self, budget: Budget, root: Any) -> None:
        super().__init__()
        self._functions = _Functions(budget)
        self._budget = budget
        self._root = root

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._budget.spend()
        return super().visit(node, *args, **kwargs)

    def visit_comparator(self, node: Any, value: Any) -> bool | None:
        left, right = (self.visit(child, value) for child in node["children"])
        name = node["value"]
        if name in ("eq", "ne"):
            return values.is_equal(left, right, self._budget) is (name == "eq")
        if isinstance(left, str) and isinstance(right, str):
            self._budget.spend(min(len(left), len(right)) // 64)
        elif not (values.is_number(left) and values.is_number(right)):
            return None
        return _ORDER[name](left, right)

    def visit_root(self, _node: Any, _value: Any) -> Any:
        return self._root

    def visit_arithmetic(self, node: Any, value: Any) -> int | float | None:
        try:
            with localcontext(values.ARITHMETIC):
                result = self._calculate(node, value)
        except (DecimalException, ZeroDivisionError) as error:
            raise InvalidInstructionError(f"the calculation has no result ({type(error).__name__})") from None
        return None if result is None else values.from_decimal(result)

    def _calculate(self, node: Any, value: Any) -> Decimal | None:
        """Return what a part of a calculation gives, before it is rounded to a JSON number; null makes it null."""
        if node["type"] != "arithmetic":
            operand = self.visit(node, value)
            return None if operand is None else values.to_decimal(operand)
        self._budget.spend()
        left, right = (self._calculate(child, value) for child in node["children"])
        return None if left is None or right is None else _ARITHMETIC[node["value"]](left, right)

    def visit_value_projection(self, node: Any, value: Any) -> list[Any] | None:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, dict):
            return None
        return _present(self.visit(node["children"][1], base[key]) for key in sorted(base))

    def visit_flatten(self, node: Any, value: Any) -> list[Any] | None:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        size = sum(len(item) if isinstance(item, list) else 1 for item in base)
        self._budget.spend(size)
        self._budget.grow(size)
        return [part for item in base for part in (item if isinstance(item, list) else (item,))]

    def visit_slice(self, node: Any, value: Any) -> Any:
        if node["children"][2] == 0:
            raise InvalidInstructionError("the step of a slice cannot be 0")
        result = super().visit_slice(node, value)
        self._budget.grow(len(result or ()))
        return result

    def visit_not_expression(self, node: Any, value: Any) -> bool:
        return not values.is_truthy(self.visit(node["children"][0], value))

    def _is_false(self, value: Any) -> bool:
        return not values.is_truthy(value)


def _present(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item is not None]
