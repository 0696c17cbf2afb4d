"""JMESPath expressions, compiled: from the syntax tree of the `jmespath` package to functions that call each other.

Each node becomes one function from the value it is applied to. What the nodes mean, and what they cost, is what the
package's interpreter with the differences of `operators.query` gives; the tests hold one against the other. Two things
are done ahead: a path of plain names (`assets.order.price`) is one function, and what stands in the place of the
process's history is a list only where it is needed as one (`workflow_engine.history`).
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import History
from workflow_engine.operators import values
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.functions import Functions

Tree = Mapping[str, Any]
"""A node of the syntax tree: `{ type, children, value? }`."""


class Evaluation:
    """One evaluation of an expression: who pays, and what `$` is."""

    __slots__ = ("budget", "root", "spend")

    def __init__(self, budget: Budget, root: Any) -> None:
        """Begin it."""
        self.budget = budget
        self.spend = budget.spend
        self.root = root


Run = Callable[[Any, Evaluation], Any]
"""A compiled node: from the value it is applied to, within an evaluation, to its result."""


class _Expression:
    """An expression that is given to a function (`&price`); the package knows it by the name of its class."""

    __slots__ = ("_evaluation", "expression")

    def __init__(self, expression: Run, evaluation: Evaluation) -> None:
        self.expression = expression
        self._evaluation = evaluation

    def visit(self, expression: Run, value: Any) -> Any:
        """Apply it, as the functions of the package ask for it."""
        return expression(value, self._evaluation)

    def __repr__(self) -> str:
        return "&expression"


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression, ready to be applied.

    Attributes:
        run: Applies it.
        sees_whole: Whether it may give or pass on the whole value it is applied to, rather than members of it.
    """

    run: Run
    sees_whole: bool


def compile_tree(tree: Tree) -> Compiled:
    """Compile a syntax tree, whose depth was checked before."""
    return Compiled(_compile(tree), _sees_whole(tree))


def _sees_whole(tree: Tree) -> bool:
    """Tell whether a tree has a node that gives the value it is applied to, or all its members."""
    children = (child for child in tree.get("children", ()) if isinstance(child, dict))
    return tree["type"] in ("current", "root", "value_projection") or any(map(_sees_whole, children))


def _compile(tree: Tree) -> Run:
    return _NODES[tree["type"]](tree)


def _children(tree: Tree) -> list[Run]:
    return [_compile(child) for child in tree["children"]]


def _field(tree: Tree) -> Run:
    return _path((tree["value"],), 1)


def _path(names: tuple[str, ...], cost: int) -> Run:
    """Return a path of plain names: one member after the other, null where there is none."""

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend(cost)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value.as_list() if type(value) is History else value

    return run


def _names(tree: Tree) -> tuple[str, ...] | None:
    """Return the names of a tree that is a path of plain names, or None."""
    if tree["type"] == "field":
        return (tree["value"],)
    if tree["type"] != "subexpression":
        return None
    parts = [_names(child) for child in tree["children"]]
    return None if None in parts else tuple(name for part in parts for name in part or ())


def _size(tree: Tree) -> int:
    """Return how many nodes a tree has."""
    return 1 + sum(map(_size, tree["children"]))


def _subexpression(tree: Tree) -> Run:
    names = _names(tree)
    return _in_turn(tree) if names is None else _path(names, _size(tree))


def _in_turn(tree: Tree) -> Run:
    """Return nodes each of which is applied to what the one before it gave."""
    children = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        for child in children:
            value = child(value, evaluation)
        return value

    return run


def _index_expression(tree: Tree) -> Run:
    """Return what takes items; the first of them without a list where it is taken from the history."""
    first, place, *others = tree["children"]
    if first["type"] != "field" or place["type"] not in ("index", "slice"):
        return _in_turn(tree)
    name, take, rest = first["value"], _taker(place), [_compile(child) for child in others]

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend(3)
        value = take(value.get(name) if isinstance(value, dict) else None, evaluation)
        for child in rest:
            value = child(value, evaluation)
        return value

    return run


