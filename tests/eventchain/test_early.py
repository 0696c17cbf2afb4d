"""Events that arrive before those they follow wait here; the order of arrival changes nothing."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain import early as early_module
from eventchain.archive import EARLY
from eventchain.chain import EventChain
from eventchain.core import base58
from eventchain.core.errors import ForbiddenError, LiveContractError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.early import FIRST_LOOK_MS, LAST_LOOK_MS, LONGEST_MS
from eventchain.errors import ForkError, UnknownPreviousError
from eventchain.intake import Parcel
from eventchain.service import EventChainService
from eventchain.store.document_store import Collection, Document
from eventchain.store.mongo import MongoStore
from eventchain.tip import Tip
from livecontract.node import COLLECTIONS
from livecontract.simulation import Simulation, Storage
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, Stage, part_of, refusal, silence
from tests.servers.mongodb import NewDatabase

NAMES = ("buyer", "seller")
OutcomeList = list[LiveContractError | None]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence(50):
        yield


@pytest.fixture
def stage() -> Stage:
    return Stage.of(Simulation(1, names=NAMES)).found()


def whole_chain(stage: Stage, notes: int = 5) -> EventChain:
    """Return a chain of two identities and some notes, which only the buyer's node has whole."""
    for _ in range(notes):
        document = stage["buyer"].sign(stage.chain, stage.note())
        stage.node("buyer").eventchain.add(document, sender(stage))
    return stage.canonical("buyer")


def sender(stage: Stage, name: str = "buyer") -> str:
    return str(stage[name].key.public_key)


def service_of(stage: Stage, name: str = "seller") -> EventChainService:
    return stage.node(name).eventchain


def parcels(chain: EventChain, ends: Sequence[tuple[int, int]], who: str) -> list[Parcel]:
    return [Parcel(part_of(chain, *pair), who, may_wait=True) for pair in ends]


def give(service: EventChainService, chain: EventChain, who: str, *ends: tuple[int, int]) -> OutcomeList:
    return service.add_all(parcels(chain, ends, who))


def kept(service: EventChainService) -> int:
    return len(service.archive.early(10_000))


def sqlite_storage(folder: Path) -> Storage:
    return SqliteStorage(folder)


def leased_storage(folder: Path) -> Storage:
    return LeasedStorage(folder)


class _Chains:
    """A chain of two identities and six notes, made once."""

    chain: EventChain
    sender: str

    def __init__(self) -> None:
        stage = Stage.of(Simulation(1, names=NAMES))
        stage.found()
        self.chain, self.sender = whole_chain(stage, 6), sender(stage)


@pytest.fixture(scope="module")
def made() -> _Chains:
    with silence(50):
        return _Chains()


LENGTH = 8
ENDS = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).filter(lambda ends: ends[0] < ends[1])


def check_any_order(data: st.DataObject, made: _Chains, service: EventChainService) -> None:
    """Bring parts that overlap, in any order and in batches of any size, each once."""
    parts = data.draw(st.lists(ENDS, max_size=6))
    singles = [(number, number + 1) for number in range(LENGTH)]
    waiting = data.draw(st.permutations([*parts, *singles]))
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        batch, waiting = waiting[:size], waiting[size:]
        assert give(service, made.chain, made.sender, *batch) == [None] * len(batch)
    assert service.archive.chain(made.chain.id) == made.chain
    assert not service.archive.conflicts(made.chain.id)
    assert kept(service) == 0


def knowing(storage: Storage | None = None) -> Stage:
    """Return nodes that share another chain, so that they know each other."""
    stage = Stage.of(Simulation(2, names=NAMES, storage=storage))
    stage.chain = stage["buyer"].create_chain("another contract")
    stage["buyer"].post(stage.chain, stage["seller"].identity)
    stage.simulation.settle(receipts=False)
    return stage


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_parcels_in_any_order_give_the_same_chain_and_none_waits_any_more(made: _Chains, data: st.DataObject) -> None:
    check_any_order(data, made, service_of(knowing(), "buyer"))


