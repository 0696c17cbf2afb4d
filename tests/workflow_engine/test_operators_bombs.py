"""Bombs: instructions and data that a stranger makes to cost a node more than a stated budget of time and memory."""

from collections.abc import Callable
from typing import Any

import pytest

from workflow_engine.errors import BudgetExceededError, InvalidInstructionError
from workflow_engine.operators import Budget, evaluate, search

CONTEXT = {
    "items": list(range(2000)),
    "rows": [{"key": "k", "n": index} for index in range(2000)],
    "wide": [{"key": "k", **{f"m{index}": index for index in range(2000)}}],
    "long": "x" * 50_000,
    "letters": "a" * 50_000,
    "quotes": chr(34) * 2000,
    "euros": "€" * 50_000,
    "query": "&".join(f"a%5B{index}%5D=1" for index in range(200_000)),
    "deep_query": "a" + "[b]" * 200 + "=1",
    "deep_json": "[" * 5000 + "]" * 5000,
    "wide_json": "[" + "0," * 600_000 + "0]",
    "huge": 1e300,
    "expressions": [f"'x' || [{'a,' * 2000}a{index}]" for index in range(900)],
    "templates": [f"{{{{#nothing}}}}{'{{a}}' * 12_000}{{{{/nothing}}}}{index}" for index in range(100)],
    "pattern": "a{0,30}" * 140,
    "previous": [{"data": {"text": "x" * 1000}}] * 3000,
}
LONG, ITEMS = {"<ref>": "long"}, {"<ref>": "items"}


def nested(levels: int, inner: Any, wrap: Callable[[Any], Any]) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


