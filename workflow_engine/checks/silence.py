"""Expressions that are null or false whatever happens, without anybody being told.

JMESPath gives null for what is not there, and a comparison with null is false. So a misspelt name, a name that starts
at the wrong place, or a value that a place can never have makes a condition false for ever. Only what is sure is told:
what a scenario leaves open (members that no schema forbids, the data of responses) is passed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from workflow_engine.advice import nearest
from workflow_engine.checks import shape as shapes
from workflow_engine.checks.reads import without_room
from workflow_engine.checks.report import Finding
from workflow_engine.checks.shape import ANY, NOTHING, Shape
from workflow_engine.checks.view import View
from workflow_engine.errors import InvalidInstructionError, Path, quote
from workflow_engine.operators import paths, query

_ROOTS = ("actors", "assets", "definitions", "current", "previous")
"""Of the members of a process, those that are no plausible members of the items of a list."""

_KEYED = ("actors", "assets", "definitions")
_TRUTHS = ("true", "false")
_OVER_ITEMS = {"map": 1, "sort_by": 0, "min_by": 0, "max_by": 0}
"""Functions that evaluate an expression on each item, and which of their arguments is the list."""

Told = tuple[str, str]
"""Name of the rule, and the sentence."""


def reads_nothing(view: View) -> Iterator[Finding]:
    """An expression or path reads a place at which nothing ever stands."""
    return _of_rule("reads-nothing", view)


def never_equal(view: View) -> Iterator[Finding]:
    """A comparison with a value that the place can never have."""
    return _of_rule("never-equal", view)


def _of_rule(rule: str, view: View) -> Iterator[Finding]:
    process = shapes.process_shape(view.form)
    for place, instruction in view.instructions:
        for operator in ("<ref>", "<ifset>", "<switch>"):
            if isinstance(instruction.get(operator), str):
                yield from _told(rule, (*place, operator), _in_path(instruction[operator], view, process))
        if isinstance(instruction.get("<eval>"), str):
            yield from _told(rule, (*place, "<eval>"), _in_expression(instruction["<eval>"], view, process))


def _told(rule: str, place: Path, found: Sequence[Told]) -> Iterator[Finding]:
    yield from ((place, message) for name, message in dict.fromkeys(found) if name == rule)


def _in_path(text: str, view: View, process: Shape) -> Sequence[Told]:
    """Return what is wrong with a dot path, whose first name only is looked at: the rest other rules look at."""
    try:
        names = paths.parse(text)
    except InvalidInstructionError:
        return ()
    walk = _Walk(view, process)
    walk.step(process, names[0], names[:1], after=names[1:])
    return walk.told


def _in_expression(text: str, view: View, process: Shape) -> Sequence[Told]:
    try:
        tree = query.parse(text)
    except InvalidInstructionError:
        return ()
    walk = _Walk(view, process)
    walk.visit(tree, process)
    return walk.told


@dataclass(slots=True)
class _Walk:
    """A walk through one expression, with the shape of the value that each part is evaluated on."""

    view: View
    process: Shape
    told: list[Told] = field(default_factory=list)

    def visit(self, node: Mapping[str, Any], here: Shape) -> Shape:
        """Return the shape of what a part of an expression gives."""
        kind, children = node["type"], node.get("children", [])
        if kind == "field":
            return self.step(here, node["value"], (node["value"],))
        if kind == "literal":
            return {"const": node["value"]}
        if kind in ("root", "current"):
            return self.process if kind == "root" else here
        if kind in ("subexpression", "index_expression", "pipe"):
            return self._chain(children, here)
        if kind in ("projection", "value_projection", "filter_projection"):
            return self._projection(kind, children, here)
        if kind == "flatten":
            inner = shapes.item(self.visit(children[0], here))
            return {"type": "array", "items": shapes.item(inner) if shapes.kind(inner) == "array" else _plain(inner)}
        if kind == "function_expression":
            return self._function(node["value"], children, here)
        if kind in ("slice", "identity", "expref"):
            return here if kind != "expref" else ANY
        if kind == "index":
            return shapes.item(here)
        found = [self.visit(child, here) for child in children if isinstance(child, dict)]
        if kind == "comparator":
            self._compare(node["value"], children, found)
        return ANY

    def step(self, here: Shape, name: str, names: Sequence[str], after: Sequence[str] = ()) -> Shape:
        """Return the shape of a member, and tell where there is never one.

        Args:
            here: What it is a member of.
            name: Of the member.
            names: The chain of names up to it, as it is written.
            after: The names that follow.
        """
        found = shapes.member(here, name)
        at_root = here is self.process
        if at_root and name == "null":
            return ANY  # how people write null: it is read as a name, and nothing is called so
        if name in _ROOTS and not at_root and self._is_misplaced(here, found, name, after):
            start = "Names in brackets, and in the expressions of map and sort_by, start at the item of the list"
            whole = quote(".".join(("$", *names, *after)))
            self._tell(f"{start}, which has no {quote(name)}. Write {whole} for that of the process.")
        elif found is NOTHING and here is not NOTHING:
            self._tell(self._sentence(here, name, names, at_root=at_root))
        return found

    def _is_misplaced(self, here: Shape, found: Shape, name: str, after: Sequence[str]) -> bool:
        if found is NOTHING or shapes.declares(here, name) is not False:
            return found is NOTHING
        return bool(after) and shapes.declares(shapes.member(self.process, name), after[0]) is True

    def _sentence(self, here: Shape, name: str, names: Sequence[str], *, at_root: bool) -> str | None:
        whole = ".".join(names)
        if at_root and name in _TRUTHS:
            return f"{quote(name)} is read as a name here, and nothing is called so. Write it in back-quotes: `{name}`."
        if at_root:
            roots = list(here["properties"])
            close = nearest(name, roots)
            advice = f"Did you mean {quote(close)}?" if close else f"A process has {', '.join(roots)}."
            return f"Nothing in a process is called {quote(name)}, so this is always null. {advice}"
        if shapes.kind(here) == "array":
            before = ".".join(names[:-1]) or "this"
            return (
                f"{quote(before)} is a list, which has no member {quote(name)}, so this is always null. "
                f"Write {quote(f'{before}[*].{name}')} for that of each item."
            )
        if (names[0] in _KEYED and len(names) == 2) or without_room(self.view, list(names)) is not None:
            return None  # unknown-path and unknown-property tell it
        return f"There is never anything at {quote(whole)}, so this is always null."

    def _tell(self, message: str | None) -> None:
        if message is not None:
            self.told.append(("reads-nothing", message))

    def _chain(self, children: Sequence[Any], here: Shape) -> Shape:
        """Return the shape at the end of a chain of parts, each evaluated on what the one before gives."""
        names: list[str] = []
        for index, child in enumerate(children):
            if child["type"] != "field":
                names = [] if child["type"] != "root" else names
                here = self.visit(child, here)
                continue
            names.append(child["value"])
            here = self.step(here, child["value"], tuple(names), _names(children[index + 1 :]))
        return here

    def _projection(self, kind: str, children: Sequence[Any], here: Shape) -> Shape:
        source = self.visit(children[0], here)
        inner = ANY if kind == "value_projection" else shapes.item(source)
        if kind == "filter_projection":
            self.visit(children[2], inner)
        return {"type": "array", "items": _plain(self.visit(children[1], inner))}

    def _function(self, name: str, children: Sequence[Any], here: Shape) -> Shape:
        found = [self.visit(child, here) for child in children]
        place = _OVER_ITEMS.get(name)
        for child in children:
            if child["type"] == "expref":
                whole = found[place] if place is not None and place < len(found) else ANY
                self.visit(child["children"][0], shapes.item(whole))
        return ANY

    def _compare(self, sign: str, children: Sequence[Any], found: Sequence[Shape]) -> None:
        """Tell of a value that is never that of the place it is compared with."""
        for literal, place, known in ((children[0], children[1], found[1]), (children[1], children[0], found[0])):
            if literal["type"] != "literal" or literal["value"] is None or place["type"] == "literal":
                continue
            value, values, kind = literal["value"], shapes.allowed(known), shapes.kind(known)
            shown = quote(value) if isinstance(value, str) else str(value)[:40]
            comes_to = {"eq": "false", "ne": "true"}.get(sign, "null")
            if values is not None and sign in ("eq", "ne") and value not in values:
                close = nearest(str(value), [item for item in values if isinstance(item, str)])
                advice = f" Did you mean {quote(close)}?" if close else ""
                self.told.append(
                    ("never-equal", f"This is never {shown}, so the comparison is always {comes_to}.{advice}")
                )
            elif kind is not None and kind != shapes.type_of(value):
                kinds = f"{_KINDS[kind]} is compared with {_KINDS[shapes.type_of(value)]} ({shown})"
                self.told.append(("never-equal", f"Here {kinds}, which is always {comes_to}."))


_KINDS = {
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


def _names(children: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the plain names that a chain begins with."""
    return tuple(child["value"] for child in takewhile(lambda child: child["type"] == "field", children))


def _plain(shape: Shape) -> Shape:
    """Return the shape of what is left in a list, in which nothing is left out."""
    return ANY if shape is NOTHING else shape
