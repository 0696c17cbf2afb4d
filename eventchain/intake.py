"""Step 1: what came is read, and its form, links, hashes and signatures are checked."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import structlog

from eventchain.archive import Archive, Effect
from eventchain.chain import EventChain, check_events, read_chain
from eventchain.core import base58
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId, Generation
from eventchain.core.keys import PublicKey
from eventchain.door import Door
from eventchain.errors import ForkError, InvalidChainError, InvalidEventError, UnknownPreviousError
from eventchain.event import Event
from eventchain.identity import Identities
from eventchain.recent import RecentTips
from eventchain.steps import Steps
from eventchain.store.document_store import Document

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Events that somebody sent.

    Attributes:
        document: The JSON of a chain or a partial chain.
        sender: Public key (base58) that signed the request it came with, or None for this node itself.
        submission: What this node signed its one event for, if it did.
        at_end: Whether it is refused, rather than kept as a branch, when it does not follow the end of the chain.
        may_wait: Whether it is handled when it is kept until the event it follows comes; see `eventchain.early`.
    """

    document: Mapping[str, Any]
    sender: str | None = None
    submission: str | None = None
    at_end: bool = False
    may_wait: bool = False


@dataclass(slots=True)
class Run:
    """One parcel on its way through the steps.

    Attributes:
        parcel: As it came.
        chain: What was read of it.
        events: Those that are new here.
        canonical: Whether they follow the end of the chain.
        effects: What is to be done for each of them.
        before: The identities before the first event that was saved.
        after: The identities after the last one.
        saved: The documents of the events that were saved.
        error: Why it went no further.
        is_admitted: Whether the door has judged its sender; else it does so once the event they follow is here.
        is_early: Whether it is kept until that comes.
    """

    parcel: Parcel
    chain: EventChain | None = None
    events: tuple[Event, ...] = ()
    canonical: bool = True
    effects: Effect = field(default_factory=lambda: Effect(0))
    before: Identities = field(default_factory=Identities)
    after: Identities = field(default_factory=Identities)
    saved: list[Document] = field(default_factory=list)
    error: LiveContractError | None = None
    is_admitted: bool = True
    is_early: bool = False

    @property
    def id(self) -> ChainId:
        """The chain it belongs to.

        Raises:
            InvalidChainError: It could not be read.
        """
        if self.chain is None:
            raise InvalidChainError("the chain was not read")
        return self.chain.id

    @property
    def last(self) -> bytes | None:
        """The hash of the last event that came, for logs."""
        return self.chain.events[-1].hash if self.chain and self.chain.events else None


@dataclass(slots=True)
class _Seen:
    """What reading one parcel tells of the next ones.

    Attributes:
        members: Senders (base58) with the chains (by id) in which they take part.
        ends: Hashes of events nothing is kept after.
    """

    members: set[tuple[str, str]] = field(default_factory=set)
    ends: set[bytes] = field(default_factory=set)


class Intake:
    """Reads parcels and verifies what is new in them."""

    def __init__(self, archive: Archive, door: Door, tips: RecentTips, threads: int, observe: Steps) -> None:
        """Take what is needed.

        Args:
            archive: Knows which events are kept.
            door: Judges senders.
            tips: Remembered ends of chains; events that follow one are new without a look into the archive.
            threads: How many verify signatures at once.
            observe: Told after the step.
        """
        self._archive = archive
        self._door = door
        self._tips = tips
        self._threads = threads
        self._observe = observe

    def verify(self, runs: Sequence[Run]) -> None:
        """Check form, links, hashes and signatures of everything that came."""
        unknown: list[Event] = []
        seen = _Seen()
        for run in runs:
            try:
                unknown += self._read(run, seen)
            except LiveContractError as error:
                run.error = error
        suspects = {problem.event for problem in check_events(unknown, threads=self._threads)}
        for run in runs:
            if run.error is None and run.chain is not None:
                # The same event may have come twice, once with a forged signature: each copy answers for itself.
                for problem in check_events([item for item in run.chain.events if _is_among(suspects, item)]):
                    run.error = InvalidEventError(f"event {problem.event}: {problem.message}", check=problem.check)
                    break
                self._observe("verify", str(run.id), run.last)

    def _read(self, run: Run, seen: _Seen) -> Sequence[Event]:
        """Read a parcel, check its links, and return the events this node does not have yet."""
        chain = run.chain = read_chain(run.parcel.document)
        if chain.id.generation is not Generation.V2:
            raise InvalidChainError(
                "this node keeps chains of generation V2 (0x42)",
                hint="Older ones are verified by `livecontract chain verify`.",
            )
        if not chain.events:
            raise InvalidChainError("the document holds no events", path="$.events")
        self._admit(run, chain, seen)
        previous = chain.base.hash
        for event in chain.events:
            if event.previous != previous:
                raise InvalidChainError(
                    f"the chain is broken before event {base58.encode(event.hash)}", check="link", path="$.events"
                )
            event.verify_hash()
            previous = event.hash
        if chain.base.hash == chain.id.initial_hash:  # the first event follows, whether a stub says so or not
            chain.id.verify_creator(chain.events[0].sign_key)
        tip = self._tips.get(str(chain.id))
        follows = chain.base.hash in seen.ends or (tip is not None and chain.base.hash == tip.hash)
        unknown = chain.events if follows else self.without_known(chain.id, chain.events)
        seen.ends.update(event.hash for event in unknown)
        return unknown

    def _admit(self, run: Run, chain: EventChain, seen: _Seen) -> None:
        """Let the door judge the sender; who is a member is asked once for all parcels."""
        sender = run.parcel.sender
        if sender is None or (sender, str(chain.id)) in seen.members:
            return
        try:
            self.admit(sender, chain)
        except UnknownPreviousError:
            if not (run.parcel.may_wait and self._door.knows(sender)):
                raise
            run.is_admitted = False
        if self._archive.identity_of(str(chain.id), sender):
            seen.members.add((sender, str(chain.id)))

    def admit(self, sender: str | None, chain: EventChain) -> None:
        """Let the door judge who sent a chain document; this node itself may send what it likes.

        Raises:
            LiveContractError: It may not, or not yet; see `Door.admit`.
        """
        if sender is not None:
            self._door.admit(PublicKey.parse(sender), chain.id, chain.events)

    def without_known(self, chain: ChainId, found: Sequence[Event]) -> Sequence[Event]:
        """Return the linked events from the first one on that is not kept: none is kept before the one it follows."""
        return found[bisect_left(found, True, key=lambda event: self._archive.find(chain, event.hash) is None) :]


def log_refused(runs: Sequence[Run]) -> None:
    """Log what was not added, and why; a fork is logged where it is found."""
    for run in runs:
        if run.error is not None and not isinstance(run.error, ForkError):
            event = base58.encode(run.last) if run.last else None
            chain = str(run.chain.id) if run.chain else None
            log.info("not added", chain=chain, event_hash=event, sender=run.parcel.sender, reason=run.error.message)


def _is_among(suspects: AbstractSet[str | None], event: Event) -> bool:
    return bool(suspects) and base58.encode(event.hash) in suspects
