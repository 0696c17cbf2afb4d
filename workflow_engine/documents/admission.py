"""What of a template is let in.

Templates come from counterparties. A filled document is signed, so it has to say the same to everybody who opens it,
at any time: what runs, what is fetched, what is embedded, what a program works out anew and what is hidden is refused,
with the reason. What is around the text, such as dates, thumbnails and settings of programs, is left out; the notes say
so. The lists name what is known to be harmless; everything else in the text is refused.

Not found: text in the colour of the paper, tiny, or behind a picture. Signers should look at the document.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from workflow_engine.documents import package, structure
from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.documents.markup import Element, Node, parse
from workflow_engine.errors import quote

TEXT_TYPE = "application/vnd.oasis.opendocument.text"
TEMPLATE_TYPE = f"{TEXT_TYPE}-template"
CONTENT, STYLES = "content.xml", "styles.xml"
PICTURES = "Pictures/"

_LEFT_OUT = (
    "meta.xml",
    "settings.xml",
    "manifest.rdf",
    "layout-cache",
    "current.xml",
    "Thumbnails/",
    "Configurations2/",
)
_REFUSED_PARTS: Mapping[str, str] = {
    "Basic/": "macros",
    "Scripts/": "scripts",
    "Dialogs/": "dialogs of macros",
    "Object": "embedded objects",
    "Versions": "older versions of the text",
    "Fonts/": "embedded fonts",
}
_MAGIC: Mapping[str, bytes] = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}

_HIDING = structure.FIELDS | structure.CONDITIONAL | {"text:section"}
_HIDING_ATTRIBUTES = frozenset({"text:condition", "text:display"})
"""What may be there or not, and the attributes that say so; on other elements they mean nothing."""

_SILENT = frozenset(
    {
        "text:sequence-decls", "text:soft-page-break", "text:bookmark", "text:bookmark-start", "text:bookmark-end",
        "text:reference-mark", "text:reference-mark-start", "text:reference-mark-end", "text:user-field-decls",
        "text:variable-decls",
    }
)  # fmt: skip
"""Marks without text of their own."""

_HARMLESS_WHEN_EMPTY = frozenset({"office:forms", "text:tracked-changes", "office:event-listeners"})

_FROZEN = "a cross-reference keeps the text that it had in the template"
_NOTED: Mapping[str, str] = {
    "office:annotation": "a comment is left out",
    "office:annotation-end": "a comment is left out",
    "text:a": "a hyperlink is left out; its text stays",
    "text:bookmark-ref": _FROZEN,
    "text:reference-ref": _FROZEN,
    "text:note-ref": _FROZEN,
    "text:sequence-ref": _FROZEN,
}
_WITH_CONTENT = frozenset({"text:a", "text:bookmark-ref", "text:reference-ref", "text:note-ref", "text:sequence-ref"})
_REASONS: Mapping[str, str] = {
    "text:tracked-changes": "it holds recorded changes: accept or reject them all",
    "text:change": "it holds recorded changes: accept or reject them all",
    "text:change-start": "it holds recorded changes: accept or reject them all",
    "office:forms": "it holds form controls",
    "draw:object": "it embeds another document",
    "draw:object-ole": "it embeds a program's object",
    "draw:plugin": "it embeds a plug-in",
    "draw:applet": "it embeds a program",
    "draw:floating-frame": "it shows another document",
    "text:section-source": "a section is fetched from another document",
    "text:dde-connection": "it is connected to another program (DDE)",
    "text:dde-connection-decls": "it is connected to another program (DDE)",
    "office:dde-source": "it is connected to another program (DDE)",
    "text:script": "it holds a script",
    "text:execute-macro": "it runs a macro",
    "office:event-listeners": "it runs a macro",
    "text:date": "a date field changes with the day on which somebody looks: use a user field",
    "text:time": "a time field changes with the moment at which somebody looks: use a user field",
}
_STYLES = frozenset(
    {
        "office:font-face-decls", "office:styles", "office:automatic-styles", "office:master-styles", "style:font-face",
        "style:style", "style:default-style", "style:text-properties", "style:paragraph-properties",
        "style:table-properties", "style:table-column-properties", "style:table-row-properties",
        "style:table-cell-properties", "style:graphic-properties", "style:section-properties", "style:tab-stops",
        "style:tab-stop", "style:drop-cap", "style:columns", "style:column", "style:column-sep", "style:page-layout",
        "style:page-layout-properties", "style:header-style", "style:footer-style", "style:header-footer-properties",
        "style:footnote-sep", "style:master-page", "style:list-level-properties", "style:list-level-label-alignment",
        "text:list-style", "text:list-level-style-number", "text:list-level-style-bullet", "text:outline-style",
        "text:outline-level-style", "text:notes-configuration", "text:linenumbering-configuration",
    }
)  # fmt: skip
_DROPPED_ATTRIBUTES = frozenset(
    {
        "text:is-hidden", "text:protected", "text:protection-key", "text:protection-key-digest-algorithm",
        "table:protected", "table:protection-key", "office:value", "office:date-value",
        "office:time-value", "office:boolean-value", "office:string-value", "office:value-type",
        "office:process-content", "style:data-style-name",
    }
)  # fmt: skip

_WHITE_SPACE = " \t\r\n"
_COUNTS = frozenset(
    {
        "text:c", "table:number-columns-repeated", "table:number-rows-repeated", "table:number-columns-spanned",
        "table:number-rows-spanned",
    }
)  # fmt: skip
MAX_COUNT = 1_000
"""What one element may stand for: spaces, columns, rows. A program makes as many as the number says."""

_COUNT = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was let in: nothing in it runs, fetches or hides.

    Attributes:
        content: Root of `content.xml`.
        styles: Root of `styles.xml`, or None.
        pictures: Bytes by name of part.
        notes: What was left out, in sentences.
    """

    content: Element
    styles: Element | None
    pictures: Mapping[str, bytes]
    notes: tuple[str, ...]


