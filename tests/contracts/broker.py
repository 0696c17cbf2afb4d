"""What every `Broker` does: inherit from `BrokerContract` and give it a `new_broker` fixture.

`new_broker(clock)` opens the broker; opened again, it finds what an earlier one, left without a word, held.
What a broker cannot do, its suite says in these words, and the tests ask for what it does instead:

| capability         | False means |
|--------------------|-------------|
| `drops_duplicates` | it cannot search its queues: the same message twice is two messages |
| `uses_our_clock`   | back-offs take real time, whatever the clock that came in says |
| `counts_leases`    | it counts what it delivered to a dead process, leased or not, and then delivers one by one |
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dispatcher.broker import Broker
from dispatcher.errors import BrokerClosedError, DeadLetterNotFoundError
from dispatcher.message import MAX_REASON, PROCESS_ENDED, DeadLetter, Delivery, Depth, Message
from eventchain.core.clock import Clock


class FakeClock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def message(message_id: str, group: str = "g", queue: str = "events", **changes: Any) -> Message:
    return Message(queue=queue, id=message_id, group=group, body=message_id.encode(), **changes)


def ids(items: Sequence[Delivery] | Sequence[DeadLetter]) -> list[str]:
    return [item.message_id if isinstance(item, DeadLetter) else item.message.id for item in items]


NewBroker = Callable[[Clock], Broker]


class BrokerContract:
    """Every sentence of the protocol's docstrings, as tests."""

    drops_duplicates = True
    uses_our_clock = True
    counts_leases = True

    def end_back_off(self, broker: Broker, clock: FakeClock, queue: str, delay_ms: int) -> None:
        """Let a delay pass after which something can be received."""
        if self.uses_our_clock:
            clock.now += delay_ms
        else:
            assert broker.wait(queue, 120_000)

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def broker(self, new_broker: NewBroker, clock: FakeClock) -> Iterator[Broker]:
        broker = new_broker(clock)
        yield broker
        broker.close()

    # publish and receive

    def test_message_arrives_as_it_was_published(self, broker: Broker) -> None:
        sent = Message(
            queue="events", id="1", group="g", body=bytes(range(256)) * 100, headers={"sender": "é \" '", "x": ""}
        )
        broker.publish([sent])
        (delivery,) = broker.receive("events", 10)
        assert delivery.message == sent

    def test_messages_come_in_order_of_arrival_and_once(self, broker: Broker) -> None:
        broker.publish([message("2"), message("1")])
        broker.publish([message("3")])
        assert ids(broker.receive("events", 10)) == ["2", "1", "3"]
        assert broker.receive("events", 10) == []

    def test_limit_is_kept(self, broker: Broker) -> None:
        broker.publish([message(str(number), f"g{number}") for number in range(5)])
        assert broker.receive("events", 0) == []
        assert ids(broker.receive("events", 2)) == ["0", "1"]
        assert ids(broker.receive("events", 9)) == ["2", "3", "4"]

    def test_queues_are_apart(self, broker: Broker) -> None:
        broker.publish([message("1"), message("1", queue="relay")])
        assert broker.receive("other", 10) == []
        (relayed,) = broker.receive("relay", 10)
        assert relayed.message.queue == "relay"
        assert ids(broker.receive("events", 10)) == ["1"]

    def test_publishing_nothing_does_nothing(self, broker: Broker) -> None:
        broker.publish([])
        assert broker.depth("events") == Depth(waiting=0, leased=0, dead=0)

    def test_attempts_start_at_nothing(self, broker: Broker) -> None:
        broker.publish([message("1", attempts=7, failure="old")])
        (delivery,) = broker.receive("events", 1)
        assert (delivery.message.attempts, delivery.message.failure) == (0, "")

    def test_publishing_twice_is_publishing_once(self, broker: Broker) -> None:
        broker.publish([message("1"), message("1")])
        broker.publish([message("1")])
        deliveries = broker.receive("events", 10)
        if not self.drops_duplicates:
            assert ids(deliveries) == ["1", "1", "1"]
            return
        assert ids(deliveries) == ["1"]
        broker.publish([message("1")])
        assert broker.depth("events") == Depth(waiting=0, leased=1, dead=0)
        broker.ack(deliveries)
        assert broker.receive("events", 10) == []

    def test_handled_message_may_come_again(self, broker: Broker) -> None:
        broker.publish([message("1")])
        broker.ack(broker.receive("events", 1))
        broker.publish([message("1")])
        assert ids(broker.receive("events", 1)) == ["1"]

    # groups

    def test_group_of_the_oldest_comes_together(self, broker: Broker) -> None:
        broker.publish([message("a1", "a"), message("b1", "b"), message("a2", "a"), message("b2", "b")])
        assert ids(broker.receive("events", 3)) == ["a1", "a2", "b1"]

    def test_group_of_which_a_message_is_leased_is_left_alone(self, broker: Broker) -> None:
        broker.publish([message("a1", "a"), message("a2", "a"), message("b1", "b")])
        first = broker.receive("events", 1)
        second = broker.receive("events", 10)
        assert (ids(first), ids(second)) == (["a1"], ["b1"])
        broker.publish([message("a3", "a")])
        assert broker.receive("events", 10) == []
        broker.ack(first)
        assert ids(broker.receive("events", 10)) == ["a2", "a3"]

    def test_group_is_free_only_when_all_its_leases_ended(self, broker: Broker) -> None:
        broker.publish([message(name, "a") for name in ("1", "2", "3", "4")])
        one, two, three = broker.receive("events", 3)
        broker.ack([one])
        broker.retry(two, "later", 0)
        assert broker.receive("events", 10) == []
        broker.reject(three, "bad")
        assert sorted(ids(broker.receive("events", 10))) == ["2", "4"]

    def test_same_group_in_another_queue_is_another_group(self, broker: Broker) -> None:
        broker.publish([message("1", "a"), message("2", "a", queue="relay")])
        assert len(broker.receive("events", 1)) == len(broker.receive("relay", 1)) == 1

    # ack

    def test_acknowledged_messages_are_gone(self, broker: Broker) -> None:
        broker.publish([message(str(number)) for number in range(5)])
        broker.ack(broker.receive("events", 5))
        broker.ack([])
        assert broker.depth("events") == Depth(waiting=0, leased=0, dead=0)

    def test_settling_twice_has_no_effect(self, broker: Broker, clock: FakeClock) -> None:
        broker.publish([message("1")])
        (old,) = broker.receive("events", 1)
        broker.retry(old, "later", 0)
        clock.now += 1
        (new,) = broker.receive("events", 1)
        broker.ack([old])
        broker.retry(old, "again", 0)
        broker.reject(old, "bad")
        assert broker.depth("events") == Depth(waiting=0, leased=1, dead=0)
        broker.ack([new, new])
        broker.ack([new])
        broker.reject(new, "bad")
        assert broker.depth("events") == Depth(waiting=0, leased=0, dead=0)

    # retry

    def test_retried_message_comes_again_after_its_delay_with_the_reason(
        self, broker: Broker, clock: FakeClock
    ) -> None:
        broker.publish([message("1")])
        (delivery,) = broker.receive("events", 1)
        broker.retry(delivery, "store\naway", 1000)
        if self.uses_our_clock:
            clock.now += 999
            assert broker.receive("events", 1) == []
        assert broker.depth("events") == Depth(waiting=1, leased=0, dead=0)
        self.end_back_off(broker, clock, "events", 1)
        (again,) = broker.receive("events", 1)
        assert (again.message.attempts, again.message.failure) == (1, "store away")
        assert again.message.body == delivery.message.body

    def test_message_in_back_off_holds_nobody_up(self, broker: Broker, clock: FakeClock) -> None:
        broker.publish([message("1"), message("2")])
        first, second = broker.receive("events", 2)
        broker.retry(first, "later", 60_000)
        broker.ack([second])
        broker.publish([message("3")])
        assert ids(broker.receive("events", 5)) == ["3"]
        clock.now += 60_000
        assert broker.receive("events", 5) == []  # the group is out

    def test_message_in_back_off_still_drops_its_double(self, broker: Broker, clock: FakeClock) -> None:
        broker.publish([message("1")])
        broker.retry(broker.receive("events", 1)[0], "later", 1000)
        broker.publish([message("1")])
        if not self.drops_duplicates:
            assert ids(broker.receive("events", 5)) == ["1"]
            return
        assert broker.receive("events", 5) == []
        clock.now += 1000
        assert len(broker.receive("events", 5)) == 1

    # dead letters

    def test_rejected_message_is_a_dead_letter_with_reason_time_and_attempts(
        self, broker: Broker, clock: FakeClock
    ) -> None:
        sent = message("1", headers={"sender": "x"})
        broker.publish([sent])
        (delivery,) = broker.receive("events", 1)
        clock.now += 5
        broker.reject(delivery, "wrong\x1b[31m hash\n")
        (letter,) = broker.dead_letters()
        assert (letter.id, letter.reason, letter.died_at) == ("events.1", "wrong [31m hash", clock.now)
        assert (letter.queue, letter.group, letter.attempts, letter.size) == ("events", "g", 1, len(sent.body))
        assert broker.depth("events") == Depth(waiting=0, leased=0, dead=1)
        assert broker.receive("events", 1) == []

    def test_long_reason_is_cut(self, broker: Broker) -> None:
        broker.publish([message("1")])
        broker.reject(broker.receive("events", 1)[0], "x" * 100_000)
        assert len(broker.dead_letters()[0].reason) == MAX_REASON

    def test_dead_letters_are_listed_by_queue_and_oldest_first(self, broker: Broker) -> None:
        broker.publish([message("2"), message("1"), message("3", queue="relay")])
        for queue in ("events", "relay"):
            for delivery in broker.receive(queue, 5):
                broker.reject(delivery, "bad")
        assert ids(broker.dead_letters("events")) == ["2", "1"]
        assert ids(broker.dead_letters("relay")) == ["3"]
        assert ids(broker.dead_letters()) == ["2", "1", "3"]
        assert broker.dead_letters("other") == []

    def test_message_that_dies_again_replaces_its_dead_letter(self, broker: Broker) -> None:
        for reason in ("first", "second"):
            broker.publish([message("1")])
            broker.reject(broker.receive("events", 1)[0], reason)
        assert [letter.reason for letter in broker.dead_letters()] == ["second"]

    def test_requeued_letter_comes_again_as_new_at_the_end(self, broker: Broker) -> None:
        broker.publish([message("1", headers={"a": "b"})])
        broker.reject(broker.receive("events", 1)[0], "bad")
        broker.publish([message("2")])
        broker.requeue("events.1")
        assert broker.dead_letters() == []
        two, one = broker.receive("events", 5)
        assert (two.message.id, one.message) == ("2", message("1", headers={"a": "b"}))

    def test_discarded_letter_is_gone(self, broker: Broker) -> None:
        broker.publish([message("1")])
        broker.reject(broker.receive("events", 1)[0], "bad")
        broker.discard("events.1")
        assert broker.dead_letters() == []
        assert broker.depth("events") == Depth(waiting=0, leased=0, dead=0)

    @pytest.mark.parametrize("letter_id", ["events.1", "", "1", "events.", "' OR 1=1 --"])
    def test_unknown_letter_is_not_found(self, broker: Broker, letter_id: str) -> None:
        broker.publish([message("1")])
        with pytest.raises(DeadLetterNotFoundError):
            broker.requeue(letter_id)
        with pytest.raises(DeadLetterNotFoundError):
            broker.discard(letter_id)

    # death of the process

    def test_all_is_there_after_the_process_died_and_leases_are_free(
        self, new_broker: NewBroker, clock: FakeClock
    ) -> None:
        broker = new_broker(clock)
        broker.publish([message("1", "a"), message("2", "b"), message("3", "c"), message("4", "d"), message("5", "e")])
        two, three, four = broker.receive("events", 4)[1:]
        broker.retry(two, "later", 50)
        broker.reject(three, "bad")
        broker.ack([four])
        broker.close()

        broker = new_broker(clock)
        assert ids(broker.dead_letters()) == ["3"]
        if self.counts_leases:
            one, five = broker.receive("events", 9)
        else:
            one, five = (self.receive_next(broker), self.receive_next(broker))
        assert (one.message.id, one.message.attempts, one.message.failure) == ("1", 1, PROCESS_ENDED)
        assert five.message.id == "5"
        if self.counts_leases:
            assert (five.message.attempts, five.message.failure) == (0, "")
        self.end_back_off(broker, clock, "events", 50)
        assert ids(broker.receive("events", 9)) == ["2"]
        broker.close()

    def receive_next(self, broker: Broker) -> Delivery:
        """Take what comes next, and acknowledge it."""
        assert broker.wait("events", 60_000)
        (delivery,) = broker.receive("events", 9)
        broker.ack([delivery])
        return delivery

    def test_lease_of_a_dead_process_settles_nothing(self, new_broker: NewBroker, clock: FakeClock) -> None:
        broker = new_broker(clock)
        broker.publish([message("1")])
        stale = broker.receive("events", 1)
        broker.close()
        broker = new_broker(clock)
        assert broker.wait("events", 60_000)
        fresh = broker.receive("events", 1)
        broker.ack(stale)
        assert broker.depth("events").leased == 1
        broker.ack(fresh)
        assert broker.depth("events").leased == 0
        broker.close()

    def test_closed_broker_says_so(self, new_broker: NewBroker, clock: FakeClock) -> None:
        broker = new_broker(clock)
        broker.close()
        broker.close()
        with pytest.raises(BrokerClosedError):
            broker.publish([message("1")])
        with pytest.raises(BrokerClosedError):
            broker.receive("events", 1)
        assert broker.wait("events", 60_000) is False

    # wait

    def test_wait_returns_at_once_when_something_is_due(self, broker: Broker) -> None:
        broker.publish([message("1")])
        assert broker.wait("events", 60_000) is True

    def test_wait_gives_up_after_its_time(self, broker: Broker, clock: FakeClock) -> None:
        broker.publish([message("1", queue="relay"), message("2")])
        broker.receive("events", 1)
        assert broker.wait("events", 1) is False
        broker.retry(broker.receive("relay", 1)[0], "later", 1_000_000)
        assert broker.wait("relay", 1) is False

    @pytest.mark.parametrize(
        "wake",
        [
            lambda broker, delivery: broker.publish([message("3", "other")]),
            lambda broker, delivery: broker.ack([delivery]),
            lambda broker, delivery: broker.retry(delivery, "later", 0),
            lambda broker, delivery: broker.reject(delivery, "bad"),
            lambda broker, delivery: broker.requeue("events.0"),
        ],
    )
    def test_wait_is_woken_by_what_makes_a_message_due(
        self, broker: Broker, wake: Callable[[Broker, Delivery], None]
    ) -> None:
        broker.publish([message("0", "dead"), message("1"), message("2")])
        dead, delivery = broker.receive("events", 2)
        broker.reject(dead, "bad")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(broker.wait, "events", 60_000)
            wake(broker, delivery)
            assert waiting.result(timeout=30) is True

    def test_close_wakes_who_waits(self, broker: Broker) -> None:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(broker.wait, "events", 60_000)
            broker.close()
            assert waiting.result(timeout=30) is False

    # many threads

    def test_many_threads_lose_nothing_and_never_share_a_group(self, broker: Broker) -> None:
        published = [message(f"{group}-{number}", f"g{group}") for number in range(10) for group in range(6)]
        lock = threading.Lock()
        out: set[str] = set()
        handled: list[str] = []
        shared: list[str] = []

        def publish(part: int) -> None:
            for one in published[part::3]:
                broker.publish([one])

        def receive(_: int) -> None:
            while len(handled) < len(published):
                deliveries = broker.receive("events", 4)
                groups = {delivery.message.group for delivery in deliveries}
                with lock:
                    shared.extend(groups & out)
                    out.update(groups)
                with lock:
                    handled.extend(ids(deliveries))
                    out.difference_update(groups)
                broker.ack(deliveries)
                if not deliveries:
                    broker.wait("events", 5)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda work: work[0](work[1]), [(publish, n) for n in range(3)] + [(receive, 0)] * 3))
        assert shared == []
        assert sorted(handled) == sorted(one.id for one in published)
