"""What a copy that was killed left half done is found by its lease, and everything agrees with the events again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventchain.archive import CONFLICTS, EVENTS, MEMBERS
from eventchain.branch import complete_branches
from eventchain.core import base58
from eventchain.core.errors import UnavailableError
from eventchain.lease import LEASE_MS, LEASES, Leases
from eventchain.store.document_store import DocumentStore
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.leased import LeasedStorage
from tests.node.stage import Stage, check_equal, silence
from tests.node.test_forks import send_to_fork


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
