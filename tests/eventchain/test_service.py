"""The eight steps under attack: what is refused, with which error, and that nothing of it is kept."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain import event as events
from eventchain import event_json
from eventchain import service as service_module
from eventchain.archive import EVENTS
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LiveContractError,
    NotFoundError,
    UnavailableError,
)
from eventchain.core.ids import ChainId, Generation, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.errors import (
    ChainBusyError,
    ForkError,
    FutureEventError,
    InvalidChainError,
    InvalidEventError,
    NotAdmittedError,
    NotMemberError,
    PrivilegeError,
    UnknownPreviousError,
)
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from eventchain.intake import Parcel
from eventchain.lease import LEASE_MS
from eventchain.service import CLOCK_TOLERANCE, EventChainService
from eventchain.store.errors import StoreUnavailableError
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.tip import Tip
from livecontract.node import COLLECTIONS
from livecontract.plugs import PreparerPlug, QueuePlug
from livecontract.simulated_party import response
from livecontract.simulation import Simulation, Storage
from tests.conftest import VECTORS
from tests.node.leased import LeasedStorage
from tests.node.stage import NOTE, TERMS, SqliteStorage, Stage, check_equal, part_of, refusal, silence
from workflow_engine.engine import OwnEngine, rehearsing_engine
from workflow_engine.service import WorkflowService
from workflow_engine.triggers import Triggers

STRANGER = KeyPair.from_seed_phrase("stranger")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield


@pytest.fixture
def stage() -> Stage:
    """A chain of buyer and seller on their two nodes."""
    return Stage.of(Simulation(1, names=("buyer", "seller"))).found()


def service_of(stage: Stage, name: str = "buyer") -> EventChainService:
    return stage.node(name).eventchain


def length(stage: Stage, name: str = "buyer") -> int:
    return len(stage.canonical(name).events)


def signed(stage: Stage, body: Any, key: KeyPair, **changes: Any) -> dict[str, Any]:
    """Sign any bytes or body at the end of the buyer's chain."""
    tip = service_of(stage).tip(stage.chain)
    data = body if isinstance(body, bytes) else canonical_json.encode(body)
    fields = {"previous": tip.hash, "key": key, "timestamp": stage.simulation.clock(), "data": data, **changes}
    return EventChain(tip.chain, (events.sign(**fields),), Stub(tip.hash, tip.state)).to_dict()


def check_nothing_changed(stage: Stage, before: EventChain, projection: Any) -> None:
    assert stage.canonical("buyer") == before
    assert stage.projection("buyer") == projection
    assert not service_of(stage).archive.conflicts(stage.id)


# Step 1: what came


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        [],
        {},
        {"id": "x", "events": []},
        {"id": 3, "events": []},
        {"id": None},
        {"id": "GOOD"},
        {"id": "GOOD", "events": {}},
        {"id": "GOOD", "events": []},
        {"id": "GOOD", "events": [7]},
        {"id": "GOOD", "events": [None]},
        {"id": "GOOD", "events": [{}]},
        {"id": "GOOD", "events": [{"hash": "x"}]},
        {"id": "GOOD", "events": [{"hash": "1" * 32, "state": 3}]},
        {"id": "GOOD", "events": [{"timestamp": -1}]},
        {"id": "GOOD", "events": [{}] * 100_001},
    ],
    ids=lambda document: json.dumps(document)[:40],
)
def test_malformed_document_is_refused_with_its_reason(stage: Stage, document: Any) -> None:
    if isinstance(document, dict) and document.get("id") == "GOOD":
        document["id"] = stage.chain
    before, projection = stage.canonical("buyer"), stage.projection("buyer")
    error = refusal(service_of(stage).add, document, str(stage["buyer"].key.public_key))
    assert isinstance(error, InvalidError)
    assert "was not read" not in error.message
    check_nothing_changed(stage, before, projection)


