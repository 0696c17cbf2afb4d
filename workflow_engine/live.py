"""The processes of a chain in memory, as of the last entry in the store, which decides; this only saves reading."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from eventchain.store.document_store import Document, DocumentStore
from workflow_engine.compiling import compile_scenario
from workflow_engine.deviation import made_of
from workflow_engine.errors import OutOfStepError
from workflow_engine.journal import find, last_step, position_of
from workflow_engine.process import Process
from workflow_engine.process_parts import Deviation
from workflow_engine.proposal import read_proposal
from workflow_engine.records import ENTRIES, STATES, decode, is_forgetting
from workflow_engine.scenario import Scenario

MAX_READS = 8
"""How often reading is tried again when others write at the same time."""


@dataclass(slots=True)
class Live:
    """The state of a chain as of one entry. What it holds is read when it is asked for, and kept.

    Attributes:
        chain: Id of the chain.
        head: Hash of the last entry applied, or None.
        length: How many entries were applied.
        store: Where it is read from.
        loaded: Processes read so far, by id.
        compiled: Scenarios read so far, by id and by name.
        absent: Ids that no process was found by.
        is_behind: Whether something was read that is later than the head: nothing can be applied to this any more.
    """

    chain: str
    head: str | None
    length: int
    store: DocumentStore
    loaded: dict[str, Process]
    compiled: dict[str, Scenario]
    absent: set[str] = field(default_factory=set)
    is_behind: bool = False

    def process(self, process_id: str) -> Process | None:
        """Return a process as of this entry or later, or None."""
        if process_id in self.absent:
            return None
        if process_id not in self.loaded:
            found = self._read(process_id)
            if found is None:
                self.absent.add(process_id)
                return None
            self.loaded[process_id] = found
        return self.loaded[process_id]

    def processes(self) -> list[Process]:
        """Return all processes, in the order in which they were started."""
        rows = self.store.find(ENTRIES, {"chain": self.chain, "kind": "process"}, order_by="position")
        found = (self.process(str(row["subject"])) for row in rows)
        return [process for process in found if process is not None]

    def scenario(self, name: str) -> Scenario | None:
        """Return a scenario by its id or the id its document gives it, or None."""
        if name not in self.compiled:
            for field in ("subject", "name"):
                rows = self.store.find(
                    ENTRIES, {"chain": self.chain, "kind": "scenario", field: name}, order_by="position", limit=1
                )
                if rows:
                    self.compiled[name] = _compiled(rows[0]["document"])
                    break
        return self.compiled.get(name)

    def scenarios(self) -> list[Scenario]:
        """Return all scenarios, in the order in which they were added."""
        rows = self.store.find(ENTRIES, {"chain": self.chain, "kind": "scenario"}, order_by="position")
        found = (self.scenario(str(row["subject"])) for row in rows)
        return [item for item in found if item is not None]

    def holder(self, process_id: str) -> str | None:
        """Return the id of the scenario of the chain that embeds the one a sub-process was started with; else None."""
        rows = self.store.find(ENTRIES, {"chain": self.chain, "kind": "process", "subject": process_id}, limit=1)
        document = rows[0]["document"] if rows else None
        return None if document is None else str(decode(document)["holder"])

    def embedded(self, holder: str, scenario_id: str) -> Scenario | None:
        """Return a scenario that is embedded, however deep, in one of the chain; None where it is not there."""
        found = self.scenario(holder)
        inner = () if found is None else found.with_embedded()
        return next((scenario for scenario in inner if scenario.id == scenario_id), None)

    def scenario_of(self, process_id: str, scenario_id: str) -> Scenario | None:
        """Return a scenario that a process has run by, by its id: one of the chain, or one embedded in it."""
        holder = self.holder(process_id)
        inner = None if holder is None else self.embedded(holder, scenario_id)
        return inner or self.scenario(scenario_id)

    def children(self, process_id: str) -> list[Process]:
        """Return the sub-processes of a process, in the order in which they were started."""
        where: Document = {"chain": self.chain, "kind": "process", "name": process_id}
        rows = self.store.find(ENTRIES, where, order_by="position")
        found = (self.process(str(row["subject"])) for row in rows)
        return [process for process in found if process is not None]

    def last_event(self, process_id: str) -> str | None:
        """Return the hash of the last entry of a process, or None."""
        process = self.process(process_id)
        return None if process is None else process.last_event

    def _read(self, process_id: str) -> Process | None:
        """Put a process together from its start, its responses and the state as of the last of them."""
        for _ in range(MAX_READS):
            where = {"chain": self.chain, "subject": process_id}
            started = self.store.find(ENTRIES, {**where, "kind": "process"}, order_by="position", limit=1)
            if not started:
                return None
            adapted = last_step(self.store, self.chain, process_id, ("deviation", "consent"))
            steps = self.store.find(ENTRIES, {**where, "kind": "response"}, order_by="position")
            last = max((steps or started)[-1], adapted or started[-1], key=position_of)
            self.is_behind = self.is_behind or position_of(last) >= self.length
            row = self.store.get(STATES, {"chain": self.chain, "process": process_id, "hash": last["hash"]})
            if row is not None:
                state = decode(row["state"])
                previous = tuple(decode(step["document"]) for step in steps)
                return _process(self, state, previous)
        raise OutOfStepError("the process changes faster than it can be read", hint="Try again.")


def _process(live: Live, state: Mapping[str, Any], previous: tuple[Mapping[str, Any], ...]) -> Process | None:
    scenario = (
        live.scenario_of(state["id"], state["scenario"]) if "parent" in state else live.scenario(state["scenario"])
    )
    if scenario is None:
        return None
    deviation = _deviation(live, state["deviation"]["event"], scenario) if "deviation" in state else None
    return Process.from_state(state, scenario=scenario, previous=previous, deviation=deviation)


def _deviation(live: Live, event: str, base: Scenario) -> Deviation:
    """Return the deviation that a process is in, from the proposal in the journal.

    Raises:
        OutOfStepError: The proposal is not there: another copy is forgetting the chain.
    """
    kept = find(live.store, live.chain, event, "deviation")
    if kept is None:
        raise OutOfStepError("the chain was forgotten meanwhile", hint="Try again.")
    successor = live.scenario(kept["successor"]) if "successor" in kept else None
    return made_of(read_proposal(kept["proposal"]), event, base, successor)


@lru_cache(maxsize=64)
def _compiled(document: Any) -> Scenario:
    """Compile a scenario that was checked when it was added."""
    return compile_scenario(decode(document))


class LiveProcesses:
    """A bounded cache of `Live`, by chain. Safe to use from many threads."""

    def __init__(self, store: DocumentStore, chains: int) -> None:
        self._store = store
        self._chains = chains
        self._known: OrderedDict[str, Live] = OrderedDict()
        self._lock = Lock()

    def of(self, chain: str) -> Live:
        """Return the state of a chain as of the last entry that the store has."""
        with self._lock:
            known = self._known.get(chain)
        if known is not None and self._is_last(known):
            return self._keep(known)
        rows = self._store.find(ENTRIES, {"chain": chain}, order_by="position", descending=True, limit=1)
        head, length = (str(rows[0]["hash"]), int(rows[0]["position"] or 0) + 1) if rows else (None, 0)
        return self._keep(Live(chain, head, length, self._store, {}, {}))

    def check_applied(self, chain: str, hash_: str) -> None:
        """Check that an entry is applied, and its chain is not being forgotten.

        Raises:
            OutOfStepError: The chain is being derived again, and not that far.
        """
        row = self._store.get(ENTRIES, {"chain": chain, "hash": hash_})
        if row is None or is_forgetting(self._store, chain):
            raise OutOfStepError("the chain is derived again, and not that far", hint="Try again.")

    def _is_last(self, live: Live) -> bool:
        """Tell whether the store's last entry of a chain is the one that this state is as of."""
        last = self._store.find(ENTRIES, {"chain": live.chain}, order_by="position", after=live.length - 2, limit=2)
        return [row["hash"] for row in last] == ([live.head] if live.head else [])

    def advance(self, live: Live, head: str, process: Process | None) -> None:
        """Remember the state of a chain after one more entry, which is stored already."""
        changed = {} if process is None else {process.id: process}
        self._keep(
            Live(live.chain, head, live.length + 1, self._store, {**live.loaded, **changed}, dict(live.compiled))
        )

    def drop(self, chain: str) -> None:
        """Forget a chain."""
        with self._lock:
            self._known.pop(chain, None)

    def _keep(self, live: Live) -> Live:
        with self._lock:
            self._known[live.chain] = live
            self._known.move_to_end(live.chain)
            while len(self._known) > self._chains:
                self._known.popitem(last=False)
        return live
