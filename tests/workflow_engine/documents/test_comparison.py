"""What a template asks for, beside what a scenario has: each difference is found before there is any data."""

import pytest

from tests.workflow_engine.documents.templates import field, template
from workflow_engine.documents import InvalidTemplateError, admit
from workflow_engine.documents.comparison import Field, action_shape, compare, fields_of, process_shape
from workflow_engine.normalise import OWN_SCENARIO, normalise

SCENARIO = {
    "$schema": OWN_SCENARIO,
    "actors": {"buyer": {"properties": {"name": {"type": "string"}}}},
    "assets": {
        "order": {
            "properties": {
                "price": {"type": "number"},
                "lines": {"type": "array", "items": {"properties": {"item": {"type": "string"}}, "type": "object"}},
                "notes": {"type": "array", "items": {"type": "string"}},
                "free": {},
                "open": {"type": "object"},
                "either": {"anyOf": [{"type": "string"}]},
            },
            "additionalProperties": False,
        },
        "extra": {"properties": {"known": {"type": "string"}}},
    },
    "states": {"initial": {"transition": ":success"}},
}
FORM = normalise(SCENARIO)


def row(*names):
    cells = "".join(f"<table:table-cell><text:p>{field(name)}</text:p></table:table-cell>" for name in names)
    return f"<table:table><table:table-row>{cells}</table:table-row></table:table>"


def p(*names):
    return f"<text:p>{''.join(field(name) for name in names)}</text:p>"


def findings(body, shape=None):
    shape = process_shape(FORM) if shape is None else shape
    return {
        (problem.rule, problem.severity)
        for problem in compare(fields_of(admit(template(body))), shape)
        if problem.severity != "info"
    }


@pytest.mark.parametrize(
    "body",
    [
        p("title", "actors.buyer.name", "actors.buyer.title", "actors.buyer.identity.id", "assets.order.price"),
        row("assets.order.lines.item", "assets.order.price"),
        row("assets.order.notes"),
        p("assets.order.lines.0.item", "assets.order.notes.3"),
        p("assets.order.free", "assets.order.free.deeper", "assets.order.either.x", "assets.order.open.anything"),
    ],
)
def test_fields_that_the_scenario_has_are_no_findings(body):
    assert findings(body) == set()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (p("assets.order.prize"), {("unknown-field", "error")}),
        (p("assets.ordre.price"), {("unknown-field", "error")}),
        (p("buyer.name"), {("unknown-field", "error")}),
        (p("assets.order.price.cents"), {("unknown-field", "error")}),
        (p("assets.extra.unknown"), {("unknown-field", "warning")}),
        (p("assets.order.lines.item"), {("field-outside-list", "error")}),
        (p("assets.order.notes"), {("field-outside-list", "error")}),
        (row("assets.order.lines"), {("no-text-field", "error")}),
        (p("assets.order"), {("no-text-field", "error")}),
        (
            '<text:section text:name="s" text:condition="ooow:assets.order.prize" text:display="condition"/>',
            {("unknown-field", "error")},
        ),
    ],
)
def test_fields_that_cannot_be_filled_are_found(body, found):
    assert findings(body) == found


def test_data_that_the_template_does_not_use_is_named():
    shape = process_shape(FORM)
    body = p("assets.order.price") + row("assets.order.lines.item")
    unused = {
        problem.message for problem in compare(fields_of(admit(template(body))), shape) if problem.rule == "unused-data"
    }
    assert unused == {
        f'The template does not use "assets.{name}".'
        for name in ("order.notes", "order.free", "order.open", "order.either", "extra.known")
    }


def test_data_of_an_action_is_what_its_references_lead_to():
    data = {"order": {"<ref>": "assets.order"}, "day": {"<eval>": "anything"}, "fixed": {"a": 1}}
    shape = action_shape(FORM, {"data": data})
    assert findings(p("order.price", "day", "fixed.a"), shape) == set()
    assert findings(p("order.prize"), shape) == {("unknown-field", "error")}
    assert findings(p("assets.order.price"), shape) == {("unknown-field", "error")}
    assert findings(p("fixed.b"), shape) == {("unknown-field", "error")}


def test_fields_are_listed_once_in_the_order_of_the_document():
    body = p("b", "a", "b") + row("c.d") + '<text:p><text:hidden-paragraph text:condition="ooow:NOT a"/></text:p>'
    assert fields_of(admit(template(body))) == (
        Field("b", "field", False, "content.xml"),
        Field("a", "field", False, "content.xml"),
        Field("c.d", "field", True, "content.xml"),
        Field("a", "condition", False, "content.xml"),
    )


def test_template_with_too_many_names_is_refused():
    names = "".join(field(f"a{number}") for number in range(1001))
    with pytest.raises(InvalidTemplateError, match="more than 1000 names"):
        fields_of(admit(template(f"<text:p>{names}</text:p>")))
