"""What the sentences about documents look at: the text of a document that a process makes (see `vocabulary`)."""

from collections.abc import Iterator

from workflow_engine.documents.markup import Element, parse
from workflow_engine.documents.package import read_package
from workflow_engine.documents.retrieval import document_in
from workflow_engine.errors import quote
from workflow_engine.testing.errors import UnmetError
from workflow_engine.testing.said import Said
from workflow_engine.testing.world import check_known

_CONTENT = "content.xml"
_PARAGRAPHS = frozenset({"text:p", "text:h"})
_SPACES = frozenset({"text:s", "text:tab", "text:line-break"})
_SAID = 400


def document_says(said: Said) -> None:
    """A text stands in a document; how many spaces and line ends are in it does not count."""
    asset, wanted, there = _looked_at(said)
    if wanted not in there:
        shown = there if len(there) <= _SAID else f"{there[:_SAID]}…"
        raise UnmetError(f"the document {quote(asset)} to say {quote(wanted)}", f"it says: {shown}")


def document_does_not_say(said: Said) -> None:
    """A text does not stand in a document."""
    asset, wanted, there = _looked_at(said)
    if wanted in there:
        place = there.index(wanted)
        shown = there[max(0, place - 40) : place + len(wanted) + 40]
        raise UnmetError(f"the document {quote(asset)} not to say {quote(wanted)}", f"it says: …{shown}…")


def _looked_at(said: Said) -> tuple[str, str, str]:
    asset, process = said.word("asset"), said.process()
    check_known(process.scenario, "asset", asset)
    return asset, _plain(said.word("text")), text_of(document_in(process, asset))


def text_of(document: bytes) -> str:
    """Return the text of an OpenDocument text as one line, in its order.

    Raises:
        InvalidTemplateError: It is no such document.
    """
    content = parse(read_package(document)[_CONTENT], _CONTENT)
    return _plain(
        "".join(part for body in content.descendants() if body.name == "office:body" for part in _texts(body))
    )


def _texts(element: Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _texts(child)
    if element.name in _PARAGRAPHS | _SPACES:
        yield " "


def _plain(text: str) -> str:
    return " ".join(text.split())
