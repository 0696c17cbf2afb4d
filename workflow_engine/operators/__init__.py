"""Data operators: deterministic expressions inside a scenario (paper section 7.6).

A data instruction is a JSON object with at least one operator (`<name>`) among its members. `evaluate` replaces every
instruction in a value by its result: children first; then the operators of the node in the order of the table, each
seeing as the rest of the node what the one before it made of it. A member that is no operator belongs to the rest. An
operator whose argument is null gives null (`<ifset>` included).

Results are never looked at for instructions again, so data that somebody submits cannot smuggle one in. Nothing here
reads a clock, the network or randomness, and the cost is limited: the same input gives the same bytes, or the same
error, on every node.
"""

from collections.abc import Iterable
from typing import Any

from workflow_engine.errors import BudgetExceededError, InvalidInstructionError, Path, json_path, written
from workflow_engine.operators import query, values
from workflow_engine.operators.budget import MAX_DEPTH, Budget
from workflow_engine.operators.scope import Scope, Seen, StopNode
from workflow_engine.operators.table import OPERATORS
from workflow_engine.reading import is_instruction, is_operator

_SCALARS = frozenset({str, int, float, bool, type(None)})

__all__ = ["OPERATORS", "Budget", "evaluate", "evaluate_text", "holds", "is_instruction", "price_of", "search"]


def evaluate(value: Any, context: Seen, budget: Budget | None = None, path: str | Path = "$") -> Any:
    """Return a JSON value with every instruction in it replaced by its result.

    Args:
        value: Part of a scenario. It is not changed; parts without instructions are shared with the result.
        context: What the instructions see: the process as a JSON object, or what makes it when one looks.
        budget: Shared with other evaluations; a fresh one when absent.
        path: Where the value stands, for errors: keys and indexes, or the JSON path as text.

    Raises:
        InvalidInstructionError: An instruction is malformed or cannot be evaluated on this data.
        BudgetExceededError: The evaluation takes too many steps or makes too much.
    """
    if not isinstance(value, (dict, list)):
        return value
    try:
        return _evaluate(value, Scope(context, budget or Budget()), MAX_DEPTH)
    except _FailedError as failed:
        place = written(path) + json_path(reversed(failed.place))[1:]
        raise _at(failed.error, place) from None


def evaluate_text(value: Any, context: Seen, budget: Budget | None = None, path: str | Path = "$") -> str | None:
    """Return a text of a scenario, evaluated; numbers, true and false are written as templates write them.

    Raises what `evaluate` raises, and InvalidInstructionError where the result is a list or an object.
    """
    result = evaluate(value, context, budget, path)
    try:
        return None if result is None else values.text_of(result)
    except InvalidInstructionError as error:
        raise _at(error, written(path)) from None


def holds(condition: Any, context: Seen, budget: Budget | None = None, path: str | Path = "$") -> bool:
    """Tell whether a condition (true, false, null for true, or an instruction) is met.

    Raises what `evaluate` raises.
    """
    if condition is None or isinstance(condition, bool):
        return condition is not False
    return values.is_truthy(evaluate(condition, context, budget, path))


def search(expression: str, value: Any, budget: Budget | None = None, path: str | Path = "$") -> Any:
    """Return the result of a JMESPath expression on a value (`projection`). Raises what `evaluate` raises."""
    try:
        return query.search(expression, value, budget or Budget())
    except InvalidInstructionError as error:
        raise _at(error, written(path)) from None


def price_of(value: Any) -> int | None:
    """Return the steps that `evaluate` takes to give a value back as it is; None if it may give something else."""
    if not isinstance(value, (dict, list)):
        return 0
    return _price(value, MAX_DEPTH)


def _price(value: Any, depth: int) -> int | None:
    if not isinstance(value, (dict, list)):
        return 1
    if depth == 0 or is_instruction(value):
        return None
    prices = [_price(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value)]
    return None if None in prices else 1 + sum(price or 0 for price in prices)


class _FailedError(Exception):
    """An instruction cannot be evaluated; on the way up its place is noted, the last key first."""

    def __init__(self, error: InvalidInstructionError) -> None:
        super().__init__()
        self.error = error
        self.place: list[str | int] = []


def _evaluate(value: Any, scope: Scope, depth: int) -> Any:
    scope.budget.spend()
    if depth == 0:
        raise _FailedError(BudgetExceededError(f"instructions nest at most {MAX_DEPTH} deep"))
    if isinstance(value, list):
        return _evaluate_items(enumerate(value), scope, depth - 1)
    node = value
    if not _SCALARS.issuperset(map(type, value.values())):
        node = dict(zip(value, _evaluate_items(value.items(), scope, depth - 1), strict=True))
    else:
        scope.budget.spend(len(value))
    names = [key for key in node if is_operator(key)]
    return _run(node, names, scope) if names else node


def _evaluate_items(items: Iterable[tuple[str | int, Any]], scope: Scope, depth: int) -> list[Any]:
    """Return the values of the members of an object, or of a list by their numbers, evaluated."""
    results = []
    for key, item in items:
        if not isinstance(item, (dict, list)):
            scope.budget.spend()
            results.append(item)
            continue
        try:
            results.append(_evaluate(item, scope, depth))
        except _FailedError as failed:
            failed.place.append(key)
            raise
    return results


def _run(node: dict[str, Any], names: list[str], scope: Scope) -> Any:
    """Run the operators of one node whose children are evaluated."""
    try:
        result = _result(node, names, scope)
        values.measure(result, scope.budget)
    except StopNode:
        return None
    except InvalidInstructionError as error:
        if error.path:
            raise
        raise _FailedError(error) from None
    return result


def _result(node: dict[str, Any], names: list[str], scope: Scope) -> Any:
    if len(node) == 1 and names[0] in OPERATORS:  # nothing to sort, as in most nodes
        argument = node[names[0]]
        return None if argument is None else OPERATORS[names[0]](argument, {}, scope)
    if not all(map(OPERATORS.__contains__, names)):
        unknown = min(name for name in names if name not in OPERATORS)
        raise InvalidInstructionError(
            f'there is no operator "{unknown[:64]}"', hint=f"There are {', '.join(OPERATORS)}."
        )
    result: Any = {key: item for key, item in node.items() if key not in OPERATORS}
    for name in [name for name in OPERATORS if name in names]:
        result = None if node[name] is None else OPERATORS[name](node[name], result, scope)
    return result


def _at(error: InvalidInstructionError, path: str) -> InvalidInstructionError:
    return error if error.path else type(error)(error.message, path=path, hint=error.hint)
