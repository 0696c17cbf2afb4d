"""How chains are kept: every valid event by its hash, as a tree, and the canonical chain numbered through it.

An event is one document, holding the bytes that were signed. `position` is its place on the canonical chain, and None
on a branch beside it; since (chain, position) is unique, appending is one insert that fails if somebody else was
first. The outbox (which effects of the event are still to be done) is a field of the same document, so that saving an
event and remembering its effects is one act. Everything else here can be computed again from the events.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import IntFlag
from typing import Any, cast

from eventchain.chain import EventChain, Stub, advance_state
from eventchain.core import base58
from eventchain.core.ids import ChainId
from eventchain.event import Event, decode
from eventchain.identity import Identities, is_identity
from eventchain.lease import LEASES
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.tip import Tip, is_settled

EVENTS = Collection(
    name="events",
    fields={
        "chain": str,
        "hash": str,
        "previous": str,
        "position": int,
        "height": int,
        "state": bytes,
        "signed": bytes,
        "signature": bytes,
        "identity": int,
        "received": int,
        "outbox": int,
        "awaiting": int,
        "receipt": bytes,
        "submission": str,
    },
    key=("chain", "hash"),
    unique=(("chain", "position"), ("chain", "submission")),
    indexes=(("chain", "previous"), ("chain", "identity", "position"), ("outbox",), ("awaiting",)),
)
"""`identity` is 1 for identity events; `outbox` an `Effect` or None; `awaiting` the time since when an anchor receipt
is awaited, or None; `receipt` its JSON; `submission` names what this node signed the event for, to do so once.
"""

MEMBERS = Collection(
    name="members",
    fields={"chain": str, "key": str, "identity": str},
    key=("chain", "key"),
    indexes=(("key",), ("chain",)),
)
"""Which public keys take part in which chains, as of the end of each chain."""

CONFLICTS = Collection(
    name="conflicts",
    fields={"chain": str, "root": str, "fork_point": str, "tip": str, "found": int},
    key=("chain", "root"),
    indexes=(("chain",),),
)
"""Branches beside the canonical chain: `root` is the first event of the branch, `tip` its last."""

EARLY = Collection(
    name="early",
    fields={
        "chain": str,
        "sender": str,
        "hash": str,
        "previous": str,
        "events": int,
        "document": bytes,
        "received": int,
        "look": int,
    },
    key=("chain", "sender", "hash"),
    indexes=(("chain", "previous"), ("sender",), ("received",), ("look",)),
)
"""Events whose predecessors are not here; see `eventchain.early`."""

COLLECTIONS = (EVENTS, MEMBERS, CONFLICTS, EARLY, LEASES)


class Effect(IntFlag):
    """What is still to be done for a saved event."""

    ANCHOR = 1
    TRIGGER = 2
    FORWARD = 4


class Archive:
    """Reads and writes the events of all chains in a document store."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def batch(self) -> AbstractContextManager[None]:
        """Group the writes inside into one durable write, where the store can."""
        return self._store.batch()

    def load_tip(self, chain: ChainId) -> Tip:
        """Return the end of the canonical chain, from what is stored."""
        last = self._store.find(EVENTS, {"chain": str(chain)}, order_by="position", descending=True, limit=1)
        if not last:
            return Tip.empty(chain)
        document = last[0]
        return Tip(
            chain=chain,
            hash=_hash(document, "hash"),
            height=cast("int", document["height"]),
            state=cast("bytes", document["state"]),
            identities=self.identities(chain),
        )

    def height(self, chain: str) -> int:
        """Return how many events the canonical chain has."""
        last = self._store.find(EVENTS, {"chain": chain}, order_by="position", descending=True, limit=1)
        return cast("int", last[0]["height"]) if last else 0

    def is_end(self, tip: Tip) -> bool:
        """Whether nothing follows on the canonical chain."""
        return not self._store.find(EVENTS, {"chain": str(tip.chain), "position": tip.height}, limit=1)

    def identities(self, chain: ChainId, before: int | None = None) -> Identities:
        """Fold the identity events of the canonical chain, up to but without position `before`."""
        identities = Identities()
        for document in self.identity_events(chain):
            if before is not None and cast("int", document["position"]) >= before:
                break
            identities = identities.apply(read_event(document).body())
        return identities

    def identity_events(self, chain: ChainId) -> list[Document]:
        """Return the documents of the identity events of the canonical chain, in order."""
        return self._store.find(EVENTS, {"chain": str(chain), "identity": 1}, order_by="position")

    def find(self, chain: ChainId, hash_: bytes) -> Document | None:
        """Return the document of an event, canonical or not, or None."""
        return self._store.get(EVENTS, {"chain": str(chain), "hash": base58.encode(hash_)})

    def find_submission(self, chain: str, submission: str) -> Event | None:
        """Return the event this node signed for something, or None."""
        found = self._store.find(EVENTS, {"chain": chain, "submission": submission}, limit=1)
        return read_event(found[0]) if found else None

    def canonical(self, chain: ChainId, *, after: int | None = None, limit: int | None = None) -> list[Document]:
        """Return the documents of the canonical chain in order, all or some of those after a position."""
        return self._store.find(EVENTS, {"chain": str(chain)}, order_by="position", after=after, limit=limit)

    def hash_at(self, chain: ChainId, position: int) -> bytes | None:
        """Return the hash of the event at a position of the canonical chain, or None."""
        found = self._store.find(EVENTS, {"chain": str(chain), "position": position}, limit=1)
        return _hash(found[0], "hash") if found else None

    def places(self, chain: ChainId, hashes: Iterable[bytes]) -> list[int | None]:
        """Return for each event its position, or that of the canonical event its branch leaves; None if it is unknown.

        A branch beside the first event leaves at -1. However many events of a branch are asked for, it is walked once.
        """
        found: dict[bytes, int] = {chain.initial_hash: -1}
        places: list[int | None] = []
        for hash_ in hashes:
            way: list[bytes] = []
            at: bytes | None = hash_
            while at is not None and at not in found:
                document = self.find(chain, at)
                if document is None:
                    at = None
                elif document["position"] is not None:
                    found[at] = cast("int", document["position"])
                else:
                    way.append(at)
                    at = _hash(document, "previous")
            if at is not None:
                found |= dict.fromkeys(way, found[at])
            places.append(None if at is None or hash_ == chain.initial_hash else found[at])
        return places

    def chain(self, chain: ChainId, *, after: Document | None = None) -> EventChain:
        """Return the canonical chain, or the part of it after the event of a document."""
        if after is None:
            return EventChain(chain, tuple(map(read_event, self.canonical(chain))))
        documents = self.canonical(chain, after=cast("int", after["position"]))
        stub = Stub(_hash(after, "hash"), cast("bytes", after["state"]))
        return EventChain(chain, tuple(map(read_event, documents)), stub)

    def path(self, chain: ChainId, hash_: bytes) -> list[Event]:
        """Return the events from the first one to the one with this hash, along whichever branch it stands on."""
        beside: list[Event] = []
        document = self.find(chain, hash_)
        while document is not None and document["position"] is None:
            beside.append(read_event(document))
            document = self.find(chain, _hash(document, "previous"))
        if document is None:
            return beside[::-1]
        position = cast("int", document["position"])
        shared = [item for item in self.canonical(chain) if cast("int", item["position"]) <= position]
        return [*map(read_event, shared), *beside[::-1]]

    def fork_point(self, chain: ChainId, hash_: bytes) -> str | None:
        """Return the hash (base58) of the canonical event the branch of an event leaves; None if it is on no branch."""
        document, found = self.find(chain, hash_), None
        while document is not None and document["position"] is None:
            found = str(document["previous"])
            document = self.find(chain, _hash(document, "previous"))
        return found

    def children(self, chain: ChainId, hash_: bytes) -> int:
        """Return how many known events follow the event with this hash directly."""
        return len(self._store.find(EVENTS, {"chain": str(chain), "previous": base58.encode(hash_)}))

    def insert(
        self,
        tip: Tip,
        event: Event,
        *,
        canonical: bool,
        received: int,
        outbox: Effect,
        identity: bool,
        submission: str | None = None,
    ) -> Document:
        """Store an event after `tip` and return its document.

        Raises:
            DuplicateError: Somebody else appended at that position first, or the event is there already.
        """
        state = advance_state(tip.state, (event,))
        document: Document = {
            "chain": str(tip.chain),
            "hash": base58.encode(event.hash),
            "previous": base58.encode(event.previous),
            "position": tip.height if canonical else None,
            "height": tip.height + 1,
            "state": state,
            "signed": event.signed,
            "signature": event.signature,
            "identity": 1 if identity else None,
            "received": received,
            "outbox": int(outbox) or None,
            "awaiting": received,
            "receipt": None,
            "submission": submission,
        }
        self._store.insert(EVENTS, [document])
        return document

    def set_members(self, chain: ChainId, identities: Identities) -> None:
        """Write which keys take part in a chain."""
        name = str(chain)
        wanted = {key: item.id for item in identities.by_id.values() for key in item.sign_keys.values()}
        for document in self._store.find(MEMBERS, {"chain": name}):
            if document["key"] not in wanted:
                self._store.delete(MEMBERS, {"chain": name, "key": document["key"]})
        for key, id_ in wanted.items():
            self._store.put(MEMBERS, {"chain": name, "key": key, "identity": id_})

    def identity_of(self, chain: str, key: str) -> str | None:
        """Return the id of the identity that holds a key (base58) on a chain, or None."""
        document = self._store.get(MEMBERS, {"chain": chain, "key": key})
        return None if document is None else cast("str", document["identity"])

    def chains_of(self, key: str, *, after: str | None = None, limit: int | None = None) -> list[str]:
        """Return the ids of the chains in which a key takes part, sorted: all, or some of those after an id."""
        found = self._store.find(MEMBERS, {"key": key}, order_by="chain", after=after, limit=limit)
        return [cast("str", document["chain"]) for document in found]

    def last(self, chain: ChainId) -> Document | None:
        """Return the document of the last event of the canonical chain, or None."""
        found = self._store.find(EVENTS, {"chain": str(chain)}, order_by="position", descending=True, limit=1)
        return found[0] if found else None

    def without_receipt(self, chain: ChainId) -> list[str]:
        """Return the hashes of the events of the canonical chain whose anchor receipt is awaited."""
        found = self._store.find(EVENTS, {"chain": str(chain), "receipt": None}, order_by="position")
        return [cast("str", document["hash"]) for document in found]

    def record_branch(self, chain: ChainId, previous: bytes, events: Sequence[Event], found: int) -> str:
        """Keep in view that events stand on a branch after `previous`; return the hash of the fork point."""
        first, tip = base58.encode(events[0].hash), base58.encode(events[-1].hash)
        parent = base58.encode(previous)
        for document in self._store.find(CONFLICTS, {"chain": str(chain)}):
            if document["tip"] == parent:
                self._store.put(CONFLICTS, {**document, "tip": tip})
                return cast("str", document["fork_point"])
        self._store.put(
            CONFLICTS, {"chain": str(chain), "root": first, "fork_point": parent, "tip": tip, "found": found}
        )
        return parent

    def beside(self, chain: ChainId) -> list[Document]:
        """Return the documents of the events beside the canonical chain."""
        return self._store.find(EVENTS, {"chain": str(chain), "position": None})

    def conflicts(self, chain: ChainId) -> list[Document]:
        """Return the branches beside the canonical chain, as documents of `CONFLICTS`."""
        return self._store.find(CONFLICTS, {"chain": str(chain)})

    def segment(self, chain: ChainId, conflict: Document) -> list[Document]:
        """Return the events of one branch, from its first to its last, without those of the branch it may leave."""
        events: list[Document] = []
        document = self.find(chain, _hash(conflict, "tip"))
        while document is not None and document["position"] is None:
            events.append(document)
            if document["hash"] == conflict["root"]:
                break
            document = self.find(chain, _hash(document, "previous"))
        return events[::-1]

    def forked(self) -> list[str]:
        """Return the ids of the chains with branches beside them."""
        return sorted({cast("str", document["chain"]) for document in self._store.find(CONFLICTS)})

    def is_certain(self, chain: str, hash_: str, when: str) -> bool:
        """Whether an event is certain enough for an effect in the world.

        Args:
            chain: Id of the chain.
            hash_: Of the event, base58.
            when: `immediately`, `anchored` (its receipt is here) or `settled` (every active party has signed since).
        """
        id_, event = ChainId.parse(chain), base58.decode(hash_, name="hash")
        if when == "anchored":
            document = self.find(id_, event)
            return document is not None and document["receipt"] is not None
        return when == "immediately" or is_settled(self.chain(id_), event)

    def early(self, limit: int) -> list[Document]:
        """Return what waits for the events it follows, those that came first first."""
        return self._store.find(EARLY, order_by="received", limit=limit)

    def pending(self, limit: int) -> list[Document]:
        """Return events with effects still to be done."""
        return self._store.find(EVENTS, order_by="outbox", limit=limit)

    def still_pending(self, documents: Iterable[Document]) -> list[Document]:
        """Return those of these events whose effects nobody has done meanwhile."""
        now = [self._store.get(EVENTS, _key(document)) for document in documents]
        return [document for document in now if document is not None and document["outbox"] is not None]

    def owe(self, chain: ChainId, hash_: bytes, effect: Effect) -> None:
        """Note that an effect of an event that is kept is to be done, once more if it was done already."""
        document = self.find(chain, hash_)
        if document is not None:
            outbox = document["outbox"] if isinstance(document["outbox"], int) else 0
            self._store.update(EVENTS, _key(document), {"outbox": outbox | int(effect)})

    def clear_outbox(self, documents: Iterable[Document]) -> None:
        """Note that the effects of these events are done."""
        for document in documents:
            self._store.update(EVENTS, _key(document), {"outbox": None})

    def awaiting(self, limit: int) -> list[Document]:
        """Return the events without an anchor receipt, those longest without first."""
        return self._store.find(EVENTS, order_by="awaiting", limit=limit)

    def save_receipt(self, document: Document, receipt: Mapping[str, Any]) -> None:
        """Store the anchor receipt of an event."""
        encoded = json.dumps(receipt, separators=(",", ":")).encode("utf-8")
        self._store.update(EVENTS, _key(document), {"receipt": encoded, "awaiting": None})

    def postpone(self, document: Document, until: int) -> None:
        """Put an event without a receipt further back in the queue of those awaiting one."""
        self._store.update(EVENTS, _key(document), {"awaiting": until}, expected={"receipt": None})


def read_event(document: Document) -> Event:
    """Return the event a document holds."""
    return decode(cast("bytes", document["signed"]), cast("bytes", document["signature"]))


def is_identity_event(body: Mapping[str, Any]) -> bool:
    """Whether an event with this body changes the identities of its chain."""
    schema = body.get("$schema")
    return is_identity(schema if isinstance(schema, str) else None)


def _key(document: Document) -> Document:
    return {"chain": document["chain"], "hash": document["hash"]}


def _hash(document: Document, field: str) -> bytes:
    return base58.decode(document[field], name=field)