def _place(tree: Tree) -> Run:
    take = _taker(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return take(value, evaluation)

    return run


def _taker(tree: Tree) -> Run:
    """Return what an index or slice takes from a list or history, without the price of the node."""
    if tree["type"] == "index":
        index = tree["value"]

        def item(value: Any, _evaluation: Evaluation) -> Any:
            try:
                return value[index] if isinstance(value, (list, History)) else None
            except IndexError:
                return None

        return item
    start, stop, step = tree["children"]

    def items(value: Any, evaluation: Evaluation) -> Any:
        if step == 0:
            raise InvalidInstructionError("the step of a slice cannot be 0")
        result = list(value[start:stop:step]) if isinstance(value, (list, History)) else None
        evaluation.budget.grow(len(result or ()))
        return result

    return items


def _constant(tree: Tree) -> Run:
    constant = tree["value"]

    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return constant

    return run


def _current(_tree: Tree) -> Run:
    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return value

    return run


def _root(_tree: Tree) -> Run:
    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return evaluation.root

    return run


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _comparator(tree: Tree) -> Run:
    left, right = _children(tree)
    name = tree["value"]
    if name in ("eq", "ne"):
        wanted = name == "eq"

        def equal(value: Any, evaluation: Evaluation) -> Any:
            evaluation.spend()
            one, other = left(value, evaluation), right(value, evaluation)
            return values.is_equal(one, other, evaluation.budget) is wanted

        return equal
    compare = _ORDER[name]

    def ordered(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        one, other = left(value, evaluation), right(value, evaluation)
        if isinstance(one, str) and isinstance(other, str):
            evaluation.spend(min(len(one), len(other)) // 64)
        elif not (values.is_number(one) and values.is_number(other)):
            return None
        return compare(one, other)

    return ordered


def _or(tree: Tree) -> Run:
    left, right = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        found = left(value, evaluation)
        return found if values.is_truthy(found) else right(value, evaluation)

    return run


def _and(tree: Tree) -> Run:
    left, right = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        found = left(value, evaluation)
        return right(value, evaluation) if values.is_truthy(found) else found

    return run


def _not(tree: Tree) -> Run:
    (child,) = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return not values.is_truthy(child(value, evaluation))

    return run


def _projection(tree: Tree) -> Run:
    base, right = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        items = base(value, evaluation)
        if not isinstance(items, list):
            return None
        found = [right(item, evaluation) for item in items]
        return [item for item in found if item is not None]

    return run


def _filter_projection(tree: Tree) -> Run:
    base, right, condition = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        items = base(value, evaluation)
        if not isinstance(items, list):
            return None
        found = [right(item, evaluation) for item in items if values.is_truthy(condition(item, evaluation))]
        return [item for item in found if item is not None]

    return run


def _value_projection(tree: Tree) -> Run:
    base, right = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        members = base(value, evaluation)
        if not isinstance(members, dict):
            return None
        found = [right(members[key], evaluation) for key in sorted(members)]
        return [item for item in found if item is not None]

    return run


def _flatten(tree: Tree) -> Run:
    (base,) = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        items = base(value, evaluation)
        if not isinstance(items, list):
            return None
        size = sum(len(item) if isinstance(item, list) else 1 for item in items)
        evaluation.spend(size)
        evaluation.budget.grow(size)
        return [part for item in items for part in (item if isinstance(item, list) else (item,))]

    return run


def _multi_select_list(tree: Tree) -> Run:
    children = _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return None if value is None else [child(value, evaluation) for child in children]

    return run


def _multi_select_dict(tree: Tree) -> Run:
    members = [(pair["value"], _compile(pair)) for pair in tree["children"]]

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return None if value is None else {name: child(value, evaluation) for name, child in members}

    return run


def _expref(tree: Tree) -> Run:
    (child,) = _children(tree)

    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return _Expression(child, evaluation)

    return run


def _function_expression(tree: Tree) -> Run:
    name, children = tree["value"], _children(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return Functions(evaluation.budget).call_function(name, [child(value, evaluation) for child in children])

    given = tree["children"]
    if name != "length" or len(given) != 1 or given[0]["type"] != "field":
        return run
    member = given[0]["value"]

    def length(value: Any, evaluation: Evaluation) -> Any:
        found = value.get(member) if isinstance(value, dict) else None
        if type(found) is not History:
            return run(value, evaluation)
        evaluation.spend(3 + len(found))
        return len(found)

    return length


_Calculation = Callable[[Any, Evaluation], Decimal | None]

_ARITHMETIC: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "divide": operator.truediv,
    "modulo": operator.mod,
}


def _arithmetic(tree: Tree) -> Run:
    calculate = _calculation(tree)

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        try:
            with localcontext(values.ARITHMETIC):
                result = calculate(value, evaluation)
        except (DecimalException, ZeroDivisionError) as error:
            raise InvalidInstructionError(f"the calculation has no result ({type(error).__name__})") from None
        return None if result is None else values.from_decimal(result)

    return run


def _calculation(tree: Tree) -> _Calculation:
    """Return a part of a calculation, before it is rounded to a JSON number; null makes it null."""
    if tree["type"] != "arithmetic":
        operand = _compile(tree)

        def read(value: Any, evaluation: Evaluation) -> Decimal | None:
            found = operand(value, evaluation)
            return None if found is None else values.to_decimal(found)

        return read
    left, right = (_calculation(child) for child in tree["children"])
    apply = _ARITHMETIC[tree["value"]]

    def run(value: Any, evaluation: Evaluation) -> Decimal | None:
        evaluation.spend()
        one, other = left(value, evaluation), right(value, evaluation)
        return None if one is None or other is None else apply(one, other)

    return run


_NODES: Mapping[str, Callable[[Tree], Run]] = {
    "field": _field,
    "subexpression": _subexpression,
    "index_expression": _index_expression,
    "index": _place,
    "slice": _place,
    "pipe": _in_turn,
    "key_val_pair": _in_turn,
    "literal": _constant,
    "current": _current,
    "identity": _current,
    "root": _root,
    "comparator": _comparator,
    "or_expression": _or,
    "and_expression": _and,
    "not_expression": _not,
    "projection": _projection,
    "filter_projection": _filter_projection,
    "value_projection": _value_projection,
    "flatten": _flatten,
    "multi_select_list": _multi_select_list,
    "multi_select_dict": _multi_select_dict,
    "expref": _expref,
    "function_expression": _function_expression,
    "arithmetic": _arithmetic,
}
"""By the type of a node in the trees of the package, and of `operators.dialect`."""
