"""What is fast, done slowly: every part looked at in its turn, by the library where there is one, to compare."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from jmespath import exceptions
from jmespath.visitor import TreeInterpreter

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError, json_path
from workflow_engine.history import plain
from workflow_engine.operators import evaluate as everything
from workflow_engine.operators import evaluate_text, holds, query, values
from workflow_engine.operators.budget import MAX_DEPTH, Budget
from workflow_engine.operators.functions import Functions
from workflow_engine.operators.scope import Scope, StopNode
from workflow_engine.operators.table import OPERATORS
from workflow_engine.process import Process, context_of
from workflow_engine.process_parts import CurrentState
from workflow_engine.reading import is_instruction, is_operator
from workflow_engine.scenario import Action, State


def search(text: str, value: Any, budget: Budget) -> Any:
    """An expression, evaluated by the interpreter of the `jmespath` package with our differences."""
    budget.spend(len(text) // 2)
    tree = query.parse(text)
    try:
        result = _Interpreter(budget, value).visit(tree, value)
    except exceptions.JMESPathError as error:
        raise InvalidInstructionError(f"the expression {query._show(text)} fails: {query._one_line(error)}") from None
    except (RecursionError, TypeError, ValueError, OverflowError):
        raise InvalidInstructionError(f"the expression {query._show(text)} cannot be evaluated on this data") from None
    values._measure(result, budget, MAX_DEPTH)
    return result


def evaluate(value: Any, context: Mapping[str, Any], budget: Budget) -> Any:
    """A value with its instructions, evaluated node by node, its place known all along."""
    return _evaluate(value, Scope(context, budget), MAX_DEPTH, ()) if isinstance(value, (dict, list)) else value


def _evaluate(value: Any, scope: Scope, depth: int, where: tuple[str | int, ...]) -> Any:
    scope.budget.spend()
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise _at(BudgetExceededError(f"instructions nest at most {MAX_DEPTH} deep"), where)
    if isinstance(value, list):
        return [_evaluate(item, scope, depth - 1, (*where, index)) for index, item in enumerate(value)]
    node = {key: _evaluate(item, scope, depth - 1, (*where, key)) for key, item in value.items()}
    if not is_instruction(value):
        return node
    try:
        return _run(node, scope)
    except InvalidInstructionError as error:
        raise _at(error, where) from None


def _run(node: dict[str, Any], scope: Scope) -> Any:
    unknown = sorted(key for key in node if is_operator(key) and key not in OPERATORS)
    if unknown:
        raise InvalidInstructionError(
            f'there is no operator "{unknown[0][:64]}"', hint=f"There are {', '.join(OPERATORS)}."
        )
    result: Any = {key: item for key, item in node.items() if not is_operator(key)}
    for name, run in OPERATORS.items():
        if name not in node:
            continue
        try:
            result = None if node[name] is None else run(node[name], result, scope)
        except StopNode:
            return None
    values._measure(result, scope.budget, MAX_DEPTH)
    return result


def _at(error: InvalidInstructionError, where: tuple[str | int, ...]) -> InvalidInstructionError:
    return error if error.path else type(error)(error.message, path=json_path(where), hint=error.hint)


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
        self._functions = Functions(budget)
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


def enter(process: Process, key: str, entry: Entry, actor: str | None, budget: Budget) -> Process:
    """A process in a state, everything of which is evaluated, whether or not there is anything to evaluate."""
    current = CurrentState(
        key=key, instructions={}, actions={}, due_date=None, actor=actor, event=entry.hash, timestamp=entry.timestamp
    )
    process = replace(process, current=current)
    state, seen = process.scenario.states[key], plain(context_of(process))
    texts = _texts(state, seen, budget)
    seen["current"].update(texts)
    due_date = _due_date(state, entry.timestamp, seen, budget)
    if due_date is not None:
        seen["current"]["due_date"] = to_iso(due_date)
    actions = {
        name: _instance(process.scenario.actions[name], process, seen, budget)
        for name in process.scenario.action_keys(key)
    }
    offered = {name: instance for name, instance in actions.items() if instance is not None}
    return replace(process, current=replace(current, **texts, due_date=due_date, actions=offered))


def _texts(state: State, seen: dict[str, Any], budget: Budget) -> dict[str, Any]:
    place = f"$.states.{state.key}"
    instructions = {
        actor: evaluate_text(text, seen, budget, f"{place}.instructions.{actor}")
        for actor, text in sorted(state.instructions.items())
    }
    texts = {
        "title": evaluate_text(state.title, seen, budget, f"{place}.title"),
        "description": evaluate_text(state.description, seen, budget, f"{place}.description"),
        "instructions": {actor: text for actor, text in instructions.items() if text is not None},
    }
    return {name: text for name, text in texts.items() if text is not None}


def _due_date(state: State, entered: int, seen: dict[str, Any], budget: Budget) -> int | None:
    place = f"$.states.{state.key}.timeout"
    timeout = None if state.timeout is None else everything(state.timeout, seen, budget, place)
    if timeout is None:
        return None
    if not isinstance(timeout, str):
        raise InvalidInstructionError("a timeout should be a duration such as P7D", path=place)
    try:
        return add_duration(entered, timeout)
    except InvalidError as error:
        raise InvalidInstructionError(error.message, path=place, hint=error.hint) from None


def _instance(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> dict[str, Any] | None:
    place = f"$.actions.{action.key}"
    actors = _actors(action, process, seen, budget)
    if not actors:
        return None
    texts = {
        name: evaluate_text(text, seen, budget, f"{place}.{name}")
        for name, text in (("title", action.title), ("label", action.label), ("description", action.description))
    }
    properties = {
        name: everything(value, seen, budget, f"{place}.{name}") for name, value in sorted(action.properties.items())
    }
    return {
        **{name: value for name, value in (properties | texts).items() if value is not None},
        "$schema": action.schema,
        "key": action.key,
        "actors": list(actors),
        "responses": {
            key: {"title": response.title} if isinstance(response.title, str) else {}
            for key, response in sorted(action.responses.items())
        },
        "default_response": action.default_response,
        "performative": action.is_performative,
        "system": action.is_system,
    }


def _actors(action: Action, process: Process, seen: dict[str, Any], budget: Budget) -> list[str]:
    place = f"$.actions.{action.key}"
    listed: Any = action.actors
    if not isinstance(listed, tuple):
        listed = everything(listed, seen, budget, f"{place}.actors")
        listed = [listed] if isinstance(listed, str) else listed
        if listed is not None and not isinstance(listed, list):
            raise InvalidInstructionError("the actors of an action should be a list of keys", path=f"{place}.actors")
    known = dict.fromkeys(item for item in listed or () if isinstance(item, str))
    return [
        key
        for key in known
        if key in process.actors
        and holds(
            action.condition,
            {**seen, "current": {**seen["current"], "actor": process.actors[key]}},
            budget,
            f"{place}.condition",
        )
    ]
