"""What is new on a chain, told while it happens: events, states of processes, receipts.

One poller for each process of the node looks at the chains that somebody watches, and at no others: at the end of the
chain, and at the oldest event whose receipt is awaited. So it does not matter which copy of which service added the
event, and nothing has to be pushed between them. Only where an end has moved, events and processes are read.

Everything is told at least once. An update's id says how far its reader is; given back as `Last-Event-ID`, to this
process or to any other, it is told what it missed.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import structlog

from eventchain.archive import EVENTS
from eventchain.core.errors import LiveContractError
from eventchain.store.document_store import Document, DocumentStore
from livecontract.streams import Feed

POLL_SECONDS = 0.2
_IDLE_SECONDS = 1.0
_SWEEP = 25
"""Looks after which all awaited receipts are asked for, not the oldest alone: once in five seconds."""

_SWEEP_LIMIT = 100
"""Receipts asked for in one look."""

_LOG = structlog.get_logger(__name__)


class Place(NamedTuple):
    """A place on a chain: the position of an event, and its hash (base58). Before the first event: -1 and nothing."""

    position: int
    hash: str


START = Place(-1, "")


class Standing(NamedTuple):
    """Where a process stands.

    Attributes:
        process: Its id.
        state: Key of its state.
        event: Hash of the last event that concerned it.
    """

    process: str
    state: str
    event: str


Standings = Callable[[str], Iterable[Standing]]
"""Returns where the processes of a chain stand: from the workflow engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a reader is: `<position>.<awaiting>.<hash>`.

    Attributes:
        place: The last event it was told of.
        awaiting: The position of the first event whose receipt it was not told of.
    """

    place: Place
    awaiting: int

    def __str__(self) -> str:
        """Return the id of an update."""
        return f"{self.place.position}.{self.awaiting}.{self.place.hash}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Read the id of an update; None if it is none of ours."""
        position, _, rest = text.partition(".")
        awaiting, _, hash_ = rest.partition(".")
        try:
            return cls(place=Place(int(position[:12]), hash_[:64]), awaiting=int(awaiting[:12]))
        except ValueError:
            return None


class Source:
    """What is stored of chains, as far as updates need it."""

    def __init__(self, store: DocumentStore, standings: Standings) -> None:
        self._store = store
        self.standings = standings

    def end(self, chain: str) -> Place:
        """Return the end of a chain."""
        last = self._store.find(EVENTS, {"chain": chain}, order_by="position", descending=True, limit=1)
        return _place(last[0]) if last else START

    def after(self, chain: str, position: int) -> list[Place]:
        """Return the events after a position."""
        return [
            _place(item) for item in self._store.find(EVENTS, {"chain": chain}, order_by="position", after=position)
        ]

    def is_at(self, chain: str, place: Place) -> bool:
        """Whether a place is still one of the chain; it is not when another branch won."""
        if place == START:
            return True
        document = self._store.get(EVENTS, {"chain": chain, "hash": place.hash})
        return document is not None and document["position"] == place.position

    def awaiting(self, chain: str) -> list[Place]:
        """Return the events without a receipt."""
        found = self._store.find(EVENTS, {"chain": chain, "receipt": None}, order_by="position")
        return [_place(item) for item in found]

    def height(self, chain: str, place: Place) -> int | None:
        """Return the height of the block that an event's receipt names, or None if it has no receipt."""
        document = self._store.get(EVENTS, {"chain": chain, "hash": place.hash})
        if document is None or document["receipt"] is None:
            return None
        return int(json.loads(cast("bytes", document["receipt"]))["block"]["height"])


@dataclass(slots=True)
class _Watched:
    """A chain that somebody watches, as it was when last looked at."""

    end: Place
    awaiting: list[Place]
    standings: dict[str, Standing]
    feeds: list[Feed[str]] = field(default_factory=list)
    looks: int = 0

    def cursor(self, place: Place | None = None) -> Cursor:
        """Return where a reader is who was told everything up to a place, or to the end."""
        first = self.awaiting[0].position if self.awaiting else self.end.position + 1
        return Cursor(place=place or self.end, awaiting=first)


