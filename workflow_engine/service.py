"""The workflow engine: applies the entries of chains, and tells what came of it (paper sections 7, 21.2 and 22.1).

`apply` is what the event chain service calls for every event, in the order of the canonical chain. Applying an entry
twice is applying it once, and a crash at any moment leaves either the state before it or the state after it: the insert
of one journal row commits. When the canonical chain changes, the event chain service calls `forget` and replays.

`due` and `perform` run the system actions of this node. What an action came to is stored before it is handed over, so
that performing it again gives the same response; towards the outside world that is at least once, and every request
carries an `Idempotency-Key`.
"""

from collections.abc import Collection as AnyOf
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.store.document_store import Document, DocumentStore, DuplicateError
from workflow_engine import adaptive, comment, deferrals, journal, machine, starting, view
from workflow_engine.beside import Beside
from workflow_engine.body import process_reference
from workflow_engine.compiling import load
from workflow_engine.due import DueAction
from workflow_engine.errors import (
    AlreadyExistsError,
    OutOfStepError,
    ProcessNotFoundError,
    ScenarioNotFoundError,
)
from workflow_engine.identity_action import check_outcome
from workflow_engine.live import Live, LiveProcesses
from workflow_engine.order import Waiting, in_turn, waiting_now
from workflow_engine.outcome import Outcome, Row, bare_row
from workflow_engine.process import Process
from workflow_engine.records import COLLECTIONS, DRAFTS, ENTRIES, RESULTS, STATES, decode, delete_chain, encode
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.sub_processes.conduct import event_of
from workflow_engine.sub_processes.relation import SUB_PROCESS, Around, ancestors, children_of
from workflow_engine.triggers import Call, Triggers, response_body

__all__ = ["COLLECTIONS", "WorkflowService", "kind_of"]

_SCHEMAS = {"scenario": "/scenario/", "process": "/process/", "response": "/response/", "comment": "/comment/"}
_OWN = {f"urn:livecontract:{kind}:1": kind for kind in _SCHEMAS} | adaptive.SCHEMAS


def kind_of(schema: object) -> str:
    """Return what an event's body is, from its `$schema`: one of `workflow_engine.records.KINDS`."""
    if not isinstance(schema, str):
        return "other"
    if schema.startswith("https://specs.livecontracts.io/"):
        return next((kind for kind, part in _SCHEMAS.items() if part in schema), "other")
    return _OWN.get(schema, "other")


