"""Expressions that are null or false whatever happens: told where it is sure, and passed over where it is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.checks import check
from workflow_engine.operators import search

LINE = {"properties": {"sku": {"type": "string"}, "by": {"type": "string"}}}
OFFER = {
    "status": {"enum": ["open", "closed"]},
    "price": {"type": "number"},
    "signed": {"type": "boolean"},
    "lines": {"type": "array", "items": LINE},
    "names": {"type": "array", "items": {"type": "string"}},
    "any": {"type": "array"},
    "own": {"type": "array", "items": {"properties": {"current": {"properties": {"actor": {}}}}}},
    "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
}


def scenario(condition: Any, **members: Any) -> dict[str, Any]:
    return {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"one": {"properties": {"agreed": {"type": "boolean"}}}},
        "assets": {"offer": {"properties": OFFER}},
        "definitions": {"limit": {"max": 5}, "rows": [{"a": 1}, {"b": 2}], "fee": 7},
        "actions": {"go": {"actor": "one", "condition": condition, "update": ["assets.offer", "current.actor"]}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
        **members,
    }


def told(expression: str, operator: str = "<eval>") -> list[str]:
    problems = check(scenario({operator: expression})).problems
    assert all(item.path == f'$.actions.go.condition["{operator}"]' for item in problems)
    return [f"{item.rule}: {item.message}" for item in problems]


SILENT = {
    "assets.offer.lines[?by == current.actor.title]": 'Write "$.current.actor.title" for that of the process',
    "previous[?actor.key == current.actor.key]": 'Write "$.current.actor.key"',
    "assets.offer.names[?@ == actors.one.title]": 'Write "$.actors.one.title"',
    "map(&(a * assets.offer.price), definitions.rows)": 'Write "$.assets.offer.price"',
    "sort_by(assets.offer.lines, &current.actor)": 'Write "$.current.actor"',
    "assets.offer.lines[?sku].current.actor": 'Write "$.current.actor"',
    "previous[?acton.key == 'go']": 'never anything at "acton"',
    "actors.one.agreed == true": "back-quotes: `true`",
    "asset.offer.price > 3": 'Did you mean "assets"?',
    "response.data.x": 'Nothing in a process is called "response"',
    "current.respons.data": 'never anything at "current.respons"',
    "assets.offer.lines.sku": 'Write "assets.offer.lines[*].sku"',
    "definitions.limit.maxx": 'never anything at "definitions.limit.maxx"',
    "definitions.rows[?c]": 'never anything at "c"',
    "length(definitions.rows[?z == `1`]) > 0": 'never anything at "z"',
    "$.asset || assets.offer.price": 'Did you mean "assets"?',
    "{a: asset.x}.a": 'Did you mean "assets"?',
    "assets.offer.status == 'opened'": 'never "opened", so the comparison is always false. Did you mean "open"?',
    "'opened' != assets.offer.status": "always true",
    "assets.offer.lines[?sku == `5`]": 'a text is compared with a number (5)',
    "assets.offer.price > '5'": "always null",
    "assets.offer.signed == 'true'": "true or false is compared with a text",
    "definitions.fee == '7'": "never",
    "current.key == 'intial'": 'Did you mean "initial"?',
}  # fmt: skip


@pytest.mark.parametrize("expression", SILENT)
def test_expression_that_is_never_met_is_told_with_what_to_write(expression: str) -> None:
    found = told(expression)
    assert len(found) == 1
    assert SILENT[expression] in found[0]


@pytest.mark.parametrize(
    "expression",
    [
        "assets.offer.lines[?by == $.current.actor.title]",
        "assets.offer.any[?current.actor == 'x']",  # nobody says what its items are
        "assets.offer.own[?current.actor == 'x']",  # they have a member of this name
        "previous[?action.key == 'pay']",  # an action of the scenario before an update, maybe
        "previous[-1].data.x == 'y'",
        "current.response.data.anything == 'x'",
        "current.actor.agreed == `true`",
        "current.actor.title == 'x'",
        "assets.offer == null || assets.offer.price != null",
        "assets.offer.other",  # the schema allows other members
        "assets.offer.lines[*].sku | [0]",
        "assets.offer.lines[].sku",
        "assets.offer.lines[0].sku == 'x'",
        "assets.offer.lines[1:].sku",
        "actors.*.agreed",
        "actors.*.[agreed, assets.x]",
        "values(actors)[?agreed].title",
        "definitions.rows[*].a",
        "definitions.rows[?a == `1`]",
        "definitions.fee == `7`",
        "definitions.limit.max < assets.offer.price",
        "assets.offer.either == 'x' && assets.offer.either != `1`",
        "assets.offer.price == 5 && assets.offer.status == 'open'",
        "current.key == ':success' || current.key == 'initial'",
        "current.entered.timestamp > 5",
        "sort_by(assets.offer.lines, &sku)[0].by",
        "max_by(definitions.rows, &a).a",
        "@.assets.offer.price",
        "title && id && chain && scenario",
        "assets.offer.lines | [?sku == 'x']",
        "not_null(assets.offer.price, `1`) > 0",
    ],
)
def test_expression_that_may_be_met_is_passed_over(expression: str) -> None:
    assert told(expression) == []


@pytest.mark.parametrize("operator", ["<ref>", "<ifset>"])
def test_path_whose_first_name_is_nothing_of_a_process_is_told(operator: str) -> None:
    assert "reads-nothing" in told("asset.offer.price", operator)[0]
    assert told("assets.offer.lines.0.sku", operator) == []
    assert told("$.assets.offer.price", operator) == []


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.just("x"),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, min_size=1),
        inner.map(lambda value: [value]),
        inner.map(lambda value: [value, value]),
    ),
    max_leaves=6,
)


def schema_of(value: Any) -> Any:
    """The schema that says of a value all there is to say."""
    if isinstance(value, dict):
        members = {name: schema_of(item) for name, item in value.items()}
        return {"type": "object", "properties": members, "additionalProperties": False}
    return {"type": "array", "items": schema_of(value[0])} if isinstance(value, list) else {"type": "string"}


PARTS = st.lists(st.one_of(NAMES.map(lambda name: f".{name}"), st.sampled_from(["[0]", "[*]", "[?@]"])), max_size=5)


@given(VALUES, PARTS)
def test_what_is_told_to_be_null_is_so_and_what_is_null_is_told(value: Any, parts: list[str]) -> None:
    """Held against the evaluation itself, on data that has everything its schema names."""
    expression = "assets.offer.v" + "".join(parts)
    schema = {"properties": {"v": schema_of(value)}}
    found = check(scenario({"<eval>": expression}, assets={"offer": schema})).problems
    result = search(expression, {"assets": {"offer": {"v": value}}})
    rules = {item.rule for item in found}
    assert rules <= {"reads-nothing", "unknown-property", "misspelt-read"}
    if rules:
        assert not result or result == [[]] or is_empty(result)
    elif "[" not in expression:
        assert result is not None


def is_empty(value: Any) -> bool:
    """Tell whether nothing is left of a projection but lists."""
    return isinstance(value, list) and all(is_empty(item) for item in value)