@pytest.mark.parametrize("name", ["v1-lto-0.12.5", "g1-lto-0.8.9"])
def test_chain_of_an_older_generation_is_refused(stage: Stage, name: str) -> None:
    document = json.loads((VECTORS / "chains" / f"{name}.json").read_text())
    document = document.get("chain", document)
    error = refusal(service_of(stage).add, document, str(stage["buyer"].key.public_key))
    assert isinstance(error, InvalidError)
    assert "V2" in error.message


@pytest.mark.parametrize("field", ["signature", "hash", "data", "timestamp", "previous", "signKey"])
def test_changed_event_is_refused(stage: Stage, field: str) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    event = document["events"][1]
    event[field] = {
        "signature": base58.encode(bytes(64)),
        "hash": base58.encode(bytes(32)),
        "data": "base64:e30=",
        "timestamp": event["timestamp"] + 1,
        "previous": base58.encode(stage.id.initial_hash),
        "signKey": {"keyType": "ed25519", "publicKey": str(stage["seller"].key.public_key)},
    }[field]
    before, projection = stage.canonical("buyer"), stage.projection("buyer")
    error = refusal(stage["buyer"].send, document)
    assert isinstance(error, InvalidEventError)
    assert error.check in ("signature", "hash", "link")
    check_nothing_changed(stage, before, projection)


def test_signature_of_a_known_event_cannot_be_replaced(stage: Stage) -> None:
    before = stage.canonical("buyer")
    document = part_of(before, 1, 2)
    document["events"][1]["signature"] = base58.encode(bytes(64))
    stage["buyer"].send(document)
    assert stage.canonical("buyer") == before


def test_forged_copy_of_an_event_does_not_take_the_good_one_with_it(stage: Stage) -> None:
    good = stage["buyer"].sign(stage.chain, stage.note())
    bad = json.loads(json.dumps(good))
    bad["events"][1]["signature"] = base58.encode(bytes(64))
    for order in ((bad, good), (good, bad)):
        fresh = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
        results = service_of(fresh).add_all([Parcel(item, str(fresh["seller"].key.public_key)) for item in order])
        assert results[order.index(good)] is None
        assert length(fresh) == 3


def test_broken_link_is_refused(stage: Stage) -> None:
    first, second = (stage["buyer"].sign(stage.chain, stage.note()) for _ in range(2))
    first["events"].append(second["events"][1])
    error = refusal(stage["buyer"].send, first)
    assert isinstance(error, InvalidChainError)
    assert error.check == "link"
    assert length(stage) == 2


def test_stub_that_is_not_what_the_first_event_follows_is_refused(stage: Stage) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    document["events"][0]["hash"] = base58.encode(stage.id.initial_hash)
    assert isinstance(refusal(stage["buyer"].send, document), InvalidChainError)


@pytest.mark.parametrize("with_stub", [False, True])
def test_nobody_starts_a_chain_with_the_id_of_another(stage: Stage, with_stub: bool) -> None:
    victim = ChainId.create(stage["buyer"].key.public_key, nonce_from_text("to come"))
    body = {
        "$schema": IDENTITY_SCHEMA,
        "id": "mallory",
        "signkeys": {"user": str(STRANGER.public_key), SYSTEM_KEY: str(stage.node("buyer").parts.key.public_key)},
    }
    event = events.sign(
        previous=victim.initial_hash, key=STRANGER, timestamp=stage.simulation.clock(), data=canonical_json.encode(body)
    )
    stub = Stub(victim.initial_hash, victim.initial_state) if with_stub else None
    document = EventChain(victim, (event,), stub).to_dict()
    assert isinstance(refusal(service_of(stage).add, document, str(STRANGER.public_key)), InvalidError)
    assert service_of(stage).archive.load_tip(victim).height == 0


# The door


def test_sender_who_takes_no_part_is_refused(stage: Stage) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    assert isinstance(refusal(service_of(stage).add, document, str(STRANGER.public_key)), NotAdmittedError)
    assert length(stage) == 2


def test_event_of_a_non_member_is_refused(stage: Stage) -> None:
    document = signed(stage, stage.note(), STRANGER)
    assert isinstance(refusal(stage["buyer"].send, document), NotMemberError)
    assert length(stage) == 2