@pytest.mark.parametrize("open_storage", [sqlite_storage, leased_storage])
def test_order_of_arrival_changes_nothing_in_any_store(
    tmp_path: Path, made: _Chains, open_storage: Callable[[Path], Storage]
) -> None:
    folders = itertools.count()

    @settings(max_examples=12, deadline=None)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        stage = knowing(open_storage(folder))
        check_any_order(data, made, service_of(stage, "buyer"))
        stage.simulation.close()

    check()


@pytest.mark.slow
def test_order_of_arrival_changes_nothing_in_mongodb(tmp_path: Path, made: _Chains, new_database: NewDatabase) -> None:
    storage = LeasedStorage(tmp_path, open_store=lambda _name: MongoStore(new_database(), None, COLLECTIONS))
    stage = knowing(storage)
    service = service_of(stage, "buyer")
    orders = [(number, number + 1) for number in reversed(range(LENGTH))]
    assert give(service, made.chain, made.sender, *orders[:3]) == [None] * 3
    assert kept(service) == 3
    assert give(service, made.chain, made.sender, *orders[3:]) == [None] * 5
    assert service.archive.chain(made.chain.id) == made.chain
    assert kept(service) == 0
    storage.close()


def test_what_follows_is_added_with_what_it_follows(stage: Stage) -> None:
    chain, service = whole_chain(stage, 5), service_of(stage)
    assert give(service, chain, sender(stage), (5, 6), (3, 5), (6, 7)) == [None] * 3
    assert kept(service) == 3
    assert service.archive.height(stage.chain) == 2
    assert give(service, chain, sender(stage), (2, 3)) == [None]
    assert service.archive.chain(chain.id) == chain
    assert kept(service) == 0


def test_effects_of_what_came_early_are_done(stage: Stage) -> None:
    """The notes come from their author, so the seller's node anchors them and tells the others."""
    chain, service = whole_chain(stage, 3), service_of(stage)
    give(service, chain, sender(stage), (3, 4), (4, 5))
    give(service, chain, sender(stage), (2, 3))
    service.resume()
    hashes = stage.node("seller").parts.broker.receive("anchor", 10)
    assert sum(len(item.message.body.split(b",")) for item in hashes) == 3
    assert not service.archive.pending(1)


def test_event_that_follows_nothing_is_refused_to_who_wants_it_added(stage: Stage) -> None:
    """What is posted to `/event-chains` is on the chain when it is answered."""
    chain, service = whole_chain(stage, 3), service_of(stage)
    assert isinstance(refusal(service.add, part_of(chain, 3, 5), sender(stage)), UnknownPreviousError)
    assert kept(service) == 0


def test_part_of_a_chain_that_is_not_here_waits_if_its_sender_is_known(made: _Chains) -> None:
    stage = knowing()
    service = service_of(stage)
    assert give(service, made.chain, made.sender, (3, 8)) == [None]
    assert kept(service) == 1
    (error,) = give(service, made.chain, str(KeyPair.from_seed_phrase("stranger").public_key), (4, 8))
    assert isinstance(error, UnknownPreviousError)
    assert give(service, made.chain, made.sender, (0, 3)) == [None]
    assert service.archive.chain(made.chain.id) == made.chain


def test_who_turns_out_to_take_no_part_is_not_admitted(stage: Stage) -> None:
    """The inspector is known from another chain, and sends what it found of this one."""
    other = stage["seller"].create_chain("with the inspector")
    inspector = KeyPair.from_seed_phrase("inspector user")
    identity = {**stage["seller"].identity, "id": "inspector", "signkeys": {"user": str(inspector.public_key)}}
    stage["seller"].post(other, identity)
    chain, service = whole_chain(stage, 3), service_of(stage)
    assert give(service, chain, str(inspector.public_key), (3, 5)) == [None]
    assert kept(service) == 1
    assert give(service, chain, sender(stage), (2, 3)) == [None]
    assert kept(service) == 0
    assert service.archive.height(stage.chain) == 3
    (error,) = give(service, chain, str(inspector.public_key), (3, 5))
    assert isinstance(error, ForbiddenError)


