"""Arguments of operators: what the check refuses would fail, and what evaluates passes the check."""

import pytest

from workflow_engine.checks.arguments import faults
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import OPERATORS, evaluate

CONTEXT = {"id": "p", "assets": {"a": {"b": 1, "list": [1, 2], "text": "x"}}, "definitions": {"t": "Hi {{id}}"}}
REF = {"<ref>": "assets.a.list"}

GOOD = [
    ("<ref>", "assets.a.b"),
    ("<ref>", "$.assets"),
    ("<ifset>", "assets.none"),
    ("<eval>", "assets.a.b > `0` && contains(assets.a.list, `1`)"),
    ("<eval>", "sort_by(assets.a.list, &@) | [0]"),
    ("<eval>", {"<ref>": "assets.a.text"}),
    ("<eval>", "not_null(assets.none, assets.a, id)"),
    ("<apply>", {"input": REF, "query": "[0]"}),
    ("<apply>", {"query": "a"}),
    ("<apply>", "a"),
    ("<if>", {"condition": {"<eval>": "id"}, "then": 1, "else": 2}),
    ("<if>", {"condition": True}),
    ("<switch>", {"on": {"<ref>": "assets.a.text"}, "options": {"x": 1}, "default": 2}),
    ("<switch>", "assets.a.text"),
    ("<merge>", [[1], REF]),
    ("<tpl>", "{{id}}"),
    ("<tpl>", ["{{id}}", {"{{id}}": "x", "n": 3}]),
    ("<tpl>", {"<ref>": "definitions.t"}),
    ("<equal>", [1, {"<ref>": "id"}]),
    ("<match>", {"input": "abc", "find": "b"}),
    ("<match>", {"input": {"<ref>": "id"}, "regex": "^P$", "flags": "i"}),
    ("<join>", {"input": REF, "glue": ", "}),
    ("<sum>", REF),
    ("<sum>", [1, None, 2]),
    ("<math>", "1 + 2"),
    ("<merge>", None),
    ("<proof>", {"statement": {"key": "00"}, "announcement": "00", "challenge": "00", "answer": REF}),
    ("<proof>", {"statement": REF, "announcement": None, "challenge": None, "answer": None}),
]

BAD = [
    ("<ref>", ""),
    ("<ref>", "a..b"),
    ("<ref>", 3),
    ("<ifset>", ["a"]),
    ("<eval>", "a["),
    ("<eval>", 3),
    ("<eval>", "nothing(a)"),
    ("<eval>", "length()"),
    ("<eval>", "length(id, id)"),
    ("<eval>", "not_null()"),
    ("<eval>", "!id.x"),
    ("<apply>", {"input": 1}),
    ("<apply>", {"query": "[", "input": 1}),
    ("<apply>", {"query": "a", "data": 1}),
    ("<apply>", 3),
    ("<apply>", "["),
    ("<if>", [True, 1, 2]),
    ("<if>", {"condition": True, "than": 1}),
    ("<switch>", {"on": "x"}),
    ("<switch>", 3),
    ("<switch>", "a..b"),
    ("<merge>", {"a": 1}),
    ("<tpl>", "{{#a}}"),
    ("<tpl>", {"a": ["{{/a}}"]}),
    ("<equal>", [1]),
    ("<equal>", "x"),
    ("<match>", {"find": "b"}),
    ("<match>", {"input": "a"}),
    ("<match>", {"input": "a", "find": "b", "regex": "c"}),
    ("<match>", {"input": "a", "regex": "(?=a)"}),
    ("<match>", {"input": "a", "regex": 3}),
    ("<match>", {"input": "a", "regex": "a", "flags": "x"}),
    ("<join>", {"glue": ","}),
    ("<join>", [1, 2]),
    ("<sum>", 3),
    ("<math>", 3),
    ("<proof>", "yes"),
    ("<proof>", {"statement": REF, "announcement": "00", "challenge": "00"}),
]


def test_every_operator_is_covered():
    assert {operator for operator, _ in GOOD} == {operator for operator, _ in BAD} == set(OPERATORS)


@pytest.mark.parametrize(("operator", "argument"), GOOD)
def test_what_evaluates_passes(operator, argument):
    assert list(faults(operator, argument)) == []
    evaluate({operator: argument}, CONTEXT)


@pytest.mark.parametrize(("operator", "argument"), BAD)
def test_what_the_check_refuses_fails_when_it_is_evaluated(operator, argument):
    found = list(faults(operator, argument))
    assert found
    assert all(message.endswith(".") and len(message) < 400 for _, message in found)
    with pytest.raises(InvalidInstructionError):
        evaluate({operator: argument}, CONTEXT)


def test_place_inside_the_argument_is_named():
    assert [place for place, _ in faults("<tpl>", {"a": ["ok", "{{#b}}"]})] == [("a", 1)]
    assert [place for place, _ in faults("<apply>", {"query": "["})] == [("query",)]


def test_unknown_operator_is_not_judged_here():
    assert list(faults("<now>", 3)) == []


def test_statement_of_a_proof_has_a_form_that_can_be_proven():
    rest = {"announcement": "00", "challenge": "00", "answer": "00"}
    (found,) = faults("<proof>", {"statement": {"commitment": REF, "one_of": [1]}, **rest})
    assert found[0] == ("statement",)
    assert "values" in found[1]
    assert list(faults("<proof>", {"statement": {"commitment": REF, "values": [1]}, **rest})) == []
