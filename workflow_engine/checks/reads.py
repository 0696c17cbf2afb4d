"""What data instructions, expressions and templates read, as far as it is written as plain names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import InvalidInstructionError, Path, quote
from workflow_engine.operators import query, template
from workflow_engine.reading import is_instruction

Read = tuple[Path, list[str]]
"""Where something is read, and the names of its path from the root of the process."""

_ENGINE_MEMBERS = frozenset({"key", "title", "identity"})
"""Of an actor, beside what its schema names."""

_SAME_ROOT = frozenset(
    {
        "arithmetic", "comparator", "or_expression", "and_expression", "not_expression", "function_expression",
        "multi_select_list", "multi_select_dict", "key_val_pair",
    }
)  # fmt: skip
"""Parts of an expression whose parts all start from the same value."""

_TEMPLATE_NAME = re.compile(r"\{\{\{?\s*[#^&]?\s*((?:assets|actors|definitions|current)\.[^\s{}]+)")


def reads(view: View) -> Iterator[Read]:
    """Yield every path that an instruction of the scenario reads."""
    for place, instruction in view.instructions:
        for operator in ("<ref>", "<ifset>"):
            if isinstance(instruction.get(operator), str):
                yield (*place, operator), instruction[operator].removeprefix("$.").split(".")
        for names in names_in_expression(instruction.get("<eval>")):
            yield (*place, "<eval>"), names
    for where, text in templates(view).items():
        for match in _TEMPLATE_NAME.finditer(text):
            yield where, match.group(1).split(".")


def templates(view: View) -> Mapping[Path, str]:
    """Return every template by its place: those in instructions, and the definitions that these refer to."""
    found: dict[Path, str] = {}
    todo: list[tuple[Path, Any]] = [
        ((*place, "<tpl>"), instruction["<tpl>"]) for place, instruction in view.instructions if "<tpl>" in instruction
    ]
    while todo:
        where, part = todo.pop()
        if isinstance(part, str):
            found[where] = part
        elif isinstance(part, list):
            todo.extend(((*where, index), item) for index, item in enumerate(part))
        elif is_instruction(part):
            names = str(part.get("<ref>")).removeprefix("$.").split(".")
            text = _definition(view, names)
            if text is not None:
                found[tuple(names)] = text
        elif isinstance(part, dict):
            todo.extend(((*where, key), item) for key, item in part.items())
    return found


def _definition(view: View, names: list[str]) -> str | None:
    """Return the text of the definitions at a path, if there is one."""
    value: Any = {"definitions": view.form["definitions"]}
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def bad_template(view: View) -> Iterator[Finding]:
    """A template among the definitions that cannot be read."""
    for where, text in templates(view).items():
        if where[0] != "definitions":
            continue
        try:
            template.parse(text)
        except InvalidInstructionError as error:
            yield where, f"This template cannot be read: {error.message}. {error.hint or ''}".rstrip()


def unknown_property(view: View) -> Iterator[Finding]:
    """A property is read or written that the JSON Schema of its asset or actor leaves no room for."""
    for place, names in (*reads(view), *_writes(view)):
        wrong = without_room(view, names)
        if wrong is not None:
            whole = ".".join(names[: wrong + 1])
            yield (
                place,
                f"There can never be anything at {quote(whole)}: the schema of {quote(names[1])} has no such member.",
            )


def _writes(view: View) -> Iterator[Read]:
    for key, action in view.actions.items():
        for name, response in action["responses"].items():
            for index, update in enumerate(response["update"]):
                place = ("actions", key, "responses", name, "update", index, "select")
                yield place, update["select"].split(".")


def without_room(view: View, names: list[str]) -> int | None:
    """Return the index of the first name of a path that its schema cannot have; None when all is well or unknown."""
    if len(names) < 3 or names[0] not in ("assets", "actors") or names[1] not in view.form[names[0]]:
        return None
    part = view.form[names[0]][names[1]]
    for index, name in enumerate(names[2:], start=2):
        if not isinstance(part, dict) or part.get("additionalProperties") is not False:
            return None
        if any(keyword in part for keyword in ("$ref", "patternProperties")):
            return None
        properties = part.get("properties")
        known = properties if isinstance(properties, dict) else {}
        if name not in known:
            engine = names[0] == "actors" and index == 2 and name in _ENGINE_MEMBERS
            return None if engine else index
        part = known[name]
    return None


def names_in_expression(expression: Any) -> list[list[str]]:
    """Return the paths that a JMESPath expression reads from its root, as far as they are plain names."""
    if not isinstance(expression, str):
        return []
    try:
        tree = query.parse(expression)
    except InvalidInstructionError:
        return []
    found: list[list[str]] = []
    _collect(tree, found)
    return found


def _collect(node: Mapping[str, Any], found: list[list[str]], at_root: bool = True) -> None:
    """Collect the chains of names that start at the root: where a part starts from it, and everywhere after `$`."""
    if node["type"] == "subexpression":
        names = _chain(node)
        if names is not None:
            if at_root or node["children"][0]["type"] == "root":
                found.append(names)
            return
    children = [child for child in node.get("children", ()) if isinstance(child, dict)]
    for index, child in enumerate(children):
        _collect(child, found, at_root and (index == 0 or node["type"] in _SAME_ROOT))


def _chain(node: Mapping[str, Any]) -> list[str] | None:
    """Return the names of a chain of plain members, which may start with `$`; or None for anything else."""
    if node["type"] == "root":
        return []
    if node["type"] == "field":
        return [node["value"]]
    if node["type"] != "subexpression":
        return None
    parts = [_chain(child) for child in node["children"]]
    return None if None in parts else [name for part in parts for name in part or ()]
