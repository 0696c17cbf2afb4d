"""What nodes decide depends neither on what they keep in memory, nor on the order of members, nor on their stack.

A process in memory has the members of its objects in the order in which they were signed and written; one that was read
from the store has them sorted. Both are the same process.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from eventchain.core import canonical_json
from tests.workflow_engine.nesting import Contract, changed, checking
from workflow_engine.errors import BudgetExceededError, InvalidDataError, InvalidInstructionError
from workflow_engine.operators import Budget, evaluate
from workflow_engine.operators.values import is_equal
from workflow_engine.schema import compile_schema
from workflow_engine.schema_keywords import MAX_NESTING, shared_work
from workflow_engine.service import WorkflowService
from workflow_engine.triggers import Triggers

SIGNED = {"note": "Dry.", "grade": 7}


def on_a_stack(depth: int, function: Callable[[], Any]) -> Any:
    return function() if depth == 0 else on_a_stack(depth - 1, function)


def references(count: int) -> dict[str, Any]:
    """A schema that says what it wants after so many references."""
    names = [f"d{index}" for index in range(count)]
    following = {name: {"$ref": f"#/$defs/{after}"} for name, after in pairwise(names)}
    return {"$ref": "#/$defs/d0", "$defs": {**following, names[-1]: {"type": "integer"}}}


@pytest.mark.parametrize("stack", [0, 300, 500])
def test_schema_is_evaluated_as_deep_wherever_a_node_stands(stack: int) -> None:
    deepest, deeper = compile_schema(references(MAX_NESTING - 1)), compile_schema(references(MAX_NESTING))
    on_a_stack(stack, lambda: deepest.validate(5))
    with pytest.raises(InvalidDataError, match="too much work"):
        on_a_stack(stack, lambda: deeper.validate(5))


def test_alternatives_that_are_left_early_do_not_count_as_nested() -> None:
    branches = [{"allOf": [{"allOf": [{"minimum": index}]}]} for index in range(MAX_NESTING, 0, -1)]
    compile_schema({"anyOf": [*branches, True]}).validate(0)
    compile_schema({"items": {"anyOf": [*branches, True]}}).validate([0] * 9)


def test_stack_that_ends_is_no_verdict_on_the_data() -> None:
    """A node that cannot look is no node that refuses."""
    schema = compile_schema(references(MAX_NESTING - 1))
    with pytest.raises(RecursionError):
        on_a_stack(900, lambda: schema.validate(5))
    schema.validate(5)


def test_work_of_a_check_does_not_depend_on_the_order_of_members() -> None:
    schema = compile_schema(
        {"anyOf": [{"additionalProperties": {"items": {"allOf": [{"minimum": 0}]}, "type": "array"}}, {}]}
    )
    left = []
    for value in ({"a": [1] * 500, "z": "no"}, {"z": "no", "a": [1] * 500}):
        with shared_work() as budget:
            schema.validate(value)
            left.append(budget[0])
    assert left[0] == left[1]


def test_deviations_that_are_listed_do_not_depend_on_the_order_of_members() -> None:
    schema, names = compile_schema({"additionalProperties": {"allOf": [{"type": "integer"}]}}), range(100, 200)
    found = []
    for order in (names, reversed(names)):
        with pytest.raises(InvalidDataError) as caught:
            schema.validate({f"n{name}": "no" for name in order})
        found.append(caught.value.problems)
    assert found[0] == found[1]


def test_price_of_comparing_does_not_depend_on_the_order_of_members() -> None:
    other, left = {"a": 1, "z": [0] * 50}, []
    for value in ({"z": [0] * 50, "a": 2}, {"a": 2, "z": [0] * 50}):
        budget = Budget(60)
        assert not is_equal(value, other, budget)
        left.append(budget.take(50, 0))
    assert left[0] == left[1]


def test_comparing_large_objects_is_paid_for_by_their_keys() -> None:
    one, other = ({f"k{index}": index * sign for index in range(1, 8001)} for sign in (1, -1))
    budget = Budget(2_500)
    assert not is_equal(one, other, budget)
    assert not is_equal(one, other, budget)
    with pytest.raises(BudgetExceededError):
        is_equal(one, other, budget)


def handed_back(document: dict[str, Any]) -> Contract:
    """A contract whose inspection has ended, and whose node has not answered yet."""
    contract = checking(document)
    contract.act(contract.child("inspect"), "report", "beta", data=SIGNED)
    return contract


@pytest.mark.parametrize(
    "document",
    [
        changed("actions", "inspect", result="abs(assets.report)"),
        changed("actions", "inspect", responses={"ok": {"schema": {"enum": [1]}}, "unsound": {}, "error": {}}),
    ],
    ids=["fails", "does not fit"],
)
def test_result_that_cannot_be_handed_back_is_told_alike_by_a_node_that_was_started_again(document: Any) -> None:
    contract = handed_back(document)
    again = WorkflowService(contract.store, lambda: contract.now, Triggers({}))
    action = next(item for item in contract.due() if item.action == "inspect")
    told, told_again = contract.engine.perform(action), again.perform(action)
    assert told is not None
    assert canonical_json.encode(told) == canonical_json.encode(told_again)
    assert "Dry." not in str(told["data"]["message"])
    contract.settle()
    contract.check_replay()


VECTORS: Any = json.loads((Path(__file__).parents[1] / "vectors" / "operators.json").read_text("utf-8"))
INSTRUCTIONS = [case["instruction"] for cases in VECTORS["results"].values() for case in cases]
REFUSED = [instruction for cases in VECTORS["refused"].values() for instruction in cases]


def signed_otherwise(value: Any) -> Any:
    """Return the same JSON as somebody else may have written it: members the other way round, 2.0 for 2, -0.0 for 0."""
    if isinstance(value, dict):
        return {name: signed_otherwise(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return list(map(signed_otherwise, value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value) if value else -0.0
    return value


def evaluated(instruction: Any, context: Any) -> tuple[object, ...]:
    budget = Budget()
    try:
        result = canonical_json.encode(evaluate(instruction, context, budget, ()))
    except InvalidInstructionError as error:
        return (type(error),)
    return result, budget.size, budget._steps


@pytest.mark.parametrize("instruction", [*INSTRUCTIONS, *REFUSED], ids=lambda item: str(item)[:40])
def test_instruction_comes_to_the_same_at_the_same_price_on_the_same_data(instruction: Any) -> None:
    context = VECTORS["context"]
    assert evaluated(instruction, signed_otherwise(context)) == evaluated(instruction, context)
    assert evaluated(signed_otherwise(instruction), context) == evaluated(instruction, context)
