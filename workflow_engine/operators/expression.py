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
from workflow_engine.operators.functions import Functions
from workflow_engine.operators.nodes import NODES, Evaluation, Run, Tree, in_turn


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
    make = _NODES.get(tree["type"])
    return NODES[tree["type"]](tree, _children(tree)) if make is None else make(tree)


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
    return in_turn(tree, _children(tree)) if names is None else _path(names, _size(tree))


def _index_expression(tree: Tree) -> Run:
    """Return what takes items; the first of them without a list where it is taken from the history."""
    first, place, *others = tree["children"]
    if first["type"] != "field" or place["type"] not in ("index", "slice"):
        return in_turn(tree, _children(tree))
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
    "function_expression": _function_expression,
    "arithmetic": _arithmetic,
}
"""The nodes that look at their children before these are compiled; all others are in `operators.nodes`."""
