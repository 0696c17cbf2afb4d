"""What is evaluated fast against the same done part by part: same results, same errors and places, same price."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventchain.core.errors import InvalidJsonError
from workflow_engine import operators
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import History
from workflow_engine.operators import Budget, price_of, values
from workflow_engine.operators.budget import MAX_DEPTH, MAX_SIZE, MAX_STEPS

from . import slow

LIMITS = st.integers(0, 40) | st.just(MAX_STEPS)
SIZES = st.integers(0, 60) | st.just(MAX_SIZE)
TEXTS = st.sampled_from(["", "a", "previous.0.n", "$", "previous", "n + `1`", "{{n}} {{previous.0.n}}", "ä", "\ud800"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | TEXTS | st.sampled_from([2**53, 0.5, float("nan"), 1e300])
OPERATORS = st.sampled_from(["<ref>", "<eval>", "<tpl>", "<if>", "<merge>", "<equal>", "<ifset>", "<sum>", "<none>"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(OPERATORS | st.sampled_from(["a", "ä", "x-y"]), inner, max_size=2)
    ),
    max_leaves=8,
)
CONTEXT = {"n": 1, "a": {"b": [1, "x"]}, "previous": [{"n": 7}, {}]}
SEEN = {**CONTEXT, "previous": History.of(CONTEXT["previous"])}


def outcome(work: Any, budget: Budget) -> Any:
    try:
        found = work(budget)
    except (InvalidInstructionError, InvalidJsonError) as error:
        return type(error), error.message, error.path, error.hint
    return repr(found), budget._steps, budget._size


@example({"<merge>": [2**53]}, MAX_STEPS, MAX_SIZE)
@example({"a": [{"<ref>": []}]}, MAX_STEPS, MAX_SIZE)
@example({"a": [0, {"<ref>": "$"}]}, MAX_STEPS, MAX_SIZE)
@example({"<ref>": "previous", "<eval>": "previous[0].n"}, MAX_STEPS, MAX_SIZE)
@given(VALUES, LIMITS, SIZES)
def test_evaluation_gives_what_it_gives_node_by_node(value: Any, steps: int, size: int) -> None:
    wanted = outcome(lambda budget: slow.evaluate(value, CONTEXT, budget), Budget(steps, size))
    for seen in (CONTEXT, SEEN, lambda: SEEN):
        assert outcome(lambda budget, seen=seen: operators.evaluate(value, seen, budget), Budget(steps, size)) == wanted


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
def test_depth_has_the_same_limit(levels: int) -> None:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    wanted = outcome(lambda budget: slow.evaluate(value, CONTEXT, budget), Budget())
    assert outcome(lambda budget: operators.evaluate(value, CONTEXT, budget), Budget()) == wanted
    assert (price_of(value) is None) is (levels > MAX_DEPTH)


@given(VALUES, LIMITS, SIZES)
def test_measure_gives_what_it_gives_part_by_part(value: Any, steps: int, size: int) -> None:
    wanted = outcome(lambda budget: values._measure(value, budget, MAX_DEPTH), Budget(steps, size))
    assert outcome(lambda budget: values.measure(value, budget), Budget(steps, size)) == wanted


@given(VALUES)
def test_price_is_that_of_a_value_which_stays_as_it_is(value: Any) -> None:
    budget, price = Budget(), price_of(value)
    if price is None:
        return
    assert repr(operators.evaluate(value, {}, budget)) == repr(value)
    assert budget._steps == MAX_STEPS - price


def test_context_is_made_for_the_first_instruction_that_looks_and_not_before() -> None:
    made = []

    def seen() -> dict[str, Any]:
        made.append(1)
        return CONTEXT

    operators.evaluate({"a": [1, {"b": "c"}], "sum": {"<sum>": [1, 2]}}, seen)
    assert made == []
    assert operators.evaluate([{"<ref>": "n"}, {"<ref>": "n"}], seen) == [1, 1]
    assert made == [1]


def test_place_may_be_given_as_keys_or_as_text() -> None:
    for place in ("$.states.initial", ("states", "initial")):
        with pytest.raises(InvalidInstructionError) as caught:
            operators.evaluate({"a": [{"<ref>": ""}]}, {}, path=place)
        assert caught.value.path == "$.states.initial.a[0]"
