"""Nodes of expressions whose meaning needs no more than the functions that their children have become.

Each is one function from a node of the syntax tree and its compiled children to a compiled node. The first thing a node
does is pay for itself.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflow_engine.operators import values
from workflow_engine.operators.budget import Budget

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

Children = Sequence[Run]


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


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _constant(tree: Tree, _children: Children) -> Run:
    constant = tree["value"]

    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return constant

    return run


def _current(_tree: Tree, _children: Children) -> Run:
    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return value

    return run


def _root(_tree: Tree, _children: Children) -> Run:
    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return evaluation.root

    return run


def _comparator(tree: Tree, children: Children) -> Run:
    left, right = children
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


def _or(_tree: Tree, children: Children) -> Run:
    left, right = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        found = left(value, evaluation)
        return found if values.is_truthy(found) else right(value, evaluation)

    return run


def _and(_tree: Tree, children: Children) -> Run:
    left, right = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        found = left(value, evaluation)
        return right(value, evaluation) if values.is_truthy(found) else found

    return run


def _not(_tree: Tree, children: Children) -> Run:
    (child,) = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return not values.is_truthy(child(value, evaluation))

    return run


def _projection(_tree: Tree, children: Children) -> Run:
    base, right = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        items = base(value, evaluation)
        if not isinstance(items, list):
            return None
        found = [right(item, evaluation) for item in items]
        return [item for item in found if item is not None]

    return run


def _filter_projection(_tree: Tree, children: Children) -> Run:
    base, right, condition = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        items = base(value, evaluation)
        if not isinstance(items, list):
            return None
        found = [right(item, evaluation) for item in items if values.is_truthy(condition(item, evaluation))]
        return [item for item in found if item is not None]

    return run


def _value_projection(_tree: Tree, children: Children) -> Run:
    base, right = children

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        members = base(value, evaluation)
        if not isinstance(members, dict):
            return None
        found = [right(members[key], evaluation) for key in sorted(members)]
        return [item for item in found if item is not None]

    return run


def _flatten(_tree: Tree, children: Children) -> Run:
    (base,) = children

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


def _multi_select_list(_tree: Tree, children: Children) -> Run:
    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return None if value is None else [child(value, evaluation) for child in children]

    return run


def _expref(_tree: Tree, children: Children) -> Run:
    (child,) = children

    def run(_value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        return _Expression(child, evaluation)

    return run


def in_turn(_tree: Tree, children: Children) -> Run:
    """Return nodes each of which is applied to what the one before it gave."""

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        for child in children:
            value = child(value, evaluation)
        return value

    return run


def _multi_select_dict(tree: Tree, children: Children) -> Run:
    names = [pair["value"] for pair in tree["children"]]

    def run(value: Any, evaluation: Evaluation) -> Any:
        evaluation.spend()
        if value is None:
            return None
        return {name: child(value, evaluation) for name, child in zip(names, children, strict=True)}

    return run


NODES: Mapping[str, Callable[[Tree, Children], Run]] = {
    "pipe": in_turn,
    "key_val_pair": in_turn,
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
}
"""By the type of a node in the trees of the package, and of `operators.dialect`."""
