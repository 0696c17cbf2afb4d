"""Two act at once: both branches are kept and shown, and every node comes to know every event."""

import random
from contextlib import suppress

import pytest

from eventchain import event as events
from eventchain.branch import MAX_BRANCHES
from eventchain.chain import EventChain, Stub, read_chain, verify
from eventchain.core import base58, canonical_json
from eventchain.core.errors import ConflictError
from eventchain.core.keys import KeyPair
from eventchain.errors import ForkError
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA
from livecontract.simulated_party import response
from livecontract.simulated_world import Faults
from livecontract.simulation import Simulation
from tests.node.stage import Stage, refusal
from tests.node.web import Browser

NAMES = ("buyer", "seller", "inspector")


@pytest.fixture
def stage() -> Stage:
    return Stage.of(Simulation(1)).found(members=("seller", "inspector"))


def browse(stage: Stage, name: str) -> Browser:
    return Browser(stage.node(name), stage[name].key.public_key)


def conflicts(stage: Stage, name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = browse(stage, name).get(f"/event-chains/{stage.chain}/conflicts")
    for item in found:  # both sides can be read and follow from the fork point
        for side in ("canonical", "branch"):
            part = read_chain(item[side])
            verify(part)
            if part.events:
                assert base58.encode(part.events[0].previous) == item["fork_point"]
    return found


def hashes(document: object) -> list[str]:
    return [base58.encode(event.hash) for event in read_chain(document).events]


def fork(stage: Stage) -> tuple[str, str]:
    """Let buyer and seller act at once; return the hashes of their events."""
    made = [stage[name].post(stage.chain, stage.note(name)).events[-1] for name in ("buyer", "seller")]
    stage.simulation.settle(receipts=False)
    return base58.encode(made[0].hash), base58.encode(made[1].hash)


def make(stage: Stage, name: str, previous: bytes, body: object = None) -> tuple[Event, dict[str, object]]:
    """Sign an event anywhere; return it, and its partial chain."""
    data = canonical_json.encode(body or stage.note())
    event = events.sign(previous=previous, key=stage[name].key, timestamp=stage.simulation.clock(), data=data)
    return event, EventChain(stage.id, (event,), Stub(previous, None)).to_dict()


def send_to_fork(stage: Stage, name: str, previous: bytes, body: object = None) -> Event:
    event, document = make(stage, name, previous, body)
    assert isinstance(refusal(stage[name].send, document), ForkError)
    stage.simulation.settle(receipts=False)
    return event


def check_same_knowledge(stage: Stage) -> None:
    known = [stage.known(name) for name in NAMES]
    assert known[0] == known[1] == known[2]


def test_acting_at_once_is_shown_with_both_branches_on_all_nodes(stage: Stage) -> None:
    before = stage.canonical("buyer").latest_hash
    ours, theirs = fork(stage)
    check_same_knowledge(stage)
    for name, canonical, branch in (("buyer", ours, theirs), ("seller", theirs, ours)):
        (conflict,) = conflicts(stage, name)
        assert conflict["fork_point"] == base58.encode(before)
        assert hashes(conflict["canonical"]) == [canonical]
        assert hashes(conflict["branch"]) == [branch]
    (third,) = conflicts(stage, "inspector")
    assert {*hashes(third["canonical"]), *hashes(third["branch"])} == {ours, theirs}
    (summary,) = browse(stage, "inspector").get("/event-chains")
    assert summary["conflicts"] == 1


def test_canonical_chain_of_each_node_stays_and_grows(stage: Stage) -> None:
    fork(stage)
    before = {name: stage.canonical(name).events for name in NAMES}
    for name in NAMES:
        stage[name].post(stage.chain, stage.note(name))
        stage.simulation.settle(receipts=False)
    for name in NAMES:
        assert stage.canonical(name).events[: len(before[name])] == before[name]
        assert len(stage.canonical(name).events) > len(before[name])
    check_same_knowledge(stage)


def test_person_who_acts_on_what_is_no_longer_the_end_is_answered_409(stage: Stage) -> None:
    late = stage["buyer"].sign(stage.chain, stage.note())
    stage["seller"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    for _ in range(2):
        problem = browse(stage, "buyer").post("/event-chains", late, 409)
        assert stage.chain in problem["hint"]
        assert "conflicts" in problem["hint"]
    stage.simulation.settle(receipts=False)
    check_same_knowledge(stage)
    assert len(conflicts(stage, "seller")) == 1


def test_responses_that_exclude_each_other_are_both_kept(stage: Stage) -> None:
    stage.start_quotation()
    stage.act("buyer", "request", {"item": "x", "quantity": 1})
    stage.simulation.settle(receipts=False)
    stage["buyer"].post(stage.chain, response("process", "withdraw"))
    stage["seller"].post(stage.chain, response("process", "decline"))
    stage.simulation.settle(receipts=False)
    assert (stage.state("buyer"), stage.state("seller")) == (":cancelled", ":failed")
    check_same_knowledge(stage)


def test_branch_grows_at_every_node(stage: Stage) -> None:
    ours, theirs = fork(stage)
    second = send_to_fork(stage, "buyer", base58.decode(theirs))
    third = send_to_fork(stage, "inspector", second.hash) if _is_beside(stage, "inspector", second) else second
    check_same_knowledge(stage)
    (conflict,) = conflicts(stage, "buyer")
    assert hashes(conflict["canonical"]) == [ours]
    assert hashes(conflict["branch"])[:2] == [theirs, base58.encode(second.hash)]
    assert hashes(conflict["branch"])[-1] == base58.encode(third.hash)


def _is_beside(stage: Stage, name: str, event: Event) -> bool:
    document = stage.node(name).eventchain.archive.find(stage.id, event.hash)
    return document is not None and document["position"] is None


def test_fork_of_a_branch_is_shown_from_the_canonical_chain_on(stage: Stage) -> None:
    before = stage.canonical("buyer").latest_hash
    _, theirs = fork(stage)
    one = send_to_fork(stage, "buyer", base58.decode(theirs))
    two = send_to_fork(stage, "buyer", base58.decode(theirs))
    check_same_knowledge(stage)
    found = conflicts(stage, "buyer")
    assert [item["fork_point"] for item in found] == [base58.encode(before)] * 2
    branches = {tuple(hashes(item["branch"])) for item in found}
    assert branches == {(theirs, base58.encode(one.hash)), (theirs, base58.encode(two.hash))}


def test_fork_at_the_first_event_is_kept(stage: Stage) -> None:
    other = send_to_fork(stage, "buyer", stage.id.initial_hash, stage["buyer"].identity | {"name": "Somebody else"})
    (conflict,) = conflicts(stage, "buyer")
    assert conflict["fork_point"] == base58.encode(stage.id.initial_hash)
    assert hashes(conflict["branch"]) == [base58.encode(other.hash)]
    assert len(hashes(conflict["canonical"])) == 3


def test_nobody_else_forks_at_the_first_event(stage: Stage) -> None:
    _, document = make(stage, "seller", stage.id.initial_hash, stage["seller"].identity)
    assert "another key" in str(refusal(stage["seller"].send, document))
    assert not conflicts(stage, "seller")


def test_only_so_many_branches_leave_one_event(stage: Stage) -> None:
    previous = stage.canonical("buyer").latest_hash
    stage["buyer"].post(stage.chain, stage.note())
    for _ in range(MAX_BRANCHES - 1):
        send_to_fork(stage, "buyer", previous)
    error = refusal(stage["buyer"].send, make(stage, "buyer", previous)[1])
    assert isinstance(error, ConflictError)
    assert not isinstance(error, ForkError)
    assert len(conflicts(stage, "seller")) == MAX_BRANCHES - 1
    check_same_knowledge(stage)


@pytest.mark.parametrize("what", ["wrong actor", "not possible", "forged"])
def test_invalid_event_on_a_branch_is_refused_and_not_kept(stage: Stage, what: str) -> None:
    stage.start_quotation()
    _, theirs = fork(stage)
    body = response("process", "accept" if what == "not possible" else "request", {"item": "x", "quantity": 1})
    event, document = make(stage, "seller" if what == "wrong actor" else "buyer", base58.decode(theirs), body)
    if what == "forged":
        document["events"][1]["signature"] = base58.encode(bytes(64))  # type: ignore[index]  # a chain's JSON
    error = refusal(stage["buyer"].send, document)
    assert not isinstance(error, ForkError)
    assert stage.node("buyer").eventchain.archive.find(stage.id, event.hash) is None
    (conflict,) = conflicts(stage, "buyer")
    assert hashes(conflict["branch"]) == [theirs]


def test_member_of_a_branch_is_no_member_of_the_chain(stage: Stage) -> None:
    previous = stage.canonical("buyer").latest_hash
    stage["buyer"].post(stage.chain, stage.note())
    late = KeyPair.from_seed_phrase("late").public_key
    send_to_fork(stage, "buyer", previous, {"$schema": IDENTITY_SCHEMA, "id": "late", "signkeys": {"user": str(late)}})
    for name in NAMES:
        assert stage.node(name).eventchain.archive.identity_of(stage.chain, str(late)) is None
    Browser(stage.node("buyer"), late).get(f"/event-chains/{stage.chain}", 404)


def test_node_that_joins_after_a_fork_gets_the_branches_too() -> None:
    stage = Stage.of(Simulation(1)).found(members=("seller",))
    fork_of_two = [stage[name].post(stage.chain, stage.note(name)).events[-1] for name in ("buyer", "seller")]
    stage.simulation.settle(receipts=False)
    send_to_fork(stage, "buyer", fork_of_two[1].hash)
    stage["buyer"].post(stage.chain, stage["inspector"].identity)
    stage.simulation.settle(receipts=False)
    check_same_knowledge(stage)
    assert stage.canonical("inspector") == stage.canonical("buyer")
    (conflict,) = conflicts(stage, "inspector")
    assert len(hashes(conflict["branch"])) == 2


def test_receipts_come_for_branches_too(stage: Stage) -> None:
    _, theirs = fork(stage)
    stage.simulation.settle()
    document = stage.node("buyer").eventchain.archive.find(stage.id, base58.decode(theirs))
    assert document is not None
    assert document["receipt"]


SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 20))]


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_acts_whenever_all_nodes_come_to_know_the_same_events(seed: int) -> None:
    faults = Faults(loss=0.2, answer_loss=0.1, delay=0.2, duplicate=0.2)
    stage = Stage.of(Simulation(seed, faults=faults)).found(members=("seller", "inspector"))
    drawn, made = random.Random(seed), set()
    before = {name: stage.canonical(name).events for name in NAMES}
    for _ in range(12):
        name = drawn.choice(NAMES)
        event, document = make(stage, name, drawn.choice(sorted(stage.known(name) - _early(stage))))
        with suppress(ForkError):
            stage[name].send(document)
        made.add(event.hash)
        if drawn.random() < 0.5:
            stage.simulation.run(drawn.randint(1, 15))
        for other in NAMES:
            now = stage.canonical(other).events
            assert now[: len(before[other])] == before[other]
            before[other] = now
    stage.simulation.settle()
    check_same_knowledge(stage)
    assert made <= stage.known("buyer")
    for name in NAMES:
        assert stage.node(name).parts.broker.dead_letters() == []
        verify(stage.canonical(name))


def _early(stage: Stage) -> set[bytes]:
    """The events before all have joined."""
    return {event.hash for event in stage.canonical("buyer").events[:2]}