class Updates:
    """Watches chains for those who ask. A worker of the node (`livecontract.workers.Worker`)."""

    name = "updates"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._watched: dict[str, _Watched] = {}
        self._changed = threading.Condition()

    @property
    def count(self) -> int:
        """How many chains are watched now."""
        return len(self._watched)

    def watch(self, chain: str, feed: Feed[str], last_id: str | None = None) -> None:
        """Fill a feed with what is new on a chain, beginning with where it ends, or with what a reader missed.

        Raises:
            UnavailableError: The store does not answer.
        """
        with self._changed:
            watched = self._watched.get(chain) or self._begin(chain)
            self._watched[chain] = watched
            if watched.feeds:
                self._tell(chain, watched)
            watched.feeds.append(feed)
            feed.put(self._first(chain, watched, Cursor.parse(last_id) if last_id else None, resumes=bool(last_id)))
            self._changed.notify_all()

    def forget(self, chain: str, feed: Feed[str]) -> None:
        """Fill a feed no longer. May be called twice."""
        with self._changed:
            watched = self._watched.get(chain)
            if watched is None:
                return
            watched.feeds = [item for item in watched.feeds if item is not feed]
            if not watched.feeds:
                del self._watched[chain]

    def step(self) -> int:
        """Look at every chain that is watched, and return how many updates there were."""
        told = 0
        for chain in list(self._watched):
            with self._changed:
                if watched := self._watched.get(chain):
                    told += self._tell(chain, watched)
        return told

    def run(self, stop: threading.Event) -> None:
        """Look again and again until `stop` is set; while nobody watches, nothing is asked."""
        while not stop.is_set():
            with self._changed:
                if not self._changed.wait_for(lambda: self._watched, _IDLE_SECONDS):
                    continue
            try:
                self.step()
            except LiveContractError as error:
                _LOG.info("updates wait", reason=error.message)
            except Exception:  # a mistake in one round must not end the loop  # noqa: BLE001
                _LOG.exception("unexpected", worker=self.name)
            stop.wait(POLL_SECONDS)

    def _begin(self, chain: str) -> _Watched:
        end = self._source.end(chain)
        standings = {item.process: item for item in self._source.standings(chain)}
        return _Watched(end, self._source.awaiting(chain), standings)

    def _first(self, chain: str, watched: _Watched, cursor: Cursor | None, *, resumes: bool) -> list[str]:
        """Return what a new reader is told at once."""
        if not resumes:
            return [_write("end", watched.cursor(), _event(chain, watched.end))]
        if cursor is None or not self._source.is_at(chain, cursor.place):
            return [_write("reset", watched.cursor(), _event(chain, watched.end))]
        missed = self._source.after(chain, cursor.place.position)
        told = {cursor.place.hash, *(place.hash for place in missed)}
        awaited = {place.hash for place in watched.awaiting}
        now = watched.cursor()
        heights = (
            (place, self._source.height(chain, place))
            for place in self._source.after(chain, cursor.awaiting - 1)
            if place.hash not in awaited
        )
        return [
            *(_write("event", Cursor(place=place, awaiting=cursor.awaiting), _event(chain, place)) for place in missed),
            *(
                _write("process", now, _process(chain, item))
                for item in watched.standings.values()
                if item.event in told
            ),
            *(_write("receipt", now, _receipt(chain, place, height)) for place, height in heights if height),
        ]

    def _tell(self, chain: str, watched: _Watched) -> int:
        """Look at one chain, and put what is new into its feeds."""
        news = [*self._moved(chain, watched), *self._proven(chain, watched)]
        if news:
            for feed in watched.feeds:
                feed.put(news)
        return len(news)

    def _moved(self, chain: str, watched: _Watched) -> list[str]:
        """Return what new events brought."""
        end = self._source.end(chain)
        if end == watched.end:
            return []
        if not self._source.is_at(chain, watched.end):
            fresh = self._begin(chain)
            watched.end, watched.awaiting, watched.standings = fresh.end, fresh.awaiting, fresh.standings
            return [_write("reset", watched.cursor(), _event(chain, watched.end))]
        places = self._source.after(chain, watched.end.position)
        standings = {item.process: item for item in self._source.standings(chain)}
        changed = [item for item in standings.values() if watched.standings.get(item.process) != item]
        watched.awaiting += places
        watched.end, watched.standings = places[-1], standings
        return [
            *(_write("event", watched.cursor(place), _event(chain, place)) for place in places),
            *(_write("process", watched.cursor(), _process(chain, item)) for item in changed),
        ]

    def _proven(self, chain: str, watched: _Watched) -> list[str]:
        """Return the receipts that came. They mostly come in order, so the oldest tells whether to look further."""
        watched.looks += 1
        sweeps, rest = divmod(watched.looks, _SWEEP)
        start = 0 if rest else sweeps * _SWEEP_LIMIT % max(len(watched.awaiting), 1)
        found = self._heights(chain, watched.awaiting[start : start + (1 if rest else _SWEEP_LIMIT)])
        if found:
            found |= self._heights(chain, watched.awaiting[:_SWEEP_LIMIT])
            watched.awaiting = [place for place in watched.awaiting if place not in found]
        return [_write("receipt", watched.cursor(), _receipt(chain, *item)) for item in found.items()]

    def _heights(self, chain: str, places: Sequence[Place]) -> dict[Place, int]:
        heights = ((place, self._source.height(chain, place)) for place in places)
        return {place: height for place, height in heights if height is not None}


def _place(document: Document) -> Place:
    return Place(cast("int", document["position"]), str(document["hash"]))


def _event(chain: str, place: Place) -> dict[str, Any]:
    return {"chain": chain, "event": place.hash or None, "position": place.position}


def _process(chain: str, standing: Standing) -> dict[str, Any]:
    return {"chain": chain, **standing._asdict()}


def _receipt(chain: str, place: Place, height: int) -> dict[str, Any]:
    return {"chain": chain, "event": place.hash, "position": place.position, "height": height}


def _write(kind: str, cursor: Cursor, data: Mapping[str, Any]) -> str:
    """Return one update as it travels (HTML standard, section 9.2)."""
    return f"event: {kind}\nid: {cursor}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
