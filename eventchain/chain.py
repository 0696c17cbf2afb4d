"""The private hash chain of a contract: how its JSON form is read, and how it is verified.

Each event names the hash of the one before it; the first names the SHA-256 of the chain's id, and the id is made of
the creator's public key. So a chain can be verified from itself alone, by anyone, at any time.

A *partial chain* is the later part of one. Its JSON starts with a stub `{hash, state}` of the last event left out.

`state` runs along the chain: `state_n = SHA-256(state_(n-1) ‖ hash_n)`, from the SHA-256 of the id's bytes backwards.
Classic (G1) chains have none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from eventchain import event_json
from eventchain.core import base58
from eventchain.core.errors import InvalidError, InvalidIdError
from eventchain.core.hashing import HASH_LENGTH, sha256
from eventchain.core.ids import ChainId, Generation
from eventchain.errors import InvalidChainError, InvalidEventError
from eventchain.event import Event
from eventchain.event_json import read_event

MAX_EVENTS = 100_000
"""Events one document may hold; a longer chain travels in parts."""

_SLICE = 64
"""Events a thread verifies in a row: long enough to hide the cost of handing over."""


@dataclass(frozen=True, slots=True)
class Stub:
    """The end of the part of a chain that was left out: hash of its last event and the state there."""

    hash: bytes
    state: bytes | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a chain.

    Attributes:
        event: Hash of the event, base58, or None where it concerns the chain.
        check: Which check failed: `id`, `creator`, `link`, `hash`, `signature`, `data`, `membership`, ….
        message: What is wrong.
    """

    event: str | None
    check: str
    message: str

    def to_dict(self) -> dict[str, str | None]:
        """Return the JSON form."""
        return {"event": self.event, "check": self.check, "message": self.message}


