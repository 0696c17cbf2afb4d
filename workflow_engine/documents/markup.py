"""XML as values: elements that never change, read with the dangers taken out, and written in one way only.

Names carry the customary prefixes of OpenDocument (`text:p`), whatever prefixes the file itself uses. Elements of other
namespaces keep their full name (`{urn:…}name`), so that no rule can take them for something known; attributes of other
namespaces are dropped, because they are extensions that a reader may ignore.

The same element gives the same bytes everywhere: UTF-8, all namespaces declared at the root in alphabetic order,
attributes in alphabetic order, and no choice of how a character is escaped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # the library has no types
from defusedxml.ElementTree import (  # type: ignore[import-untyped]  # the library has no types
    DefusedXMLParser,
    ParseError,
)

from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.errors import quote

MAX_BYTES = 1_048_576
MAX_ELEMENTS = 20_000
MAX_DEPTH = 64
"""Of one part: some hundreds of pages, nested further than any word processor does."""

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES: Mapping[str, str] = {
    "draw": f"{_OASIS}drawing:1.0",
    "fo": f"{_OASIS}xsl-fo-compatible:1.0",
    "manifest": f"{_OASIS}manifest:1.0",
    "number": f"{_OASIS}datastyle:1.0",
    "office": f"{_OASIS}office:1.0",
    "style": f"{_OASIS}style:1.0",
    "svg": f"{_OASIS}svg-compatible:1.0",
    "table": f"{_OASIS}table:1.0",
    "text": f"{_OASIS}text:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
}
_XML = "http://www.w3.org/XML/1998/namespace"
_PREFIXES: Mapping[str, str] = {_XML: "xml", **{uri: prefix for prefix, uri in NAMESPACES.items()}}


@dataclass(frozen=True, slots=True)
class Element:
    """An element.

    Attributes:
        name: With its prefix: `text:p`.
        attributes: By name.
        children: Elements and texts, in order.
    """

    name: str
    attributes: Mapping[str, str]
    children: "tuple[Node, ...]" = ()

    def get(self, name: str) -> str | None:
        """Return an attribute, or None."""
        return self.attributes.get(name)

    def with_children(self, children: "tuple[Node, ...]") -> "Element":
        """Return the element with other children."""
        return replace(self, children=children)

    def elements(self) -> "Iterator[Element]":
        """Yield the children that are elements."""
        return (child for child in self.children if isinstance(child, Element))

    def descendants(self) -> "Iterator[Element]":
        """Yield the element and every element below it, in the order of the document."""
        yield self
        for child in self.elements():
            yield from child.descendants()


Node = Element | str


class _Builder:
    """Takes what the parser finds and puts elements together, within the limits."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._open: list[tuple[str, Mapping[str, str], list[Node]]] = [("", {}, [])]
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise InvalidTemplateError(
                f"The part {quote(self._part)} has more than {MAX_ELEMENTS} elements or {MAX_DEPTH} levels.",
                path=self._part,
            )
        known = {_short(key): value for key, value in attributes.items()}
        kept = {key: value for key, value in known.items() if not key.startswith("{")}
        self._open.append((_short(name), kept, []))

    def data(self, text: str) -> None:
        """Add text, joined to the text before it."""
        children = self._open[-1][2]
        if children and isinstance(children[-1], str):
            children[-1] += text
        else:
            children.append(text)

    def end(self, _name: str) -> None:
        """End an element."""
        name, attributes, children = self._open.pop()
        self._open[-1][2].append(Element(name, attributes, tuple(children)))

    def close(self) -> Element:
        """Return the root."""
        root = self._open[0][2][0]
        assert isinstance(root, Element)  # noqa: S101  # the parser lets nothing else stand at the root
        return root


def _short(name: str) -> str:
    """Write `{namespace}name` with the prefix that the namespace has here."""
    uri, bracket, local = name.removeprefix("{").partition("}")
    if not bracket:
        return f"{{}}{name}"
    prefix = _PREFIXES.get(uri)
    return f"{prefix}:{local}" if prefix else name


def parse(data: bytes, part: str) -> Element:
    """Read a part of a package.

    Args:
        data: Its bytes, UTF-8.
        part: Its name, for errors.

    Raises:
        InvalidTemplateError: It is no XML, has a document type or entities, or is too large.
    """
    if len(data) > MAX_BYTES:
        raise InvalidTemplateError(f"The part {quote(part)} has more than {MAX_BYTES} bytes.", path=part)
    parser = DefusedXMLParser(target=_Builder(part), encoding="utf-8", forbid_dtd=True)
    try:
        data.decode("utf-8")
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException:
        raise InvalidTemplateError(
            f"The part {quote(part)} declares a document type or entities, which are not read.", path=part
        ) from None
    except (ParseError, UnicodeDecodeError, ValueError):
        raise InvalidTemplateError(f"The part {quote(part)} is not well-formed XML in UTF-8.", path=part) from None
    return root


def serialise(root: Element) -> bytes:
    """Return the bytes of a document with this root."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in sorted(NAMESPACES.items()))
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(root, declared, pieces)
    return "".join(pieces).encode("utf-8")


def _write(element: Element, declared: str, pieces: list[str]) -> None:
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in sorted(element.attributes.items()))
    pieces.append(f"<{element.name}{declared}{attributes}")
    if not element.children:
        pieces.append("/>")
        return
    pieces.append(">")
    for child in element.children:
        if isinstance(child, str):
            pieces.append(_escaped(child))
        else:
            _write(child, "", pieces)
    pieces.append(f"</{element.name}>")


_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
