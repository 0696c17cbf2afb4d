"""The event chain service: takes signed events in, in the eight steps of the paper's section 22.1.

```
1 verify        signatures, hashes, links of what came
2 skip known    adding twice is adding once
3 resolve       does it follow the end of the chain? otherwise it is kept as a branch, and answered with a conflict
4 apply         the workflow engine validates the response and steps the machine; it may refuse
5 save          the event, with its effects still to do, as one document
6 anchor        its hash is to be anchored
7 trigger       system actions of this node that wait now
8 forward       new events to the nodes of all identities; the whole chain to the node of a new identity
```

Steps 4 and 5 are one durable write where the store can group. Steps 6 to 8 are messages, published together and durably
before the event's outbox is cleared; `resume` publishes again what a killed node left open. So a crash between any two
steps loses nothing, and what happens twice has no second effect: events are known by hash and messages by id.

Work on one chain is serial, chains are independent.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from eventchain import event as events
from eventchain.archive import Archive, Effect, is_identity_event
from eventchain.asking import Asking
from eventchain.branch import check_canonical, rehearse_branch
from eventchain.chain import EventChain, Stub, read_chain
from eventchain.chain_locks import ChainLocks, Held
from eventchain.core import canonical_json
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair, PublicKey, Random
from eventchain.door import Door
from eventchain.early import Early
from eventchain.effects import Effects, Saved, joined
from eventchain.errors import (
    ChainBusyError,
    FutureEventError,
    NotAdmittedError,
    OvertakenError,
    UnknownPreviousError,
)
from eventchain.event import Event
from eventchain.foresight import foresee
from eventchain.intake import Intake, Parcel, Run, log_refused
from eventchain.lease import LEASE_MS, Leases
from eventchain.ports import Engine, Observer, Queue
from eventchain.recent import RecentTips
from eventchain.repair import Repair
from eventchain.steps import Steps
from eventchain.store.document_store import Document, DocumentStore, DuplicateError
from eventchain.tip import Tip
from eventchain.upkeep import Upkeep

CLOCK_TOLERANCE = 5 * 60 * 1000
"""Milliseconds an event's timestamp may lie ahead of this node's clock."""

WAIT_SECONDS = 2.0
"""How long work waits for a chain that another copy works on; then it is done again later."""

_ATTEMPTS = 5
_LEFT_BEHIND_AT_ONCE = 100

log = structlog.get_logger(__name__)


class EventChainService:
    """Keeps this node's chains. Any number of copies may share a store."""

    def __init__(
        self,
        *,
        store: DocumentStore,
        engine: Engine,
        queue: Queue,
        key: KeyPair,
        clock: Clock,
        node_uri: str | None = None,
        users: frozenset[str] = frozenset(),
        threads: int = 1,
        observe: Observer | None = None,
        random: Random = os.urandom,
        lease_ms: int = LEASE_MS,
    ) -> None:
        """Plug the service together.

        Args:
            store: Where events are kept.
            engine: Derives projections.
            queue: Takes the messages of steps 6 to 8.
            key: The node's system key.
            clock: Milliseconds since 1970.
            node_uri: How other nodes reach this one.
            users: Public keys (base58) of the people this node serves; empty for anyone.
            threads: How many verify signatures at once.
            observe: Told after every step.
            random: Names this copy, where the store needs leases.
            lease_ms: Milliseconds after which a copy that holds a chain and is silent counts as dead.
        """
        self._store = store
        self._archive = Archive(store)
        self._engine = engine
        self._key = key
        self._system_key = str(key.public_key)
        self._clock = clock
        self._observe = Steps(observe)
        self._effects = Effects(self._archive, engine, queue, self._system_key, node_uri, self._observe)
        self._door = Door(self._archive, self._system_key, users)
        self._asking = Asking(self._archive, queue, self._system_key, node_uri, clock)
        self._tips = RecentTips(self._archive)
        self._intake = Intake(self._archive, self._door, self._tips, threads, self._observe)
        self._locks = ChainLocks(Leases(store, clock, random, lease_ms) if store.needs_leases else None, clock)
        self._repair = Repair(self._archive, engine, self._locks, self._effects.trigger_again)
        self._early = Early(store, self._archive, clock)
        self._upkeep = Upkeep(self._archive, self._effects, self._early, self._asking, self._system_key, clock)

    @property
    def archive(self) -> Archive:
        """What this node keeps of its chains."""
        return self._archive

    @property
    def door(self) -> Door:
        """Who may send and see what."""
        return self._door

    @property
    def asking(self) -> Asking:
        """Asks other nodes for missing events, and answers them."""
        return self._asking

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """Check that a caller may bring a chain document; what has to come before it is asked for.

        Raises:
            LiveContractError: It may not, or the document cannot be read; see `Door.admit`.
        """
        chain = read_chain(document)
        try:
            self._door.admit(caller, chain.id, chain.events)
        except UnknownPreviousError:
            self._asking.seek(chain.id, str(caller))
            if not self._door.knows(str(caller)):
                raise

    def add(self, document: Mapping[str, Any], sender: str | None = None) -> EventChain:
        """Add events and return the whole chain as it then stands here.

        Who takes no part in it, as after leaving, gets back nothing but the events that were sent.

        Raises:
            LiveContractError: Something was refused; events before it, if any, are added.
        """
        (error,) = self.add_all([Parcel(document, sender)])
        if error:
            raise error
        sent = read_chain(document)
        if sender in (None, self._system_key) or self._archive.identity_of(str(sent.id), str(sender)):
            return self._archive.chain(sent.id)
        return sent

    def add_all(self, parcels: Sequence[Parcel]) -> list[LiveContractError | None]:
        """Add the events of several parcels with one durable write, and say of each what went wrong, if anything."""
        runs = [Run(parcel) for parcel in parcels]
        self._intake.verify(runs)
        waiting = [run for run in runs if run.error is None]
        for seconds in (0.0, WAIT_SECONDS):  # only after the rest it waits for chains that another copy works on
            if not waiting:
                break
            with self._locks.hold({str(run.id) for run in waiting}, seconds) as held:
                self._add([run for run in waiting if str(run.id) in held.chains], held)
            waiting = [run for run in waiting if str(run.id) not in held.chains]
        for run in waiting:
            run.error = ChainBusyError("another copy of the service works on the chain", hint="Send it again.")
        early = [run for run in runs if run.is_early or (run.chain and isinstance(run.error, UnknownPreviousError))]
        for chain, sender in dict.fromkeys((run.id, run.parcel.sender) for run in early):
            self._asking.seek(chain, sender)
        log_refused(runs)
        return [run.error for run in runs]

    def _add(self, runs: Sequence[Run], held: Held, due: Iterable[str] = ()) -> int:
        """Add events of held chains, and what was early: what follows them, and on chains `due` all that can."""
        failed = self._repair.set_right(held)
        working: dict[str, Tip] = {}
        told: set[str] = set()
        coming = foresee(runs, failed, self._tips, self._clock() + CLOCK_TOLERANCE, told)
        with self._engine.ahead(coming), self._store.batch():
            self._effects.flush()

            def take(run: Run) -> None:
                self._take(run, working)
                is_open = isinstance(run.error, UnavailableError) and not isinstance(run.error, UnknownPreviousError)
                if is_open and str(run.id) in told:
                    self._locks.begin(str(run.id))  # the engine may have applied what is not saved

            for run in runs:
                run.error = failed.get(str(run.id))
                if run.error is None:
                    take(run)
            taken = [*runs, *self._early.follow(runs, take, (held.left_behind | set(due)) - failed.keys())]
        self._tips.remember(working)
        self._perform_effects(Saved(run.id, run.saved, run.before, run.after) for run in taken if run.saved)
        return sum(len(run.saved) for run in taken)

    def _take(self, run: Run, working: dict[str, Tip]) -> None:
        """Bring one parcel through steps 2 to 5."""
        for attempt in range(_ATTEMPTS):
            try:
                self._locks.keep()
                if run.chain and not run.is_admitted:
                    self._intake.admit(run.parcel.sender, run.chain)
                if attempt or self._locks.is_half_done(str(run.id)):
                    tip = self._repair.chain(run.id)
                    self._locks.finish(str(run.id))
                else:
                    tip = working.get(str(run.id)) or self._tips.end_of(run.id)
                self._skip_known(run, tip)
                tip = self._resolve(run, tip)
                if run.canonical and run.events and working.get(str(run.id)) is not tip:
                    self._repair.catch_up(tip, run.events[0].hash)
                for event in run.events:
                    tip = self._apply_and_save(run, tip, event)
                    if run.canonical:
                        working[str(run.id)] = tip
                if run.chain and not (run.events and run.canonical):
                    check_canonical(self._archive, run.id, run.chain.events[-1].hash)
            except DuplicateError:  # another copy of this service appended first
                self._tips.forget(run.id, working)
                continue
            except LiveContractError as error:
                self._tips.forget(run.id, working)
                run.error = error
            return
        run.error = OvertakenError("the chain grows faster than this event can be added", hint="Send it again.")

    # Step 2

    def _skip_known(self, run: Run, tip: Tip) -> None:
        """Leave the events that are kept already."""
        run.events = run.chain.events if run.chain else ()
        if tip.height and run.events and run.events[0].previous != tip.hash:
            run.events = tuple(self._intake.without_known(run.id, run.events))
        self._observe("skip known", str(run.id), run.last)

    # Step 3

    def _resolve(self, run: Run, tip: Tip) -> Tip:
        """Find the place the events follow: the end of the chain, or a fork."""
        if not run.events:
            return tip
        previous = run.events[0].previous
        if tip.height == 0:
            self._door.check_new_chain(run.id, run.events)
        run.canonical = previous == tip.hash
        if not run.canonical and run.parcel.at_end:
            raise OvertakenError("the chain has grown since the event was signed", hint="Sign it again.")
        if not run.canonical:
            tip = rehearse_branch(self._archive, self._engine, run.id, run.events)
        run.effects = self._effects_of(run, tip)
        run.after = tip.identities
        if not run.saved:
            run.before = tip.identities
        self._observe("resolve", str(run.id), run.last)
        return tip

    def _effects_of(self, run: Run, tip: Tip) -> Effect:
        """Decide what is to be done for these events: what came from another node is its node's to spread."""
        sender = run.parcel.sender
        holder = tip.identities.holder(sender) if sender else None
        relayed = holder is not None and holder.system_key == sender and sender != self._system_key
        if relayed or (run.chain and self._door.is_peer(sender, run.chain.events)):
            return Effect.TRIGGER if run.canonical else Effect(0)
        spread = Effect.ANCHOR | Effect.FORWARD
        return spread | Effect.TRIGGER if run.canonical else spread

    # Steps 4 and 5

    def _apply_and_save(self, run: Run, tip: Tip, event: Event) -> Tip:
        """Let the engine validate one event, and save it."""
        if event.timestamp > self._clock() + CLOCK_TOLERANCE:
            raise FutureEventError(
                "the event's timestamp lies in the future", hint="Compare the clocks of both machines."
            )
        advanced, entry = tip.advance(event)
        if run.canonical:
            self._repair.apply(tip, entry)
        else:
            self._locks.begin(str(run.id))
        self._observe("apply", str(run.id), event.hash)
        is_identity = is_identity_event(entry.body)
        document = self._archive.insert(
            tip,
            event,
            canonical=run.canonical,
            received=self._clock(),
            outbox=run.effects,
            identity=is_identity,
            submission=run.parcel.submission,
        )
        run.saved.append(document)
        run.after = advanced.identities
        if not run.canonical:
            self._archive.record_branch(run.id, event.previous, [event], self._clock())
        elif is_identity:
            self._archive.set_members(run.id, advanced.identities)
        self._locks.finish(str(run.id))
        self._observe("save", str(run.id), event.hash)
        return advanced

    # Steps 6 to 8

    def _perform_effects(self, events: Iterable[Saved]) -> None:
        """Publish what is to be done for saved events, and remember that it is done.

        Raises:
            ChainBusyError: Another copy took a chain over, so what is due there may be read wrong: `resume` does it.
        """
        saved = joined(events)
        messages = [
            *self._effects.anchor(saved),  # 6
            *self._effects.trigger(saved),  # 7
            *self._effects.forward(saved),  # 8
        ]
        self._locks.keep()
        self._effects.publish(messages, saved)
        if self._store.needs_leases:  # while this copy is alone on the chains: else another one does it once more
            self._effects.settle()

    def resume(self) -> int:
        """Do the effects that a stopped or killed node left undone; return for how many events."""
        left_behind = self._locks.left_behind(_LEFT_BEHIND_AT_ONCE)
        return self._upkeep.resume(left_behind, self._look_at, self._resume)

    def _look_at(self, chain: str) -> int:
        with self._locks.hold([chain]) as held:
            return self._add([], held, held.chains)

    def _resume(self, chain: ChainId, documents: Sequence[Document]) -> int:
        with self._locks.hold([str(chain)]) as held:
            if not held.chains:  # a copy works on it, and does what is to be done
                return 0
            self._repair.chain(chain)
            pending = self._archive.still_pending(documents)
            self._perform_effects(self._effects.rebuild(chain, pending))
            return len(pending)

    def remind(self) -> int:
        """Tell of timeouts that are over; return of how many. See `Upkeep.remind`."""
        return self._upkeep.remind()

    def settle(self) -> None:
        """Write down which effects are done."""
        self._effects.settle()

    # This node's own events

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None = None) -> Event:
        """Sign an event with the node's system key, at the end of a chain, and add it.

        Args:
            chain: Id of the chain.
            body: The event's JSON object.
            submission: What it is signed for. If an event was signed for that on this chain, it is returned.

        Raises:
            LiveContractError: It was refused.
        """
        with self._locks.hold([chain], WAIT_SECONDS) as held:
            if not held.chains:
                raise ChainBusyError("another copy of the service works on the chain", hint="Try again.")
            for _ in range(_ATTEMPTS):
                known = self._archive.find_submission(chain, submission) if submission else None
                if known:
                    return known
                tip = self.tip(chain)
                data = canonical_json.encode(dict(body))
                event = events.sign(previous=tip.hash, key=self._key, timestamp=self._clock(), data=data)
                part = EventChain(tip.chain, (event,), Stub(tip.hash, tip.state))
                (error,) = self.add_all([Parcel(part.to_dict(), submission=submission, at_end=True)])
                if error is None:
                    return event
                if not isinstance(error, OvertakenError):
                    raise error
        raise OvertakenError("the chain grows faster than this node can add to it")

    def tip(self, chain: str) -> Tip:
        """Return the end of a chain this node keeps.

        Raises:
            NotAdmittedError: It keeps no such chain.
        """
        tip = self._archive.load_tip(ChainId.parse(chain))
        if tip.height == 0:
            raise NotAdmittedError("this node takes no part in that chain")
        return tip