def test_stranger_does_not_get_in_by_an_identity_of_its_own(stage: Stage) -> None:
    body = {"$schema": IDENTITY_SCHEMA, "id": "mallory", "signkeys": {"user": str(STRANGER.public_key)}}
    document = signed(stage, body, STRANGER)
    assert isinstance(refusal(service_of(stage).add, document, str(STRANGER.public_key)), NotMemberError)
    assert service_of(stage).archive.identity_of(stage.chain, str(STRANGER.public_key)) is None


def test_chain_that_concerns_nobody_here_is_refused(stage: Stage) -> None:
    chain = ChainId.create(STRANGER.public_key, nonce_from_text("strange"))
    body = {"$schema": IDENTITY_SCHEMA, "id": "mallory", "signkeys": {"user": str(STRANGER.public_key)}}
    event = events.sign(
        previous=chain.initial_hash, key=STRANGER, timestamp=stage.simulation.clock(), data=canonical_json.encode(body)
    )
    document = EventChain(chain, (event,)).to_dict()
    assert isinstance(refusal(service_of(stage).add, document, str(STRANGER.public_key)), NotAdmittedError)
    assert service_of(stage).archive.load_tip(chain).height == 0


def test_removed_identity_adds_nothing_any_more(stage: Stage) -> None:
    stage["seller"].post(stage.chain, {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}})
    stage.simulation.settle(receipts=False)
    document = stage["buyer"].sign(stage.chain, stage.note())
    seller = str(stage["seller"].key.public_key)
    assert isinstance(refusal(service_of(stage).add, document, seller), NotAdmittedError)
    forged = signed(stage, stage.note(), stage["seller"].key)
    assert isinstance(refusal(stage["buyer"].send, forged), NotMemberError)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    assert length(stage, "buyer") == 4
    assert length(stage, "seller") == 3  # the last thing it was sent is its own removal


@pytest.mark.parametrize("name", ["user", "one-time"])
def test_restricted_identity_adds_only_what_its_privileges_cover(stage: Stage, name: str) -> None:
    body = {
        "$schema": IDENTITY_SCHEMA,
        "id": "clerk",
        "signkeys": {name: str(STRANGER.public_key)},
        "privileges": [{"schema": NOTE, "not": ["secret"]}],
    }
    stage["buyer"].post(stage.chain, body)
    for refused in ({"$schema": "urn:example:other:1"}, {"$schema": NOTE, "secret": 1}):
        document = signed(stage, refused, STRANGER)
        assert isinstance(refusal(service_of(stage).add, document, str(STRANGER.public_key)), PrivilegeError)
    assert length(stage) == 3


# The engine's part


WRONG_RESPONSES = [
    ("seller", "request", {"item": "x", "quantity": 1}, ForbiddenError),
    ("buyer", "offer", TERMS, ConflictError),
    ("buyer", "request", {"item": "x", "quantity": "many"}, InvalidError),
    ("buyer", "request", {"item": "x"}, InvalidError),
    ("buyer", "request", None, InvalidError),
    ("buyer", "request", {"item": "x", "quantity": 1, "more": 1}, InvalidError),
    ("buyer", "dance", None, LiveContractError),
    ("buyer", "notify", None, LiveContractError),
]


@pytest.mark.parametrize(("name", "action", "data", "family"), WRONG_RESPONSES)
def test_response_that_is_not_possible_is_refused(
    stage: Stage, name: str, action: str, data: Any, family: type[LiveContractError]
) -> None:
    stage.start_quotation()
    before, projection = stage.canonical("buyer"), stage.projection("buyer")
    error = refusal(stage[name].send, stage[name].sign(stage.chain, response("process", action, data)))
    assert isinstance(error, family)
    assert not isinstance(error, UnavailableError | ForkError)
    check_nothing_changed(stage, before, projection)


def test_response_of_a_process_that_is_not_there_is_refused(stage: Stage) -> None:
    error = refusal(stage["buyer"].post, stage.chain, response("nothing", "request"))
    assert isinstance(error, NotFoundError)


