"""Data operators: deterministic expressions inside a scenario (paper section 7.6).

A data instruction is a JSON object with at least one operator (`<name>`) among its members. `evaluate` replaces every
instruction in a value by its result: children first; then the operators of the node in the order of the table, each
seeing as the rest of the node what the one before it made of it. A member that is no operator belongs to the rest. An
operator whose argument is null gives null (`<ifset>` included).

Results are never looked at for instructions again, so data that somebody submits cannot smuggle one in. Nothing here
reads a clock, the network or randomness, and the cost is limited: the same input gives the same bytes, or the same
error, on every node.
"""

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import BudgetExceededError, InvalidInstructionError, json_path
from workflow_engine.operators import query, values
from workflow_engine.operators.budget import MAX_DEPTH, Budget
from workflow_engine.operators.scope import Scope, StopNode
from workflow_engine.operators.table import OPERATORS
from workflow_engine.reading import is_instruction, is_operator

__all__ = ["OPERATORS", "Budget", "evaluate", "evaluate_text", "holds", "is_instruction", "search"]


def evaluate(value: Any, context: Mapping[str, Any], budget: Budget | None = None, path: str = "$") -> Any:
    """Return a JSON value with every instruction in it replaced by its result.

    Args:
        value: Part of a scenario. It is not changed; parts without instructions are shared with the result.
        context: What the instructions see: the process as a JSON object.
        budget: Shared with other evaluations; a fresh one when absent.
        path: JSON path of the value, for errors.

    Raises:
        InvalidInstructionError: An instruction is malformed or cannot be evaluated on this data.
        BudgetExceededError: The evaluation takes too many steps or makes too much.
    """
    if not isinstance(value, (dict, list)):
        return value
    return _evaluate(value, Scope(context, budget or Budget()), MAX_DEPTH, (), path)


def evaluate_text(value: Any, context: Mapping[str, Any], budget: Budget | None = None, path: str = "$") -> str | None:
    """Return a text of a scenario, evaluated; numbers, true and false are written as templates write them.

    Raises what `evaluate` raises, and InvalidInstructionError where the result is a list or an object.
    """
    result = evaluate(value, context, budget, path)
    try:
        return None if result is None else values.text_of(result)
    except InvalidInstructionError as error:
        raise _at(error, path) from None


def holds(condition: Any, context: Mapping[str, Any], budget: Budget | None = None, path: str = "$") -> bool:
    """Tell whether a condition (true, false, null for true, or an instruction) is met.

    Raises what `evaluate` raises.
    """
    if condition is None or isinstance(condition, bool):
        return condition is not False
    return values.is_truthy(evaluate(condition, context, budget, path))


def search(expression: str, value: Any, budget: Budget | None = None, path: str = "$") -> Any:
    """Return the result of a JMESPath expression on a value (`projection`). Raises what `evaluate` raises."""
    try:
        return query.search(expression, value, budget or Budget())
    except InvalidInstructionError as error:
        raise _at(error, path) from None


def _evaluate(value: Any, scope: Scope, depth: int, where: tuple[str | int, ...], root: str) -> Any:
    scope.budget.spend()
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise _at(BudgetExceededError(f"instructions nest at most {MAX_DEPTH} deep"), _join(root, where))
    if isinstance(value, list):
        return [_evaluate(item, scope, depth - 1, (*where, index), root) for index, item in enumerate(value)]
    node = {key: _evaluate(item, scope, depth - 1, (*where, key), root) for key, item in value.items()}
    if not is_instruction(value):
        return node
    try:
        return _run(node, scope)
    except InvalidInstructionError as error:
        raise _at(error, _join(root, where)) from None


def _run(node: dict[str, Any], scope: Scope) -> Any:
    """Run the operators of one node whose children are evaluated."""
    unknown = sorted(key for key in node if is_operator(key) and key not in OPERATORS)
    if unknown:
        raise InvalidInstructionError(
            f'there is no operator "{unknown[0][:64]}"', hint=f"There are {', '.join(OPERATORS)}."
        )
    result: Any = {key: item for key, item in node.items() if not is_operator(key)}
    for name, operator in OPERATORS.items():
        if name not in node:
            continue
        try:
            result = None if node[name] is None else operator(node[name], result, scope)
        except StopNode:
            return None
    values.measure(result, scope.budget)
    return result


def _at(error: InvalidInstructionError, path: str) -> InvalidInstructionError:
    return error if error.path else type(error)(error.message, path=path, hint=error.hint)


def _join(root: str, where: tuple[str | int, ...]) -> str:
    return root + json_path(where)[1:]
