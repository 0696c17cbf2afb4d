"""How responses change the projection."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine import update
from workflow_engine.compiling import load
from workflow_engine.errors import BudgetExceededError, InvalidDataError, InvalidInstructionError
from workflow_engine.scenario import Scenario

from .samples import ORDER

SCENARIO: Scenario = load(ORDER)
BEFORE = update.initial(SCENARIO)


def written(select: str, value: Any, *, patch: bool = True, before: update.Projection = BEFORE) -> update.Projection:
    place = update.target_of(select, "buyer", SCENARIO)
    return update.write(before, place, value, patch=patch, scenario=SCENARIO)


def test_process_begins_with_the_defaults_and_nothing_else() -> None:
    assert BEFORE.assets == {"order": {"currency": "EUR", "lines": []}}
    assert BEFORE.actors["buyer"] == {"key": "buyer", "title": "Buyer"}
    assert BEFORE.title == "Order"


@pytest.mark.parametrize(
    ("schema", "built"),
    [
        ({"type": "object"}, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array"}}}, {}),
        (
            {"type": "object", "properties": {"a": {"default": {}}, "b": {"default": 0}, "c": {"default": None}}},
            {"a": {}, "b": 0, "c": None},
        ),
        (
            {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"default": 1}}}}},
            {"a": {"b": 1}},
        ),
        ({"type": "array"}, []),
        ({"type": "string"}, None),
        ({"type": "string", "default": "x"}, "x"),
        (True, None),
    ],
)
def test_schema_builds_its_defaults(schema: Any, built: Any) -> None:
    assert update.default_of(schema) == built


@pytest.mark.parametrize(
    ("target", "value", "result"),
    [
        ([], "a", ["a"]),
        ([1], [2], [1, [2]]),
        ({}, [1], [1]),
        (None, {"a": 1}, {"a": 1}),
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ("text", {"a": 1}, {"a": 1}),
    ],
)
def test_patch_appends_to_lists_and_merges_objects(target: Any, value: Any, result: Any) -> None:
    assert update.merge(target, value) == result


@pytest.mark.parametrize(
    ("select", "value", "patch", "order"),
    [
        ("assets.order", {"price": 1}, True, {"currency": "EUR", "lines": [], "price": 1}),
        ("assets.order", {"price": 1}, False, {"price": 1}),
        ("assets.order", None, True, {"currency": "EUR", "lines": []}),
        ("assets.order", None, False, {"currency": "EUR", "lines": []}),
        ("assets.order.currency", "USD", True, {"currency": "USD", "lines": []}),
        ("assets.order.currency", None, False, {"lines": []}),
        ("assets.order.lines", {"n": 1}, True, {"currency": "EUR", "lines": [{"n": 1}]}),
        ("assets.order.lines", [1, 2], False, {"currency": "EUR", "lines": [1, 2]}),
        ("assets.order.deep.er", 1, True, {"currency": "EUR", "lines": [], "deep": {"er": 1}}),
    ],
)
def test_value_is_written_where_it_is_selected(select: str, value: Any, patch: bool, order: Any) -> None:
    assert written(select, value, patch=patch).assets["order"] == order
    assert BEFORE.assets == {"order": {"currency": "EUR", "lines": []}}


def test_item_of_a_list_is_changed_in_place() -> None:
    before = written("assets.order.lines", [{"n": 1}, {"n": 2}], patch=False)
    after = written("assets.order.lines.1.n", 3, before=before)
    assert after.assets["order"]["lines"] == [{"n": 1}, {"n": 3}]
    for select in ("assets.order.lines.2.n", "assets.order.lines.x", "assets.order.currency.x"):
        with pytest.raises(InvalidInstructionError):
            written(select, 1, before=before)


@pytest.mark.parametrize(
    "select",
    [
        "",
        "id",
        "actors",
        "assets",
        "assets.nothing",
        "actors.buyer.key",
        "current",
        "current.key",
        "current.actor.key",
        "previous.0",
        "scenario",
        "definitions.x",
        "title.x",
        "assets..order",
        "chain",
        "__class__",
    ],
)
def test_nothing_else_can_be_written(select: str) -> None:
    with pytest.raises(InvalidInstructionError):
        written(select, "x")


def test_current_actor_is_whoever_acted() -> None:
    assert written("current.actor", {"signed": True}).actors["buyer"]["signed"] is True
    assert written("current.actor.signed", True, patch=False).actors["buyer"]["signed"] is True


@pytest.mark.parametrize("value", ["acme", {"id": "acme"}, {"id": "acme", "node": "https://evil.example"}])
def test_identity_is_kept_as_its_id(value: Any) -> None:
    assert written("actors.seller.identity", value, patch=False).actors["seller"]["identity"] == {"id": "acme"}
    after = written("actors.seller", {"identity": value})
    assert written("actors.seller.identity", None, patch=False, before=after).actors["seller"] == {
        "key": "seller",
        "title": "Seller",
    }


@pytest.mark.parametrize("value", [1, "", [], {"id": 1}, "x" * 500, True])
def test_wrong_identity_is_refused(value: Any) -> None:
    with pytest.raises(InvalidDataError):
        written("actors.seller.identity", value, patch=False)


@pytest.mark.parametrize("value", [1, {"a": 1}, "x" * 2000])
def test_wrong_title_is_refused(value: Any) -> None:
    with pytest.raises(InvalidDataError):
        written("title", value)


def test_actor_cannot_become_something_else_or_change_its_key() -> None:
    with pytest.raises(InvalidDataError):
        written("actors.seller", "text", patch=False)
    assert written("actors.seller", {"key": "buyer"}, patch=False).actors["seller"]["key"] == "seller"


@pytest.mark.parametrize(
    ("select", "value", "path"),
    [
        ("assets.order.price", -1, "$.assets.order.price"),
        ("assets.order.extra", 1, "$.assets.order"),
        ("actors.buyer.signed", "yes", "$.actors.buyer.signed"),
    ],
)
def test_what_changed_is_validated(select: str, value: Any, path: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        update.validate_changes(BEFORE, written(select, value), SCENARIO)
    assert caught.value.path is not None
    assert caught.value.path.startswith(path)


def test_binding_an_identity_alone_is_not_validated_and_text_schemas_get_text() -> None:
    document = {
        **ORDER,
        "actors": {
            "buyer": {"required": ["name"], "additionalProperties": False, "properties": {"name": {"type": "string"}}},
            "seller": {"properties": {"identity": {"type": "string"}, "n": {"type": "integer"}}},
        },
    }
    scenario = load(document)
    before = update.initial(scenario)
    after = update.write(before, ("actors", "buyer"), {"identity": "acme"}, patch=True, scenario=scenario)
    update.validate_changes(before, after, scenario)
    after = update.write(before, ("actors", "seller"), {"identity": "acme", "n": 1}, patch=True, scenario=scenario)
    update.validate_changes(before, after, scenario)


def test_projection_cannot_grow_without_end() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep}
    for value in (deep, "x" * 2_000_000, [0] * 2_000_000):
        with pytest.raises(InvalidInstructionError):
            update.validate_changes(BEFORE, written("assets.order.lines", value), SCENARIO)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_merging_twice_is_merging_once(target: Any, value: Any) -> None:
    once = update.merge(target, value)
    assert update.merge(once, value) == once


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), ([1], [True])])
def test_actor_whose_number_becomes_a_truth_value_is_checked(old: Any, new: Any) -> None:
    """Python takes 1 for true; JSON Schema does not."""
    kind = {"type": "array", "items": {"type": "integer"}} if isinstance(old, list) else {"type": "integer"}
    scenario = load(changed_buyer({"n": kind}))
    before = update.initial(scenario)
    one = update.write(before, ("actors", "buyer", "n"), old, patch=False, scenario=scenario)
    update.validate_changes(before, one, scenario)
    with pytest.raises(InvalidDataError, match="whole number"):
        update.validate_changes(
            one, update.write(one, ("actors", "buyer", "n"), new, patch=False, scenario=scenario), scenario
        )


def changed_buyer(properties: dict[str, Any]) -> dict[str, Any]:
    """The order, whose buyer has these properties."""
    return {**ORDER, "actors": {**ORDER["actors"], "buyer": {"title": "Buyer", "properties": properties}}}


@pytest.mark.parametrize("kind", ["actors.buyer", "assets.order"])
def test_place_that_is_deeper_than_any_data_is_refused(kind: str) -> None:
    after = written(f"{kind}.{'.'.join('a' * 500)}", 1, patch=False)
    with pytest.raises(BudgetExceededError, match="nested deeper"):
        update.validate_changes(BEFORE, after, SCENARIO)
