"""What was not delivered is asked for: a node that missed events, or lost them, has them again; nobody else learns."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from dispatcher.broker import MemoryBroker
from dispatcher.message import KIND, Message
from eventchain.ask import MAX_KNOWN, Ask
from eventchain.asking import ANSWER_MS, ASK_MS
from eventchain.chain import read_chain
from eventchain.core import base58
from eventchain.core.errors import UnavailableError
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.errors import ForkError, UnknownPreviousError
from eventchain.store.memory import MemoryStore
from livecontract.handlers import AskHandler
from livecontract.node import COLLECTIONS
from livecontract.simulated_world import Faults
from livecontract.simulation import MemoryStorage, Simulation
from tests.node.stage import Stage, check_equal, refusal

NAMES = ("buyer", "seller", "inspector")
LONG = "x" * 50_000


class Overheard:
    """Every request between nodes, as (from, to, path, document)."""

    def __init__(self, simulation: Simulation) -> None:
        self.requests: list[tuple[str, str, str, Any]] = []
        send = simulation.network.send

        def listen(source: str, destination: str, path: str, key: Any, body: bytes) -> None:
            self.requests.append((source, destination, path, json.loads(body)))
            send(source, destination, path, key, body)

        simulation.network.send = listen  # type: ignore[method-assign]

    @property
    def asks(self) -> list[tuple[str, str]]:
        return [(source, destination) for source, destination, path, _ in self.requests if path == "queue/asks"]

    def sent(self, source: str, destination: str) -> int:
        """Return how many events went from one node to another."""
        documents = [item[3] for item in self.requests if item[:3] == (source, destination, "queue")]
        return sum("signature" in event for document in documents for event in document["events"])


SEEDS = pytest.mark.parametrize("seed", range(3))


@pytest.fixture
def stage() -> Stage:
    return Stage.of(Simulation(1)).found(members=("seller", "inspector")).start_quotation()


def lose(stage: Stage, name: str, to: str | None = None) -> list[Message]:
    """Let a node forget what it was about to send, to one node or to all."""
    broker = stage.node(name).parts.broker
    found = broker.receive("relay", 100)
    lost = [item for item in found if to is None or item.message.group == f"http://{to}"]
    broker.ack(lost)
    for item in found:
        if item not in lost:
            broker.retry(item, "not yet", 0)
    return [item.message for item in lost]


def answer(stage: Stage, ask: Any, sender: KeyPair, at: str = "buyer") -> list[Message]:
    """Let a node handle an ask, and return what it then wants to send."""
    node = stage.node(at)
    document = ask.to_dict() if isinstance(ask, Ask) else ask
    message = Message(
        queue="asks", id="x", group="x", body=json.dumps(document).encode(), headers={"sender": str(sender.public_key)}
    )
    AskHandler(node.eventchain.asking)(message)
    return lose(stage, at)


def system(name: str) -> KeyPair:
    return KeyPair.from_seed_phrase(f"{name} node")


def test_who_was_away_and_asks_is_answered_at_once_though_the_same_events_wait_for_their_next_try() -> None:
    stage = Stage.of(Simulation(1)).found().start_quotation()
    stage.simulation.network.separate(("buyer", "inspector"))
    stage["buyer"].post(stage.chain, stage.note())
    for _ in range(20):  # tries that fail, further and further apart
        stage.simulation.clock.now += 600_000
        stage.simulation.run(3)
    stage.simulation.network.heal()
    before, broker = stage.simulation.clock(), stage.node("buyer").parts.broker
    assert isinstance(broker, MemoryBroker)
    next_try = broker.oldest_due("relay")
    assert next_try is not None
    assert next_try > before + 60_000
    stage.node("seller").eventchain.asking.ask_all()
    stage.simulation.run(6)
    assert stage.simulation.clock() < next_try
    assert stage.known("seller") == stage.known("buyer")


# --- What was lost comes again ----------------------------------------------------------------------------------------


def test_event_that_was_never_forwarded_is_asked_for_when_the_next_one_comes(stage: Stage) -> None:
    stage["buyer"].post(stage.chain, stage.note())
    assert len(lose(stage, "buyer", "seller")) == 1
    stage.simulation.settle(receipts=False)
    assert len(stage.known("seller")) == len(stage.known("buyer")) - 1
    overheard = Overheard(stage.simulation)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    check_equal(stage)
    assert overheard.asks == [("seller", "buyer")]
    assert overheard.sent("buyer", "seller") == 3, "the new event, and as answer the missing one with it"
    assert all(stage.node(name).parts.broker.dead_letters() == [] for name in NAMES)


def test_what_one_node_did_not_forward_another_one_has(stage: Stage) -> None:
    stage["buyer"].post(stage.chain, stage.note())
    lose(stage, "buyer", "inspector")
    stage.simulation.settle(receipts=False)
    stage.simulation.network.separate(("seller", "inspector"))
    asked = stage.node("inspector").eventchain.asking.ask_all()
    assert set(asked) == {(chain, f"http://{name}") for chain in (stage.chain, None) for name in ("buyer", "seller")}
    stage.simulation.run(30)
    assert stage.known("inspector") == stage.known("seller") == stage.known("buyer")


def test_answers_come_after_a_bad_network_too() -> None:
    stage = Stage.of(Simulation(5)).found(members=("seller", "inspector")).start_quotation()
    for _ in range(3):
        stage["buyer"].post(stage.chain, stage.note())
        lose(stage, "buyer")
    stage.simulation.network.faults = Faults(loss=0.3, answer_loss=0.2, delay=0.2, duplicate=0.2)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    check_equal(stage)


def test_long_gap_comes_in_parts(stage: Stage) -> None:
    for _ in range(50):
        stage["buyer"].post(stage.chain, stage.note(LONG))
        lose(stage, "buyer")
    overheard = Overheard(stage.simulation)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    check_equal(stage)
    parts = [item for item in overheard.requests if item[:3] == ("buyer", "seller", "queue")]
    assert len(parts) > 3
    assert overheard.sent("buyer", "seller") == 52


def test_branches_are_exchanged_by_one_ask_and_one_back(stage: Stage) -> None:
    for name in ("buyer", "seller"):
        for _ in range(3):
            stage[name].post(stage.chain, stage.note())
            lose(stage, name)
    overheard = Overheard(stage.simulation)
    stage.node("buyer").eventchain.asking.ask_all()
    lose(stage, "buyer", "inspector")
    stage.simulation.settle(receipts=False)
    assert stage.known("buyer") == stage.known("seller")
    assert len(stage.known("buyer")) == len(stage.canonical("buyer").events) + 3
    assert sorted(overheard.asks) == [("buyer", "seller"), ("buyer", "seller"), ("seller", "buyer")], (
        "one about the chain, one for unknown chains, one back"
    )
    for names in (("seller", "buyer"), ("buyer", "seller")):
        assert overheard.sent(*names) in (3, 4), "one may stand before the place where they part"


def test_branch_of_which_a_part_is_here_is_completed(stage: Stage) -> None:
    tip = stage.node("seller").eventchain.tip(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    for number in range(4):
        document = stage["seller"].sign(stage.chain, stage.note(), tip=tip)
        tip, _ = tip.advance(read_chain(document).events[0])
        assert isinstance(refusal(stage["seller"].send, document), ForkError)
        if number:
            lose(stage, "seller", "buyer")
        stage.simulation.settle(receipts=False)
    assert len(stage.known("seller") - stage.known("buyer")) == 3
    overheard = Overheard(stage.simulation)
    stage.node("buyer").eventchain.asking.ask_all()
    stage.simulation.settle(receipts=False)
    assert stage.known("buyer") == stage.known("seller")
    assert overheard.sent("seller", "buyer") == 3


def test_places_of_events_are_found_with_one_walk_along_each_branch(stage: Stage) -> None:
    tip = stage.node("buyer").eventchain.tip(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    branch = []
    for _ in range(20):
        document = stage["buyer"].sign(stage.chain, stage.note(), tip=tip)
        tip, _ = tip.advance(read_chain(document).events[0])
        refusal(stage["buyer"].send, document)
        branch.append(tip.hash)
    archive = stage.node("buyer").eventchain.archive
    asked: list[bytes] = []
    find = archive.find
    archive.find = lambda chain, hash_: [asked.append(hash_), find(chain, hash_)][1]  # type: ignore[assignment, func-returns-value, method-assign]
    events = [event.hash for event in stage.canonical("buyer").events]
    wanted = [*branch[::-1], *events, bytes(32), stage.id.initial_hash]
    places = archive.places(stage.id, wanted)
    assert places == [len(events) - 2] * 20 + list(range(len(events))) + [None, None]
    assert len(asked) <= len(wanted) + 1


@SEEDS
def test_node_restored_from_an_old_copy_catches_up(seed: int) -> None:
    stage, old = lived_on(seed, ("seller",), ("buyer",))
    go_back(stage, "seller", old)
    assert len(stage.known("seller")) == len(stage.known("buyer")) - 6
    stage.node("seller").eventchain.asking.ask_all()
    stage.simulation.settle()
    check_equal(stage)


@SEEDS
def test_node_restored_from_an_old_copy_has_the_branches_again_too(seed: int) -> None:
    stage, old = lived_on(seed, ("seller", "buyer"))
    go_back(stage, "seller", old)
    assert len(stage.known("seller")) == len(stage.known("buyer")) - 6
    stage.node("seller").eventchain.asking.ask_all()
    stage.simulation.settle()
    assert stage.known("seller") == stage.known("buyer") == stage.known("inspector"), (
        "which branch is canonical at whom is luck until forks are resolved"
    )


def test_chain_that_a_node_lost_comes_back_and_no_other(stage: Stage) -> None:
    lost = stage.chain
    kept = stage["buyer"].create_chain("another contract")
    stage["buyer"].post(kept, stage["seller"].identity)
    stage.simulation.settle(receipts=False)
    store = stage.node("seller").parts.store
    for collection in COLLECTIONS:
        if "chain" in collection.fields and collection.name in ("events", "members", "conflicts"):
            store.delete(collection, {"chain": lost})
    stage.node("seller").workflow.forget(lost)
    stage.simulation.kill("seller")
    stage.simulation.start("seller")
    overheard = Overheard(stage.simulation)
    stage.node("seller").eventchain.asking.ask_all()
    stage.simulation.settle(receipts=False)
    check_equal(stage)
    sent = {item[3]["id"] for item in overheard.requests if item[:3] == ("buyer", "seller", "queue")}
    assert sent == {lost}


def test_new_chain_comes_in_parts_of_which_the_first_says_who_takes_part() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller")), ("buyer", "seller"))
    stage.chain = stage["buyer"].create_chain("contract")
    for _ in range(30):
        stage["buyer"].post(stage.chain, stage.note(LONG))
    stage["buyer"].post(stage.chain, stage["seller"].identity)
    for _ in range(30):
        stage["buyer"].post(stage.chain, stage.note(LONG))
    lose(stage, "buyer")
    messages = answer(stage, Ask(chain=stage.id), system("seller"))
    sizes = [len(json.loads(message.body)["events"]) for message in messages]
    assert sizes[0] >= 32
    assert len(sizes) > 2
    for message in messages:
        stage.node("seller").eventchain.add(json.loads(message.body), str(system("buyer").public_key))
    check_equal(stage, ("buyer", "seller"))


def lived_on(seed: int, *turns: Sequence[str]) -> tuple[Stage, MemoryStore]:
    """Play three rounds of turns, those of one turn at once; return where it ends, and the seller's store before."""
    stage = Stage.of(Simulation(seed)).found(members=("seller", "inspector")).start_quotation()
    old = _copy(stage.node("seller").parts.store)
    for names in turns * 3:
        for name in names:
            stage[name].post(stage.chain, stage.note())
        stage.simulation.settle(receipts=False)
    return stage, old


