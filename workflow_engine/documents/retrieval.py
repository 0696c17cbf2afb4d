"""Getting a document that the chain describes: it is made once more, from the process as it is now.

The chain carries the hash of a document (see `action`). As long as what the document shows has not changed, which is
what a lock is for, the process makes the same bytes again; where it does not, nothing else is given instead. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain.core.errors import ConflictError, InvalidError, NotFoundError
from workflow_engine.documents.action import DOCUMENT, description, filled
from workflow_engine.errors import quote
from workflow_engine.operators import Budget, evaluate
from workflow_engine.process import Process, context_of
from workflow_engine.scenario import Action


class DocumentNotFoundError(NotFoundError):
    """The process has no such asset, or it does not describe a document."""


class DocumentChangedError(ConflictError):
    """What the document shows is not what it was when the document was made."""


def document_in(process: Process, asset: str) -> bytes:
    """Return the document that an asset of a process describes.

    Raises:
        DocumentNotFoundError: The process has no such asset, or it does not describe a document.
        DocumentChangedError: The process does not make this document any more.
    """
    described: Any = process.assets.get(asset)
    if not isinstance(described, Mapping) or described.get("$schema") != DOCUMENT:
        raise DocumentNotFoundError(f"The process has no document {quote(asset)}.")
    for document, template in _documents(process):
        made = description(document, template)
        if made["hash"] == described.get("hash"):
            return document
    raise DocumentChangedError(
        f"What the document {quote(asset)} shows has changed since it was made.",
        hint="Lock what a document shows in the states in which it is signed (locked_in).",
    )


def _documents(process: Process) -> Iterator[tuple[bytes, bytes]]:
    """Yield the documents that the actions of the scenario make of the process now, with their templates."""
    for _, action in sorted(process.scenario.actions.items()):
        if action.kind == "document":
            try:
                yield _made(process, action)
            except InvalidError:
                continue


def _made(process: Process, action: Action) -> tuple[bytes, bytes]:
    budget, seen = Budget(), context_of(process)
    template = evaluate(action.properties.get("template"), seen, budget)
    return filled(process, template, evaluate(action.properties.get("data"), seen, budget))
