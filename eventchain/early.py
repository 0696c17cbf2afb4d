"""Events that arrive before those they follow: kept until these come, so that it does not matter when they arrived.

```
{ chain, sender, hash: of its last event, previous: of its first one, events: how many, document: its bytes,
  received, look: when to look again }                                              milliseconds since 1970
```

A parcel is kept under the lock and the lease of its chain, after one more look for the event it follows; and whoever
saves events takes those that follow them at once, within the same hold. So of what is kept and what it follows, one
always sees the other. What a copy that was killed left, or what could not be taken just then, is looked at again.

Nobody can tell yet whether the signers of such events may add them; their hashes, links and signatures are verified
before. Who may leave them here is known to this node, from this chain or another one, and finds room for so many only:
what finds none stays with its sender or in the queue, and comes again.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import structlog

from eventchain.archive import EARLY, Archive
from eventchain.chain import EventChain, read_chain
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.ids import ChainId
from eventchain.errors import UnknownPreviousError
from eventchain.intake import Parcel, Run, log_refused
from eventchain.parts import encode
from eventchain.store.document_store import Document, DocumentStore, DuplicateError

CHAIN_ROOM = (1_000, 8 * 1024 * 1024)
"""Parcels, and bytes of them, that wait for one chain at most: several parts of a megabyte, or many single events."""

SENDER_ROOM = (2_000, 16 * 1024 * 1024)
"""The same for one sender, on all chains."""

LONGEST_MS = 7 * 24 * 60 * 60 * 1000
"""How long they wait, as long as messages to a node that is away."""

FIRST_LOOK_MS, LAST_LOOK_MS = 5_000, 60 * 60 * 1000
"""Bounds of the time until they are looked at again: it doubles, as the time they wait does."""

_AT_ONCE = 100

log = structlog.get_logger(__name__)

_Place = tuple[str, str]
"""A chain's id, and the hash (base58) of an event of it."""


