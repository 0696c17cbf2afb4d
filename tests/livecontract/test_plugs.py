"""One service plugged into another: each keeps the promises of the port it is plugged into."""

from collections.abc import Iterator

import pytest

from dispatcher.broker import MemoryBroker
from eventchain.chain import read_chain
from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError
from eventchain.core.keys import KeyPair
from eventchain.errors import NotAdmittedError
from eventchain.ports import Outgoing
from eventchain.tip import entries_of
from livecontract.plugs import DoorPlug, QueuePlug, SubmitterPlug
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import NOTE, Stage, refusal, silence
from workflow_engine.engine import OwnEngine, rehearsing_engine, replay
from workflow_engine.errors import OutOfStepError


@pytest.fixture
def stage() -> Iterator[Stage]:
    with silence():
        yield Stage.of(Simulation(1, names=("buyer", "seller"))).found().start_quotation()


def engine_of(stage: Stage) -> OwnEngine:
    return OwnEngine(stage.node("buyer").workflow, stage.simulation.clock)


def test_replay_gives_the_projection_of_every_length(stage: Stage) -> None:
    entries = [entry for _, entry in entries_of(stage.canonical("buyer"))]
    assert replay(entries) == stage.projection("buyer")
    for length in range(1, len(entries)):
        assert replay(entries[:length])["head"] == entries[length - 1].hash


def test_rehearsing_changes_nothing_that_is_kept(stage: Stage) -> None:
    entries = [entry for _, entry in entries_of(stage.canonical("buyer"))]
    before = stage.projection("buyer")
    engine_of(stage).rehearse(entries[:3])
    assert stage.projection("buyer") == before
    assert isinstance(refusal(engine_of(stage).rehearse, [entries[0], entries[3]]), OutOfStepError)
    assert stage.projection("buyer") == before


def test_checking_an_entry_changes_nothing(stage: Stage) -> None:
    engine, tip = engine_of(stage), stage.node("buyer").eventchain.tip(stage.chain)
    for body, is_possible in ((response("process", "withdraw"), True), (response("process", "accept"), False)):
        document = stage["buyer"].sign(stage.chain, body)
        entry = tip.advance(read_chain(document).events[0])[1]
        if is_possible:
            engine.check(entry)
        else:
            assert isinstance(refusal(engine.check, entry), ConflictError)
    assert engine.head(stage.chain) == stage.projection("buyer")["head"]
    assert stage.state("buyer") == "initial"


def test_forgotten_chain_has_no_head(stage: Stage) -> None:
    engine_of(stage).forget(stage.chain)
    assert engine_of(stage).head(stage.chain) is None


def test_engine_for_trying_runs_no_system_actions(stage: Stage) -> None:
    engine = rehearsing_engine(stage.simulation.clock)
    for _, entry in entries_of(stage.canonical("buyer")):
        engine.apply(entry)
    assert engine.projection(stage.chain) == stage.projection("buyer")
    assert engine.due(stage.chain, {"buyer", "seller"}) == []


def test_events_of_an_action_are_added_once_for_its_key(stage: Stage) -> None:
    plug = SubmitterPlug(lambda: stage.node("buyer").chains)
    bodies = [{"$schema": NOTE, "number": number} for number in range(3)]
    first = plug.submit(stage.chain, bodies, "key")
    assert plug.submit(stage.chain, bodies, "key") == first
    assert [event["hash"] for event in stage.canonical("buyer").to_dict()["events"][-3:]] == [
        event["hash"] for event in first
    ]
    assert plug.submit(stage.chain, bodies[:1], "another key") != first[:1]
    assert isinstance(refusal(plug.submit, "junk", bodies, "key"), InvalidError)


def test_half_of_an_action_is_finished_by_the_next_try(stage: Stage) -> None:
    """The node died after the first of its events."""
    plug = SubmitterPlug(lambda: stage.node("buyer").chains)
    bodies = [{"$schema": NOTE, "number": number} for number in range(3)]
    plug.submit(stage.chain, bodies[:1], "key")
    length = len(stage.canonical("buyer").events)
    plug.submit(stage.chain, bodies, "key")
    assert len(stage.canonical("buyer").events) == length + 2


def test_message_reaches_the_queue_unchanged_and_once() -> None:
    broker = MemoryBroker(lambda: 1)
    item = Outgoing(queue="relay", group="http://x", id="1", body=b"\x00{}")
    QueuePlug(broker).publish([item, item])
    (delivery,) = broker.receive("relay", 10)
    message = delivery.message
    assert (message.queue, message.group, message.id, message.body) == ("relay", "http://x", "1", b"\x00{}")


def test_queue_is_for_members_and_its_lists_for_operators(stage: Stage) -> None:
    buyer, stranger = stage["buyer"].key.public_key, KeyPair.from_seed_phrase("stranger").public_key
    plug = DoorPlug(stage.node("buyer").chains, frozenset({str(buyer)}))
    document = stage["buyer"].sign(stage.chain, stage.note())
    plug.admit(buyer, document)
    plug.check_operator(buyer)
    assert isinstance(refusal(plug.admit, stranger, document), NotAdmittedError)
    for other in (stranger, stage["seller"].key.public_key):
        assert isinstance(refusal(plug.check_operator, other), ForbiddenError)
    for junk in ({}, {"id": "x"}, {"id": stage.chain, "events": 3}):
        assert isinstance(refusal(plug.admit, buyer, junk), InvalidError)
