"""The operators: what each gives, what it refuses, and that it does so everywhere alike."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError
from workflow_engine.operators import OPERATORS, evaluate, holds, search

CONTEXT: dict[str, Any] = {
    "title": "Quotation",
    "actors": {"buyer": {"key": "buyer", "name": "Acme"}, "seller": {"key": "seller", "name": None}},
    "assets": {"offer": {"price": 10.5, "quantity": 3, "tags": ["a", "b"], "lines": [{"n": 1}, {"n": 2}]}},
    "flag": True,
    "zero": 0,
}


@pytest.mark.parametrize(
    ("instruction", "result"),
    [
        ({"<ref>": "assets.offer.price"}, 10.5),
        ({"<ref>": "$.assets.offer.lines.1.n"}, 2),
        ({"<ref>": "assets.offer.lines.01.n"}, None),
        ({"<ref>": "assets.nothing.here"}, None),
        ({"<ref>": "title.x"}, None),
        ({"<ref>": {"<ref>": "nothing"}}, None),
        ({"<eval>": "assets.offer.quantity > `2`"}, True),
        ({"<eval>": "assets.offer.lines[?n == `2`].n | [0]"}, 2),
        ({"<eval>": "!(actors.seller.name)"}, True),
        ({"<eval>": "!flag || !zero"}, False),
        ({"<apply>": {"input": {"<ref>": "assets.offer"}, "query": "tags[0]"}}, "a"),
        ({"<apply>": "a.b", "a": {"b": {"<ref>": "title"}}}, "Quotation"),
        ({"<if>": {"condition": {"<ref>": "flag"}, "then": 1, "else": 2}}, 1),
        ({"<if>": {"condition": {"<ref>": "nothing"}, "then": 1, "else": 2}}, 2),
        ({"<if>": {"condition": None, "then": 1}}, None),
        ({"<if>": {"condition": {"<ref>": "zero"}, "then": "0 counts as true"}}, "0 counts as true"),
        ({"<if>": {"condition": True}, "a": 1}, {"a": 1}),
        ({"<ifset>": "title", "a": 1}, {"a": 1}),
        ({"<ifset>": "nothing", "<ref>": "title"}, None),
        ({"<ifset>": "title", "<ref>": "title"}, "Quotation"),
        ({"<switch>": {"on": {"<ref>": "title"}, "options": {"Quotation": 1}, "default": 2}}, 1),
        ({"<switch>": {"on": "x", "options": {"Quotation": 1}, "default": 2}}, 2),
        ({"<switch>": {"on": True, "options": {"true": 1}}}, 1),
        ({"<switch>": {"on": None, "options": {"": 1}}}, None),
        ({"<switch>": "title", "Quotation": "a", "_other": "b"}, "a"),
        ({"<switch>": "nothing", "Quotation": "a", "_other": "b"}, None),
        ({"<merge>": [{"a": 1, "b": 1}, None, {"b": 2}]}, {"a": 1, "b": 2}),
        ({"<merge>": [[1], [2, 3]]}, [1, 2, 3]),
        ({"<merge>": ["n ", 1.0, " ", True]}, "n 1 true"),
        ({"<merge>": [None]}, None),
        ({"<tpl>": "Dear {{actors.buyer.name}}"}, "Dear Acme"),
        ({"<tpl>": ["{{title}}", {"{{title}}": "{{zero}}"}, 7]}, ["Quotation", {"Quotation": "0"}, 7]),
        ({"<equal>": [1, 1.0]}, True),
        ({"<equal>": [True, 1]}, False),
        ({"<equal>": [None, False]}, False),
        ({"<equal>": [{"a": [1, True]}, {"a": [1.0, True]}]}, True),
        ({"<equal>": [[True], [1]]}, False),
        ({"<equal>": ["1", 1]}, False),
        ({"<match>": {"input": {"<ref>": "title"}, "find": "quot"}}, False),
        ({"<match>": {"input": {"<ref>": "title"}, "regex": "^quot", "flags": "i"}}, True),
        ({"<match>": {"input": {"<ref>": "nothing"}, "find": ""}}, False),
        ({"<match>": {"input": "x" * 3000, "regex": "x{2,5}y|x$"}}, True),
        ({"<match>": {"input": 12, "regex": "^[0-9]+$"}}, True),
        ({"<join>": {"input": ["a", None, 2, True], "glue": "-"}}, "a-2-true"),
        ({"<join>": {"input": []}}, ""),
        ({"<sum>": [0.1, 0.2]}, 0.3),
        ({"<sum>": [1, None, 2.0]}, 3),
        ({"<sum>": []}, 0),
        ({"<math>": "a * (b + 1)", "a": {"<ref>": "assets.offer.price"}, "b": 1}, 21),
        ({"<math>": "quantity * price", "quantity": 3, "price": 0.1}, 0.3),
        ({"plain": [1, "text"]}, {"plain": [1, "text"]}),
        (["<ref>", {"<ref>": "zero"}], ["<ref>", 0]),
        (None, None),
    ],
)
def test_operator_gives_its_result(instruction: Any, result: Any) -> None:
    assert canonical_json.encode(evaluate(instruction, CONTEXT)) == canonical_json.encode(result)


@pytest.mark.parametrize(
    ("instruction", "path"),
    [
        ({"<ref>": 1}, "$"),
        ({"<ref>": "a..b"}, "$"),
        ({"<eval>": "a ["}, "$"),
        ({"<eval>": "length(zero)"}, "$"),
        ({"<eval>": "&a"}, "$"),
        ({"<eval>": "!actors.buyer.name"}, "$"),
        ({"<eval>": "!assets[?x]"}, "$"),
        ({"<eval>": "`NaN`"}, "$"),
        ({"<eval>": "`plain`"}, "$"),
        ({"<eval>": "`9007199254740993`"}, "$"),
        ({"<eval>": "assets.offer.tags[::0]"}, "$"),
        ({"<eval>": '{"\\ud800": title}'}, "$"),
        ({"<eval>": "floor(`1e22`)"}, "$"),
        ({"a": [{"<apply>": {"input": 1}}]}, "$.a[0]"),
        ({"<apply>": {"query": "a", "more": 1}}, "$"),
        ({"<merge>": [[1], {"a": 1}]}, "$"),
        ({"<merge>": "text"}, "$"),
        ({"<equal>": [1]}, "$"),
        ({"<match>": {"input": "a", "find": "a", "regex": "a"}}, "$"),
        ({"<match>": {"input": "a", "regex": "(?=a)"}}, "$"),
        ({"<match>": {"input": "a", "regex": "a", "flags": "x"}}, "$"),
        ({"<join>": {"input": [["a"]]}}, "$"),
        ({"<sum>": ["1"]}, "$"),
        ({"<sum>": [True]}, "$"),
        ({"<sum>": [9007199254740991, 1]}, "$"),
        ({"<math>": "1 / 0"}, "$"),
        ({"<math>": "unknown + 1"}, "$"),
        ({"<math>": "a", "a": "1"}, "$"),
        ({"<math>": "__import__('os')"}, "$"),
        ({"<tpl>": "{{assets}}"}, "$"),
        ({"<src>": "https://example.com"}, "$"),
        ({"x": {"<nothing>": 1}}, "$.x"),
    ],
)
def test_wrong_instruction_is_refused_with_its_place(instruction: Any, path: str) -> None:
    with pytest.raises(InvalidInstructionError) as caught:
        evaluate(instruction, CONTEXT)
    assert caught.value.path == path


def test_submitted_data_is_never_evaluated() -> None:
    context = {"data": {"<ref>": "secret"}, "secret": 1}
    assert evaluate({"<ref>": "data"}, context) == {"<ref>": "secret"}
    assert evaluate({"a": {"<eval>": "data"}}, context) == {"a": {"<ref>": "secret"}}


def test_condition_counts_zero_as_true_and_empty_as_false() -> None:
    assert holds({"<ref>": "zero"}, CONTEXT)
    assert holds(None, CONTEXT)
    assert not holds({"<eval>": "assets.offer.lines[?n == `9`]"}, CONTEXT)
    assert not holds({"<eval>": "`{}`"}, CONTEXT)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("@ == `1`", False),
        ("`[1]` == `[true]`", False),
        ("`1` != `true`", True),
        ("contains(`[1, 2]`, `true`)", False),
        ("contains(`[[1]]`, `[1.0]`)", True),
        ("contains('abc', `1`)", False),
        ("`1` < 'a'", None),
        ("'a' < 'b'", True),
        ('to_string(`{"b": 1.0, "a": [true]}`)', '{"a":[true],"b":1}'),
        ("to_number('1_000')", None),
        ("to_number('٣')", None),
        ("to_number('NaN')", None),
        ("to_number('1e2')", 100),
        ("sum(`[0.1, 0.2, 0.3]`)", 0.6),
        ("avg(`[0.1, 0.2]`)", 0.15),
        ("!`0`", False),
    ],
)
def test_expression_is_pinned(expression: str, result: Any) -> None:
    assert search(expression, True) == result


def test_order_of_members_means_nothing() -> None:
    one, two = {"b": 1, "a": 2, "é": 3}, {"é": 3, "a": 2, "b": 1}
    for expression in ("*", "keys(@)", "values(@)", "to_string(@)", "@.*"):
        assert search(expression, one) == search(expression, two)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
NODES = st.recursive(
    st.sampled_from(["a", "a.b", "@", "*", "{{a}}", "a + b", "length(a)", "$.a * 2", 1, True, None, ["a", 1]])
    | st.sampled_from(["sha256", "base64", "url", "json", "2026-01-31", "Y-m-d", "hash:sha256", "date:c", "nl_NL"])
    | JSON,
    lambda inner: (
        st.dictionaries(
            st.sampled_from(
                [*OPERATORS, "a", "b", "query", "condition", "then", "on", "options", "regex", "find", "algo"]
            )
            | st.sampled_from(
                ["input", "format", "replacement", "locale", "extra", "match", "seed", "function", "args"]
            ),
            inner,
            max_size=3,
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)


def outcome(value: Any, context: Any) -> bytes | None:
    try:
        return canonical_json.encode(evaluate(value, context))
    except InvalidInstructionError:
        return None


def shuffled(value: Any) -> Any:
    """The same JSON value with its object members the other way round, and whole numbers as doubles."""
    if isinstance(value, dict):
        return {key: shuffled(item) for key, item in reversed(list(value.items()))}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(NODES, st.dictionaries(st.sampled_from("abc"), JSON, max_size=3))
def test_equal_input_gives_equal_bytes_or_the_same_refusal(value: Any, context: Any) -> None:
    before = json.dumps([value, context])
    first = outcome(value, context)
    assert outcome(value, shuffled(context)) == first
    assert json.dumps([value, context]) == before


@pytest.mark.parametrize(
    "bomb",
    [
        {"<eval>": "[@,@]" + "|[@,@]" * 60},
        {"<eval>": "join('', ['aaaaaaaaaa','a'])" + "|join(@, ['aaaaaaaaaaaaaaaaaaaa','a','b'])" * 30},
        {"<eval>": "(" * 500 + "a" + ")" * 500},
        {"<eval>": "!" * 2000 + "a"},
        {"<eval>": "a" + ".*" * 2000},
        {"<eval>": "a" + "|a" * 2000},
        {"<eval>": "a" * 5000},
        {"<eval>": "[@,@][]" + ".[@,@][]" * 25},
        {"<eval>": "[items,items,items,items,items,items,items,items,items,items,items,items][][].[@,@,@,@,@]"},
        {"<eval>": "map(&[map(&@, $), @], items)"},
        {"<tpl>": "{{#items}}" * 4 + "{{.}}" + "{{/items}}" * 4},
        {"<tpl>": "{{#items}}" * 100 + "{{/items}}" * 100},
        {"<math>": "(" * 500 + "1" + ")" * 500},
        {"<math>": "-" * 1000 + "1"},
        {"<math>": "pow(pow(9, 1000), 1000)"},
        {"<math>": "1" * 2000},
        [{"<match>": {"input": {"<ref>": "long"}, "regex": "(?:[a-z]|x){500}y"}}] * 10,
        {"<merge>": [{"<ref>": "long"}] * 40},
        {"<join>": {"input": [{"<ref>": "long"}] * 40}},
        [{"<tpl>": "{{long}}{{long}}{{long}}{{long}}"}] * 10,
    ],
    ids=lambda bomb: json.dumps(bomb)[:40],
)
def test_bomb_ends_with_a_clear_error(bomb: Any) -> None:
    context = {"items": list(range(2000)), "long": "x" * 50_000}
    with pytest.raises(InvalidInstructionError) as caught:
        evaluate(bomb, context)
    assert len(str(caught.value)) < 600


def test_deep_nesting_is_refused_without_recursion() -> None:
    value: Any = {"<ref>": "a"}
    for _ in range(200):
        value = [value]
    with pytest.raises(BudgetExceededError):
        evaluate(value, {})
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(InvalidInstructionError):
        evaluate({"<ref>": "deep"}, {"deep": deep})


def test_nesting_limits_leave_room_on_the_stack() -> None:
    expression = "a" + "|a" * 38
    value: Any = {"<eval>": expression}
    for _ in range(30):
        value = [value]
    assert sys.getrecursionlimit() >= 1000
    evaluate(value, {"a": None})
