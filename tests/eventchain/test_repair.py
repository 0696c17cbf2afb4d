"""What a copy that was killed left half done is found by its lease, and everything agrees with the events again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from eventchain.archive import CONFLICTS, EVENTS, MEMBERS
from eventchain.branch import complete_branches
from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, UnavailableError
from eventchain.errors import ChainBusyError
from eventchain.lease import LEASE_MS, LEASES, Leases
from eventchain.service import EventChainService
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.errors import StoreUnavailableError
from livecontract.plugs import QueuePlug
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.leased import LeasedStorage, MortalStore
from tests.node.stage import Stage, check_equal, refusal, silence
from tests.node.test_forks import send_to_fork
from workflow_engine.engine import OwnEngine


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence(50):
        yield


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    storage = LeasedStorage(tmp_path)
    return Stage.of(Simulation(1, names=("buyer", "seller"), storage=storage)).found().start_quotation()


def store_of(stage: Stage) -> DocumentStore:
    store = stage.node("buyer").parts.store
    assert store.needs_leases
    return store


def leave_lease(stage: Stage) -> None:
    """Die while holding the chain."""
    dead = Leases(store_of(stage), stage.simulation.clock, lambda count: bytes(count), LEASE_MS)
    assert dead.take([stage.chain], dead.new_holder())
    stage.simulation.clock.now += LEASE_MS


def test_engine_that_was_led_ahead_by_a_dead_copy_is_set_right_without_a_new_event(stage: Stage) -> None:
    service = stage.node("buyer").eventchain
    ahead = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "x", "quantity": 1}))
    stage["buyer"].send(ahead)
    stage.simulation.settle(receipts=False)
    last = service.tip(stage.chain)
    store_of(stage).delete(EVENTS, {"chain": stage.chain, "hash": base58.encode(last.hash)})
    assert stage.state("buyer") == "requested"
    assert service.resume() == 0
    assert stage.state("buyer") == "requested"
    leave_lease(stage)
    service.resume()
    assert stage.state("buyer") == "initial"
    assert store_of(stage).find(LEASES) == []


def test_system_action_is_told_of_again_when_the_copy_that_had_done_it_died_before_it_was_saved(stage: Stage) -> None:
    """Whoever looked while the engine was ahead saw that nothing is due, and dropped the message."""
    terms = {"item": "x", "quantity": 1, "unit_price": 1, "currency": "EUR", "delivery": "2030-01-01"}
    stage.act("buyer", "request", {"item": "x", "quantity": 1, "notify_url": "http://example.com/orders"})
    stage.simulation.settle(receipts=False)
    stage.act("seller", "offer", terms)
    stage.simulation.settle(receipts=False)
    stage.act("buyer", "accept")
    stage.simulation.settle(receipts=False)
    for name in ("seller", "buyer"):
        stage.act(name, "sign")
        stage.simulation.settle(receipts=False)
    service = stage.node("buyer").eventchain
    assert stage.state("buyer") == "appointing"
    last = service.tip(stage.chain)
    store_of(stage).delete(EVENTS, {"chain": stage.chain, "hash": base58.encode(last.hash)})
    leave_lease(stage)
    assert stage.node("buyer").parts.broker.depth("triggers").waiting == 0
    service.resume()
    assert stage.state("buyer") == "notifying"
    assert stage.node("buyer").parts.broker.depth("triggers").waiting == 1
    stage.simulation.settle(receipts=False)
    assert stage.state("buyer") == "appointing"


def test_members_that_a_dead_copy_did_not_write_are_written(stage: Stage) -> None:
    store = store_of(stage)
    members = store.find(MEMBERS)
    store.delete(MEMBERS, {"chain": stage.chain})
    leave_lease(stage)
    stage.node("buyer").eventchain.resume()
    assert store.find(MEMBERS) == members
    check_equal(stage, ("buyer", "seller"))


@pytest.mark.parametrize("kept", range(3))
def test_branches_that_a_dead_copy_did_not_put_in_view_are_found(stage: Stage, kept: int) -> None:
    """A branch of three events, and another one that leaves it after the first."""
    root = stage.canonical("buyer").events[-2].hash
    first = send_to_fork(stage, "buyer", root)
    second = send_to_fork(stage, "buyer", first.hash)
    third = send_to_fork(stage, "buyer", second.hash)
    beside = send_to_fork(stage, "buyer", first.hash)
    service, store = stage.node("buyer").eventchain, store_of(stage)
    whole = store.find(CONFLICTS)
    assert {(document["root"], document["tip"]) for document in whole} == {
        (base58.encode(first.hash), base58.encode(third.hash)),
        (base58.encode(beside.hash), base58.encode(beside.hash)),
    }
    complete_branches(service.archive, stage.id)
    assert store.find(CONFLICTS) == whole
    store.delete(CONFLICTS, {"chain": stage.chain})
    for document in [whole[0], {**whole[0], "tip": base58.encode(second.hash)}][:kept]:
        store.put(CONFLICTS, document)
    known = stage.known("seller")
    leave_lease(stage)
    service.resume()
    assert stage.known("buyer") >= {first.hash, second.hash, third.hash, beside.hash}
    assert stage.known("buyer") >= known
    complete_branches(service.archive, stage.id)
    assert len(store.find(CONFLICTS)) == 2


def test_chain_that_cannot_be_set_right_stays_left_behind(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_chain: str) -> None:
        raise UnavailableError("the engine is away")

    service = stage.node("buyer").eventchain
    leave_lease(stage)
    with monkeypatch.context() as patched:
        patched.setattr(stage.node("buyer").workflow, "head", away)
        service.resume()
    assert [document["chain"] for document in store_of(stage).find(LEASES)] == [stage.chain]
    stage["buyer"].post(stage.chain, stage.note())
    assert store_of(stage).find(LEASES) == []
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "seller"))


def test_effects_are_left_undone_when_another_copy_took_the_chain_over_meanwhile(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, note = stage.node("buyer"), stage["buyer"].sign(stage.chain, stage.note())

    def read_while_derived_again(*_: object) -> list[object]:
        stage.simulation.clock.now += LEASE_MS
        other = Leases(store_of(stage), stage.simulation.clock, lambda count: bytes(count), LEASE_MS)
        holder = other.new_holder()
        assert other.take([stage.chain], holder) == {stage.chain: True}
        other.give_back(holder)
        return []

    with monkeypatch.context() as patched:
        patched.setattr(node.workflow, "due", read_while_derived_again)
        error = refusal(stage["buyer"].send, note)
    assert isinstance(error, ChainBusyError)
    assert len(node.eventchain.archive.pending(10)) == 1
    stage["buyer"].send(note)
    assert node.eventchain.resume() == 1
    assert node.eventchain.archive.pending(10) == []


@pytest.mark.parametrize("broken", [0, 1])
def test_chain_whose_effects_cannot_be_done_holds_up_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    def away(*_: object) -> None:
        raise UnavailableError("it is away")

    node = stage.node("buyer")
    chains = sorted([stage.chain, stage["buyer"].create_chain("another")])
    with monkeypatch.context() as patched:
        patched.setattr(node.parts.broker, "publish", away)
        for chain in chains:
            stage["buyer"].post(chain, stage.note())
    head = node.workflow.head
    with monkeypatch.context() as patched:
        patched.setattr(node.workflow, "head", lambda chain: away() if chain == chains[broken] else head(chain))
        assert node.eventchain.resume() == 1
    assert [document["chain"] for document in node.eventchain.archive.pending(10)] == [chains[broken]]


def test_engine_that_was_told_ahead_of_what_is_not_saved_is_set_right_without_a_new_event(stage: Stage) -> None:
    """The store fails between telling the engine and saving, and who sent the event does not come back."""
    node = stage.node("buyer")
    parts, fails = node.parts, [False]

    class ToldAhead(OwnEngine):
        @contextmanager
        def ahead(self, entries: Iterable[Entry]) -> Iterator[None]:
            for entry in entries:
                node.workflow.apply(entry)
                fails[0] = True
            yield

    class Failing(MortalStore):
        def find(self, collection: Collection, *arguments: Any, **named: Any) -> list[Document]:
            if collection is EVENTS and fails[0]:
                fails[0] = False
                raise StoreUnavailableError("away")
            return super().find(collection, *arguments, **named)

    service = EventChainService(
        store=Failing(parts.store, lambda _: False, lambda _: False),
        engine=ToldAhead(node.workflow, parts.clock),
        queue=QueuePlug(parts.broker),
        key=parts.key,
        clock=parts.clock,
    )
    document = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "x", "quantity": 1}))
    assert isinstance(refusal(service.add, document), StoreUnavailableError)
    assert stage.state("buyer") == "requested"
    service.resume()
    assert stage.state("buyer") == "initial"
    assert store_of(stage).find(LEASES) == []


def test_projection_whose_derivation_broke_off_is_derived_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a copy that was so slow that another one took over; nobody need send an event for that."""
    node = stage.node("buyer")
    node.workflow.forget(stage.chain)
    document, apply = stage["buyer"].sign(stage.chain, stage.note()), node.workflow.apply
    applied: list[Entry] = []

    def break_off(entry: Entry) -> None:
        if len(applied) == 2:
            raise ChainBusyError("another copy took the chain over")
        applied.append(entry)
        apply(entry)

    with monkeypatch.context() as patched:
        patched.setattr(node.workflow, "apply", break_off)
        assert isinstance(refusal(stage["buyer"].send, document), ChainBusyError)
    node.eventchain.resume()
    assert stage.state("buyer") == "initial"
    assert store_of(stage).find(LEASES) == []


def test_event_is_not_refused_for_good_because_those_before_it_cannot_be_derived_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an engine of another version: when that is mended, the event is as good as it was."""

    def refuse(_entry: Entry) -> None:
        raise InvalidError("it knows no such scenario")

    node, document = stage.node("buyer"), stage["buyer"].sign(stage.chain, stage.note())
    node.workflow.forget(stage.chain)
    for _ in range(2):  # first for the event itself, then for what it left behind
        with monkeypatch.context() as patched:
            patched.setattr(node.workflow, "apply", refuse)
            assert isinstance(refusal(stage["buyer"].send, document), UnavailableError)
    stage["buyer"].send(document)
    assert stage.state("buyer") == "initial"
