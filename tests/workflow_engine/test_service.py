"""The service: applying entries once, whatever is repeated, raced or killed; and performing system actions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import samples
from eventchain.chain import EventChain
from eventchain.core import canonical_json
from eventchain.core.errors import LiveContractError
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from eventchain.tip import entries_of
from tests.node.leased import LeasedMemoryStore
from workflow_engine import deferrals
from workflow_engine.due import DueAction
from workflow_engine.errors import (
    ActionNotAvailableError,
    AlreadyExistsError,
    InvalidDataError,
    InvalidProcessError,
    InvalidScenarioError,
    OutOfStepError,
    ProcessNotFoundError,
    ScenarioNotFoundError,
    TriggerError,
)
from workflow_engine.records import ENTRIES, STATES
from workflow_engine.service import COLLECTIONS, WorkflowService, kind_of
from workflow_engine.triggers import Call, Outcome, Triggers
from workflow_engine.triggers.nop import nop

from .samples import DAY, ORDER, RESPONSE, Chain, played

TRIGGERS = Triggers({"nop": nop})


def make(store: DocumentStore, now: int = 0, triggers: Triggers = TRIGGERS) -> WorkflowService:
    return WorkflowService(store, lambda: now, triggers)


@pytest.fixture(params=["memory", "sqlite", "leased", pytest.param("mongodb", marks=pytest.mark.slow)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], DocumentStore]]:
    """Opens the same store again and again, as a node does that is started again."""
    opened: list[DocumentStore] = []
    memory = LeasedMemoryStore(COLLECTIONS) if request.param == "leased" else MemoryStore(COLLECTIONS)
    database = request.getfixturevalue("new_database")() if request.param == "mongodb" else ""

    def open_it() -> DocumentStore:
        if request.param in ("memory", "leased"):
            return memory
        is_file = request.param == "sqlite"
        opened.append(
            SqliteStore(tmp_path / "node.sqlite", COLLECTIONS) if is_file else MongoStore(database, None, COLLECTIONS)
        )
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


def test_entries_make_a_process_run_to_its_end(open_store: Callable[[], DocumentStore]) -> None:
    service, chain = make(open_store()), played()
    for entry in chain.entries:
        service.apply(entry)
    process = service.process("p")
    assert (process.current.key, process.is_finished) == (":success", True)
    assert process.assets == {"order": {"currency": "EUR", "lines": [{"item": "chair"}], "price": 12.5}}
    assert [response["event"] for response in process.previous] == [f"chain/{n}" for n in (3, 5, 6, 7, 8)]
    assert process.previous[1]["title"] == "Buyer ordered for 12.5"
    assert service.head("chain") == chain.head


def test_node_started_again_after_every_entry_knows_the_same(open_store: Callable[[], DocumentStore]) -> None:
    running = make(MemoryStore(COLLECTIONS))
    for entry in played().entries:
        make(open_store()).apply(entry)
        running.apply(entry)
        assert make(open_store()).projection("chain") == running.projection("chain")


def test_projection_is_the_same_on_every_node_and_in_every_order_of_chains() -> None:
    one, two = make(MemoryStore(COLLECTIONS)), make(MemoryStore(COLLECTIONS))
    first, second = played("a").entries, played("b").entries
    for entry in [*first, *second]:
        one.apply(entry)
    for pair in zip(first, second, strict=True):
        for entry in pair:
            two.apply(entry)
            two.apply(entry)
    for chain in "ab":
        assert canonical_json.encode(one.projection(chain)) == canonical_json.encode(two.projection(chain))


@given(st.lists(st.integers(0, 8), max_size=30))
def test_entries_that_come_again_or_too_early_change_nothing(order: list[int]) -> None:
    service, entries = make(MemoryStore(COLLECTIONS)), played().entries
    service.apply(entries[0])
    applied = 0
    for index in order:
        if index <= applied + 1:
            service.apply(entries[index])
            applied = max(applied, index)
        else:
            with pytest.raises(OutOfStepError):
                service.apply(entries[index])
        assert service.head("chain") == entries[applied].hash
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries[: applied + 1]:
        reference.apply(entry)
    assert service.projection("chain") == reference.projection("chain")


class Killed(Exception):  # noqa: N818
    """The node dies here."""


class DyingStore:
    """A store whose node dies at its n-th write, before or after it is done."""

    def __init__(self, store: DocumentStore, writes: int, *, done: bool) -> None:
        self._store, self._writes, self._done = store, writes, done

    def _write(self, call: Callable[..., Any], *arguments: Any) -> Any:
        self._writes -= 1
        if self._writes == 0 and not self._done:
            raise Killed
        result = call(*arguments)
        if self._writes == 0:
            raise Killed
        return result

    def insert(self, collection: Collection, documents: list[Document]) -> Any:
        return self._write(self._store.insert, collection, documents)

    def put(self, collection: Collection, document: Document) -> Any:
        return self._write(self._store.put, collection, document)

    def delete(self, collection: Collection, where: Document) -> Any:
        return self._write(self._store.delete, collection, where)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("write", range(1, 30))
def test_kill_at_any_write_loses_and_doubles_nothing(write: int, done: bool) -> None:
    store, entries = MemoryStore(COLLECTIONS), played().entries
    dying = make(DyingStore(store, write, done=done))  # type: ignore[arg-type]  # a test's stand-in
    for entry in entries:
        try:
            dying.apply(entry)
        except Killed:
            break
    again = make(store)
    for entry in entries:
        again.apply(entry)
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    assert again.projection("chain") == reference.projection("chain")


def test_two_nodes_racing_for_one_place_agree_with_the_store() -> None:
    store, chain = MemoryStore(COLLECTIONS), Chain()
    for entry in (chain.scenario(), chain.process()):
        make(store).apply(entry)
    ours = chain.response("order", data={"price": 1})
    chain.entries.pop()
    theirs = chain.entry({**ours.body, "data": {"price": 2}}, at=7)
    theirs = type(theirs)(**{**{name: getattr(theirs, name) for name in theirs.__slots__}, "hash": "chain/other"})
    slow = make(store)
    slow.process("p")

    class RacingStore(DyingStore):
        def insert(self, collection: Collection, documents: list[Document]) -> Any:
            if collection.name == "workflow_entries":
                make(store).apply(ours)
            return store.insert(collection, documents)

    racing = make(RacingStore(store, -1, done=False))  # type: ignore[arg-type]  # a test's stand-in
    with pytest.raises(OutOfStepError):
        racing.apply(theirs)
    for service in (slow, racing, make(store)):
        assert service.process("p").assets["order"]["price"] == 1
        assert service.head("chain") == ours.hash


def test_forgotten_chain_is_replayed_to_the_same_projection(open_store: Callable[[], DocumentStore]) -> None:
    service, entries = make(open_store()), played().entries
    for entry in entries:
        service.apply(entry)
    before = service.projection("chain")
    service.forget("chain")
    assert service.head("chain") is None
    with pytest.raises(ProcessNotFoundError):
        service.process("p")
    for entry in entries:
        service.apply(entry)
    assert service.projection("chain") == before


def test_node_that_another_one_replays_under_sees_what_the_store_has() -> None:
    store, entries = MemoryStore(COLLECTIONS), played().entries
    first, second = make(store), make(store)
    for entry in entries:
        first.apply(entry)
    assert first.process("p").is_finished
    second.forget("chain")
    assert first.head("chain") is None
    for entry in entries[:4]:
        second.apply(entry)
    assert first.head("chain") == entries[3].hash
    assert not first.process("p").is_finished
    first.apply(entries[4])
    second.apply(entries[5])
    assert first.projection("chain") == second.projection("chain")


def refused(service: WorkflowService, chain: Chain, make_entry: Callable[[Chain], Any]) -> LiveContractError:
    """The error with which an entry is refused, by a dry run as well, leaving everything as it was."""
    entry, before = make_entry(chain), service.projection(chain.name)
    with pytest.raises(LiveContractError) as checked:
        service.check(entry)
    with pytest.raises(LiveContractError) as applied:
        service.apply(entry)
    assert (type(checked.value), str(checked.value)) == (type(applied.value), str(applied.value))
    assert service.projection(chain.name) == before
    chain.entries.remove(entry)
    return applied.value


def test_refused_entries_change_nothing_and_say_why() -> None:
    service, chain = make(MemoryStore(COLLECTIONS)), Chain()
    for entry in (chain.scenario(), chain.process()):
        service.apply(entry)
    cases: list[tuple[Callable[[Chain], Any], type[LiveContractError], str | None]] = [
        (lambda c: c.scenario({**ORDER, "title": "Other"}), AlreadyExistsError, "$.id"),
        (lambda c: c.scenario({**ORDER, "states": {}}), InvalidScenarioError, None),
        (lambda c: c.process(), AlreadyExistsError, "$.id"),
        (lambda c: c.process(id="q", scenario="nothing"), InvalidProcessError, "$.scenario"),
        (lambda c: c.process(id="q", actors={"buyer": "nobody"}), InvalidProcessError, "$.actors.buyer.identity"),
        (lambda c: c.process(id="q", chain="elsewhere"), InvalidProcessError, "$.chain"),
        (lambda c: c.response("sign"), ActionNotAvailableError, "$.action"),
        (lambda c: c.response("order", process="q"), ProcessNotFoundError, "$.process"),
        (lambda c: c.response("order", data={"price": "much"}), InvalidDataError, "$.data.price"),
    ]
    for make_entry, family, path in cases:
        error = refused(service, chain, make_entry)
        assert isinstance(error, family)
        if path is not None:
            assert error.path == path
    service.apply(chain.response("order", data={"price": 1}))


def test_same_scenario_again_is_no_conflict() -> None:
    service, chain = make(MemoryStore(COLLECTIONS)), Chain()
    service.apply(chain.scenario())
    service.apply(chain.scenario())
    assert len({found.id for found in service.scenarios("chain")}) == 1
    assert service.scenario("order", "chain").name == "order"
    with pytest.raises(ScenarioNotFoundError):
        service.scenario("order", "another chain")


def test_dry_run_writes_nothing() -> None:
    store, chain = MemoryStore(COLLECTIONS), Chain()
    make(store).check(chain.scenario())
    assert all(store.find(collection) == [] for collection in COLLECTIONS)


def signed() -> Chain:
    chain = played()
    del chain.entries[8:]
    return chain


def test_system_action_is_due_for_the_node_of_its_actor_only() -> None:
    service = make(MemoryStore(COLLECTIONS))
    for entry in signed().entries:
        service.apply(entry)
    assert service.due("chain", {"acme"}) == []
    assert service.due("chain", {"beta"}) == [
        DueAction(
            chain="chain",
            process="p",
            action="notify",
            actor="seller",
            identity="beta",
            cause="chain/7",
            when="immediately",
        )
    ]


def test_performed_action_gives_a_response_that_is_accepted(open_store: Callable[[], DocumentStore]) -> None:
    service, chain = make(open_store()), signed()
    for entry in chain.entries:
        service.apply(entry)
    [action] = service.due("chain", {"beta"})
    body = service.perform(action)
    assert body is not None
    service.apply(chain.entry(body, "beta", key="system"))
    assert service.process("p").current.key == ":success"
    assert service.due("chain", {"beta"}) == []
    assert service.perform(action) is None


def test_action_performed_again_calls_the_world_once(open_store: Callable[[], DocumentStore]) -> None:
    calls: list[Call] = []

    def trigger(call: Call) -> Outcome:
        calls.append(call)
        return Outcome(key="ok", data=len(calls))

    for entry in signed().entries:
        make(open_store()).apply(entry)
    bodies = []
    for _ in range(3):
        service = make(open_store(), triggers=Triggers({"nop": trigger}))
        [action] = service.due("chain", {"beta"})
        bodies.append(service.perform(action))
    assert len(calls) == 1
    assert bodies[0] == bodies[1] == bodies[2]
    assert calls[0].idempotency_key == action.idempotency_key


def test_action_killed_before_its_result_is_stored_is_repeated_under_the_same_key() -> None:
    calls: list[Call] = []

    def trigger(call: Call) -> Outcome:
        calls.append(call)
        return Outcome(key="ok", data=len(calls))

    store, triggers = MemoryStore(COLLECTIONS), Triggers({"nop": trigger})
    for entry in signed().entries:
        make(store).apply(entry)
    [action] = make(store).due("chain", {"beta"})
    with pytest.raises(Killed):
        make(DyingStore(store, 1, done=False), triggers=triggers).perform(action)  # type: ignore[arg-type]
    body = make(store, triggers=triggers).perform(action)
    assert body is not None
    assert body["data"] == 2
    assert calls[0].idempotency_key == calls[1].idempotency_key


class SlowlyDeletingStore:
    """A store that dies while it deletes many documents: some are gone, and some, the last included, are not."""

    needs_leases = True

    def __init__(self, store: DocumentStore, deletions: int) -> None:
        self._store = store
        self._left = deletions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, collection: Collection, where: Document) -> int:
        documents = self._store.find(collection, where)
        for document in documents:
            self._left -= 1
            if self._left < 0:
                raise Killed
            self._store.delete(collection, {name: document[name] for name in collection.key})
        return len(documents)


@pytest.mark.parametrize("deletions", range(12))
def test_chain_whose_forgetting_was_killed_is_seen_to_be_incomplete(deletions: int) -> None:
    store, entries = LeasedMemoryStore(COLLECTIONS), played().entries
    for entry in entries:
        make(store).apply(entry)
    before = make(store).projection("chain")
    try:
        make(SlowlyDeletingStore(store, deletions)).forget("chain")  # type: ignore[arg-type]  # it passes on the rest
    except Killed:
        assert make(store).head("chain") not in {entry.hash for entry in entries}
    make(store).forget("chain")
    assert store.find(ENTRIES) == store.find(STATES) == []
    for entry in entries:
        make(store).apply(entry)
    assert make(store).projection("chain") == before


@pytest.mark.parametrize("deletions", range(1, 10))
def test_action_whose_chain_is_derived_again_is_performed_later_and_not_forgotten(deletions: int) -> None:
    store, entries = LeasedMemoryStore(COLLECTIONS), signed().entries
    for entry in entries:
        make(store).apply(entry)
    [action] = make(store).due("chain", {"beta"})
    with suppress(Killed):
        make(SlowlyDeletingStore(store, deletions)).forget("chain")  # type: ignore[arg-type]  # it passes on the rest
    with pytest.raises(OutOfStepError):
        make(store).perform(action)
    make(store).forget("chain")
    for entry in entries:
        with pytest.raises(OutOfStepError):
            make(store).perform(action)
        make(store).apply(entry)
    assert make(store).perform(action) is not None


def test_entry_applied_while_another_copy_forgot_the_chain_is_taken_back() -> None:
    store, entries = LeasedMemoryStore(COLLECTIONS), played().entries
    for entry in entries[:3]:
        make(store).apply(entry)

    class ForgottenStore(DyingStore):
        needs_leases = True

        def insert(self, collection: Collection, documents: list[Document]) -> Any:
            make(store).forget("chain")
            return store.insert(collection, documents)

    overtaken = make(ForgottenStore(store, -1, done=False))  # type: ignore[arg-type]  # a test's stand-in
    with pytest.raises(OutOfStepError):
        overtaken.apply(entries[3])
    assert store.find(ENTRIES) == []
    assert overtaken.head("chain") is None


@pytest.mark.parametrize("index", [3, 4])
def test_entry_is_no_beginning_of_a_chain_that_another_copy_forgot(index: int) -> None:
    """A response would be refused for good, and a comment would stand there alone, with no process beside it."""
    store, entries = LeasedMemoryStore(COLLECTIONS), played().entries
    for entry in entries[:index]:
        make(store).apply(entry)
    service = make(store)
    assert service.head("chain") == entries[index - 1].hash
    make(store).forget("chain")
    with pytest.raises(OutOfStepError):
        service.apply(entries[index])
    assert store.find(ENTRIES) == []


@pytest.mark.parametrize("deletions", [1, 2, 3, 100])
def test_entry_is_not_refused_for_what_another_copy_is_forgetting(deletions: int) -> None:
    store, entries = LeasedMemoryStore(COLLECTIONS), played().entries
    for entry in entries[:5]:
        make(store).apply(entry)

    class ForgottenStore(DyingStore):
        needs_leases = True

        def find(self, collection: Collection, where: Document | None = None, **named: Any) -> Any:
            if where and "subject" in where:
                with suppress(Killed):
                    make(SlowlyDeletingStore(store, deletions)).forget("chain")  # type: ignore[arg-type]  # see there
            return store.find(collection, where, **named)

    overtaken = make(ForgottenStore(store, -1, done=False))  # type: ignore[arg-type]  # a test's stand-in
    with pytest.raises(OutOfStepError):
        overtaken.apply(entries[5])


def test_many_threads_applying_the_same_entries_come_to_the_same(open_store: Callable[[], DocumentStore]) -> None:
    store, entries = open_store(), played().entries
    services = [make(store), make(store)]
    unexpected: list[BaseException] = []

    def work(service: WorkflowService) -> None:
        for entry in entries:
            try:
                while service.head("chain") != entry.hash:
                    try:
                        service.apply(entry)
                        break
                    except OutOfStepError:
                        continue
            except BaseException as error:  # noqa: BLE001  # shown by the test
                unexpected.append(error)
                return

    threads = [threading.Thread(target=work, args=[service]) for service in services * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    assert unexpected == []
    assert make(store).projection("chain") == reference.projection("chain")
    assert len(store.find(STATES)) == 1


class Meanwhile:
    """A store in which something happens just before the beginning of a process is looked for the first time."""

    def __init__(self, store: DocumentStore, happens: Callable[[], object]) -> None:
        self._store = store
        self._happens: list[Callable[[], object]] = [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def find(self, collection: Collection, where: Document | None = None, **more: Any) -> list[Document]:
        if where and where.get("kind") == "process" and self._happens:
            self._happens.pop()()
        return self._store.find(collection, where, **more)


def test_copy_that_reads_a_process_too_late_changes_nothing() -> None:
    id_ = samples.chain_id("repeats")
    bodies = [*samples.introduction(2), samples.response(0), samples.response(1)]
    chain = EventChain(id_, tuple(samples.signed(bodies, id_.initial_hash)))
    entries = [entry for _, entry in entries_of(chain)]
    store = MemoryStore(COLLECTIONS)
    fast = make(store)
    for entry in entries[:-1]:
        fast.apply(entry)
    slow = make(cast("DocumentStore", Meanwhile(store, lambda: fast.apply(entries[-1]))))
    slow.apply(entries[-1])  # an action that may be repeated: it must not be applied to what it came to itself
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    assert make(store).projection(str(id_)) == reference.projection(str(id_))
    assert len(store.find(STATES)) == 1


def test_deferred_action_is_not_called_again() -> None:
    calls: list[Call] = []
    service = make(MemoryStore(COLLECTIONS), triggers=Triggers({"nop": lambda call: calls.append(call)}))
    for entry in signed().entries:
        service.apply(entry)
    [action] = service.due("chain", {"beta"})
    assert service.perform(action) is None
    assert service.perform(action) is None
    assert len(calls) == 1


def test_failed_action_is_performed_again() -> None:
    outcomes: list[Outcome | None] = [None, Outcome(key="ok")]

    def trigger(_call: Call) -> Outcome:
        outcome = outcomes.pop(0)
        if outcome is None:
            raise TriggerError("not now")
        return outcome

    service = make(MemoryStore(COLLECTIONS), triggers=Triggers({"nop": trigger}))
    for entry in signed().entries:
        service.apply(entry)
    [action] = service.due("chain", {"beta"})
    with pytest.raises(TriggerError):
        service.perform(action)
    assert service.perform(action) is not None


def test_timeout_is_due_when_it_is_over_and_moves_the_process() -> None:
    store, chain = MemoryStore(COLLECTIONS), played()
    del chain.entries[6:]
    for entry in chain.entries:
        make(store).apply(entry)
    over = 5000 + 7 * DAY
    assert make(store, over - 1).due("chain", {"acme"}) == []
    [action] = make(store, over).due("chain", {"acme"})
    assert action.action == ":timeout"
    body = make(store, over).perform(action)
    assert body is not None
    error = refused(make(store), chain, lambda c: c.entry(body, key="system", at=over - 1))
    assert isinstance(error, ActionNotAvailableError)
    make(store).apply(chain.entry(body, key="system", at=over))
    assert make(store).process("p").current.key == ":failed"


def test_same_process_id_on_two_chains_asks_for_the_chain() -> None:
    service = make(MemoryStore(COLLECTIONS))
    for name in "ab":
        for entry in played(name).entries:
            service.apply(entry)
    with pytest.raises(AlreadyExistsError):
        service.process("p")
    assert service.process("p", "b").chain == "b"


def test_library_keeps_a_checked_scenario_once() -> None:
    service = make(MemoryStore(COLLECTIONS))
    draft, is_new = service.add_draft(ORDER)
    assert is_new
    assert service.add_draft(ORDER) == (draft, False)
    assert service.drafts() == [{"id": draft.id, "name": "order", "title": "Order"}]
    assert service.draft("order") == service.draft(draft.id) == draft.normal_form
    with pytest.raises(ScenarioNotFoundError):
        service.draft("nothing")
    with pytest.raises(InvalidScenarioError):
        service.add_draft({"$schema": "nothing"})


def test_bounded_memory_changes_nothing() -> None:
    store = MemoryStore(COLLECTIONS)
    service = WorkflowService(store, lambda: 0, TRIGGERS, live_chains=1)
    for pair in zip(*(played(name).entries for name in "abc"), strict=True):
        for entry in pair:
            service.apply(entry)
    assert all(service.process("p", name).is_finished for name in "abc")


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (None, "other"),
        ("https://specs.livecontracts.io/v0.2.0/response/schema.json#", "response"),
        ("https://specs.livecontracts.io/v0.1.0/comment/schema.json#", "comment"),
        ("urn:livecontract:comment:1", "comment"),
        ("https://specs.livecontracts.io/v0.1.0/deviation/schema.json#", "other"),
        ("https://evil.example/response/schema.json#", "other"),
        ("urn:livecontract:scenario:1", "scenario"),
        ("urn:livecontract:scenario:2", "other"),
    ],
)
def test_schema_says_what_a_body_is(schema: str | None, kind: str) -> None:
    assert kind_of(schema) == kind


def test_answer_survives_a_copy_that_notes_down_late_that_it_is_awaited(
    open_store: Callable[[], DocumentStore],
) -> None:
    store = open_store()
    service = make(store, triggers=Triggers({"nop": lambda _call: None}))
    for entry in signed().entries:
        service.apply(entry)
    [action] = service.due("chain", {"beta"})
    assert service.perform(action) is None
    body = {"process": "p", "action": "notify", "key": "ok"}
    assert deferrals.give(store, action.idempotency_key, body)
    deferrals.record(store, action)
    assert service.perform(action) == body
    assert not deferrals.give(store, action.idempotency_key, {**body, "key": "error"})


def test_answered_action_is_told_of_until_its_response_is_on_the_chain(
    open_store: Callable[[], DocumentStore],
) -> None:
    store, chain = open_store(), signed()
    service = make(store, triggers=Triggers({"nop": lambda _call: None}))
    for entry in chain.entries:
        service.apply(entry)
    [action] = service.due("chain", {"beta"})
    service.perform(action)
    assert service.overdue("chain", {"beta"}) == []
    assert deferrals.give(store, action.idempotency_key, {"process": "p", "action": "notify", "key": "ok"})
    for _ in range(2):
        assert service.overdue("chain", {"beta"}) == [action]
        assert service.overdue("chain", {"acme"}) == service.overdue("other", {"beta"}) == []
    service.forget("chain")
    assert service.overdue("chain", {"beta"}) == []
    for entry in chain.entries:
        service.apply(entry)
    assert service.overdue("chain", {"beta"}) == [action]
    body = service.perform(action)
    assert body is not None
    service.apply(chain.entry({"$schema": RESPONSE, **body}, "beta", key="system"))
    assert service.overdue("chain", {"beta"}) == []
    assert deferrals.answered(store, "chain") == []
