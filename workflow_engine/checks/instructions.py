"""Data instructions and expressions: known operators, and arguments that can be read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import OLD_OPERATORS, View
from workflow_engine.errors import InvalidInstructionError, quote
from workflow_engine.operators import OPERATORS, paths, query, template
from workflow_engine.operators.table import pattern_of
from workflow_engine.reading import is_operator

_SOURCES = ("<src>", "_src")

_LATER = frozenset(
    {
        "<jmespath>", "<transformation>", "<enrich>", "<dateformat>", "<numberformat>", "<replace>", "<encode>",
        "<decode>", "<serialize>", "<unserialize>", "<hash>", "<id>",
    }
)  # fmt: skip
"""Operators of LTO that this engine does not evaluate."""


def unknown_operator(view: View) -> Iterator[Finding]:
    """An operator that this engine does not evaluate."""
    for place, instruction in view.instructions:
        for key in instruction:
            if key in OLD_OPERATORS and key not in _SOURCES:
                yield (
                    (*place, key),
                    f"{quote(key)} is the old way to write {quote(f'<{key[1:]}>')}; write that instead.",
                )
            elif is_operator(key) and key not in OPERATORS and key not in _SOURCES:
                yield (*place, key), _unknown(key)


def _unknown(key: str) -> str:
    known = ", ".join(OPERATORS)
    if key in _LATER:
        return f"The operator {quote(key)} of LTO is not evaluated here. There are {known}."
    return f"There is no operator {quote(key)}. There are {known}."


def source_operator(view: View) -> Iterator[Finding]:
    """`<src>` would fetch something while evaluating: two nodes could see two different things."""
    for place, instruction in view.instructions:
        for key in _SOURCES:
            if key in instruction:
                yield (
                    (*place, key),
                    (
                        f"{quote(key)} fetches from the network while the contract is evaluated: two parties could see "
                        "two different things. Fetch it in a system action of kind http and use its response."
                    ),
                )


def bad_argument(view: View) -> Iterator[Finding]:
    """An expression, path, pattern or template that cannot be read."""
    for place, instruction in view.instructions:
        for operator, argument in instruction.items():
            read = _READERS.get(operator)
            for part, message in read(argument) if read else ():
                yield (*place, operator, *part), message


def bad_projection(view: View) -> Iterator[Finding]:
    """A projection of an update, or of a system action, that cannot be read."""
    for key, action in view.actions.items():
        for place, projection in _projections(action):
            for part, message in _expression(projection):
                yield ("actions", key, *place, *part), message


def _projections(action: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield ("projection",), action.get("projection")
    for name, response in action["responses"].items():
        for index, update in enumerate(response["update"]):
            yield ("responses", name, "update", index, "projection"), update["projection"]


_Read = Iterator[tuple[tuple[str, ...], str]]


def _attempt(read: Callable[[str], Any], text: Any, part: tuple[str, ...] = ()) -> _Read:
    if not isinstance(text, str):
        return
    try:
        read(text)
    except InvalidInstructionError as error:
        yield part, f"This cannot be read: {error.message}."


def _expression(argument: Any) -> _Read:
    return _attempt(query.parse, argument)


def _path(argument: Any) -> _Read:
    return _attempt(paths.parse, argument)


def _apply(argument: Any) -> _Read:
    if isinstance(argument, dict):
        yield from _attempt(query.parse, argument.get("query"), ("query",))
    else:
        yield from _expression(argument)


def _match(argument: Any) -> _Read:
    if isinstance(argument, dict):
        flags = argument.get("flags")
        yield from _attempt(
            lambda text: pattern_of(text, flags if isinstance(flags, str) else ""), argument.get("regex"), ("regex",)
        )


def _template(argument: Any) -> _Read:
    if isinstance(argument, list):
        for index, text in enumerate(argument):
            yield from _attempt(template.parse, text, (str(index),))
    else:
        yield from _attempt(template.parse, argument)


_READERS: Mapping[str, Callable[[Any], _Read]] = {
    "<eval>": _expression,
    "<ref>": _path,
    "<ifset>": _path,
    "<apply>": _apply,
    "<match>": _match,
    "<tpl>": _template,
}
