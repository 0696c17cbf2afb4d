"""What instructions read: the places, and the constants that are beside them.

Everything here errs on the side of reading too much: an expression that is not understood reads more.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import paths, query
from workflow_engine.reading import is_instruction

Place = tuple[str, ...]
"""Names from the root of the process: `("assets", "offer", "price")`; below `DATA`, in the data of a response."""

Read = tuple[Place, frozenset[Any]]
"""A place that is read, and the constants beside it."""

DATA: Place = ("current", "response", "data")


class Mark(Enum):
    """What else is noted among the constants of a place."""

    WHOLE = "whole"
    """The value itself matters, not only how it compares with the constants: it is calculated with, or written on."""


COUNTED: Place = ("previous", ":counted")
"""Stands for the history where all that is asked of it is how often something was done."""

LINKED = frozenset({1, "a"})
"""Constants of two places that are compared with each other: with what is around them, less, equal and more occur."""

_SELECTS_FROM_FIRST = frozenset(
    {"index_expression", "projection", "filter_projection", "value_projection", "flatten", "slice", "pipe"}
)
_NAME_IN_TEMPLATE = re.compile(r"\{\{\{?\s*[#^&]?\s*([^\s{}]+)")


def position(value: Any, constants: frozenset[Any]) -> Any:
    """Return of a number or text only where it stands among its constants, unless the value itself matters."""
    if Mark.WHOLE in constants or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    is_text = isinstance(value, str)
    fixed = sorted(item for item in constants if item is not Mark.WHOLE and isinstance(item, str) == is_text)
    return [is_text, bisect_left(fixed, value), value in fixed, value == ""]


def reads_of_condition(value: Any) -> list[Read]:
    """Return what a condition reads from the process; where it is one expression, comparisons are taken as such."""
    if isinstance(value, dict) and value.keys() == {"<eval>"} and isinstance(value["<eval>"], str):
        return reads_of_expression(value["<eval>"])
    return list(reads_of(value))


def reads_of(value: Any, definitions: Mapping[str, Any] | None = None) -> Iterator[Read]:
    """Yield what the instructions in a value read from the process, as values that matter themselves.

    Args:
        value: Part of a scenario.
        definitions: Constants of the scenario, where its templates may stand.
    """
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            if is_instruction(part):
                yield from ((place, found | {Mark.WHOLE}) for place, found in _reads_of_node(part, definitions or {}))
            else:
                todo.extend(part.values())


def _reads_of_node(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Read]:
    constants = frozenset(_plain_constants(node))
    for operator in ("<ref>", "<ifset>", "<switch>"):
        if isinstance(node.get(operator), str):
            yield _as_place(node[operator]), constants
    inner = [read for item in node.values() if isinstance(item, (dict, list)) for read in reads_of(item, definitions)]
    yield from ((place, beside | constants) for place, beside in inner)
    if isinstance(node.get("<eval>"), str):
        yield from ((place, found | constants) for place, found in reads_of_expression(node["<eval>"]))
    template = _template(node.get("<tpl>"), definitions)
    if isinstance(template, str):
        yield from ((_as_place(name), frozenset()) for name in _NAME_IN_TEMPLATE.findall(template))
    elif template is not None:
        yield (), frozenset()


def _template(argument: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a template itself, where the argument of `<tpl>` is a reference to it."""
    if isinstance(argument, dict) and argument.keys() == {"<ref>"} and isinstance(argument["<ref>"], str):
        place = _as_place(argument["<ref>"])
        found: Any = {"definitions": definitions}
        for name in place:
            found = paths.member(found, name)
        return found if isinstance(found, str) else argument
    return argument


def _as_place(path: str) -> Place:
    try:
        return _named(paths.parse(path))
    except InvalidInstructionError:
        return ()


def _named(place: Iterable[str]) -> Place:
    """Return a place up to the first item of a list: lists matter as wholes."""
    names: list[str] = []
    for name in place:
        if paths.item_index(name) is not None:
            break
        names.append(name)
    return tuple(names)