class Early:
    """Keeps parcels whose predecessors are not here. Who calls is alone on their chains."""

    def __init__(self, store: DocumentStore, archive: Archive, clock: Clock) -> None:
        """Take what is needed."""
        self._store = store
        self._archive = archive
        self._clock = clock

    def follow(self, runs: Sequence[Run], take: Callable[[Run], None], chains: Iterable[str] = ()) -> list[Run]:
        """Take what follows events that were saved, again and again, and keep what is early.

        Args:
            runs: Taken once. Those that are kept have no error any more.
            take: Brings a parcel through the steps, as far as it comes.
            chains: Of all that is kept for these, what follows known events is taken.

        Returns:
            The parcels that were kept before, and taken now.
        """
        in_hand: dict[_Place, list[Run]] = {}
        for run in runs:
            if _is_early(run):
                in_hand.setdefault((str(run.id), _previous(run)), []).append(run)
        places = deque(place for run in runs for place in _saved(run))
        places.extend(place for chain in chains for place in self._known(chain))
        are_kept: dict[str, bool] = {} if places and self._store.find(EARLY, limit=1) else {"": False}
        taken: list[Run] = []
        while places:
            place = places.popleft()
            for document in self._following(place, are_kept):
                run = self._take(document, take)
                places.extend(_saved(run))
                taken.append(run)
            for run in in_hand.pop(place, ()):
                run.error = None
                take(run)
                places.extend(_saved(run))
        self._keep([run for found in in_hand.values() for run in found])
        log_refused(taken)
        return taken

    def due(self) -> Mapping[str, list[str | None]]:
        """Return the chains that are to be looked at again, with who sent what is kept; forget what waited too long."""
        now = self._clock()
        chains: dict[str, list[str | None]] = {}
        for document in self._store.find(EARLY, order_by="look", limit=_AT_ONCE):
            if cast("int", document["look"]) > now:
                break
            age = now - cast("int", document["received"])
            if age > LONGEST_MS:
                log.warning("early events given up", chain=document["chain"], event_hash=document["hash"])
                self._store.delete(EARLY, _key(document))
                continue
            self._look_at(document, now + min(max(age, FIRST_LOOK_MS), LAST_LOOK_MS))
            senders = chains.setdefault(str(document["chain"]), [])
            if (sender := _sender(document)) not in senders:
                senders.append(sender)
        return chains

    def waits_for(self, chain: str) -> bool:
        """Whether something of a chain is kept."""
        return bool(self._store.find(EARLY, {"chain": chain}, limit=1))

    def _known(self, chain: str) -> list[_Place]:
        """Return the known events of a chain which something that is kept follows."""
        id_ = ChainId.parse(chain)
        previous = {str(document["previous"]) for document in self._store.find(EARLY, {"chain": chain})}
        return [(chain, hash_) for hash_ in sorted(previous) if self._is_known(id_, hash_)]

    def _is_known(self, chain: ChainId, hash_: str) -> bool:
        decoded = base58.decode(hash_, name="hash")
        return decoded == chain.initial_hash or self._archive.find(chain, decoded) is not None

    def _following(self, place: _Place, are_kept: dict[str, bool]) -> list[Document]:
        """Return what follows an event, those that came first first; `are_kept` remembers where there is any."""
        chain, previous = place
        if "" in are_kept:
            return []
        if chain not in are_kept:
            are_kept[chain] = self.waits_for(chain)
        if not are_kept[chain]:
            return []
        found = self._store.find(EARLY, {"chain": chain, "previous": previous})
        return sorted(found, key=lambda document: cast("int", document["received"]))

    def _take(self, document: Document, take: Callable[[Run], None]) -> Run:
        """Take what was kept; it is forgotten unless it may do later."""
        run = Run(Parcel(json.loads(cast("bytes", document["document"])), _sender(document)), is_admitted=False)
        try:
            run.chain = read_chain(run.parcel.document)
        except LiveContractError as error:  # another version kept it
            run.error = error
        else:
            take(run)
        if isinstance(run.error, UnavailableError):
            self._look_at(document, self._clock() + FIRST_LOOK_MS)
        else:
            self._store.delete(EARLY, _key(document))
        return run

    def _look_at(self, document: Document, time: int) -> None:
        self._store.update(EARLY, _key(document), {"look": time})

    # Keeping

    def _keep(self, runs: Sequence[Run]) -> None:
        """Keep those for which there is room."""
        kept = self._fitting(runs)
        documents, start = [document for document, _ in kept], 0
        while start < len(documents):
            try:
                self._store.insert(EARLY, documents[start:])
                break
            except DuplicateError as duplicate:
                start += duplicate.index
                self._keep_longer(documents[start])
                start += 1
        for document, run in kept:
            run.error, run.is_early = None, True
            log.info("events kept for later", chain=document["chain"], event_hash=document["hash"])

    def _keep_longer(self, document: Document) -> None:
        """Replace what the same sender sent of the same events: the one holds the other, since events are linked."""
        known = self._store.get(EARLY, _key(document))
        if known is None or cast("int", known["events"]) < cast("int", document["events"]):
            self._store.put(EARLY, document)

    def _fitting(self, runs: Sequence[Run]) -> list[tuple[Document, Run]]:
        """Return those for which their chain and their sender have room, each as what is kept of it."""
        rooms: dict[tuple[str, str], _Room] = {}
        fitting: list[tuple[Document, Run]] = []
        for run in runs:
            document = self._document(run)
            wanted = [
                self._room(rooms, "chain", str(document["chain"]), CHAIN_ROOM),
                self._room(rooms, "sender", str(document["sender"]), SENDER_ROOM),
            ]
            size = _size(document)
            if all(room.has(size) for room in wanted):
                for room in wanted:
                    room.take(size)
                fitting.append((document, run))
            else:
                log.info("no room for early events", chain=document["chain"], sender=document["sender"])
        return fitting

    def _room(self, rooms: dict[tuple[str, str], "_Room"], field: str, name: str, most: tuple[int, int]) -> "_Room":
        if (field, name) not in rooms:
            found = self._store.find(EARLY, {field: name})
            rooms[field, name] = _Room(most[0] - len(found), most[1] - sum(map(_size, found)))
        return rooms[field, name]

    def _document(self, run: Run) -> Document:
        now, chain = self._clock(), run.chain or EventChain(run.id)
        return {
            "chain": str(chain.id),
            "sender": run.parcel.sender or "",
            "hash": base58.encode(chain.latest_hash),
            "previous": _previous(run),
            "events": len(chain.events),
            "document": encode(chain),
            "received": now,
            "look": now + FIRST_LOOK_MS,
        }


class _Room:
    """What is left for somebody."""

    def __init__(self, parcels: int, size: int) -> None:
        self._parcels = parcels
        self._size = size

    def has(self, size: int) -> bool:
        return self._parcels > 0 and self._size >= size

    def take(self, size: int) -> None:
        self._parcels -= 1
        self._size -= size


def _is_early(run: Run) -> bool:
    return run.parcel.may_wait and run.chain is not None and isinstance(run.error, UnknownPreviousError)


def _previous(run: Run) -> str:
    return base58.encode(run.chain.base.hash) if run.chain else ""


def _saved(run: Run) -> list[_Place]:
    return [(str(document["chain"]), str(document["hash"])) for document in run.saved]


def _sender(document: Document) -> str | None:
    return str(document["sender"]) or None


def _size(document: Document) -> int:
    return len(cast("bytes", document["document"]))


def _key(document: Document) -> Document:
    return {name: document[name] for name in EARLY.key}