@pytest.mark.parametrize("data", [b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 5000, b'{"a":1e999}'])
def test_data_that_is_not_strict_json_is_refused(stage: Stage, data: bytes) -> None:
    error = refusal(stage["buyer"].send, signed(stage, data, stage["buyer"].key))
    assert isinstance(error, InvalidError)
    assert length(stage) == 2


def test_timestamp_is_accepted_up_to_the_tolerance(stage: Stage) -> None:
    now = stage.simulation.clock()
    early = signed(stage, stage.note(), stage["buyer"].key, timestamp=now + CLOCK_TOLERANCE + 1)
    assert isinstance(refusal(stage["buyer"].send, early), FutureEventError)
    assert length(stage) == 2
    stage["buyer"].send(signed(stage, stage.note(), stage["buyer"].key, timestamp=now + CLOCK_TOLERANCE))
    stage.simulation.clock.now += 1
    stage["buyer"].send(early_again := signed(stage, stage.note(), stage["buyer"].key, timestamp=now))
    assert early_again["events"][1]["timestamp"] == now
    assert length(stage) == 4


# Arrival in any order


def whole_chain(stage: Stage, notes: int = 5) -> EventChain:
    for number in range(notes):
        stage["buyer" if number % 2 else "seller"].post(stage.chain, stage.note())
        stage.simulation.settle(receipts=False)
    return stage.canonical("buyer")


def test_events_that_come_before_their_previous_wait(stage: Stage) -> None:
    chain = whole_chain(stage)
    other = Simulation(2, names=("buyer", "seller")).nodes["buyer"].eventchain
    sender = str(stage["buyer"].key.public_key)
    assert isinstance(refusal(other.add, part_of(chain, 3, 5), sender), UnknownPreviousError)
    other.add(part_of(chain, 0, 3), sender)
    other.add(part_of(chain, 3, 5), sender)
    assert isinstance(refusal(other.add, part_of(chain, 6, 7), sender), UnknownPreviousError)


@settings(max_examples=40)
@given(data=st.data())
def test_parcels_in_any_order_and_number_give_the_same_chain(data: st.DataObject) -> None:
    chain = CHAINS.notes
    parts = data.draw(
        st.lists(st.tuples(st.integers(0, 6), st.integers(1, 7)).filter(lambda ends: ends[0] < ends[1]), max_size=8)
    )
    waiting = [*data.draw(st.permutations([*parts, *((number, number + 1) for number in range(7))]))]
    service = Simulation(2, names=("buyer", "seller")).nodes["buyer"].eventchain
    for _ in range(8):
        size = data.draw(st.integers(1, len(waiting))) if waiting else 1
        batches = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        waiting = []
        for batch in batches:
            results = service.add_all([Parcel(part_of(chain, *ends), CHAINS.sender) for ends in batch])
            assert all(error is None or isinstance(error, UnknownPreviousError) for error in results)
            waiting += [ends for ends, error in zip(batch, results, strict=True) if error]
    assert service.archive.chain(chain.id) == chain
    assert not service.archive.conflicts(chain.id)


class _Chains:
    """A chain of two identities and five notes, made once."""

    @property
    def notes(self) -> EventChain:
        if not hasattr(self, "_notes"):
            stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
            self.sender = str(stage["buyer"].key.public_key)
            self._notes = whole_chain(stage)
        return self._notes


CHAINS = _Chains()


def test_same_event_in_two_parcels_of_one_batch_is_added_once(stage: Stage) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    sender = str(stage["buyer"].key.public_key)
    assert service_of(stage).add_all([Parcel(document, sender)] * 3) == [None] * 3
    assert length(stage) == 3


def test_failing_parcel_of_one_chain_does_not_touch_another(stage: Stage) -> None:
    buyer, sender = stage["buyer"], str(stage["buyer"].key.public_key)
    other = buyer.create_chain("other")
    good = [buyer.sign(stage.chain, stage.note()), buyer.sign(other, stage.note())]
    bad = [signed(stage, stage.note(), STRANGER), buyer.sign(other, response("nothing", "request"))]
    parcels = [Parcel(item, sender) for pair in zip(bad, good, strict=True) for item in pair]
    results = service_of(stage).add_all(parcels)
    assert [result is None for result in results] == [False, True, False, True]
    assert length(stage) == 3
    assert len(buyer.node.eventchain.archive.chain(ChainId.parse(other)).events) == 2