def go_back(stage: Stage, name: str, old: MemoryStore) -> None:
    """Start a node again over an older copy of its store."""
    stage.simulation.kill(name)
    storage = stage.simulation._storage
    assert isinstance(storage, MemoryStorage)
    storage._stores[name] = _copy(old)
    stage.simulation.start(name)


def _copy(store: Any) -> MemoryStore:
    copied = MemoryStore(COLLECTIONS)
    for collection in COLLECTIONS:
        copied.insert(collection, store.find(collection))
    return copied


# --- Who hears what ---------------------------------------------------------------------------------------------------


def test_answer_goes_where_the_chain_says_and_to_members_alone(stage: Stage) -> None:
    ask = Ask(chain=stage.id)
    assert {message.group for message in answer(stage, ask, system("seller"))} == {"http://seller"}
    assert answer(stage, ask, KeyPair.from_seed_phrase("stranger")) == []
    assert answer(stage, ask, stage["inspector"].key) == [], "a person's key is no node's"
    assert answer(stage, ask, system("buyer")) == [], "one's own node is not asked"


@pytest.mark.parametrize("chain", ["kept", "not kept", "any"])
def test_stranger_learns_nothing(stage: Stage, chain: str) -> None:
    stranger = KeyPair.from_seed_phrase("stranger")
    other = ChainId.create(stranger.public_key, nonce_from_text("nothing"))
    ask = Ask(chain={"kept": stage.id, "not kept": other, "any": None}[chain])
    assert not stage.node("buyer").eventchain.asking.hears(ask.to_dict(), str(stranger.public_key))
    assert answer(stage, ask, stranger) == []
    assert stage.node("buyer").eventchain.asking.hears(Ask(chain=stage.id).to_dict(), str(system("seller").public_key))
    assert not stage.node("buyer").eventchain.asking.hears(Ask(chain=other).to_dict(), str(system("seller").public_key))


