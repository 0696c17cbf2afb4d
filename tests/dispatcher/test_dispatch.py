"""Dispatch decides from the family of an outcome, and nothing a message does ends the loop."""

import random as random_module
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from dispatcher.broker import MemoryBroker
from dispatcher.dispatch import (
    EVENTS_POLICY,
    HOUR_MS,
    RELAY_POLICY,
    Dispatcher,
    Handler,
    Outcome,
    RetryPolicy,
)
from dispatcher.message import Delivery, Depth, Message
from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LiveContractError,
    NotFoundError,
    TooLargeError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from tests.contracts.broker import FakeClock, ids, message

POLICY = RetryPolicy(max_attempts=4, unexpected_attempts=2, first_delay_ms=1000, max_delay_ms=4000)
EMPTY = Depth(waiting=0, leased=0, dead=0)


class Bench:
    """A dispatcher over a memory broker, and a handler that answers by message id."""

    def __init__(self, outcomes: dict[str, Outcome | BaseException] | None = None) -> None:
        self.clock = FakeClock()
        self.broker = MemoryBroker(self.clock)
        self.outcomes = outcomes or {}
        self.seen: list[list[str]] = []

    def dispatcher(self, handler: Handler | None = None, policy: RetryPolicy = POLICY) -> Dispatcher:
        random = random_module.Random(1).randbytes
        return Dispatcher(self.broker, "events", handler or self.handle, self.clock, random, policy)

    def handle(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.seen.append([message.id for message in messages])
        return [self._outcome(message) for message in messages]

    def _outcome(self, message: Message) -> Outcome:
        outcome = self.outcomes.get(message.id)
        if isinstance(outcome, BaseException) and message.group == "raises":
            raise outcome
        assert outcome is None or isinstance(outcome, Exception)
        return outcome

    def drain(self, dispatcher: Dispatcher) -> None:
        """Step until nothing comes again, however long the back-off."""
        while self.broker.depth("events").waiting:
            dispatcher.step()
            self.clock.now += POLICY.max_delay_ms


def test_handled_messages_are_acknowledged() -> None:
    bench = Bench()
    bench.broker.publish([message("1"), message("2"), message("3", "other")])
    assert bench.dispatcher().step() == 3
    assert bench.broker.depth("events") == EMPTY
    assert bench.seen == [["1", "2", "3"]]


def test_step_over_an_empty_queue_handles_nothing() -> None:
    bench = Bench()
    assert bench.dispatcher().step() == 0
    assert bench.seen == []


def test_limit_bounds_what_is_handed_over() -> None:
    bench = Bench()
    bench.broker.publish([message(str(number), str(number)) for number in range(5)])
    assert bench.dispatcher().step(2) == 2
    assert bench.broker.depth("events").waiting == 3


@pytest.mark.parametrize(
    "error",
    [
        InvalidError("wrong", path="$.events[0]", hint="Mend it."),
        TooLargeError("wrong"),
        UnauthenticatedError("wrong"),
        ForbiddenError("wrong"),
        NotFoundError("wrong"),
        ConflictError("wrong"),
        LiveContractError("wrong"),
    ],
)
def test_refused_message_is_a_dead_letter_at_once(error: LiveContractError) -> None:
    bench = Bench({"2": error})
    bench.broker.publish([message("1"), message("2"), message("3")])
    bench.dispatcher().step()
    (letter,) = bench.broker.dead_letters()
    assert (letter.id, letter.reason, letter.attempts) == ("events.2", str(error), 1)
    assert bench.broker.depth("events").waiting == 0


@pytest.mark.parametrize("error", [UnavailableError("away"), TooManyRequestsError("away")])
def test_unavailable_handler_is_tried_again_with_growing_delays_and_then_given_up(error: UnavailableError) -> None:
    bench = Bench({"1": error})
    bench.broker.publish([message("1")])
    dispatcher = bench.dispatcher()
    delays = []
    for _ in range(POLICY.max_attempts - 1):
        assert dispatcher.step() == 1
        started = bench.clock.now
        while not bench.broker.wait("events", 0):
            bench.clock.now += 1
        delays.append(bench.clock.now - started)
    assert dispatcher.step() == 1
    assert [500 <= delays[0] <= 1000, 1000 <= delays[1] <= 2000, 2000 <= delays[2] <= 4000] == [True] * 3
    (letter,) = bench.broker.dead_letters()
    assert (letter.reason, letter.attempts) == ("away", POLICY.max_attempts)
    assert len(bench.seen) == POLICY.max_attempts


def test_message_that_heals_is_acknowledged() -> None:
    bench = Bench({"1": UnavailableError("away")})
    bench.broker.publish([message("1")])
    dispatcher = bench.dispatcher()
    dispatcher.step()
    del bench.outcomes["1"]
    bench.drain(dispatcher)
    assert bench.broker.depth("events") == EMPTY
    assert bench.seen == [["1"], ["1"]]


def test_bug_is_logged_tried_again_and_given_up_without_its_text() -> None:
    bench = Bench({"1": KeyError("a secret")})
    bench.broker.publish([message("1")])
    with capture_logs() as logs:
        bench.drain(bench.dispatcher())
    assert len(bench.seen) == POLICY.unexpected_attempts
    (letter,) = bench.broker.dead_letters()
    assert letter.reason == "unexpected KeyError"
    errors = [entry for entry in logs if entry["log_level"] == "error"]
    assert len(errors) == POLICY.unexpected_attempts
    assert isinstance(errors[0]["exc_info"], KeyError)
    assert all(b"1" not in entry.values() for entry in logs)


@pytest.mark.parametrize(
    "raised", [RuntimeError("x"), InvalidError("x"), RecursionError(), MemoryError(), SystemExit()]
)
def test_one_message_that_makes_the_handler_raise_takes_no_other_with_it(raised: BaseException) -> None:
    bench = Bench({"2": raised})
    bench.broker.publish([message("1"), message("2", "raises"), message("3")])
    bench.drain(bench.dispatcher())
    assert ids(bench.broker.dead_letters()) == ["2"]
    assert bench.broker.depth("events").waiting == 0


def test_unavailable_handler_that_raises_counts_for_every_message() -> None:
    bench = Bench({"2": UnavailableError("away")})
    bench.broker.publish([message("1"), message("2", "raises"), message("3")])
    bench.dispatcher().step()
    assert bench.broker.depth("events") == Depth(waiting=3, leased=0, dead=0)
    assert bench.seen == [["1", "3", "2"]]


@pytest.mark.parametrize("outcomes", [[], [None], [None] * 3])
def test_wrong_number_of_outcomes_is_a_bug_of_the_handler(outcomes: list[Outcome]) -> None:
    bench = Bench()
    bench.broker.publish([message("1"), message("2")])
    bench.drain(bench.dispatcher(lambda messages: outcomes if len(messages) > 1 else [None, None]))
    assert sorted(ids(bench.broker.dead_letters())) == ["1", "2"]


def test_message_that_ended_its_process_too_often_is_not_handed_out() -> None:
    bench = Bench()
    bench.broker.publish([message("poison"), message("good", "other")])
    for _ in range(POLICY.max_attempts):
        bench.broker.receive("events", 1)
        bench.broker = bench.broker.reopened()
    assert bench.dispatcher().step() == 2
    assert bench.seen == [["good"]]
    (letter,) = bench.broker.dead_letters()
    assert letter.reason == "given up after 4 attempts: the process ended while it was handled"


class FailingBroker(MemoryBroker):
    """A broker that is away for a while when messages are settled."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.away = 0

    def _check_open(self) -> None:
        super()._check_open()
        if self.away:
            self.away -= 1
            raise UnavailableError("disk full")


def test_outcomes_that_the_broker_could_not_take_are_settled_by_the_next_step() -> None:
    bench = Bench({"2": InvalidError("wrong"), "3": UnavailableError("away")})
    broker = bench.broker = FailingBroker(bench.clock)
    broker.publish([message("1"), message("2"), message("3")])

    def handle(messages: Sequence[Message]) -> Sequence[Outcome]:
        broker.away = 2
        return bench.handle(messages)

    dispatcher = bench.dispatcher(handle)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="disk full"):
            dispatcher.step()
    assert dispatcher.step() == 0
    assert bench.seen == [["1", "2", "3"]]
    assert broker.depth("events") == Depth(waiting=1, leased=0, dead=1)


def test_loop_outlives_bad_messages_and_a_broker_that_is_away() -> None:
    bench = Bench({"2": RuntimeError("x")})
    broker = bench.broker = FailingBroker(bench.clock)
    broker.away = 2
    stop, done = threading.Event(), threading.Event()

    def handle(messages: Sequence[Message]) -> Sequence[Outcome]:
        outcomes = bench.handle(messages)
        if any(message.id == "last" for message in messages):
            done.set()
        return outcomes

    with ThreadPoolExecutor(1) as pool:
        loop = pool.submit(bench.dispatcher(handle).run, stop)
        with bench.broker._lock:
            pass
        for name in ("1", "2", "last"):
            _publish_when_possible(broker, message(name, name))
        assert done.wait(30)
        stop.set()
        broker.close()
        loop.result(timeout=30)
    assert {name for names in bench.seen for name in names} == {"1", "2", "last"}


class Impatient(threading.Event):
    """Set after it was waited for so often; nobody waits."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.rounds -= 1
        if not self.rounds:
            self.set()
        return self.is_set()


def test_a_broker_that_stays_away_is_told_of_ever_more_rarely() -> None:
    bench = Bench()
    broker = bench.broker = FailingBroker(bench.clock)
    broker.away = 1_000
    with capture_logs() as logs:
        bench.dispatcher().run(Impatient(100))
    told = [entry["failures"] for entry in logs if entry["log_level"] == "warning"]
    assert told == [1, 2, 4, 8, 16, 32, 64]


def _publish_when_possible(broker: FailingBroker, one: Message) -> None:
    while True:
        try:
            return broker.publish([one])
        except UnavailableError:
            continue


def test_several_dispatchers_share_a_queue_without_sharing_a_group() -> None:
    bench = Bench()
    bench.broker.publish([message("a", "a"), message("b", "b"), message("a2", "a")])
    inner: list[Delivery] = []

    def handle(messages: Sequence[Message]) -> Sequence[Outcome]:
        inner.extend(bench.broker.receive("events", 10))
        return [None] * len(messages)

    bench.dispatcher(handle).step(1)
    assert ids(inner) == ["b"]


# policies


@pytest.mark.parametrize("policy", [EVENTS_POLICY, RELAY_POLICY, POLICY])
def test_delays_double_up_to_the_longest_and_are_drawn_from_the_upper_half(policy: RetryPolicy) -> None:
    for attempts in range(1, 1000):
        longest = min(policy.first_delay_ms * 2 ** (attempts - 1), policy.max_delay_ms)
        assert policy.delay_ms(attempts, lambda length: bytes(length)) == longest
        shortest = policy.delay_ms(attempts, lambda length: b"\xff" * length)
        assert longest // 2 <= shortest <= longest // 2 + 1


def total(policy: RetryPolicy) -> int:
    random = random_module.Random(2).randbytes
    return sum(policy.delay_ms(attempts, random) for attempts in range(1, policy.max_attempts))


def test_relay_tries_for_about_seven_days_and_events_for_hours() -> None:
    assert 6.5 * 24 * HOUR_MS < total(RELAY_POLICY) < 7.5 * 24 * HOUR_MS
    assert 2 * HOUR_MS < total(EVENTS_POLICY) < 4.5 * HOUR_MS