@lru_cache(maxsize=4)
def admit(data: bytes) -> Template:
    """Read a template.

    Raises:
        InvalidTemplateError: It is malformed, too large, or holds what is not let in, with the reason.
    """
    parts = package.read_package(data)
    _check_type(parts)
    notes: dict[str, None] = {}
    pictures = _pictures(parts, notes)
    if CONTENT not in parts:
        raise InvalidTemplateError(
            "The template has no text (content.xml).", hint="Save it as ODF text document (.odt)."
        )
    content = _Admission(CONTENT, pictures, notes).document(parse(parts[CONTENT], CONTENT), "office:document-content")
    styles = None
    if STYLES in parts:
        styles = _Admission(STYLES, pictures, notes).document(parse(parts[STYLES], STYLES), "office:document-styles")
    if not any(element.name == "office:text" for element in content.descendants()):
        raise InvalidTemplateError("The template is no text document.", hint="Save it as ODF text document (.odt).")
    return Template(content, styles, pictures, tuple(notes))


def _check_type(parts: Mapping[str, bytes]) -> None:
    kind = parts.get(package.MIMETYPE, b"").decode("latin-1").strip()
    if kind not in (TEXT_TYPE, TEMPLATE_TYPE):
        raise InvalidTemplateError("The template is no text document.", hint="Save it as ODF text document (.odt).")
    if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise InvalidTemplateError("The template is encrypted.", hint="Save it without a password.")


def _pictures(parts: Mapping[str, bytes], notes: dict[str, None]) -> dict[str, bytes]:
    """Return the pictures, and refuse parts that nobody needs for a text."""
    found: dict[str, bytes] = {}
    for name, content in sorted(parts.items()):
        if name in (package.MIMETYPE, CONTENT, STYLES, "META-INF/manifest.xml") or name.startswith(_LEFT_OUT):
            continue
        if name == "META-INF/documentsignatures.xml":
            notes["the signature of the template is left out: what is filled is another document"] = None
        elif name.startswith(PICTURES):
            found[name] = _picture(name, content)
        else:
            what = next(
                (reason for start, reason in _REFUSED_PARTS.items() if name.startswith(start)), "an unknown part"
            )
            raise InvalidTemplateError(f"The template holds {what} ({quote(name)}).", path=name, hint="Remove them.")
    return found


def _picture(name: str, content: bytes) -> bytes:
    ending = "." + name.rpartition(".")[2].lower()
    if ending not in _MAGIC or not content.startswith(_MAGIC[ending]):
        raise InvalidTemplateError(f"The picture {quote(name)} is neither PNG nor JPEG.", path=name)
    return content


