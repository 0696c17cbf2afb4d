"""Arguments of operators: what the check refuses would fail, and what evaluates passes the check."""

import pytest

from workflow_engine.checks.arguments import doubts, faults
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import OPERATORS, evaluate

CHAIN = "8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL"
CONTEXT = {
    "id": "p",
    "chain": CHAIN,
    "assets": {"a": {"b": 1, "list": [1, 2], "text": "x"}},
    "definitions": {"t": "Hi {{id}}"},
}
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
    ("<math>", "max(2, 1)"),
    ("<jmespath>", {"input": REF, "query": "[0]"}),
    ("<jmespath>", "a"),
    ("<transformation>", "hash:sha256"),
    ("<transformation>", ["date:H:i"]),
    ("<transformation>", {"function": "json_encode", "args": [REF]}),
    ("<transformation>", {"<ref>": "assets.none"}),
    ("<enrich>", {"input": [], "extra": REF, "match": "n"}),
    ("<enrich>", {"input": [], "extra": [{"id": 1}], "match": {"extra": "id", "source": "ref"}}),
    ("<dateformat>", {"input": "2026-01-31", "format": "j F Y"}),
    ("<dateformat>", {"date": 0, "timezone": "+01:00"}),
    ("<dateformat>", {"date": {"<ref>": "assets.none"}}),
    ("<numberformat>", {"input": {"<ref>": "assets.a.b"}, "locale": "nl_NL", "decimals": 2}),
    ("<numberformat>", {"input": 1, "currency": "EUR"}),
    ("<replace>", {"input": {"<ref>": "id"}, "find": "p", "replacement": "q"}),
    ("<replace>", {"input": "a-b", "regex": "(a)-(b)", "replacement": "$2-${1}\\$"}),
    ("<encode>", {"input": {"<ref>": "id"}, "algo": "base58"}),
    ("<decode>", {"input": "YQ==", "algo": "base64"}),
    ("<serialize>", {"input": REF, "format": "json"}),
    ("<unserialize>", {"input": "a=1", "format": "url"}),
    ("<hash>", {"input": REF}),
    ("<hash>", {"input": "a", "algo": "sha512"}),
    ("<id>", "offer"),
    ("<id>", {"seed": {"<ref>": "id"}}),
    ("<id>", {"seed": "offer", "chain": CHAIN}),
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
    ("<math>", "1 +"),
    ("<math>", "mean(1, 2)"),
    ("<jmespath>", {"input": 1, "query": "a["}),
    ("<jmespath>", "a["),
    ("<transformation>", "sha256"),
    ("<transformation>", "hash"),
    ("<transformation>", "hash:sha3"),
    ("<transformation>", "json_encode:x"),
    ("<transformation>", "hash_hmac:sha256"),
    ("<transformation>", "generate_private_key"),
    ("<transformation>", "serialize"),
    ("<transformation>", ["json_encode", "hash:md5"]),
    ("<transformation>", {"function": "date"}),
    ("<transformation>", {"function": "json_encode", "args": [REF, REF]}),
    ("<transformation>", {"function": "hash", "args": ["sha3", REF]}),
    ("<transformation>", {"function": "now", "args": []}),
    ("<transformation>", 3),
    ("<enrich>", {"extra": []}),
    ("<enrich>", {"extra": {}, "match": "n"}),
    ("<enrich>", {"extra": [], "match": "a..b"}),
    ("<enrich>", {"extra": [], "match": {"extra": "a"}}),
    ("<enrich>", {"extra": [], "match": {"extra": "a", "source": ""}}),
    ("<dateformat>", {}),
    ("<dateformat>", {"input": "2026-01-31", "date": "2026-01-31"}),
    ("<dateformat>", {"input": "tomorrow"}),
    ("<dateformat>", {"input": "2026-02-30"}),
    ("<dateformat>", {"input": "2026-01-31", "format": "Y-m-d B"}),
    ("<dateformat>", {"input": "2026-01-31", "format": "Y\\"}),
    ("<dateformat>", {"input": "2026-01-31", "timezone": "Europe/Amsterdam"}),
    ("<dateformat>", {"input": "2026-01-31", "timezone": "+15:00"}),
    ("<numberformat>", {"locale": "nl_NL"}),
    ("<numberformat>", {"input": "12"}),
    ("<numberformat>", {"input": 1, "locale": "xx_XX"}),
    ("<numberformat>", {"input": 1, "decimals": 16}),
    ("<numberformat>", {"input": 1, "decimals": 1.5}),
    ("<numberformat>", {"input": 1, "currency": "XXX"}),
    ("<replace>", {"input": "a", "find": "a"}),
    ("<replace>", {"input": "a", "find": "", "replacement": "b"}),
    ("<replace>", {"input": "a", "find": "a", "regex": "a", "replacement": "b"}),
    ("<replace>", {"input": "a", "regex": "(", "replacement": "b"}),
    ("<replace>", {"input": "a", "regex": "a", "replacement": "$1"}),
    ("<replace>", {"input": ["a"], "find": "a", "replacement": "b"}),
    ("<encode>", {"input": "a"}),
    ("<encode>", {"input": "a", "algo": "rot13"}),
    ("<decode>", {"input": 3, "algo": "base64"}),
    ("<decode>", {"algo": "base64"}),
    ("<serialize>", {"input": 1}),
    ("<serialize>", {"input": 1, "format": "php"}),
    ("<unserialize>", {"input": 1, "format": "json"}),
    ("<unserialize>", {"input": "1", "format": "yaml"}),
    ("<hash>", "a"),
    ("<hash>", {"algo": "sha256"}),
    ("<hash>", {"input": "a", "algo": "sha3"}),
    ("<hash>", {"input": "a", "algo": ["md5"]}),
    ("<numberformat>", {"input": 1, "currency": {"code": "EUR"}}),
    ("<hash>", {"input": "a", "hmac": "key"}),
    ("<id>", ""),
    ("<id>", {"chain": CHAIN}),
    ("<id>", {"seed": "a", "chain": "nothing"}),
    ("<id>", ["a"]),
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


@pytest.mark.parametrize(("operator", "argument"), GOOD)
def test_good_argument_raises_no_doubt(operator, argument):
    assert list(doubts(operator, argument)) == []


@pytest.mark.parametrize(("operator", "argument"), BAD)
def test_doubts_about_a_bad_argument_are_sentences(operator, argument):
    assert all(message.endswith(".") for _, message in doubts(operator, argument))


def test_unknown_operator_is_not_judged_here():
    assert list(faults("<now>", 3)) == []


def test_statement_of_a_proof_has_a_form_that_can_be_proven():
    rest = {"announcement": "00", "challenge": "00", "answer": "00"}
    (found,) = faults("<proof>", {"statement": {"commitment": REF, "one_of": [1]}, **rest})
    assert found[0] == ("statement",)
    assert "values" in found[1]
    assert list(faults("<proof>", {"statement": {"commitment": REF, "values": [1]}, **rest})) == []
