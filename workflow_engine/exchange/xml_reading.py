"""XML of strangers as a small tree of values, with the line of each element.

No document type is read, so there are no entities to expand and nothing to fetch. Size, depth and number of elements
are bounded while reading. Comments and processing instructions are skipped.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.expatreader import create_parser  # type: ignore[import-untyped]  # it has no types

from workflow_engine.exchange.errors import InvalidBpmnError, bpmn_error

MAX_BYTES = 4 * 1024 * 1024
"""A drawing with a thousand nodes, its layout included, has about half of it."""

MAX_DEPTH = 64
MAX_ELEMENTS = 50_000
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE = 4_096
"""Characters of an attribute. A name or id may come into every state, so it must not be large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element.

    Attributes:
        namespace: URI, or "" for none.
        name: Its name without prefix.
        attributes: By namespace ("" for none) and name.
        children: In their order.
        text: All character data directly in it.
        line: Where it starts, from 1.
    """

    namespace: str
    name: str
    attributes: Mapping[tuple[str, str], str]
    children: tuple["Element", ...]
    text: str
    line: int

    def get(self, name: str, namespace: str = "") -> str | None:
        """Return an attribute, or None."""
        return self.attributes.get((namespace, name))

    def find(self, name: str, namespace: str) -> Iterator["Element"]:
        """Yield the children of a name."""
        return (child for child in self.children if (child.namespace, child.name) == (namespace, name))


def parse_xml(data: bytes) -> Element:
    """Return the root of an XML document.

    Raises:
        InvalidBpmnError: It is no well-formed XML, has a document type, or is over a limit.
    """
    if len(data) > MAX_BYTES:
        raise bpmn_error(f"The file is larger than {MAX_BYTES} bytes. Split the process.", 1)
    parser = create_parser(namespaceHandling=1, forbid_dtd=True)
    builder = _Builder(parser.getLineNumber)
    parser.setContentHandler(builder)
    try:
        parser.feed(data)
        parser.close()
    except SAXParseException as error:
        raise _broken(f"This is not well-formed XML: {error.getMessage()}.", error.getLineNumber()) from None
    except DefusedXmlException:
        message = "A document type (<!DOCTYPE …>) is not read, because it could expand or fetch things. Remove it."
        raise _broken(message, builder.line) from None
    except (ValueError, LookupError):
        raise _broken("The file is in an encoding that is not known here. Save it as UTF-8.", 1) from None
    if builder.root is None:
        raise _broken("The file holds no XML.", 1)
    return builder.root


def _broken(message: str, line: int | None) -> InvalidBpmnError:
    return bpmn_error(message, line or 1)


@dataclass(slots=True)
class _Open:
    """An element whose end was not read yet."""

    name: tuple[str, str]
    attributes: dict[tuple[str, str], str]
    line: int
    children: list[Element]
    text: list[str]


class _Builder(ContentHandler):
    """Builds the tree from the events of the parser, and stops it at a limit."""

    def __init__(self, line_number: Callable[[], int | None]) -> None:
        super().__init__()
        self.root: Element | None = None
        self._open: list[_Open] = []
        self._count = 0
        self._line_number = line_number

    @property
    def line(self) -> int:
        """The line being read."""
        return self._line_number() or 1

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: Any) -> None:  # noqa: N802, ARG002
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise _broken(f"The file holds more than {MAX_ELEMENTS} elements. Split the process.", self.line)
        if len(self._open) >= MAX_DEPTH:
            raise _broken(f"The file is nested deeper than {MAX_DEPTH} levels.", self.line)
        if len(attrs) > MAX_ATTRIBUTES:
            raise _broken(f"An element has more than {MAX_ATTRIBUTES} attributes.", self.line)
        if any(len(value) > MAX_ATTRIBUTE for _, value in attrs.items()):
            raise _broken(f"An attribute is longer than {MAX_ATTRIBUTE} characters.", self.line)
        attributes = {(uri or "", local): value for (uri, local), value in attrs.items()}
        self._open.append(_Open((name[0] or "", name[1]), attributes, self.line, [], []))

    def characters(self, content: str) -> None:
        self._open[-1].text.append(content)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802, ARG002
        done = self._open.pop()
        element = Element(
            namespace=done.name[0],
            name=done.name[1],
            attributes=done.attributes,
            children=tuple(done.children),
            text="".join(done.text),
            line=done.line,
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