class _Admission:
    """One walk over a part: makes the element that is let in, or refuses."""

    def __init__(self, part: str, pictures: Mapping[str, bytes], notes: dict[str, None]) -> None:
        self._part, self._pictures, self._notes = part, pictures, notes

    def document(self, root: Element, name: str) -> Element:
        """Return the root with what is known below it."""
        if root.name != name:
            raise self._refusal("it is no OpenDocument text")
        children: list[Node] = []
        for child in root.elements():
            if child.name == "office:body":
                children.append(self._body(child))
            elif child.name == "office:scripts":
                self._check_empty(child, "it holds scripts or runs macros")
            else:
                children.extend(self._style(child))
        if sum(isinstance(child, Element) and child.name == "office:body" for child in children) > 1:
            raise self._refusal("it has two bodies")
        return Element(name, {"office:version": "1.3"}, tuple(children))

    def _body(self, body: Element) -> Element:
        texts = [self._text(child, "office:body") for child in body.elements()]
        if len(texts) != 1:
            raise self._refusal("its body is not one text")
        return Element("office:body", {}, texts[0])

    def _nodes(self, element: Element, parent: str) -> tuple[Node, ...]:
        """Return what becomes of the content of an element, which stands, or comes to stand, in a parent."""
        found: list[Node] = []
        for child in element.children:
            if isinstance(child, Element):
                found.extend(self._text(child, parent))
            elif parent in structure.WITH_TEXT:
                found.append(child)
            elif child.strip(_WHITE_SPACE):
                raise self._refusal(f"there is text in {quote(parent)}, where none can stand")
        return tuple(found)

    def _text(self, element: Element, parent: str) -> tuple[Node, ...]:
        """Return what becomes of an element of the text: itself, its content, or nothing."""
        name = element.name
        if name in _NOTED:
            self._notes[_NOTED[name]] = None
            return self._nodes(element, parent) if name in _WITH_CONTENT else ()
        if name in _SILENT or (name in _HARMLESS_WHEN_EMPTY and not element.children):
            return ()
        if name not in structure.CHILDREN:
            raise self._refusal(_REASONS.get(name, f"it uses {quote(name)}, which is not known to be harmless"))
        if name not in structure.CHILDREN.get(parent, (structure.BODY,)):
            raise self._refusal(f"{quote(name)} stands in {quote(parent)}, where it does not belong")
        self._check_shown(element)
        if name in structure.COUNTERS:
            return (Element(name, self._attributes(element), ("1",)),)
        if name == "draw:image":
            return (Element(name, self._image(element)),)
        return (Element(name, self._attributes(element), self._nodes(element, name)),)

    def _style(self, element: Element) -> tuple[Node, ...]:
        """Return an element of the styles, or nothing where it is not needed."""
        name = element.name
        if name in structure.HEADERS:
            self._check_shown(element)
            return (Element(name, self._attributes(element), self._nodes(element, name)),)
        if name not in _STYLES:
            self._check_links(element)
            return ()
        self._check_shown(element)
        children = tuple(child for node in element.elements() for child in self._style(node))
        return (Element(name, self._attributes(element), children),)

    def _check_links(self, element: Element) -> None:
        """Refuse, even of what is left out, what would run: it shows what the template is for."""
        for inner in element.descendants():
            if inner.name in _REASONS:
                raise self._refusal(_REASONS[inner.name])
            if inner.get("xlink:href"):
                self._notes["a style with a picture or font of its own is left out"] = None

    def _check_empty(self, element: Element, reason: str) -> None:
        if element.children:
            raise self._refusal(reason)

    def _check_shown(self, element: Element) -> None:
        """Refuse what a reader does not see, but a program reads."""
        hidden = {
            "text:section": element.get("text:display") == "none",
            "style:text-properties": element.get("text:display") in ("none", "condition"),
            "table:table": element.get("table:display") == "false",
        }
        if hidden.get(element.name) or element.get("table:visibility") not in (None, "visible"):
            raise self._refusal("it holds hidden text: show it, or remove it")
        if element.get("table:formula") is not None:
            raise self._refusal("a cell of a table is calculated: use a user field")
        for name in _COUNTS & element.attributes.keys():
            count = element.attributes[name]
            if not _COUNT.fullmatch(count) or int(count) > MAX_COUNT:
                raise self._refusal(f"{quote(name)} is {quote(count)}; at most {MAX_COUNT} are let in")

    def _attributes(self, element: Element) -> dict[str, str]:
        """Return the attributes that are kept: no links, nothing that is only for programs."""
        dropped = _DROPPED_ATTRIBUTES if element.name in _HIDING else _DROPPED_ATTRIBUTES | _HIDING_ATTRIBUTES
        return {
            name: value
            for name, value in element.attributes.items()
            if not name.startswith(("xlink:", "manifest:"))
            and (not name.startswith("xml:") or (element.name, name) == ("text:list", "xml:id"))
            and name not in dropped
        }

    def _image(self, element: Element) -> dict[str, str]:
        place = element.get("xlink:href") or ""
        if place not in self._pictures:
            raise self._refusal(f"the picture {quote(place)} is not in it: pictures have to be embedded")
        return {"xlink:href": place, "xlink:type": "simple", "xlink:show": "embed", "xlink:actuate": "onLoad"}

    def _refusal(self, reason: str) -> InvalidTemplateError:
        return InvalidTemplateError(f"The template is refused: {reason}.", path=self._part)