BOMBS: dict[str, Any] = {
    "lists doubled by expressions": nested(14, ITEMS, lambda inner: {"<apply>": {"input": inner, "query": "[@, @][]"}}),
    "objects merged into themselves": nested(
        14, {"a": 1}, lambda inner: {"<apply>": {"input": inner, "query": "{a: @, b: @, c: @}"}}
    ),
    "one long list many times": {"<merge>": [ITEMS] * 600},
    "one long text many times": {"<merge>": [LONG] * 40},
    "replacement that multiplies": nested(
        7, "x", lambda inner: {"<replace>": {"input": inner, "find": "x", "replacement": "x" * 20}}
    ),
    "pattern that multiplies": nested(
        7, "x", lambda inner: {"<replace>": {"input": inner, "regex": "x", "replacement": "$0" * 20}}
    ),
    "replacement between all characters": {"<replace>": {"input": LONG, "regex": "", "replacement": "y" * 100}},
    "pattern that looks to the end for every match": {
        "<replace>": {"input": {"<ref>": "letters"}, "regex": "a.*z|a", "replacement": ""}
    },
    "pattern with large repetitions": [
        {"<match>": {"input": LONG, "regex": f"(?:[a-z]|x){{{500 + index}}}y"}} for index in range(20)
    ],
    "very many patterns": [
        {"<match>": {"input": "a", "regex": {"<merge>": [{"<ref>": "pattern"}, str(index)]}}} for index in range(900)
    ],
    "very many expressions": [
        {"<apply>": {"input": 1, "query": {"<ref>": f"expressions.{index}"}}} for index in range(900)
    ],
    "very many templates": [{"<tpl>": {"<ref>": f"templates.{index}"}} for index in range(100)],
    "very many patterns for nothing": [
        {"<match>": {"input": None, "regex": {"<merge>": [{"<ref>": "pattern"}, str(index)]}}} for index in range(900)
    ],
    "very many patterns that replace nothing": [
        {"<replace>": {"input": None, "replacement": "", "regex": {"<merge>": [{"<ref>": "pattern"}, str(index)]}}}
        for index in range(900)
    ],
    "glue longer than all": {"<join>": {"input": ITEMS, "glue": "y" * 1000}},
    "encoding of an encoding": nested(
        4, {"<ref>": "euros"}, lambda inner: {"<encode>": {"input": inner, "algo": "url"}}
    ),
    "base64 of base64": nested(14, LONG, lambda inner: {"<encode>": {"input": inner, "algo": "base64"}}),
    "text in quotes in quotes": nested(
        14, {"<ref>": "quotes"}, lambda inner: {"<serialize>": {"input": inner, "format": "json"}}
    ),
    "query in a query": nested(
        7, {"<ref>": "quotes"}, lambda inner: {"<serialize>": {"input": [inner, inner, inner], "format": "url"}}
    ),
    "query with very many names": {"<unserialize>": {"input": {"<ref>": "query"}, "format": "url"}},
    "query with deep names": {"<unserialize>": {"input": {"<ref>": "deep_query"}, "format": "url"}},
    "deep JSON in a text": {"<unserialize>": {"input": {"<ref>": "deep_json"}, "format": "json"}},
    "wide JSON in a text": {"<unserialize>": {"input": {"<ref>": "wide_json"}, "format": "json"}},
    "number with many digits in a text": {"<unserialize>": {"input": "1e999999", "format": "json"}},
    "number with many digits in an expression": {"<eval>": "`1e999999`"},
    "number with many digits from a text": {"<eval>": "to_number('1e999')"},
    "number with many digits as a name": {"<eval>": "9" * 4000},
    "numbers multiplied": {"<eval>": "*".join(["9007199254740991"] * 30)},
    "numbers multiplied beyond all exponents": {"<eval>": "*".join(["huge"] * 35)},
    "powers of powers": {"<math>": "pow(pow(pow(9, 1000), 1000), 1000)"},
    "many powers": [{"<math>": " + ".join(["pow(9, 1000) * 0"] * 60)}] * 1000,
    "number that is as long as a line": {"<numberformat>": {"input": {"<ref>": "huge"}}},
    "every row with a very wide one": {
        "<enrich>": {"input": {"<ref>": "rows"}, "extra": {"<ref>": "wide"}, "match": "key"}
    },
    "history hashed again and again": [{"<hash>": {"input": {"<ref>": "previous"}}}] * 50,
    "history written again and again": [{"<transformation>": "json_encode", "input": {"<ref>": "previous"}}] * 50,
    "dates in a long form": [{"<dateformat>": {"date": 0, "format": "r" * 256}}] * 1000,
    "every item against every item": {"<eval>": "items[?contains($.items, @)]"},
    "arithmetic on every item of every item": {"<eval>": "map(&map(&(@ * @ + @), $.items), items)"},
    "brackets": {"<eval>": "(" * 2000 + "1" + ")" * 2000},
    "sum without an end": {"<eval>": "1" + "+1" * 2000},
    "minus without an end": {"<eval>": "1" + "-" * 4000 + "1"},
    "sections in sections": {"<tpl>": "{{#items}}" * 4 + "{{.}}" + "{{/items}}" * 4},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_ends_with_a_short_error(name: str) -> None:
    with pytest.raises(InvalidInstructionError) as caught:
        evaluate(BOMBS[name], CONTEXT)
    assert len(str(caught.value)) < 600


MULTIPLYING = [
    name for name in BOMBS if name.split()[0] in ("lists", "objects", "one", "replacement", "pattern", "query")
]


@pytest.mark.parametrize("name", [name for name in MULTIPLYING if "deep" not in name])
def test_bomb_that_multiplies_ends_at_the_budget(name: str) -> None:
    with pytest.raises(BudgetExceededError):
        evaluate(BOMBS[name], CONTEXT)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_leaves_nothing_of_the_budget_to_the_next(name: str) -> None:
    """What is spent stays spent: a step of the machine shares one budget among all its instructions."""
    budget = Budget()
    for _ in range(2):
        with pytest.raises(InvalidInstructionError):
            evaluate(BOMBS[name], CONTEXT, budget)


def test_projection_of_an_update_pays_as_well() -> None:
    with pytest.raises(BudgetExceededError):
        search("map(&(@ * $[0]), $)" + "|map(&(@ + 1), @)" * 20, CONTEXT["items"], Budget(steps=20_000))
