"""Forms: one JSON document from which any user interface can ask for the data of a response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.forms import FormNotFoundError, form_in, form_of
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.ui_schema import ui_faults

ADDRESS = {
    "type": "object",
    "title": "Address",
    "properties": {"street": {"type": "string"}, "city": {"type": "string", "title": "City", "default": "Utrecht"}},
    "required": ["city"],
}


def scenario(schema=None, ui_schema=None, **action):
    responses = {"ok": {} if schema is None else {"schema": schema, "ui_schema": ui_schema}, "no": {}}
    return load(
        {
            "$schema": OWN_SCENARIO,
            "actors": {"a": {}},
            "actions": {"act": {"actor": "a", "responses": responses, **action}},
            "states": {"initial": {"action": "act", "transition": ":success"}},
        }
    )


def test_form_has_fields_in_their_order_with_hints_and_defaults():
    schema = {
        "title": "Terms",
        "type": "object",
        "properties": {
            "note": {"type": "string", "title": "Note"},
            "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
            "address": ADDRESS,
        },
        "required": ["currency"],
    }
    hints = {"order": ["currency", "note"], "note": {"widget": "textarea"}, "address": {"order": ["street", "city"]}}
    form = form_of(scenario(schema, hints, label="Go"), "act")
    assert form["defaults"] == {"currency": "EUR", "address": {"city": "Utrecht"}}
    assert (form["title"], form["label"], form["response"]) == ("Terms", "Go", "ok")
    assert form["fields"] == [
        {"name": "currency", "title": "currency", "required": True, "default": "EUR", "options": ["EUR", "USD"]},
        {"name": "note", "title": "Note", "required": False, "type": "string", "widget": "textarea"},
        {
            "name": "address",
            "title": "Address",
            "required": False,
            "type": "object",
            "fields": [
                {"name": "street", "title": "street", "required": False, "type": "string"},
                {"name": "city", "title": "City", "required": True, "default": "Utrecht", "type": "string"},
            ],
        },
    ]


def test_list_has_the_form_of_its_items():
    lines = {"type": "array", "items": {"properties": {"item": {"type": "string"}}}}
    (field,) = form_of(scenario({"properties": {"lines": lines}}), "act")["fields"]
    assert field["type"] == "array"
    assert [inner["name"] for inner in field["items"]["fields"]] == ["item"]


def test_schema_that_does_not_say_that_it_is_an_object_has_defaults_too():
    assert form_of(scenario({"properties": {"a": {"default": 1}}}), "act")["defaults"] == {"a": 1}


def test_response_without_schema_asks_for_nothing():
    form = form_of(scenario(title="Sign"), "act", "no")
    assert form["fields"] == []
    assert (form["schema"], form["title"], form["response"]) == (True, "Sign", "no")


def test_unknown_actions_and_responses_are_not_found_and_those_that_exist_are_named():
    with pytest.raises(FormNotFoundError) as no_action:
        form_of(scenario(), "other")
    with pytest.raises(FormNotFoundError) as no_response:
        form_of(scenario(), "act", "other")
    assert (no_action.value.hint, no_response.value.hint) == ('There are "act".', 'There are "ok", "no".')


def test_form_in_a_process_has_the_texts_of_now():
    found = scenario({"title": "Data", "properties": {}}, None, label={"<tpl>": "Go, {{actors.a.key}}"}, title="Act")
    form = form_in(simulate.start(found), "act")
    assert (form["title"], form["label"]) == ("Data", "Go, a")
    assert form_in(simulate.start(found), "act", "no")["title"] == "Act"


@pytest.mark.parametrize("name", scenarios.names())
def test_defaults_of_the_library_are_those_of_its_schemas(name):
    found = load(scenarios.load(name))
    for action in found.actions.values():
        for response in action.responses:
            form = form_of(found, action.key, response)
            properties = form["schema"].get("properties", {}) if isinstance(form["schema"], dict) else {}
            assert {field["name"] for field in form["fields"]} == set(properties)
            assert all(field["title"] for field in form["fields"])


@pytest.mark.parametrize(
    ("hints", "places"),
    [
        ({"order": ["note", "city"]}, set()),
        ({"note": {"widget": "textarea"}, "x-mine": 1}, set()),
        ({"order": ["note", "other"]}, {("order", 1)}),
        ({"order": ["note", "note"]}, {("order", 1)}),
        ({"order": "note"}, {("order",)}),
        ({"order": [1]}, {("order", 0)}),
        ({"other": {}}, {("other",)}),
        ({"note": "textarea"}, {("note",)}),
        ({"note": {"widget": "slider"}}, {("note", "widget")}),
        ({"note": {"widget": ["textarea"]}}, {("note", "widget")}),
        ({"address": {"street": {"widget": "x"}, "zip": {}}}, {("address", "street", "widget"), ("address", "zip")}),
    ],
)
def test_hints_that_mean_nothing_are_found(hints, places):
    schema = {"properties": {"note": {"type": "string"}, "city": {}, "address": ADDRESS}}
    assert {place for place, _ in ui_faults(schema, hints)} == places


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["order", "widget", "a", "textarea"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["order", "widget", "a", "x-b"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(ANY, st.dictionaries(st.sampled_from(["order", "widget", "a", "b"]), ANY, max_size=3))
def test_hints_of_any_shape_are_looked_through_without_harm(schema, hints):
    for place, message in ui_faults(schema, hints):
        assert place
        assert message.endswith(".")
