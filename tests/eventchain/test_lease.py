"""Leases and locks: one holder for each chain, a bounded wait, and what dead copies leave is found and taken over."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from eventchain.chain_locks import ChainLocks
from eventchain.core.errors import ForbiddenError, UnavailableError
from eventchain.errors import ChainBusyError
from eventchain.lease import LEASE_MS, LEASES, Leases
from eventchain.recent import RecentTips
from eventchain.store.document_store import DocumentStore
from eventchain.store.errors import StoreUnavailableError
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.tip import Tip
from tests.node.one_copy import chain_id


class World:
    """A store that copies share, and a clock that waiting moves."""

    def __init__(self, store: DocumentStore) -> None:
        self.store = store
        self.now = 1_000_000
        self.waits = 0
        self.copies = 0

    def clock(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits += 1
        self.now += int(seconds * 1000)

    def random(self, count: int) -> bytes:
        self.copies += 1
        return self.copies.to_bytes(count, "big")

    def leases(self) -> Leases:
        return Leases(self.store, self.clock, self.random, LEASE_MS)

    def locks(self) -> ChainLocks:
        return ChainLocks(self.leases(), self.clock, self.wait)

    @property
    def chains(self) -> list[Any]:
        return [document["chain"] for document in self.store.find(LEASES)]


@pytest.fixture(params=["memory", pytest.param("mongodb", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        store: DocumentStore = MemoryStore([LEASES])
    else:
        store = MongoStore(request.getfixturevalue("new_database")(), None, [LEASES])
    yield World(store)
    store.close()


def test_chain_has_one_holder_until_it_is_given_back(world: World) -> None:
    mine, theirs = world.locks(), world.locks()
    with mine.hold(["a", "b"]) as held, theirs.hold(["b", "c"]) as other:
        assert (held.chains, held.left_behind) == ({"a", "b"}, set())
        assert (other.chains, other.left_behind) == ({"c"}, set())
    assert world.chains == []
    with theirs.hold(["a", "b", "c"]) as other:
        assert other.chains == {"a", "b", "c"}


def test_wait_for_a_chain_of_another_copy_is_bounded(world: World) -> None:
    mine, theirs = world.locks(), world.locks()
    with mine.hold(["a"]), theirs.hold(["a", "b"], seconds=2.0) as other:
        assert other.chains == {"b"}
        assert 1_002_000 <= world.now <= 1_003_000
    assert world.waits > 3


def test_chain_that_is_given_back_meanwhile_is_had(world: World) -> None:
    mine, theirs = world.locks(), world.locks()
    with ExitStack() as stack:
        stack.enter_context(mine.hold(["a"]))
        waits = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                stack.close()

        patient = ChainLocks(world.leases(), world.clock, wait)
        with patient.hold(["a"], seconds=5.0) as held:
            assert held.chains == {"a"}
    assert len(waits) == 2
    assert theirs.left_behind(10) == []


def test_same_thread_may_hold_a_chain_again_and_gives_it_back_once(world: World) -> None:
    locks = world.locks()
    with locks.hold(["a"]):
        with locks.hold(["a", "b"]) as inner:
            assert inner.chains == {"a", "b"}
        assert world.chains == ["a"]
    assert world.chains == []


def test_lease_of_a_dead_copy_expires_and_its_chain_is_known_to_be_left_behind(world: World) -> None:
    dead, alive = world.leases(), world.locks()
    assert dead.take(["a", "b"], dead.new_holder()) == {"a": False, "b": False}
    with alive.hold(["a"]) as held:
        assert held.chains == set()
    assert alive.left_behind(10) == []
    world.now += LEASE_MS
    assert alive.left_behind(10) == ["a", "b"]
    with alive.hold(["a", "c"]) as held:
        assert (held.chains, held.left_behind) == ({"a", "c"}, {"a"})
        assert alive.left_behind(10) == ["b"]
    assert alive.left_behind(10) == ["b"]


def test_what_is_half_done_is_left_behind_at_once(world: World) -> None:
    mine, theirs = world.locks(), world.locks()
    with mine.hold(["a", "b", "c"]):
        for chain in ("a", "b"):
            mine.begin(chain)
        mine.finish("b")
        assert mine.is_half_done("a")
    assert theirs.left_behind(10) == world.chains == ["a"]
    with theirs.hold(["a"]) as held:
        assert held.left_behind == {"a"}
    assert world.chains == []


@pytest.mark.parametrize(
    ("error", "left_behind"),
    [(ForbiddenError("no"), []), (UnavailableError("away"), ["a"]), (KeyError("bug"), ["a"]), (SystemExit(), ["a"])],
)
def test_work_that_broke_off_leaves_its_chain_behind(
    world: World, error: BaseException, left_behind: list[str]
) -> None:
    locks = world.locks()
    with pytest.raises(type(error)), locks.hold(["a"]), locks.hold(["a"]):
        raise error
    assert locks.left_behind(10) == world.chains == left_behind


def test_long_work_keeps_its_lease(world: World) -> None:
    mine, theirs = world.locks(), world.locks()
    with mine.hold(["a"]):
        for _ in range(10):
            world.now += LEASE_MS * 3 // 4
            mine.keep()
            with theirs.hold(["a"]) as held:
                assert held.chains == set()


def test_who_was_too_slow_is_told_and_gives_back_nothing_of_its_successor(world: World) -> None:
    slow, successor = world.locks(), world.locks()
    with ExitStack() as stack:
        with slow.hold(["a"]):
            world.now += LEASE_MS
            held = stack.enter_context(successor.hold(["a"]))
            assert held.left_behind == {"a"}
            with pytest.raises(ChainBusyError):
                slow.keep()
            slow.begin("a")
        assert world.chains == ["a"]
        assert slow.left_behind(10) == []
    assert world.chains == []


def test_who_did_half_of_something_after_its_successor_was_done_leaves_the_chain_behind(world: World) -> None:
    slow, successor = world.locks(), world.locks()
    with slow.hold(["a"]):
        world.now += LEASE_MS
        with successor.hold(["a"]) as held:
            assert held.left_behind == {"a"}
        assert world.chains == []
        slow.begin("a")
    assert successor.left_behind(10) == ["a"]


def test_lease_of_a_clock_far_ahead_binds_nobody(world: World) -> None:
    ahead, mine = world.leases(), world.locks()
    world.now += 365 * 24 * 60 * 60 * 1000
    assert ahead.take(["a"], ahead.new_holder()) == {"a": False}
    world.now = 1_000_000
    with mine.hold(["a"]) as held:
        assert (held.chains, held.left_behind) == ({"a"}, {"a"})
    assert world.chains == []


def test_one_of_many_copies_has_a_chain(world: World) -> None:
    copies, together = 6, threading.Barrier(6)
    world.now += LEASE_MS

    def take(_: int) -> bool:
        leases = world.leases()
        together.wait()
        return bool(leases.take(["a"], leases.new_holder()))

    with ThreadPoolExecutor(copies) as pool:
        assert sum(pool.map(take, range(copies))) == 1
        world.now += LEASE_MS
        assert sum(pool.map(take, range(copies))) == 1


class AwayStore:
    """A store that goes away at a certain moment."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self.is_away = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self.is_away:
            raise StoreUnavailableError("away")
        found: Callable[..., Any] = getattr(self._store, name)
        return found