def test_who_has_left_is_not_answered(stage: Stage) -> None:
    gone = {**stage["inspector"].identity, "node": "", "signkeys": {}, "encryptkey": ""}
    stage["inspector"].post(stage.chain, gone)
    stage.simulation.settle(receipts=False)
    assert answer(stage, Ask(chain=stage.id), system("inspector")) == []
    assert answer(stage, Ask(chain=None), system("inspector")) == []


@pytest.mark.parametrize("document", [[], {}, {"$schema": "urn:livecontract:ask:1", "chain": None, "known": [7]}])
def test_malformed_ask_is_forgotten(stage: Stage, document: Any) -> None:
    assert answer(stage, document, system("seller")) == []


def test_thousand_asks_are_answered_a_few_times(stage: Stage) -> None:
    messages: list[Message] = []
    for _ in range(1_000):
        messages += answer(stage, Ask(chain=stage.id), system("seller"))
    assert len(messages) == 1
    stage.simulation.clock.now += ANSWER_MS
    for _ in range(1_000):
        stage.simulation.clock.now += ANSWER_MS // 5
        messages += answer(stage, Ask(chain=stage.id), system("seller"))
    assert len(messages) <= 10, "more and more rarely"
    assert answer(stage, Ask(chain=stage.id), system("inspector")), "others are answered meanwhile"