def test_forged_events_are_not_kept(stage: Stage) -> None:
    chain, service = whole_chain(stage, 3), service_of(stage)
    document = part_of(chain, 3, 5)
    document["events"][-1]["signature"] = document["events"][-2]["signature"]
    (error,) = service.add_all([Parcel(document, sender(stage), may_wait=True)])
    assert error is not None
    assert error.code == "InvalidEvent"
    assert kept(service) == 0


def test_branch_that_came_early_is_kept_beside_the_chain(stage: Stage) -> None:
    buyer, service = stage["buyer"], service_of(stage)
    chain = whole_chain(stage, 2)
    fork_point = Tip(
        chain=chain.id, hash=chain.events[2].hash, height=3, state=b"", identities=service.tip(stage.chain).identities
    )
    branch = buyer.sign(stage.chain, stage.note("beside"), tip=fork_point)
    assert give(service, chain, sender(stage), (3, 4)) == [None]
    assert service.add_all([Parcel(branch, sender(stage), may_wait=True)]) == [None]
    assert give(service, chain, sender(stage), (2, 3)) == [None]
    assert service.archive.chain(chain.id) == chain
    assert len(service.archive.conflicts(chain.id)) == 1
    assert kept(service) == 0
    assert isinstance(refusal(service.add, branch, sender(stage)), ForkError)


def test_one_sender_and_one_chain_find_room_for_so_many_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, service = whole_chain(stage, 8), service_of(stage)
    singles = [(number, number + 1) for number in range(3, 10)]
    monkeypatch.setattr(early_module, "CHAIN_ROOM", (3, 1_000_000))
    outcomes = give(service, chain, sender(stage), *singles)
    assert [outcome is None for outcome in outcomes] == [True] * 3 + [False] * 4
    assert all(isinstance(outcome, UnknownPreviousError) for outcome in outcomes[3:])
    assert kept(service) == 3
    monkeypatch.setattr(early_module, "CHAIN_ROOM", (100, 1_000_000))
    monkeypatch.setattr(early_module, "SENDER_ROOM", (5, 1_000_000))
    outcomes = [give(service, chain, sender(stage), pair)[0] for pair in singles[3:]]
    assert [outcome is None for outcome in outcomes] == [True, True, False, False]
    assert give(service, chain, sender(stage, "seller"), singles[-1]) == [None]
    monkeypatch.setattr(early_module, "SENDER_ROOM", (100, 2_000))
    assert give(service, chain, sender(stage), singles[-1]) != [None]
    assert kept(service) == 6
    assert give(service, chain, sender(stage), (2, 3)) == [None]
    assert service.archive.height(stage.chain) == 8
    assert kept(service) == 1
    assert give(service, chain, sender(stage), *singles) == [None] * 7
    assert kept(service) == 0
    assert service.archive.chain(chain.id) == chain


def test_invented_chains_do_not_fill_the_store(made: _Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_module, "SENDER_ROOM", (5, 1_000_000))
    stage, outcomes = knowing(), []
    for number in range(20):
        document = part_of(made.chain, 3, 4)
        document["id"] = str(ChainId.create(stage["buyer"].key.public_key, bytes([number]) * 20))
        outcomes += service_of(stage).add_all([Parcel(document, made.sender, may_wait=True)])
    assert [outcome is None for outcome in outcomes] == [True] * 5 + [False] * 15
    assert kept(service_of(stage)) == 5


def test_same_events_wait_once_and_the_longer_part_is_kept(stage: Stage) -> None:
    chain, service = whole_chain(stage, 5), service_of(stage)
    for pair in ((5, 7), (4, 7), (6, 7), (4, 7)):
        assert give(service, chain, sender(stage), pair) == [None]
    assert kept(service) == 1
    assert give(service, chain, sender(stage), (2, 4)) == [None]
    assert service.archive.chain(chain.id) == chain


