"""Memories of nonces: one suite over all of them, and what a durable one adds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.http_signatures import CLOCK_SKEW, MAX_LIFETIME, NonceMemory
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from livecontract.nonces import NONCES, MemoryNonces, StoredNonces

START = 1_800_000_000


class Time:
    """A clock that tests turn; in seconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now * 1000


MakeMemory = Callable[[Time], NonceMemory]

MEMORIES: list[MakeMemory] = [MemoryNonces, lambda time: StoredNonces(MemoryStore([NONCES]), time)]


@pytest.mark.parametrize("make", MEMORIES, ids=["memory", "store"])
class TestNonceMemory:
    def test_a_nonce_is_new_once(self, make: MakeMemory) -> None:
        memory = make(Time())
        assert memory.remember("key", "nonce", START + 60)
        assert not memory.remember("key", "nonce", START + 60)
        assert not memory.remember("key", "nonce", START + 99)

    def test_keys_do_not_share_nonces(self, make: MakeMemory) -> None:
        memory = make(Time())
        assert memory.remember("key", "nonce", START + 60)
        assert memory.remember("other", "nonce", START + 60)

    @given(steps=st.lists(st.integers(0, 200), max_size=20), lifetime=st.integers(1, MAX_LIFETIME))
    def test_a_nonce_is_known_as_long_as_its_signature_is_accepted(
        self, make: MakeMemory, steps: list[int], lifetime: int
    ) -> None:
        time = Time()
        memory = make(time)
        memory.remember("key", "nonce", START + lifetime)
        for number, step in enumerate(steps):
            time.now += step
            memory.remember("other", str(number), time.now + 60)
            if time.now <= START + lifetime + CLOCK_SKEW:
                assert not memory.remember("key", "nonce", START + lifetime)

    def test_a_clock_set_back_opens_no_door(self, make: MakeMemory) -> None:
        time = Time()
        memory = make(time)
        memory.remember("key", "nonce", START + 60)
        time.now += 200
        memory.remember("key", "later", time.now + 60)
        time.now -= 200
        assert not memory.remember("key", "nonce", START + 60)


def test_expired_nonces_are_forgotten() -> None:
    time, store = Time(), MemoryStore([NONCES])
    memory = StoredNonces(store, time)
    for number in range(200):
        memory.remember("key", str(number), time.now + 60)
        time.now += 60
    assert len(store.find(NONCES)) < 12


def test_a_restarted_node_knows_the_nonces_of_before(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "node.db", [NONCES])
    assert StoredNonces(first, Time()).remember("key", "nonce", START + 60)
    first.close()
    second = SqliteStore(tmp_path / "node.db", [NONCES])
    assert not StoredNonces(second, Time()).remember("key", "nonce", START + 60)
    second.close()