def test_events_before_a_refused_one_are_kept(stage: Stage) -> None:
    service, key = service_of(stage), stage["buyer"].key
    tip = service.tip(stage.chain)
    made = []
    for body in (stage.note(), response("nothing", "request"), stage.note()):
        previous = made[-1].hash if made else tip.hash
        made.append(
            events.sign(
                previous=previous, key=key, timestamp=stage.simulation.clock(), data=canonical_json.encode(body)
            )
        )
    document = EventChain(tip.chain, tuple(made), Stub(tip.hash, tip.state)).to_dict()
    assert isinstance(refusal(stage["buyer"].send, document), NotFoundError)
    assert [event.hash for event in stage.canonical("buyer").events[2:]] == [made[0].hash]
    stage["buyer"].post(stage.chain, stage.note())
    assert length(stage) == 4


@pytest.mark.slow
def test_long_chain_is_taken_in_whole(stage: Stage) -> None:
    tip, made = service_of(stage).tip(stage.chain), []
    for _ in range(1500):
        data = canonical_json.encode(stage.note())
        previous = made[-1].hash if made else tip.hash
        made.append(
            events.sign(previous=previous, key=stage["buyer"].key, timestamp=stage.simulation.clock(), data=data)
        )
    stage["buyer"].send(EventChain(tip.chain, tuple(made), Stub(tip.hash, tip.state)).to_dict())
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "seller"))
    assert length(stage, "seller") == 1502


# Forks at one node


def test_fork_is_kept_and_answered_with_a_conflict(stage: Stage) -> None:
    first, second = (stage["buyer"].sign(stage.chain, stage.note()) for _ in range(2))
    stage["buyer"].send(first)
    error = refusal(stage["buyer"].send, second)
    assert isinstance(error, ForkError)
    assert error.branch == second["events"][1]["hash"]
    assert error.fork_point == second["events"][0]["hash"]
    assert length(stage) == 3
    assert len(stage.known("buyer")) == 4


def test_branch_that_is_sent_again_is_a_conflict_again(stage: Stage) -> None:
    first, second = (stage["buyer"].sign(stage.chain, stage.note()) for _ in range(2))
    stage["buyer"].send(first)
    one, two = (refusal(stage["buyer"].send, second) for _ in range(2))
    assert isinstance(one, ForkError)
    assert isinstance(two, ForkError)
    assert (one.fork_point, one.branch) == (two.fork_point, two.branch)
    assert len(service_of(stage).archive.conflicts(stage.id)) == 1