def _plain_constants(node: Mapping[str, Any]) -> Iterator[Any]:
    """Yield texts and numbers in an instruction that are no operator's own language."""
    todo: list[Any] = [item for name, item in node.items() if name not in ("<ref>", "<eval>", "<tpl>", "<ifset>")]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if isinstance(part.get("options"), dict):
                yield from part["options"]
            todo.extend(item for name, item in part.items() if name not in ("<ref>", "<eval>", "<tpl>", "<ifset>"))
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, (str, int, float)) and not isinstance(part, bool):
            yield part


def reads_of_expression(text: str) -> list[Read]:
    """Return what a JMESPath expression reads of its input; nothing where it cannot be parsed."""
    try:
        tree = query.parse(text)
    except InvalidInstructionError:
        return []
    found: list[Read] = []
    _collect(tree, frozenset((*_literals(tree), Mark.WHOLE)), found, is_asked=True)
    return found


def _collect(node: Mapping[str, Any], constants: frozenset[Any], found: list[Read], *, is_asked: bool = False) -> None:
    """Collect what a node reads.

    Args:
        node: Of the syntax tree.
        constants: What is beside it.
        found: Where it goes.
        is_asked: All that matters of the node's value is whether it is true.
    """
    kind, children = node["type"], [child for child in node.get("children", ()) if isinstance(child, dict)]
    if kind == "function_expression" and node.get("value") == "length" and _counts_history(children):
        found.append((COUNTED, frozenset(_literals(node))))
    elif kind in ("field", "subexpression"):
        names, whole = _chain(node)
        if names or whole:
            found.append((_named(names), frozenset() if is_asked and whole else constants))
        else:
            _collect(children[0], constants, found)
    elif kind in ("current", "root"):
        found.append(((), constants))
    elif kind in _SELECTS_FROM_FIRST:
        _collect(children[0], constants, found)
    elif kind == "comparator":
        _collect_comparison(node, children, found)
    else:
        is_asked = is_asked and kind in ("or_expression", "and_expression", "not_expression")
        for child in children:
            _collect(child, constants, found, is_asked=is_asked)


def _counts_history(arguments: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the argument of `length` is `previous[?…]`, filtered by who did which action with which response."""
    node: Mapping[str, Any] = arguments[0] if len(arguments) == 1 else {"type": ""}
    if node["type"] != "filter_projection":
        return False
    source, after, condition = node["children"]
    names: list[Read] = []
    _collect(condition, frozenset(), names)
    told = {("action", "key"), ("actor", "key"), ("key",)}
    return (
        _chain(source) == (["previous"], True) and after["type"] == "identity" and {name for name, _ in names} <= told
    )


def _collect_comparison(node: Mapping[str, Any], children: Sequence[Mapping[str, Any]], found: list[Read]) -> None:
    """Collect from a comparison: of one place with a literal that is no list or object, only the literal matters."""
    literals = frozenset(_literals(node))
    fixed = [child for child in children if child["type"] == "literal" and not isinstance(child["value"], (list, dict))]
    plain = [child for child in children if child["type"] in ("field", "subexpression") and _chain(child)[1]]
    if len(fixed) == len(plain) == 1:
        found.append((_named(_chain(plain[0])[0]), literals))
        return
    before = len(found)
    for child in children:
        _collect(child, literals | {Mark.WHOLE}, found)
    if len(found) - before > 1:
        found[before:] = [(place, known | LINKED) for place, known in found[before:]]


def _chain(node: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the plain names that a node starts with, and whether there is nothing else in it."""
    if node["type"] == "field":
        return [str(node["value"])], True
    if node["type"] == "root":
        return [], True
    if node["type"] in _SELECTS_FROM_FIRST and not _asks_root(node):
        return _chain(node["children"][0])[0], False
    if node["type"] != "subexpression":
        return [], False
    names: list[str] = []
    for child in node["children"]:
        inner, whole = _chain(child)
        names += inner
        if not whole:
            return names, False
    return names, True


def _asks_root(node: Mapping[str, Any]) -> bool:
    """Tell whether a part of a node reads from the root, wherever that part stands."""
    return node["type"] == "root" or any(
        _asks_root(item) for item in node.get("children", ()) if isinstance(item, dict)
    )


def _literals(node: Mapping[str, Any]) -> Iterator[Any]:
    if node["type"] == "literal":
        value = node.get("value")
        items = value if isinstance(value, list) else [value]
        yield from (item for item in items if isinstance(item, (str, int, float)) and not isinstance(item, bool))
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _literals(child)
