"""Operators that find and choose: `<ifset> <ref> <eval> <switch> <jmespath> <apply> <equal> <match> <if>`."""

from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import form, paths, patterns, query, values
from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Scope, StopNode

APPLY = Form("<apply>", {"input": None, "query": query.check_expression}, required=("query",))
IF = Form("<if>", {"condition": None, "then": None, "else": None}, required=("condition",))
SWITCH = Form("<switch>", {"on": None, "options": None, "default": None}, required=("options",))
MATCH = Form(
    "<match>",
    {"input": form.scalar, "find": form.text, "regex": patterns.check_pattern, "flags": patterns.check_flags},
    required=("input",),
    one_of=("find", "regex"),
)


def ref(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<ref>`: the value at a dot path, or null."""
    return paths.find(argument, scope.context)


def eval_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<eval>`: a JMESPath expression on the process."""
    return query.search(argument, scope.context, scope.budget)


def apply(argument: Any, content: Any, scope: Scope) -> Any:
    """`<apply>`, `<jmespath>`: a JMESPath expression on `input`, or, given as text, on the rest of the node."""
    if isinstance(argument, str):
        return query.search(argument, content, scope.budget)
    given = APPLY.read(argument)
    return query.search(given["query"], given.get("input"), scope.budget)


def if_(argument: Any, content: Any, _scope: Scope) -> Any:
    """`<if>`: `then` (or the rest of the node) when `condition` is true, else `else` (or null)."""
    given = IF.read(argument)
    if values.is_truthy(given["condition"]):
        return given.get("then", content)
    return given.get("else")


def ifset(argument: Any, content: Any, scope: Scope) -> Any:
    """`<ifset>`: null when nothing stands at a dot path, and then no other operator of the node runs."""
    if paths.find(argument, scope.context) is None:
        raise StopNode
    return content


def switch(argument: Any, content: Any, scope: Scope) -> Any:
    """`<switch>`: the option named by `on`, else `default`; with a dot path, the rest of the node are the options."""
    if isinstance(argument, str):
        options, chosen, default = content, paths.find(argument, scope.context), None
    else:
        given = SWITCH.read(argument)
        options, chosen, default = given["options"], given.get("on"), given.get("default")
    if isinstance(chosen, (list, dict)) or chosen is None:
        return default
    if not isinstance(options, dict):
        raise InvalidInstructionError("the options of <switch> should be an object")
    return options.get(values.text_of(chosen), default)


def equal(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<equal>`: whether two values are the same JSON value (1 is 1.0; true is not 1)."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise InvalidInstructionError("<equal> takes a list of two values")
    return values.is_equal(argument[0], argument[1], scope.budget)


def match(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<match>`: whether `input` contains the text `find` or fits the RE2 pattern `regex` somewhere; null does not."""
    given = MATCH.read(argument)
    if given["input"] is None:
        return False
    text = values.text_of(given["input"])
    scope.budget.spend(1 + len(text) // 64)
    if given.get("find") is not None:
        return given["find"] in text
    return patterns.fits(given["regex"], given.get("flags") or "", text, scope.budget)