def test_part_of_a_branch_that_is_kept_is_shown(stage: Stage) -> None:
    """The second event of the branch is refused for its time only after the first one is kept."""
    service, key, now = service_of(stage), stage["buyer"].key, stage.simulation.clock()
    tip = service.tip(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    data = canonical_json.encode(stage.note())
    one = events.sign(previous=tip.hash, key=key, timestamp=now, data=data)
    two = events.sign(previous=one.hash, key=key, timestamp=now + 2 * CLOCK_TOLERANCE, data=data)
    document = EventChain(tip.chain, (one, two), Stub(tip.hash, tip.state)).to_dict()
    assert isinstance(refusal(stage["buyer"].send, document), FutureEventError)
    kept = service.archive.find(stage.id, one.hash) is not None
    assert kept == (len(service.archive.conflicts(stage.id)) == 1)


# Several threads, several services, and what fails below


class ThreadStages:
    """Where many post at once: services over one store."""

    def __init__(self, stage: Stage, services: list[EventChainService]) -> None:
        self.stage = stage
        self.services = services

    def post_own_notes(self, number: int) -> int:
        """Post a note again and again until it is on the chain; count the forks it caused."""
        service, forks = self.services[number % len(self.services)], 0
        sender = str(self.stage["buyer"].key.public_key)
        for _ in range(100):
            tip = service.tip(self.stage.chain)
            body = {"$schema": NOTE, "number": number, "try": forks}
            event = events.sign(
                previous=tip.hash,
                key=self.stage["buyer"].key,
                timestamp=self.stage.simulation.clock(),
                data=canonical_json.encode(body),
            )
            document = EventChain(tip.chain, (event,), Stub(tip.hash, tip.state)).to_dict()
            try:
                service.add(document, sender)
            except ConflictError:
                forks += 1
            except ChainBusyError:  # another copy was faster all the time
                continue
            else:
                return forks
        raise AssertionError("never got in")


@pytest.fixture(params=["sqlite", "leased", pytest.param("mongodb", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Where a store groups writes, and where it does not."""
    if request.param == "sqlite":
        yield SqliteStorage(tmp_path)
        return
    leased = LeasedStorage(tmp_path)
    if request.param == "mongodb":
        new_database = request.getfixturevalue("new_database")
        leased = LeasedStorage(tmp_path, open_store=lambda _name: MongoStore(new_database(), None, COLLECTIONS))
    yield leased
    leased.close()


@pytest.mark.parametrize("services", [1, 2])
def test_threads_that_post_to_one_chain_lose_and_double_nothing(storage: Storage, services: int) -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"), storage=storage)).found()
    copies = [service_of(stage), *(second_service(stage, store_of(stage)) for _ in range(services - 1))]
    threads = ThreadStages(stage, copies)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(threads.post_own_notes, range(18)))
    numbers = [event.body()["number"] for event in stage.canonical("buyer").events[2:]]
    assert sorted(numbers) == list(range(18))
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer",))
    assert stage.known("buyer") == stage.known("seller")
    stage.simulation.close()


def test_threads_that_post_to_different_chains_do_not_disturb_each_other(storage: Storage) -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"), storage=storage)).found()
    chains = [stage["buyer"].create_chain(f"chain {number}") for number in range(4)]

    def work(chain: str) -> None:
        for number in range(10):
            stage["buyer"].post(chain, {"$schema": NOTE, "number": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, chains))
    for chain in chains:
        assert len(service_of(stage).archive.chain(ChainId.parse(chain)).events) == 11
    stage.simulation.close()


def store_of(stage: Stage, name: str = "buyer") -> Any:
    return stage.node(name).parts.store


def second_service(stage: Stage, store: Any, queue: Any = None) -> EventChainService:
    """Return another copy of the buyer's service, over the same store."""
    parts = stage.node("buyer").parts
    workflow = WorkflowService(store, parts.clock, Triggers({}))
    return EventChainService(
        store=store,
        engine=OwnEngine(workflow, parts.clock),
        queue=queue or QueuePlug(parts.broker),
        key=parts.key,
        clock=parts.clock,
        node_uri=parts.uri,
    )


def test_service_sees_what_another_copy_appended(stage: Stage) -> None:
    stage.start_quotation()
    copy = second_service(stage, store_of(stage))
    sender = str(stage["buyer"].key.public_key)
    for number in range(6):
        document = stage["buyer"].sign(stage.chain, stage.note())
        (copy if number % 2 else service_of(stage)).add(document, sender)
    assert not copy.archive.conflicts(stage.id)
    assert length(stage) == 10
    check_equal(stage, ("buyer",))


class RacingStore:
    """A store in which, just before an event is inserted, somebody else gets in between."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.between: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def insert(self, collection: Any, documents: Any) -> None:
        if collection is EVENTS and self.between:
            self.between.pop()()
        self._store.insert(collection, documents)


def test_lost_race_becomes_a_branch_and_the_projection_is_that_of_the_chain(stage: Stage) -> None:
    stage.start_quotation()
    racing = RacingStore(store_of(stage))
    slow = second_service(stage, racing)
    sender = str(stage["buyer"].key.public_key)
    mine = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "mine", "quantity": 1}))
    other = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "other", "quantity": 2}))
    racing.between = [lambda: service_of(stage).add(other, sender)]
    assert isinstance(refusal(slow.add, mine, sender), ForkError)
    assert stage.canonical("buyer").events[-1].hash == base58.decode(other["events"][1]["hash"])
    check_equal(stage, ("buyer",))


def test_lost_race_makes_nobody_a_member(stage: Stage) -> None:
    racing = RacingStore(store_of(stage))
    slow = second_service(stage, racing)
    sender = str(stage["buyer"].key.public_key)
    identity = {"$schema": IDENTITY_SCHEMA, "id": "late", "signkeys": {"user": str(STRANGER.public_key)}}
    mine = stage["buyer"].sign(stage.chain, identity)
    other = stage["buyer"].sign(stage.chain, stage.note())
    racing.between = [lambda: service_of(stage).add(other, sender)]
    assert isinstance(refusal(slow.add, mine, sender), ForkError)
    assert slow.archive.identity_of(stage.chain, str(STRANGER.public_key)) is None


def test_own_event_that_lost_a_race_is_signed_again(stage: Stage) -> None:
    racing = RacingStore(store_of(stage))
    slow = second_service(stage, racing)
    other = stage["buyer"].sign(stage.chain, stage.note())
    racing.between = [lambda: service_of(stage).add(other, str(stage["buyer"].key.public_key))]
    event = slow.submit(stage.chain, stage.note(), "once")
    assert stage.canonical("buyer").events[-1].hash == event.hash
    assert not slow.archive.conflicts(stage.id)
    assert slow.submit(stage.chain, stage.note(), "once").hash == event.hash


def test_engine_ahead_of_the_chain_is_set_right(stage: Stage) -> None:
    stage.start_quotation()
    ahead = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "x", "quantity": 1}))
    tip = service_of(stage).tip(stage.chain)
    event = event_json.read_event(ahead["events"][1], Generation.V2)
    OwnEngine(stage.node("buyer").workflow, stage.simulation.clock).apply(tip.advance(event)[1])
    assert stage.state("buyer") == "requested"
    stage["buyer"].post(stage.chain, stage.note())
    assert stage.state("buyer") == "initial"
    check_equal(stage, ("buyer",))


def test_engine_behind_the_chain_is_set_right(stage: Stage) -> None:
    stage.start_quotation()
    stage.act("buyer", "request", {"item": "x", "quantity": 1})
    stage.node("buyer").workflow.forget(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    assert stage.state("buyer") == "requested"
    check_equal(stage, ("buyer",))


class FailingStore:
    """A store of which a certain write fails."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.left: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def batch(self) -> AbstractContextManager[None]:
        context: AbstractContextManager[None] = self._store.batch()
        return context

    def _count(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise StoreUnavailableError("the disk is full")

    def insert(self, *arguments: Any) -> None:
        self._count()
        self._store.insert(*arguments)

    def put(self, *arguments: Any) -> None:
        self._count()
        self._store.put(*arguments)

    def update(self, *arguments: Any, **named: Any) -> bool:
        self._count()
        return bool(self._store.update(*arguments, **named))


@pytest.mark.parametrize("writes", range(7))
def test_store_that_fails_in_between_leaves_no_lie_behind(
    storage: Storage, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "WAIT_SECONDS", 0.0)
    stage = Stage.of(Simulation(1, names=("buyer", "seller"), storage=storage)).found().start_quotation()
    failing = FailingStore(store_of(stage))
    service = second_service(stage, failing)
    sender = str(stage["buyer"].key.public_key)
    first = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "x", "quantity": 1}))
    identity = {"$schema": IDENTITY_SCHEMA, "id": "more", "signkeys": {"user": str(STRANGER.public_key)}}
    service.add(stage["buyer"].sign(stage.chain, stage.note()), sender)
    failing.left = writes
    first = stage["buyer"].sign(stage.chain, response("process", "request", {"item": "x", "quantity": 1}))
    try:
        service.add(first, sender)
        failed = False
    except UnavailableError:
        failed = True
    second = stage["buyer"].sign(stage.chain, identity)
    try:
        service.add(second, sender)
    except UnavailableError:
        failed = True
    assert failed == (failing.left is not None and failing.left < 0)
    failing.left = None
    stage.simulation.clock.now += LEASE_MS
    for document in (first, second):
        try:
            service.add(document, sender)
        except ForkError:
            service.add(stage["buyer"].sign(stage.chain, identity), sender)
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "seller"))
    assert service.archive.identity_of(stage.chain, str(STRANGER.public_key)) == "more"
    stage.simulation.close()