def test_lease_that_cannot_be_given_back_expires() -> None:
    store = AwayStore(MemoryStore([LEASES]))
    world = World(store)  # type: ignore[arg-type]  # it passes everything on
    locks = world.locks()
    with locks.hold(["a"]):
        store.is_away = True
    with pytest.raises(UnavailableError), locks.hold(["a"]):
        pass
    store.is_away = False
    world.now += LEASE_MS
    with locks.hold(["a"]) as held:
        assert held.left_behind == {"a"}


def test_without_leases_threads_of_one_process_keep_each_other_out() -> None:
    locks, world = ChainLocks(None, lambda: 0), World(MemoryStore([LEASES]))
    counts = {"a": 0, "b": 0}

    def count(chain: str) -> None:
        for _ in range(200):
            with locks.hold([chain, "c"]) as held:
                assert held.chains == {chain, "c"}
                counts[chain] += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, ["a", "b", "a", "b"]))
    assert counts == {"a": 400, "b": 400}
    assert world.chains == []


def test_without_leases_work_that_broke_off_is_remembered_until_it_is_set_right() -> None:
    locks = ChainLocks(None, lambda: 0)
    with pytest.raises(UnavailableError), locks.hold(["a", "b"]):
        raise UnavailableError("away")
    with locks.hold(["b", "c"]) as held:
        assert held.left_behind == {"b"}
        locks.begin("c")
    assert locks.left_behind(10) == ["a", "c"]
    assert locks.left_behind(1) == ["a"]


def test_memory_does_not_grow_with_the_chains() -> None:
    locks = ChainLocks(None, lambda: 0)
    for number in range(100):
        with locks.hold([f"{number}", f"{number + 1}"]):
            assert len(locks._entries) == 2
    assert len(locks._entries) == 0
    tips = RecentTips(archive=None, limit=3)  # type: ignore[arg-type]  # nothing is read
    for number in range(5):
        tips.remember({str(chain_id(number)): Tip.empty(chain_id(number))})
        tips.get(str(chain_id(0)))
    assert len(tips) == 3
    assert tips.get(str(chain_id(0))) is not None
    assert tips.get(str(chain_id(1))) is None