@dataclass(frozen=True, slots=True)
class EventChain:
    """Events of one chain in a row.

    Attributes:
        id: Of the chain.
        events: In order.
        stub: What stands before the first event of a partial chain; None for a whole one.
        claimed_latest: The latest hash the document claims, if it does (classic chains).
    """

    id: ChainId
    events: tuple[Event, ...] = ()
    stub: Stub | None = None
    claimed_latest: bytes | None = field(default=None, compare=False)

    @property
    def is_partial(self) -> bool:
        """Whether events before the first one are left out."""
        return self.stub is not None

    @property
    def base(self) -> Stub:
        """What the first event follows: the stub, or the chain's initial hash and state."""
        return self.stub or Stub(self.id.initial_hash, self.id.initial_state)

    @property
    def latest_hash(self) -> bytes:
        """Hash of the last event, or of what the first one would follow."""
        return self.events[-1].hash if self.events else self.base.hash

    @property
    def state(self) -> bytes | None:
        """The state after the last event; None where it is unknown (classic chains, partial ones without it)."""
        if self.id.generation is Generation.G1:
            return None
        return advance_state(self.base.state, self.events)

    def append(self, event: Event) -> "EventChain":
        """Return the chain with one more event.

        Raises:
            InvalidChainError: The event does not follow the last one.
        """
        if event.previous != self.latest_hash:
            raise _broken(event, self.latest_hash)
        return replace(self, events=(*self.events, event))

    def after(self, hash_: bytes) -> "EventChain":
        """Return the partial chain that follows the event with this hash; all of it after the base's hash.

        Raises:
            InvalidChainError: The chain has no such event.
        """
        if hash_ == self.base.hash:
            return self
        for index, event in enumerate(self.events):
            if event.hash == hash_:
                passed, rest = self.events[: index + 1], self.events[index + 1 :]
                return EventChain(self.id, rest, Stub(hash_, advance_state(self.base.state, passed)))
        raise InvalidChainError(f"the chain has no event {base58.encode(hash_)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form LTO clients read and write (V1 and V2)."""
        events = [event_json.to_dict(event) for event in self.events]
        if self.stub:
            state = self.stub.state
            first: dict[str, Any] = {"hash": base58.encode(self.stub.hash)}
            events.insert(0, first | ({"state": base58.encode(state)} if state else {}))
        return {"id": str(self.id), "events": events}


def advance_state(state: bytes | None, events: Iterable[Event]) -> bytes | None:
    """Return the state after these events; unknown stays unknown."""
    if state is None:
        return None
    for event in events:
        state = sha256(state + event.hash)
    return state


def read_chain(document: object) -> EventChain:
    """Read the JSON form of a chain, of any generation. Links, hashes and signatures are not checked here.

    Raises:
        InvalidChainError: Not the JSON of a chain.
        InvalidIdError: The id is not that of a chain this node can read.
        InvalidEventError: An event is malformed; the path names it.
        InvalidEncodingError: A value is not base58 of the right length.
    """
    if not isinstance(document, Mapping):
        raise InvalidChainError("a chain should be a JSON object with id and events", path="$")
    id_ = ChainId.parse(document.get("id"), path="$.id")
    items = document.get("events")
    if not isinstance(items, list):
        raise InvalidChainError("events should be a list", path="$.events")
    if len(items) > MAX_EVENTS:
        raise InvalidChainError(f"more than {MAX_EVENTS} events", path="$.events", hint="Send the chain in parts.")
    stub = _read_stub(items[0]) if items and _is_stub(items[0]) else None
    start = 1 if stub else 0
    events = tuple(
        read_event(item, id_.generation, path=f"$.events[{index}]")
        for index, item in enumerate(items[start:], start=start)
    )
    if stub is None and events and events[0].previous != id_.initial_hash:
        stub = Stub(events[0].previous, None)
    claimed = document.get("latestHash", document.get("latest_hash"))
    latest = None if claimed is None else base58.decode(claimed, length=HASH_LENGTH, name="latest hash", path="$")
    return EventChain(id_, events, stub, latest)


def _is_stub(item: object) -> bool:
    return isinstance(item, Mapping) and "hash" in item and "signature" not in item and "previous" not in item


def _read_stub(item: Mapping[str, Any]) -> Stub:
    state = item.get("state")
    return Stub(
        base58.decode(item["hash"], length=HASH_LENGTH, name="hash", path="$.events[0].hash"),
        None if state is None else base58.decode(state, length=HASH_LENGTH, name="state", path="$.events[0].state"),
    )


def verify(chain: EventChain, *, threads: int = 1) -> None:
    """Check a chain's creator, links, hashes and signatures.

    Args:
        chain: As read.
        threads: How many verify signatures at once; libsodium works outside the interpreter's lock.

    Raises:
        InvalidChainError: The first problem there is, with its check.
    """
    for problem in find_problems(chain, threads=threads):
        place = f"event {problem.event}: " if problem.event else ""
        raise InvalidChainError(place + problem.message, check=problem.check)


def find_problems(chain: EventChain, *, threads: int = 1) -> Iterator[Problem]:
    """Yield what is wrong with a chain: its creator, its links, then hashes and signatures event by event."""
    yield from _check_creator(chain)
    yield from check_links(chain)
    yield from check_events(chain.events, threads=threads)
    if chain.claimed_latest not in (None, chain.latest_hash):
        yield Problem(None, "latest_hash", "the latest hash the document claims is not that of its last event")


def check_links(chain: EventChain) -> Iterator[Problem]:
    """Yield the events that do not name the hash of the event before them."""
    previous = chain.base.hash
    for event in chain.events:
        if event.previous != previous:
            error = _broken(event, previous)
            yield Problem(base58.encode(event.hash), error.check, error.message)
        previous = event.hash


def check_events(events: Sequence[Event], *, threads: int = 1) -> Iterator[Problem]:
    """Yield the events whose hash or signature is wrong, the carried originals of classic chains included."""
    if threads < 2 or len(events) <= _SLICE:
        for event in events:
            yield from _check_event(event)
        return
    slices = [events[start : start + _SLICE] for start in range(0, len(events), _SLICE)]
    with ThreadPoolExecutor(threads) as pool:
        for problems in pool.map(lambda part: [found for event in part for found in _check_event(event)], slices):
            yield from problems


def _check_creator(chain: EventChain) -> Iterator[Problem]:
    if chain.is_partial or not chain.events:
        return
    first = chain.events[0]
    try:
        chain.id.verify_creator(first.sign_key)
    except InvalidIdError as error:
        yield Problem(base58.encode(first.hash), "creator", error.message)


def _check_event(event: Event) -> Iterator[Problem]:
    checks = [event.verify_hash, event.verify_signature]
    if event.original:
        checks += [event.original.verify_hash, event.original.verify_signature]
    for check in checks:
        try:
            check()
        except InvalidEventError as error:
            yield Problem(base58.encode(event.hash), error.check, error.message)


def _broken(event: Event, expected: bytes) -> InvalidChainError:
    return InvalidChainError(
        f"the chain is broken: previous is {base58.encode(event.previous)}, expected {base58.encode(expected)}",
        check="link",
    )


def check_data(chain: EventChain) -> Iterator[Problem]:
    """Yield the events whose media type says JSON and whose data is not strict JSON."""
    for event in chain.events:
        try:
            event.body()
        except InvalidError as error:
            yield Problem(base58.encode(event.hash), "data", error.message)