def test_thousand_asks_wait_as_one(stage: Stage) -> None:
    node = stage.node("buyer")
    for number in range(1_000):
        known = (number.to_bytes(32, "big"),)
        ask = json.dumps(Ask(chain=stage.id, known=known).to_dict()).encode()
        stage.simulation.network.send("seller", "buyer", "queue/asks", system("seller").public_key, ask)
    assert node.parts.broker.depth("asks").waiting == 1


def test_answer_that_the_queue_did_not_take_is_given_when_the_ask_comes_again(stage: Stage) -> None:
    broker, ask = stage.node("buyer").parts.broker, Ask(chain=stage.id)
    publish = broker.publish

    def full(_messages: Sequence[Message]) -> None:
        raise UnavailableError("the queue is full")

    broker.publish = full  # type: ignore[method-assign]
    with pytest.raises(UnavailableError):
        answer(stage, ask, system("seller"))
    broker.publish = publish  # type: ignore[method-assign]
    assert answer(stage, ask, system("seller"))


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))])
def test_whatever_was_lost_asking_makes_all_know_the_same(seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage.of(Simulation(seed)).found(members=("seller", "inspector"))
    old: dict[str, MemoryStore] = {}
    for _ in range(25):
        name = chance.choice(NAMES)
        stage[name].post(stage.chain, stage.note())
        if chance.random() < 0.4:
            lose(stage, name, chance.choice([None, *NAMES]))
        if chance.random() < 0.2:
            old[name] = _copy(stage.node(name).parts.store)
        if chance.random() < 0.1 and name in old:
            go_back(stage, name, old[name])
        stage.simulation.run(chance.randrange(4))
    stage.simulation.settle(receipts=False)
    for name in NAMES:
        stage.simulation.clock.now += ASK_MS
        stage.node(name).eventchain.asking.ask_all()
        stage.simulation.settle(receipts=False)
    overheard = Overheard(stage.simulation)
    known = [stage.known(name) for name in NAMES]
    assert known[0] == known[1] == known[2]
    stage.simulation.run(50)
    asking = {name for name, *_ in overheard.requests}
    waiting = {name for name in NAMES if stage.node(name).eventchain.archive.early(1)}
    assert asking <= waiting, "who waits for nothing is silent"


def test_made_up_hashes_make_a_node_ask_back_once_in_a_while(stage: Stage) -> None:
    clock = stage.simulation.clock
    made_up = Ask(chain=stage.id, known=tuple(number.to_bytes(32, "big") for number in range(MAX_KNOWN)))
    asked: list[Message] = []
    for _ in range(100):
        clock.now += ASK_MS // 10
        asked += [item for item in answer(stage, made_up, system("seller")) if item.headers.get(KIND) == "ask"]
    assert len(asked) == 10
    assert {item.group for item in asked} == {"http://seller"}
    assert all(json.loads(item.body)["back"] for item in asked)


def test_ask_that_is_asked_back_is_not_asked_back_again(stage: Stage) -> None:
    back = Ask(chain=stage.id, known=(bytes(32),), back=True)
    messages = answer(stage, back, system("seller"))
    assert messages
    assert all(KIND not in message.headers for message in messages)


def test_stranger_with_events_that_follow_nothing_makes_members_ask_once(stage: Stage) -> None:
    stranger = KeyPair.from_seed_phrase("stranger")
    document = stage["buyer"].sign(stage.chain, stage.note())
    document["events"] = [{**document["events"][1], "previous": base58.encode(bytes(32))}]
    for _ in range(100):
        with pytest.raises(UnknownPreviousError):
            stage.node("seller").eventchain.admit(stranger.public_key, document)
    asked = lose(stage, "seller")
    assert sorted(message.group for message in asked) == ["http://buyer", "http://inspector"]


def test_part_of_an_unknown_chain_makes_a_node_ask_the_sender_only_if_it_knows_where(stage: Stage) -> None:
    other = stage["buyer"].create_chain("another contract")
    stage["buyer"].post(other, stage["seller"].identity)
    (message,) = lose(stage, "buyer")
    later = json.loads(message.body)
    later["events"] = later["events"][1:]
    stage.node("seller").eventchain.admit(system("buyer").public_key, later)
    assert [item.group for item in lose(stage, "seller")] == ["http://buyer"]
    with pytest.raises(UnknownPreviousError):
        stage.node("seller").eventchain.admit(KeyPair.from_seed_phrase("stranger").public_key, later)
    assert not lose(stage, "seller")
    stage.simulation.clock.now += ASK_MS
    stage.node("seller").eventchain.asking.seek(ChainId.parse(other), str(system("buyer").public_key))
    stage.simulation.settle(receipts=False)
    stage.chain = other
    check_equal(stage, ("buyer", "seller"))
