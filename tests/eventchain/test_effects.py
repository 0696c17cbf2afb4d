"""Steps 6 to 8: which messages follow from saved events, for whom, and that none is lost or repeated with effect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.message import Delivery
from eventchain.archive import EVENTS
from eventchain.chain import read_chain
from eventchain.core import base58
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from eventchain.intake import Parcel
from livecontract.simulated_party import response
from livecontract.simulation import NodeDownError, NodeKilled, Simulation
from tests.node.stage import Stage, check_equal, part_of, refusal, silence


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield


@pytest.fixture
def stage() -> Stage:
    return Stage.of(Simulation(1)).found()


def waiting(stage: Stage, queue: str, name: str = "buyer") -> list[Delivery]:
    """Take out what waits in a queue of a node."""
    broker = stage.node(name).parts.broker
    found = broker.receive(queue, 100)
    broker.ack(found)
    return found


def hashes_of(delivery: Delivery) -> list[str]:
    return [base58.encode(event.hash) for event in read_chain(json.loads(delivery.message.body)).events]


def last_hash(stage: Stage, name: str = "buyer") -> str:
    return base58.encode(stage.canonical(name).latest_hash)


def test_event_of_a_user_is_anchored_and_forwarded_once(stage: Stage) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    for _ in range(3):
        stage["buyer"].send(document)
    (anchoring,), (relaying,) = waiting(stage, "anchor"), waiting(stage, "relay")
    assert json.loads(anchoring.message.body) == [last_hash(stage)]
    assert relaying.message.group == "http://seller"
    assert hashes_of(relaying) == [last_hash(stage)]
    assert waiting(stage, "triggers") == []


def test_event_another_node_brings_is_neither_anchored_nor_forwarded_again(stage: Stage) -> None:
    document = stage["seller"].sign(stage.chain, stage.note())
    system = str(stage.node("seller").parts.key.public_key)
    stage.node("buyer").eventchain.add(document, system)
    assert waiting(stage, "anchor") == waiting(stage, "relay") == []
    assert len(stage.canonical("buyer").events) == 3


def test_node_that_joins_gets_the_whole_chain_and_the_others_the_event(stage: Stage) -> None:
    stage["buyer"].post(stage.chain, stage["inspector"].identity)
    relayed = {item.message.group: hashes_of(item) for item in waiting(stage, "relay")}
    everything = [base58.encode(event.hash) for event in stage.canonical("buyer").events]
    assert relayed == {"http://seller": everything[-1:], "http://inspector": everything}


def test_parcels_of_one_batch_reach_who_joins_with_the_first_of_them(stage: Stage) -> None:
    service, sender = stage.node("buyer").eventchain, str(stage["buyer"].key.public_key)
    joining = stage["buyer"].sign(stage.chain, stage["inspector"].identity)
    tip = service.tip(stage.chain).advance(read_chain(joining).events[0])[0]
    note = stage["buyer"].sign(stage.chain, stage.note(), tip=tip)
    assert service.add_all([Parcel(joining, sender), Parcel(note, sender)]) == [None, None]
    relayed: dict[str, list[str]] = {}
    for item in waiting(stage, "relay"):
        relayed.setdefault(item.message.group, []).extend(hashes_of(item))
    everything = [base58.encode(event.hash) for event in stage.canonical("buyer").events]
    assert relayed == {"http://seller": everything[-2:], "http://inspector": everything}


def test_node_that_moved_gets_the_whole_chain_at_its_new_place_only() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller", "inspector"))).found()
    moved = {"$schema": IDENTITY_SCHEMA, "id": "seller", "node": "http://inspector"}
    keys = {
        "user": str(stage["seller"].key.public_key),
        SYSTEM_KEY: str(stage.node("inspector").parts.key.public_key),
    }
    stage["seller"].post(stage.chain, {**moved, "signkeys": keys})
    stage.simulation.settle(receipts=False)
    check_equal(stage)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    assert stage.canonical("inspector") == stage.canonical("buyer")
    assert len(stage.canonical("seller").events) == 3
    stage["seller"].send(_at_inspector(stage), to="inspector")
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "inspector"))
    assert len(stage.canonical("seller").events) == 3


def _at_inspector(stage: Stage) -> dict[str, Any]:
    tip = stage.node("inspector").eventchain.tip(stage.chain)
    return stage["seller"].sign(stage.chain, stage.note(), tip=tip)


def test_node_of_a_removed_identity_gets_its_removal_and_nothing_after(stage: Stage) -> None:
    stage["seller"].post(stage.chain, {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}})
    stage.simulation.settle(receipts=False)
    stage["buyer"].post(stage.chain, stage.note())
    assert waiting(stage, "relay") == []


def test_identities_that_share_a_node_share_a_message(stage: Stage) -> None:
    shared = stage["inspector"].identity
    stage["buyer"].post(stage.chain, {**shared, "node": "http://seller", "signkeys": {"user": _key("clerk")}})
    assert [item.message.group for item in waiting(stage, "relay")] == ["http://seller"]


def _key(name: str) -> str:
    return str(KeyPair.from_seed_phrase(name).public_key)


def test_own_node_is_not_sent_what_it_has(stage: Stage) -> None:
    stage["buyer"].post(stage.chain, {**stage["inspector"].identity, "node": "http://buyer"})
    assert [item.message.group for item in waiting(stage, "relay")] == ["http://seller"]


def test_system_action_is_triggered_at_the_node_of_its_actor_only(stage: Stage) -> None:
    stage.start_quotation()
    steps = [
        ("buyer", "request", {"item": "x", "quantity": 1, "notify_url": "http://example.com"}),
        ("seller", "offer", {"item": "x", "quantity": 1, "unit_price": 1, "currency": "EUR", "delivery": "2030-01-01"}),
        ("buyer", "accept", None),
        ("buyer", "sign", None),
    ]
    for name, action, data in steps:
        stage.act(name, action, data)
        stage.simulation.settle(receipts=False)
    sign = stage["seller"].sign(stage.chain, response("process", "sign"))
    stage["seller"].send(sign)
    assert waiting(stage, "triggers", "seller") == []
    stage.node("buyer").eventchain.add(sign, str(stage.node("seller").parts.key.public_key))
    (trigger,) = waiting(stage, "triggers", "buyer")
    due = json.loads(trigger.message.body)
    assert (due["action"], due["actor"], due["identity"]) == ("notify", "buyer", "buyer")


def test_effects_of_a_killed_node_are_done_by_the_next_one() -> None:
    armed: list[str] = []

    def observe(name: str, step: str, _chain: str) -> None:
        if armed and (name, step) == ("buyer", armed[0]):
            armed.clear()
            raise NodeKilled

    for step in ("save", "anchor", "trigger", "forward"):
        stage = Stage.of(Simulation(1, names=("buyer", "seller"), observe=observe)).found()
        document = stage["buyer"].sign(stage.chain, stage.note())
        armed.append(step)
        assert isinstance(refusal(stage["buyer"].send, document), NodeDownError)
        stage.simulation.start("buyer")
        archive = stage.node("buyer").eventchain.archive
        assert len(archive.pending(10)) == 1
        assert stage.node("buyer").eventchain.resume() == 1
        assert archive.pending(10) == []
        assert stage.node("buyer").eventchain.resume() == 0
        assert [hashes_of(item) for item in waiting(stage, "relay")] == [[last_hash(stage)]]


def test_rows_of_events_left_open_apart_are_forwarded_each_with_its_place(stage: Stage) -> None:
    made = [stage["buyer"].post(stage.chain, stage.note()).events[-1] for _ in range(4)]
    archive = stage.node("buyer").eventchain.archive
    stage.node("buyer").eventchain.settle()
    waiting(stage, "relay")
    store = stage.node("buyer").parts.store
    for number in (0, 1, 3):
        key = {"chain": stage.chain, "hash": base58.encode(made[number].hash)}
        assert store.update(EVENTS, key, {"outbox": 7})
    assert stage.node("buyer").eventchain.resume() == 3
    rows = [hashes_of(item) for item in waiting(stage, "relay")]
    names = [base58.encode(event.hash) for event in made]
    assert sorted(rows) == sorted([names[:2], names[3:]])
    assert archive.pending(1) == []


def test_message_published_twice_has_one_effect(stage: Stage) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    stage["buyer"].send(document)
    body = json.dumps(part_of(stage.canonical("buyer"), 2, 3)).encode()
    transport = stage.node("buyer").parts.transport
    for _ in range(3):
        transport.post("http://seller/queue", body)
        stage.simulation.run(3)
    stage.simulation.settle()
    check_equal(stage, ("buyer", "seller"))
