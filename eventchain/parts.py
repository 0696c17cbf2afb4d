"""How stored events become messages for other nodes: in rows without gaps, small enough for a peer to read. Pure."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from eventchain.archive import read_event
from eventchain.chain import EventChain, Stub
from eventchain.core import base58
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.ports import Outgoing
from eventchain.store.document_store import Document

PART_BYTES = 1024 * 1024
"""Signed bytes of the events that go to another node in one message, unless a single one is larger: as JSON, which is
half as large again, far below what a node reads (`strict_json.MAX_BYTES`).
"""


def partial_chain(chain: ChainId, documents: Sequence[Document]) -> EventChain:
    """Return stored events, linked and at least one, as a chain or as a part of one."""
    events = tuple(map(read_event, documents))
    previous = events[0].previous
    return EventChain(chain, events, None if previous == chain.initial_hash else Stub(previous, None))


def split(documents: Iterable[Document], *, until: int = -1) -> Iterator[list[Document]]:
    """Cut stored events where events between them are missing, and where one message would become too large.

    Args:
        documents: Of the canonical chain, sorted by position, or linked ones of one branch.
        until: Events up to this position are not parted by size: a node that has nothing of the chain takes it in
            only with the events that make it, and the sender, a member.
    """
    part: list[Document] = []
    size = 0
    for document in documents:
        length = len(cast("bytes", document["signed"]))
        place = position_of(document)
        is_gap = bool(part) and place >= 0 and place != position_of(part[-1]) + 1
        is_full = size + length > PART_BYTES and not 0 <= place <= until
        if part and (is_gap or is_full):
            yield part
            part, size = [], 0
        part.append(document)
        size += length
    if part:
        yield part


def rows(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Split documents, sorted by position, where positions are missing between them."""
    row: list[Document] = []
    for document in documents:
        if row and position_of(document) != position_of(row[-1]) + 1:
            yield row
            row = []
        row.append(document)
    if row:
        yield row


def position_of(document: Document) -> int:
    """Return the place of an event on the canonical chain; -1 on a branch."""
    position = document["position"]
    return position if isinstance(position, int) else -1


def encode(chain: EventChain) -> bytes:
    """Return the JSON bytes of a chain."""
    return json.dumps(chain.to_dict(), separators=(",", ":")).encode("utf-8")


def outgoing(queue: str, group: str, body: bytes) -> Outgoing:
    """Return a message named after its group and content."""
    id_ = base58.encode(sha256(group.encode("utf-8") + b"\n" + body))
    return Outgoing(queue=queue, group=group, id=id_, body=body)
