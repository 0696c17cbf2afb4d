"""Compiled expressions against the interpreter of the `jmespath` package: same results, same errors, same price."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import History
from workflow_engine.operators import query
from workflow_engine.operators.budget import MAX_SIZE, MAX_STEPS, Budget

from . import slow

NAMES = st.sampled_from(["a", "b", "previous", "n", "key"])
NUMBERS = st.integers(-3, 12) | st.sampled_from([0.5, 2.0, 9007199254740991, 1e21])
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "a", "b", "ab"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
CONTEXTS = st.fixed_dictionaries(
    {"a": VALUES, "previous": st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=4)},
    optional={"b": VALUES, "n": st.lists(NUMBERS, max_size=4)},
)
LEAVES = NAMES | st.sampled_from(["@", "$", "`1`", "`[1, 2]`", "`{}`", "'a'", "*", "3", "[]", "[0]", "[*]", "previous"])


BINARY = ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "|", "+", "-", "*", "/", "%", "."]
TAKEN = ["[0]", "[-1]", "[7]", "[1:]", "[::-1]", "[:2]", "[::0]", "[*]", "[]", "[?a]", "[0][0]", "[0].a.b"]
AFTER = ["", ".*", ".a", *TAKEN]
FUNCTIONS = [
    *("length", "keys", "values", "sum", "avg", "sort", "max", "reverse", "to_string", "to_number", "type"),
    *("not_null", "to_array", "abs", "nothing"),
]


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def form(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda given: template.format(*given))

    return st.one_of(
        form("{}{}", inner, st.sampled_from(AFTER)),
        form("({}){}", inner, st.sampled_from(AFTER)),
        form("{} {} {}", inner, st.sampled_from(BINARY), inner),
        form("!({})", inner),
        form("[{}, {}]", inner, inner),
        form("{{a: {}, b: {}}}", inner, inner),
        form("{}[?{}].{}", inner, inner, NAMES),
        form("{}.[{}]", NAMES, inner),
        form("{}({})", st.sampled_from(FUNCTIONS), inner),
        form("{}({}, &{})", st.sampled_from(["sort_by", "max_by", "min_by"]), inner, inner),
        form("map(&{}, {})", inner, inner),
        form("{}({}, {})", st.sampled_from(["contains", "join", "merge"]), inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, _combined, max_leaves=6)


def outcome(search: Any, text: str, value: Any, budget: Budget) -> Any:
    try:
        found = search(text, value, budget)
    except InvalidInstructionError as error:
        shown = error.message.partition("object at 0x")[0] if "&" not in text else ""  # the package shows where it is
        return type(error), shown, error.hint
    return repr(found), budget._steps, budget._size


@example("previous", {"a": 1, "previous": [{}]}, MAX_STEPS)
@example("length(previous)", {"a": 1, "previous": [{}, {}]}, MAX_STEPS)
@example("previous[-1].a", {"a": 1, "previous": [{}, {"a": [1]}]}, MAX_STEPS)
@example("previous[1:]", {"a": 1, "previous": [{}, {"a": [1]}]}, MAX_STEPS)
@example("[@, $, previous]", {"a": 1, "previous": [{}, {"a": [1]}]}, MAX_STEPS)
@example("*", {"a": 1, "previous": [{}, {"a": [1]}]}, MAX_STEPS)
@example("a || @", {"a": "", "previous": [{}]}, MAX_STEPS)
@example("map(&previous, [@])", {"a": "", "previous": [{}]}, MAX_STEPS)
@given(EXPRESSIONS, CONTEXTS, st.just(MAX_STEPS) | st.integers(0, 60))
def test_compiled_expression_gives_what_the_interpreter_gives(text: str, context: dict[str, Any], steps: int) -> None:
    seen = {**context, "previous": History.of(context["previous"])}
    wanted = outcome(slow.search, text, context, Budget(steps))
    assert outcome(query.search, text, seen, Budget(steps)) == wanted
    assert outcome(query.search, text, context, Budget(steps)) == wanted


@pytest.mark.parametrize("text", ["previous", "@.previous", "a || previous", "[previous]", "{p: previous}", "*", "@"])
def test_result_holds_a_list_where_it_holds_the_history(text: str) -> None:
    context = {"previous": History.of([{"key": "ok"}])}
    found = query.search(text, context, Budget())
    assert "History" not in repr(found)
    assert "[{'key': 'ok'}]" in repr(found)


@pytest.mark.parametrize("text", ["previous[-1].key", "length(previous)", "previous[0]", "previous[-2:]", "a.b.c"])
def test_single_responses_and_the_number_of_them_are_read_without_a_list(text: str) -> None:
    history = History.of([{"key": "ok"}] * 1000)
    query.search(text, {"previous": history, "a": 1}, Budget())
    assert history._list is None


def test_price_does_not_depend_on_what_is_not_read() -> None:
    left = []
    for count in (1, 5000):
        budget = Budget()
        query.search(
            "a.b > `1` && previous[-1].key == 'ok'",
            {"previous": History.of([{"key": "ok"}] * count), "a": {"b": 2}},
            budget,
        )
        left.append((budget._steps, budget._size))
    assert left[0] == left[1] < (MAX_STEPS, MAX_SIZE)
