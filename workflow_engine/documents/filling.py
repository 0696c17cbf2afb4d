"""Filling a template: the same bytes for the same template and data, on every node (paper section 5.3).

What LibreOffice Writer has by itself is enough:

- a user field (`text:user-field-get`) is replaced by the value at its name, a dot path into the data;
- a section, text or paragraph that is hidden under a condition is there or not; a conditional text is one of its two;
- a table row, a list item, or a section whose name begins with `each` is repeated for every item of the list that its
  fields go through: `assets.order.lines.price` where `assets.order.lines` is a list.

A filled document holds no fields and no conditions any more, so that nothing in it can change. It has no dates, no
author, no settings, and its parts are not compressed (`package`). Pure and consensus-critical.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from eventchain.core import canonical_json
from workflow_engine.documents import conditions, package
from workflow_engine.documents.admission import CONTENT, STYLES, TEXT_TYPE, Template, admit
from workflow_engine.documents.errors import InvalidTemplateError, MissingFieldError
from workflow_engine.documents.markup import Element, Node, serialise
from workflow_engine.documents.names import Scope, text_of
from workflow_engine.documents.structure import FIELDS
from workflow_engine.errors import quote

MAX_NODES = 50_000
MAX_CHARACTERS = 1_048_576
"""Elements and texts, and characters in texts and attributes, of a filled document."""

REPEATED_SECTION = "each"
_REPEATED = frozenset({"table:table-row", "text:list-item"})
_NEEDS_CONTENT = frozenset({"table:table", "text:list", "table:table-header-rows", "table:table-rows"})
_PARAGRAPHS = frozenset({"text:p", "text:h"})
_ROWS = _NEEDS_CONTENT | {"table:table-row", "text:list-item", "text:list-header", "table:table-row-group"}
_UNIQUE = {"text:section": ("text:name",), "table:table": ("table:name",), "draw:frame": ("draw:name",)}
_SPACES = re.compile(r"\n|\t| {2,1000}|^ | \Z")


def fill(template: bytes, data: Mapping[str, Any]) -> bytes:
    """Return a filled document (.odt).

    Args:
        template: An OpenDocument text or template.
        data: A JSON object, in which the names of the fields are dot paths.

    Raises:
        InvalidTemplateError: The template is refused, or does not go together with the data.
        MissingFieldError: The data lacks fields that are shown.
        InvalidJsonError: The data has no canonical form.
    """
    return _fill(template, canonical_json.encode(data))


@lru_cache(maxsize=4)
def _fill(template: bytes, data: bytes) -> bytes:
    """Fill, remembering the last few: a node fills once to respond, and once more to check its own response."""
    admitted = admit(template)
    filling = _Filling()
    scope = Scope(_parsed(data))
    content = filling.root(admitted.content, scope)
    styles = None if admitted.styles is None else filling.root(admitted.styles, scope)
    if filling.missing:
        raise MissingFieldError(filling.missing)
    return _package(content, styles, admitted)


def _parsed(data: bytes) -> Mapping[str, Any]:
    value: Any = json.loads(data)
    if not isinstance(value, dict):
        raise InvalidTemplateError("The data should be an object.", path="$")
    return value


def _package(content: Element, styles: Element | None, template: Template) -> bytes:
    """Put a document together: its texts, the pictures that they show, and the list of all of them."""
    parts = {CONTENT: serialise(content)}
    if styles is not None:
        parts[STYLES] = serialise(styles)
    roots = (content,) if styles is None else (content, styles)
    shown = {element.get("xlink:href") for root in roots for element in root.descendants()}
    parts |= {name: picture for name, picture in template.pictures.items() if name in shown}
    entries = (_manifest_entry("/", TEXT_TYPE), *(_manifest_entry(name, _type_of(name)) for name in sorted(parts)))
    manifest = serialise(Element("manifest:manifest", {"manifest:version": "1.3"}, entries))
    return package.write_package(
        {**parts, package.MIMETYPE: TEXT_TYPE.encode("ascii"), "META-INF/manifest.xml": manifest}
    )


def _manifest_entry(name: str, media_type: str) -> Element:
    return Element("manifest:file-entry", {"manifest:full-path": name, "manifest:media-type": media_type})


def _type_of(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return {"xml": "text/xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}.get(ending, "")


def is_repeated(element: Element) -> bool:
    """Tell whether an element is repeated when its fields go through a list."""
    section = element.name == "text:section" and (element.get("text:name") or "").startswith(REPEATED_SECTION)
    return section or element.name in _REPEATED


def names_in(element: Element) -> tuple[str, ...]:
    """Return the names that an element reads itself: those of its field and of its condition."""
    if element.name in FIELDS:
        return (element.get("text:name") or "",)
    return conditions.names_in(conditions.parse(element.get("text:condition") or '""'))


class _Filling:
    """One filling: counts what it makes, and collects what is missing."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        self._nodes = 0
        self._characters = 0

    def root(self, element: Element, scope: Scope) -> Element:
        """Return the root, filled."""
        return element.with_children(self._children(element, scope))

    def _children(self, element: Element, scope: Scope) -> tuple[Node, ...]:
        return tuple(node for child in element.children for node in self._node(child, scope))

    def _node(self, node: Node, scope: Scope) -> tuple[Node, ...]:
        if isinstance(node, str):
            self._count(len(node))
            return (node,)
        self._count(sum(len(value) for value in node.attributes.values()))
        place = self._list_of(node, scope) if is_repeated(node) else None
        if place is None:
            return self._element(node, scope)
        count = len(scope.find(".".join(place)))
        return tuple(part for index in range(count) for part in self._element(node, scope.inside(place, index)))

    def _list_of(self, element: Element, scope: Scope) -> tuple[str, ...] | None:
        """Return the list that a repeated part goes through."""
        places = dict.fromkeys(place for name in self._own_names(element) if (place := scope.list_in(name)) is not None)
        if len(places) > 1:
            both = " and ".join(quote(".".join(place)) for place in list(places)[:2])
            raise InvalidTemplateError(
                f"One part of the document goes through two lists: {both}.",
                hint="Make a row, a list item or a section for each of them.",
            )
        return next(iter(places), None)

    def _own_names(self, element: Element) -> Iterator[str]:
        """Yield the names that an element and what is in it read, other repeated parts inside it left out."""
        for name in names_in(element):
            self._count(len(name))
            yield name
        for child in element.elements():
            self._count(0)
            if not is_repeated(child):
                yield from self._own_names(child)

    def _element(self, element: Element, scope: Scope) -> tuple[Node, ...]:
        """Return what stands for an element, once."""
        name = element.name
        if name in FIELDS:
            return self._field(element, scope)
        if name == "text:conditional-text":
            chosen = "text:string-value-if-true" if self._holds(element, scope) else "text:string-value-if-false"
            return self._written(element.get(chosen) or "")
        if name == "text:hidden-text":
            return () if self._holds(element, scope) else self._written(element.get("text:string-value") or "")
        if name == "text:section" and element.get("text:condition") and self._holds(element, scope):
            return ()
        if name in _PARAGRAPHS and self._is_hidden(element, scope):
            return ()
        if name == "text:hidden-paragraph":
            return ()
        children = self._children(element, scope)
        if name in _NEEDS_CONTENT and not _has_content(children):
            return ()
        return (Element(name, _kept(element, scope.copy), children),)

    def _field(self, element: Element, scope: Scope) -> tuple[Node, ...]:
        name = element.get("text:name") or ""
        if element.get("text:display") == "none":
            return ()
        text = text_of(scope.find(name), name)
        if text is None:
            self.missing.append(name)
        return self._written(text or "")

    def _is_hidden(self, paragraph: Element, scope: Scope) -> bool:
        """Tell whether a paragraph is hidden by a mark in it; marks in footnotes hide the footnotes' own."""
        for child in paragraph.elements():
            self._count(0)
            if child.name == "text:hidden-paragraph" and self._holds(child, scope):
                return True
            if child.name not in _PARAGRAPHS and self._is_hidden(child, scope):
                return True
        return False

    def _holds(self, element: Element, scope: Scope) -> bool:
        condition = element.get("text:condition") or '""'
        self._count(len(condition))
        return conditions.holds(conditions.parse(condition), scope.find)

    def _written(self, text: str) -> tuple[Node, ...]:
        """Return a text as a document holds it: line breaks, tabs and rows of spaces are elements."""
        self._count(len(text))
        nodes: list[Node] = []
        position = 0
        for match in _SPACES.finditer(text):
            nodes.append(text[position : match.start()])
            nodes.extend(_space(match.group(), at_start=match.start() == 0))
            position = match.end()
            self._count(0)
        return tuple(node for node in (*nodes, text[position:]) if node != "")

    def _count(self, characters: int) -> None:
        self._nodes += 1
        self._characters += characters
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            raise InvalidTemplateError(
                f"The filled document would have more than {MAX_NODES} parts or {MAX_CHARACTERS} characters."
            )


def _space(text: str, *, at_start: bool) -> tuple[Node, ...]:
    """Return what Writer writes for a line break, a tab, or spaces that XML alone would lose."""
    if text == "\n":
        return (Element("text:line-break", {}),)
    if text == "\t":
        return (Element("text:tab", {}),)
    if at_start or len(text) == 1:
        return (Element("text:s", {"text:c": str(len(text))}),)
    return (" ", Element("text:s", {"text:c": str(len(text) - 1)}))


def _kept(element: Element, copy: str) -> dict[str, str]:
    """Return the attributes of an element without its condition; in copies, names are made different."""
    dropped = {"text:condition", "text:display"} if element.name == "text:section" else set[str]()
    if copy:
        dropped |= {"xml:id", "text:continue-list", "text:id"}
    attributes = {name: value for name, value in element.attributes.items() if name not in dropped}
    for name in _UNIQUE.get(element.name, ()):
        if copy and name in attributes:
            attributes[name] += f" {copy}"
    return attributes


def _has_content(children: tuple[Node, ...]) -> bool:
    return any(isinstance(child, Element) and child.name in _ROWS for child in children)