def test_effects_wait_while_the_queue_is_away(stage: Stage) -> None:
    broker = stage.node("buyer").parts.broker
    service = second_service(stage, store_of(stage), queue=QueueThatIsAway())
    service.add(stage["buyer"].sign(stage.chain, stage.note()), str(stage["buyer"].key.public_key))
    assert length(stage) == 3
    assert service.resume() == 1
    assert service.archive.pending(10)
    assert not broker.depth("relay").waiting
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "seller"))


class QueueThatIsAway:
    def publish(self, messages: Any) -> None:
        raise UnavailableError("the queue is away")


def test_node_that_does_not_serve_its_users_refuses_their_chains() -> None:
    simulation = Simulation(1, names=("buyer",))
    node = simulation.nodes["buyer"]
    service = EventChainService(
        store=MemoryStore(COLLECTIONS),
        engine=OwnEngine(rehearsing_engine(simulation.clock), simulation.clock),
        queue=QueuePlug(node.parts.broker),
        key=node.parts.key,
        clock=simulation.clock,
        users=frozenset({str(STRANGER.public_key)}),
    )
    stage = Stage.of(simulation, ("buyer",))
    chain = ChainId.create(stage["buyer"].key.public_key, nonce_from_text("x"))
    document = stage["buyer"].sign(str(chain), stage["buyer"].identity, tip=Tip.empty(chain))
    error = refusal(service.add, document, str(stage["buyer"].key.public_key))
    assert isinstance(error, NotAdmittedError)


