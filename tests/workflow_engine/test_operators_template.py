"""The templates of `<tpl>`, against the behaviour that the Mustache specification describes."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.template import render


@pytest.mark.parametrize(
    ("template", "context", "text"),
    [
        ("Hello {{name}}!", {"name": "World"}, "Hello World!"),
        ("{{x}} {{{x}}} {{&x}} {{& x }}", {"x": '<b> & "c"'}, '<b> & "c" <b> & "c" <b> & "c" <b> & "c"'),
        ("{{a.b.c}}", {"a": {"b": {"c": 1}}}, "1"),
        ("{{a.0.b}}", {"a": [{"b": 1}]}, "1"),
        ("[{{missing}}][{{a.missing.x}}][{{n}}]", {"a": {}, "n": None}, "[][][]"),
        ("{{n}} {{f}} {{t}}", {"n": 85.0, "f": 1.21, "t": True}, "85 1.21 true"),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": True}, "yes"),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": []}, "no"),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": ""}, "no"),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": 0}, "yes"),
        ("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {}, "no"),
        ("{{#list}}{{.}},{{/list}}", {"list": [1, "b", True]}, "1,b,true,"),
        ("{{#list}}{{n}}{{outer}};{{/list}}", {"list": [{"n": 1}, {"n": 2, "outer": "y"}], "outer": "x"}, "1x;2y;"),
        ("{{#a}}{{#b}}{{c}}{{/b}}{{/a}}", {"a": {"b": {"c": 1}}}, "1"),
        ("{{#a}}{{b.c}}{{/a}}", {"a": {"b": {}}, "b": {"c": "outer"}}, ""),
        ("a{{! comment\nover lines }}b", {}, "ab"),
        ("Begin\n{{#a}}\nline\n{{/a}}\nEnd\n", {"a": True}, "Begin\nline\nEnd\n"),
        ("Begin\r\n  {{! alone }}  \r\nEnd", {}, "Begin\r\nEnd"),
        ("| {{#a}} x {{/a}} |", {"a": True}, "|  x  |"),
        ("  {{a}}\n", {"a": 1}, "  1\n"),
        ("{ {} }} {x}", {}, "{ {} }} {x}"),
        ("", {}, ""),
    ],
)
def test_template_gives_its_text(template: str, context: Any, text: str) -> None:
    assert render(template, context, Budget()) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{",
        "{{a",
        "{{a b}}",
        "{{}}",
        "{{a..b}}",
        "{{.a}}",
        "{{#a}}",
        "{{/a}}",
        "{{#a}}{{/b}}",
        "{{#a}}{{#b}}{{/a}}{{/b}}",
        "{{> partial}}",
        "{{=<% %>=}}",
        "{{{a}}",
        "{{a}} and {{ {b} }}",
        "{{#a}}" * 30 + "{{/a}}" * 30,
        "x" * 70_000,
    ],
)
def test_wrong_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidInstructionError):
        render(template, {"a": {"b": 1}}, Budget())


@given(st.text(st.characters(exclude_characters="{}"), max_size=50))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    assert render(text, {}, Budget()) == text


@given(st.text(max_size=50))
def test_values_are_not_templates(text: str) -> None:
    assert render("{{a}}", {"a": text}, Budget()) == text


@given(st.text("{}#^/!& ab.\n", max_size=60))
def test_any_text_renders_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidInstructionError):
        assert isinstance(render(text, {"a": [1, {"b": True}], "b": "x"}, Budget()), str)