class WorkflowService:
    """All effects of the workflow engine.

    Args:
        store: Holds `COLLECTIONS`.
        clock: Tells when a timeout is over, and how long this node has been up.
        triggers: Run the system actions, by kind.
        live_chains: Chains whose processes are kept in memory; the store decides whether they still hold.
    """

    def __init__(self, store: DocumentStore, clock: Clock, triggers: Triggers, *, live_chains: int = 256) -> None:
        self._store = store
        self._clock = clock
        self._up_since = clock()
        self._triggers = triggers
        self._live = LiveProcesses(store, live_chains)

    def apply(self, entry: Entry) -> None:
        """Apply an entry; when the call returns it is durable. An entry that was applied before changes nothing.

        Raises:
            OutOfStepError: It does not follow the last entry applied: call `forget` and replay the chain.
            InvalidError, ForbiddenError, ConflictError, NotFoundError: Its body is refused; nothing is changed.
        """
        live = self._in_step(entry)
        if live is None:
            return
        try:
            outcome = self._decide(entry, live)
            if live.is_behind:
                raise OutOfStepError("another copy has gone on meanwhile", hint="Try again.")
        except LiveContractError:
            if self._is_applied(entry):  # by another copy, in the meantime: what was read is newer than the entry
                return
            if live.head is not None:
                self._live.check_applied(entry.chain, live.head)  # else it was refused for what another copy forgot
            raise
        try:
            with self._store.batch():
                self._save_state(entry, outcome)
                self._store.insert(ENTRIES, [outcome.row])
        except DuplicateError:
            if not self._is_applied(entry):
                raise OutOfStepError("another entry was applied at this place of the chain") from None
            self._drop_old_state(entry, outcome)
        self._check_not_forgotten(entry, live)
        self._live.advance(live, entry.hash, outcome.process)
        if outcome.before is not None:
            old = {"chain": entry.chain, "process": outcome.row["subject"], "hash": outcome.before}
            self._store.delete(STATES, old)

    def apply_all(self, entries: Sequence[Entry]) -> list[LiveContractError | None]:
        """Apply entries with one durable write where the store can group, and say of each why it was refused, if so.

        Of a chain, nothing is applied after what was refused.
        """
        refused: dict[str, LiveContractError] = {}
        outcomes: list[LiveContractError | None] = []
        with self._store.batch():
            for entry in entries:
                if entry.chain not in refused:
                    try:
                        self.apply(entry)
                    except LiveContractError as error:
                        refused[entry.chain] = error
                outcomes.append(refused.get(entry.chain))
        return outcomes

    def check(self, entry: Entry) -> None:
        """Check that `apply` would take an entry, without changing anything. Raises what it would raise."""
        live = self._in_step(entry)
        if live is not None:
            self._decide(entry, live)

    def head(self, chain: str) -> str | None:
        """Return the hash of the last entry applied to a chain, or None."""
        return self._live.of(chain).head

    def forget(self, chain: str) -> None:
        """Drop everything that was computed of a chain, so that it can be replayed from its first event."""
        delete_chain(self._store, chain)
        self._live.drop(chain)

    def process(self, process_id: str, chain: str | None = None) -> Process:
        """Return a process by its id, which is unique on its chain.

        Raises:
            ProcessNotFoundError: There is none.
            AlreadyExistsError: Several chains have one with this id; name the chain.
        """
        where: dict[str, str] = {"kind": "process", "subject": process_id} | ({"chain": chain} if chain else {})
        rows = self._store.find(ENTRIES, where, limit=2)
        if not rows:
            raise ProcessNotFoundError("There is no such process.")
        if len(rows) > 1:
            raise AlreadyExistsError("Several chains have a process with this id.", hint="Name the chain as well.")
        found = self._live.of(str(rows[0]["chain"])).process(process_id)
        if found is None:
            raise ProcessNotFoundError("There is no such process.")
        return found

    def around(self, process: Process) -> Around:
        """Return the processes above a process, and its sub-processes."""
        live = self._live.of(process.chain)
        return Around(above=ancestors(process, live.process), children=tuple(live.children(process.id)))

    def locate(self, process_id: str) -> list[str]:
        """Return the ids of the chains that have a process with this id."""
        return [str(row["chain"]) for row in self._store.find(ENTRIES, {"kind": "process", "subject": process_id})]

    def processes(self, chain: str) -> list[Process]:
        """Return the processes of a chain, in the order in which they were started."""
        return self._live.of(chain).processes()

    def scenario(self, scenario_id: str, chain: str, process: str = "") -> Scenario:
        """Return a scenario of a chain by its id, or by the id that its document gives it.

        Where a process is named, scenarios are found that it can have run by as a sub-process.

        Raises:
            ScenarioNotFoundError: There is none.
        """
        found = self._live.of(chain).scenario_of(process, scenario_id)
        if found is None:
            raise ScenarioNotFoundError("There is no such scenario on this chain.")
        return found

    def scenarios(self, chain: str) -> list[Scenario]:
        """Return the scenarios of a chain, in the order in which they were added."""
        return self._live.of(chain).scenarios()

    def projection(self, chain: str) -> dict[str, Any]:
        """Return everything that was computed of a chain: equal on all nodes that applied the same entries."""
        live = self._live.of(chain)
        processes = live.processes()
        children = children_of(processes)
        said = [comment.without_content(item) for _, item in self.beside.comments(chain)]
        return {
            "chain": chain,
            "head": live.head,
            "scenarios": sorted({found.id for found in live.scenarios()}),
            "processes": [
                view.complete(process, live.process, children.get(process.id, ()))
                for process in sorted(processes, key=lambda process: process.id)
            ],
            **({"comments": said} if said else {}),
        }

    @property
    def beside(self) -> Beside:
        """What was said and proposed beside the processes."""
        return Beside(self._store)

    def due(self, chain: str, identities: AnyOf[str]) -> list[DueAction]:
        """Return the system actions that wait now, and that the nodes of these identities are to perform."""
        return [item.of(process) for process, item in self._in_turn(chain) if item.identity in identities]

    def overdue(self, chain: str, identities: AnyOf[str]) -> list[DueAction]:
        """Return those of them that no event brought about: what time or an outside party's answer made due."""
        waiting = [(process, item) for process, item in self._in_turn(chain) if item.identity in identities]
        timed = [item.of(process) for process, item in waiting if item.is_timed]
        answered = (item for item in deferrals.answered(self._store, chain) if item.identity in identities)
        return [*timed, *(item for item in answered if item not in timed and self._waits(item))]

    def is_due(self, action: DueAction) -> bool:
        """Tell whether a system action still waits, whosever turn it is."""
        live = self._live.of(action.chain)
        process = live.process(action.process)
        waiting = [] if process is None else waiting_now([process], live.process, self._clock(), self._up_since)
        return any(action == item.of(found) for found, item in waiting)

    def _waits(self, action: DueAction) -> bool:
        """Tell whether an answered system action still waits; if not, it is looked after no more."""
        if self.is_due(action):
            return True
        with suppress(OutOfStepError):  # the chain is derived again, and the action may be due again at once
            self._live.check_applied(action.chain, action.cause)
            deferrals.close(self._store, action)
        return False

    def _in_turn(self, chain: str) -> list[Waiting]:
        live, now = self._live.of(chain), self._clock()
        return in_turn(waiting_now(live.processes(), live.process, now, self._up_since), now, self._up_since)

    def perform(self, action: DueAction) -> dict[str, Any] | None:
        """Run a system action and return the body of the event to sign with the system key: mostly its response.

        Returns:
            The body, the same one however often it is performed; None when it is no longer due, or when an outside
            party has taken it on (HTTP 202) and has not answered yet (`workflow_engine.answers`).

        Raises:
            UnavailableError: It could not be run now, or its chain is being derived again: it may be later.
        """
        if not self.is_due(action):
            self._live.check_applied(action.chain, action.cause)  # else it may be due again at once
            return None
        process = self.process(action.process, action.chain)
        if action.action != TIMEOUT and process.scenario.actions[action.action].kind == SUB_PROCESS:
            return event_of(process, action, self._live.of(action.chain).process, self._clock())
        known = self._store.get(RESULTS, action.key)
        if known is not None:
            return decode(known["body"]) if known["body"] else deferrals.answer_of(self._store, action)
        body = self._run(action, process)
        if body == {}:  # the event that it added was the response
            return None
        if body is None:
            deferrals.record(self._store, action)
        row: Document = {**action.key, "body": encode(body) if body is not None else b""}
        try:
            self._store.insert(RESULTS, [row])
        except DuplicateError:
            return self.perform(action)
        return body

    def add_draft(self, document: Any) -> tuple[Scenario, bool]:
        """Check a scenario and keep it in this node's own library.

        Returns:
            The scenario, and whether it is new here.

        Raises:
            InvalidScenarioError: It has errors.
        """
        draft = load(document)
        row: Document = {
            "id": draft.id,
            "name": draft.name,
            "title": draft.title,
            "document": encode(draft.normal_form),
        }
        try:
            self._store.insert(DRAFTS, [row])
        except DuplicateError:
            return draft, False
        return draft, True

    def drafts(self) -> list[dict[str, Any]]:
        """Return id, name and title of the scenarios in this node's own library."""
        return [{name: row[name] for name in ("id", "name", "title")} for row in self._store.find(DRAFTS)]

    def draft(self, scenario_id: str) -> dict[str, Any]:
        """Return the normal form of a scenario in this node's own library, by its id or the id its document gives.

        Raises:
            ScenarioNotFoundError: There is none.
        """
        row = self._store.get(DRAFTS, {"id": scenario_id})
        named = [] if row else self._store.find(DRAFTS, {"name": scenario_id}, limit=1)
        for found in [row] if row else named:
            document: dict[str, Any] = decode(found["document"])
            return document
        raise ScenarioNotFoundError("There is no such scenario here.")

    def _check_not_forgotten(self, entry: Entry, live: Live) -> None:
        """Take an entry back if another copy forgot the chain while it was applied: it would stand there alone."""
        if not self._store.needs_leases or live.head is None:
            return
        if self._store.get(ENTRIES, {"chain": entry.chain, "hash": live.head}) is None:
            self._store.delete(ENTRIES, {"chain": entry.chain, "hash": entry.hash})
            self._live.drop(entry.chain)
            raise OutOfStepError("the chain was forgotten meanwhile")

    def _is_applied(self, entry: Entry) -> bool:
        return self._store.get(ENTRIES, {"chain": entry.chain, "hash": entry.hash}) is not None

    def _in_step(self, entry: Entry) -> Live | None:
        """Return the present state of the entry's chain, if the entry follows it; None if it was applied before."""
        live = self._live.of(entry.chain)
        is_first = not entry.members  # whoever signs a later one is a member before it
        if (live.head is None and is_first) or live.head == entry.previous:
            return live
        if live.head == entry.hash or self._is_applied(entry):
            return None
        raise OutOfStepError("the entry does not follow the last one applied", hint="Forget the chain and replay it.")

    def _decide(self, entry: Entry, live: Live) -> Outcome:
        """Return what the entry comes to, on the present state of its chain. Nothing is written."""
        kind = "response" if entry.does_action else kind_of(entry.schema)
        row = bare_row(entry, kind, live.length)
        if kind == "scenario":
            return self._added_scenario(entry, live, row)
        if kind == "process":
            return starting.started(entry, live, row)
        if kind == "response":
            return self._stepped(entry, live, row)
        if kind in adaptive.KINDS:
            return adaptive.decide(kind, entry, live, row)
        return Outcome(row=row)

    def _added_scenario(self, entry: Entry, live: Live, row: Row) -> Outcome:
        added = load(dict(entry.body))
        for name in {added.id, added.name} - {None}:
            known = live.scenario(str(name))
            if known is not None and known.id != added.id:
                raise AlreadyExistsError("Another scenario of this chain has this id.", path="$.id")
        return Outcome(
            row={**row, "subject": added.id, "name": added.name, "document": encode(added.normal_form)},
        )

    def _stepped(self, entry: Entry, live: Live, row: Row) -> Outcome:
        process = live.process(process_reference(entry.body))
        if process is None:
            raise ProcessNotFoundError("There is no such process on this chain.", path="$.process")
        stepped = machine.step(process, entry, live.process)
        check_outcome(process, stepped, entry)
        row = {**row, "subject": process.id, "document": encode(stepped.previous[-1])}
        return Outcome(row=row, process=stepped, before=live.last_event(process.id))

    def _save_state(self, entry: Entry, outcome: Outcome) -> None:
        if outcome.process is None:
            return
        state: Document = {
            "chain": entry.chain,
            "process": outcome.process.id,
            "hash": entry.hash,
            "state": encode(outcome.process.state()),
        }
        self._store.put(STATES, state)

    def _drop_old_state(self, entry: Entry, outcome: Outcome) -> None:
        """Take back a state that was saved after a faster copy had gone on and removed it."""
        last = journal.last_step(self._store, entry.chain, outcome.process.id) if outcome.process else None
        if outcome.process and last is not None and last["hash"] != entry.hash:
            self._store.delete(STATES, {"chain": entry.chain, "process": outcome.process.id, "hash": entry.hash})

    def _run(self, action: DueAction, process: Process) -> dict[str, Any] | None:
        if action.action == TIMEOUT:
            return response_body(process, action.action, action.actor, "ok", None)
        call = Call(process=process, action=action.action, actor=action.actor, idempotency_key=action.idempotency_key)
        return self._triggers.run(call)
