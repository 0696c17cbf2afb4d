"""Whatever is done in whatever order: nothing is lost, nothing acknowledged comes again, groups keep their order.

Both brokers are driven through the same random history, deaths of the process included, and must agree with each other
and with a model that is nothing but bookkeeping.
"""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatcher.broker import Broker, MemoryBroker
from dispatcher.message import Delivery, Depth
from dispatcher.sqlite_broker import SqliteBroker
from tests.contracts.broker import FakeClock, message

NAMES = st.sampled_from([f"{group}{number}" for group in "abc" for number in range(4)])


class BrokersKeepTheirPromises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name, "queue.sqlite")
        self.clock = FakeClock()
        self.memory = MemoryBroker(self.clock)
        self.sqlite = SqliteBroker(self.path, self.clock)
        self.waiting: dict[str, int] = {}  # name -> due, in order of arrival
        self.attempts: dict[str, int] = {}
        self.leased: dict[str, list[Delivery]] = {}
        self.ended: list[list[Delivery]] = []
        self.dead: list[str] = []

    @property
    def brokers(self) -> list[Broker]:
        return [self.memory, self.sqlite]

    def arrive(self, name: str) -> None:
        if name not in self.waiting:
            self.waiting[name] = self.clock.now
            self.attempts[name] = 0

    @rule(names=st.lists(NAMES, max_size=5))
    def publish(self, names: list[str]) -> None:
        for broker in self.brokers:
            broker.publish([message(name, name[0]) for name in names])
        for name in names:
            self.arrive(name)

    @rule(limit=st.integers(0, 5))
    def receive(self, limit: int) -> None:
        taken = {name[0] for name in self.leased}
        free = [name for name, due in self.waiting.items() if due <= self.clock.now and name[0] not in taken]
        groups = list(dict.fromkeys(name[0] for name in free))
        expected = [name for group in groups for name in free if name[0] == group][:limit]
        both = [broker.receive("events", limit) for broker in self.brokers]
        for deliveries in both:
            assert [delivery.message.id for delivery in deliveries] == expected
            assert [delivery.message.attempts for delivery in deliveries] == [self.attempts[name] for name in expected]
        for name, *pair in zip(expected, *both, strict=True):
            self.leased[name] = pair

    def take(self, data: Any) -> tuple[str, list[Delivery]]:
        name = data.draw(st.sampled_from(sorted(self.leased)))
        self.ended.append(self.leased[name])
        return name, self.leased.pop(name)

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), count=st.integers(1, 3))
    def ack(self, data: Any, count: int) -> None:
        taken = [self.take(data) for _ in range(min(count, len(self.leased)))]
        for index, broker in enumerate(self.brokers):
            broker.ack([pair[index] for _, pair in taken])
        for name, _ in taken:
            del self.waiting[name]

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), delay_ms=st.integers(0, 50))
    def retry(self, data: Any, delay_ms: int) -> None:
        name, pair = self.take(data)
        for broker, delivery in zip(self.brokers, pair, strict=True):
            broker.retry(delivery, "later", delay_ms)
        self.waiting[name] = self.clock.now + delay_ms
        self.attempts[name] += 1

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        name, pair = self.take(data)
        for broker, delivery in zip(self.brokers, pair, strict=True):
            broker.reject(delivery, "bad")
        del self.waiting[name]
        self.dead = [*(other for other in self.dead if other != name), name]

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), how=st.sampled_from(["ack", "retry", "reject"]))
    def settle_what_has_ended(self, data: Any, how: str) -> None:
        pair = data.draw(st.sampled_from(self.ended))
        for broker, delivery in zip(self.brokers, pair, strict=True):
            if how == "ack":
                broker.ack([delivery])
            elif how == "retry":
                broker.retry(delivery, "late", 0)
            else:
                broker.reject(delivery, "late")

    @precondition(lambda self: self.dead)
    @rule(data=st.data(), is_kept=st.booleans())
    def requeue_or_discard(self, data: Any, is_kept: bool) -> None:
        name = data.draw(st.sampled_from(self.dead))
        self.dead.remove(name)
        for broker in self.brokers:
            (broker.requeue if is_kept else broker.discard)(f"events.{name}")
        if is_kept:
            self.arrive(name)

    @rule(milliseconds=st.integers(1, 60))
    def pass_time(self, milliseconds: int) -> None:
        self.clock.now += milliseconds

    @rule()
    def die_and_start_again(self) -> None:
        self.memory = self.memory.reopened()
        self.sqlite.close()
        self.sqlite = SqliteBroker(self.path, self.clock)
        self.ended += self.leased.values()
        for name in self.leased:
            self.attempts[name] += 1
        self.leased.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        depth = Depth(waiting=len(self.waiting) - len(self.leased), leased=len(self.leased), dead=len(self.dead))
        for broker in self.brokers:
            assert broker.depth("events") == depth
            assert [letter.message_id for letter in broker.dead_letters()] == self.dead

    def teardown(self) -> None:
        self.sqlite.close()
        self.directory.cleanup()


TestBrokersKeepTheirPromises = pytest.mark.slow(BrokersKeepTheirPromises.TestCase)
TestBrokersKeepTheirPromises.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