def test_missing_events_are_asked_for_again_at_growing_intervals(stage: Stage) -> None:
    chain, service, clock = whole_chain(stage, 3), service_of(stage), stage.simulation.clock
    broker = stage.node("seller").parts.broker
    give(service, chain, sender(stage), (4, 5))
    asked: list[int] = []
    start = clock.now
    while clock.now - start < 8 * LAST_LOOK_MS:
        service.resume()
        deliveries = broker.receive("relay", 10)
        broker.ack(deliveries)
        asked += [clock.now - start] * len(deliveries)
        clock.now += FIRST_LOOK_MS
    waits = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert waits == sorted(waits)
    assert len(asked) < 25
    assert LAST_LOOK_MS <= waits[-1] <= LAST_LOOK_MS + FIRST_LOOK_MS


def test_what_waited_for_a_week_is_given_up(stage: Stage) -> None:
    chain, service, clock = whole_chain(stage, 3), service_of(stage), stage.simulation.clock
    give(service, chain, sender(stage), (4, 5))
    clock.now += LONGEST_MS
    service.resume()
    assert kept(service) == 1
    clock.now += LAST_LOOK_MS + 1
    service.resume()
    assert kept(service) == 0


def test_what_a_killed_copy_left_is_taken_in_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It saved an event, and was killed before it took what follows: the store has both."""
    chain, service, clock = whole_chain(stage, 3), service_of(stage), stage.simulation.clock
    give(service, chain, sender(stage), (3, 4), (4, 5))
    monkeypatch.setattr(service._early, "follow", lambda *_: [])
    give(service, chain, sender(stage), (2, 3))
    monkeypatch.undo()
    assert service.archive.height(stage.chain) == 3
    assert kept(service) == 2
    service.resume()
    assert kept(service) == 2
    clock.now += FIRST_LOOK_MS
    service.resume()
    assert service.archive.chain(chain.id) == chain
    assert kept(service) == 0


def test_early_event_of_the_future_waits_for_its_time(stage: Stage) -> None:
    chain, service, clock = whole_chain(stage, 2), service_of(stage), stage.simulation.clock
    clock.now += 3_600_000
    stage.node("buyer").eventchain.add(stage["buyer"].sign(stage.chain, stage.note()), sender(stage))
    chain = stage.canonical("buyer")
    clock.now -= 3_600_000
    assert give(service, chain, sender(stage), (4, 5), (2, 4)) != [None, None]
    assert give(service, chain, sender(stage), (2, 4)) == [None]
    assert service.archive.height(stage.chain) == 4
    clock.now += 3_600_000
    assert give(service, chain, sender(stage), (4, 5)) == [None]
    assert service.archive.chain(chain.id) == chain


def test_one_look_is_enough_where_nothing_is_early(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all events and chains of a batch; and none where nothing was saved."""
    chain, service = whole_chain(stage, 5), service_of(stage)
    store, looks = stage.node("seller").parts.store, []
    find = store.find

    def watched(collection: Collection, *arguments: Any, **named: Any) -> list[Document]:
        looks.append(collection)
        return find(collection, *arguments, **named)

    monkeypatch.setattr(store, "find", watched)
    give(service, chain, sender(stage), *((number, number + 1) for number in range(2, 7)))
    assert looks.count(EARLY) == 1
    give(service, chain, sender(stage), (2, 7))
    assert looks.count(EARLY) == 1


def test_what_cannot_be_read_any_more_stops_nothing(stage: Stage) -> None:
    chain, service = whole_chain(stage, 3), service_of(stage)
    give(service, chain, sender(stage), (3, 4), (4, 5))
    store = stage.node("seller").parts.store
    (first,) = [item for item in store.find(EARLY) if item["previous"] == base58.encode(chain.events[2].hash)]
    store.put(EARLY, {**first, "document": b'{"id":"x","events":[]}'})
    assert give(service, chain, sender(stage), (2, 3)) == [None]
    assert kept(service) == 1
    assert give(service, chain, sender(stage), (3, 4)) == [None]
    assert service.archive.chain(chain.id) == chain
    assert kept(service) == 0