def preparer_of(stage: Stage) -> PreparerPlug:
    node = stage.node("buyer")
    return PreparerPlug(node.chains, node.engine)


def test_prepared_event_is_accepted_once_it_is_signed(stage: Stage) -> None:
    stage.start_quotation()
    service, key = service_of(stage), stage["buyer"].key
    prepared = preparer_of(stage).prepare(
        stage.chain, response("process", "request", {"item": "x", "quantity": 1}), key.public_key
    )
    event = events.decode(_from_base64(prepared["signed"]), b"")
    finished = replace(event, signature=key.sign(event.signed))
    service.add({"id": stage.chain, "events": [prepared["stub"], event_json.to_dict(finished)]}, str(key.public_key))
    assert stage.state("buyer") == "requested"
    tip = service.tip(stage.chain)
    assert base58.encode(tip.state) == prepared["state"]


def _from_base64(text: str) -> bytes:
    import base64

    return base64.b64decode(text.removeprefix("base64:"))


def test_prepare_says_why_an_event_would_be_refused(stage: Stage) -> None:
    stage.start_quotation()
    prepare = preparer_of(stage).prepare
    body = response("process", "request", {"item": "x", "quantity": 1})
    for key, refused in itertools.product([stage["seller"].key.public_key, STRANGER.public_key], [body]):
        assert isinstance(refusal(prepare, stage.chain, refused, key), ForbiddenError)
    assert stage.state("buyer") == "initial"


def test_who_takes_no_part_any_more_is_shown_nothing_new(stage: Stage) -> None:
    """It may still send the event that once made it a member: that is known, and answered with itself."""
    joining = part_of(stage.canonical("buyer"), 1, 2)
    leaving = {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}}
    answer = stage["seller"].post(stage.chain, leaving)
    assert len(answer.events) == 1
    stage.simulation.settle(receipts=False)
    stage["buyer"].post(stage.chain, stage.note("secret"))
    answer = service_of(stage).add(joining, str(stage["seller"].key.public_key))
    assert len(answer.events) == 1
    assert len(service_of(stage).add(joining, str(stage["buyer"].key.public_key)).events) == 4
