"""Whatever is found in a queue of RabbitMQ becomes a message; what we put there comes back as it was."""

from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.dispatch import EVENTS_POLICY
from dispatcher.message import PROCESS_ENDED, Message
from dispatcher.rabbitmq_message import (
    DELIVERY_LIMIT,
    FEW_STEPS_MS,
    MAX_GROUP,
    MAX_HEADERS,
    RETRY_STEPS_MS,
    dead_letter_of,
    deliveries_of,
    message_of,
    properties,
    retry_queue,
    retry_queues,
    topology,
)
from dispatcher.rabbitmq_publisher import MAX_PORTION, MAX_PORTION_BYTES, Outgoing, portions

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary() | TEXT | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    st.sampled_from(
        [
            *("livecontract-id", "livecontract-group", "livecontract-attempts", "livecontract-failure"),
            *("livecontract-died-at", "x-delivery-count", "x-death"),
        ]
    )
    | TEXT
    | st.binary()
)


def on_the_wire(sent: pika.BasicProperties) -> pika.BasicProperties:
    found = pika.BasicProperties()
    found.decode(b"".join(sent.encode()))
    return found


@given(
    message_id=TEXT.filter(bool) | st.just("é" * 200),
    group=TEXT.filter(bool),
    body=st.binary(),
    headers=st.dictionaries(TEXT.filter(lambda name: not name.startswith(("x-", "livecontract-"))), TEXT, max_size=4),
    attempts=st.integers(0, 1000),
)
def test_message_comes_back_as_it_was(
    message_id: str, group: str, body: bytes, headers: dict[str, str], attempts: int
) -> None:
    failure = "store away" if attempts else ""
    message = Message(
        queue="events", id=message_id, group=group, body=body, headers=headers, attempts=attempts, failure=failure
    )
    assert message_of("events", on_the_wire(properties(message)), body) == message


@given(headers=st.none() | st.dictionaries(NAMES, VALUES, max_size=8), message_id=st.none() | TEXT | st.binary())
def test_anything_is_a_message_and_a_dead_letter(headers: Any, message_id: Any) -> None:
    found = pika.BasicProperties(headers=headers, message_id=message_id)
    message = message_of("inbound", found, b"body")
    assert message.id
    assert message.group
    assert message.attempts >= 0
    assert all(isinstance(text, str) for item in message.headers.items() for text in item)
    letter = dead_letter_of("inbound", found, b"body")
    assert (letter.message_id, letter.size) == (message.id, 4)
    again = message_of("inbound", on_the_wire(properties(message)), b"body")
    assert (again.id, again.group, again.headers) == (message.id, message.group, message.headers)


def test_foreign_message_gets_the_hash_of_its_body_as_id_and_the_queue_as_group() -> None:
    first, second = (message_of("inbound", pika.BasicProperties(), body) for body in (b"1", b"2"))
    assert first.group == "inbound"
    assert first.id != second.id
    assert first.id == message_of("inbound", pika.BasicProperties(headers={"a": 1}), b"1").id


def test_headers_too_large_to_go_back_are_dropped() -> None:
    headers = {"small": "x", "large": "x" * MAX_HEADERS, "livecontract-group": "g" * (MAX_GROUP + 1)}
    message = message_of("inbound", pika.BasicProperties(headers=headers), b"")
    assert (message.headers, message.group) == ({"small": "x"}, "inbound")


def test_deliveries_to_the_dead_count_as_attempts() -> None:
    sent = properties(Message(queue="events", id="1", group="g", body=b"", attempts=2, failure="away"))
    sent.headers["x-delivery-count"] = 3
    message = message_of("events", sent, b"", deliveries_of(sent, redelivered=True))
    assert (message.attempts, message.failure) == (5, PROCESS_ENDED)


def test_a_count_that_came_with_the_message_counts_nothing() -> None:
    sent = pika.BasicProperties(headers={"x-delivery-count": 66})  # a shovel's, from the queue at the other end
    assert deliveries_of(sent, redelivered=False) == 0
    assert message_of("inbound", sent, b"", deliveries_of(sent, redelivered=False)).attempts == 0
    assert deliveries_of(pika.BasicProperties(), redelivered=True) == 1


def test_dead_letter_of_the_broker_tells_its_reason_and_time() -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    death = {"reason": "delivery_limit", "time": when, "queue": "events"}
    letter = dead_letter_of("events", pika.BasicProperties(headers={"x-death": [death]}), b"")
    assert letter.attempts == DELIVERY_LIMIT + 1
    assert PROCESS_ENDED in letter.reason
    assert letter.died_at == when.timestamp() * 1000


@pytest.mark.parametrize(
    ("delay_ms", "queue"),
    [
        (0, "events"),
        (1, "events.retry.250"),
        (250, "events.retry.250"),
        (251, "events.retry.1000"),
        (10**9, f"events.retry.{RETRY_STEPS_MS[-1]}"),
    ],
)
def test_back_off_is_rounded_up_to_a_step(delay_ms: int, queue: str) -> None:
    assert retry_queue("events", delay_ms) == queue
    assert queue in topology("events")


@pytest.mark.parametrize(
    ("delay_ms", "queue"), [(250, "asks.retry.1000"), (16_000, "asks.retry.300000"), (10**9, "asks.retry.300000")]
)
def test_back_off_of_a_queue_with_few_steps_is_rounded_up_to_one_of_them(delay_ms: int, queue: str) -> None:
    assert retry_queue("asks", delay_ms) == queue


def test_few_steps_reach_as_far_as_their_back_off() -> None:
    assert FEW_STEPS_MS[-1] >= EVENTS_POLICY.max_delay_ms


@pytest.mark.parametrize(("name", "count"), [("events", 10), ("inbound", 10), ("asks", 5), ("invitations", 5)])
def test_every_queue_in_which_messages_wait_is_counted_and_made(name: str, count: int) -> None:
    assert set(topology(name)) == {name, f"{name}.dead", *retry_queues(name)}
    assert len(topology(name)) == count


def test_header_that_no_wire_carries_is_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        properties(Message(queue="events", id="1", group="g", body=b"", headers={"é" * 128: ""}))


@given(sizes=st.lists(st.sampled_from([0, 1, MAX_PORTION_BYTES // 2, MAX_PORTION_BYTES + 1]), max_size=12))
def test_portions_are_everything_in_order_and_small(sizes: list[int]) -> None:
    bodies = {size: bytes(size) for size in set(sizes)}
    messages = [Outgoing(str(number), pika.BasicProperties(), bodies[size]) for number, size in enumerate(sizes)]
    found = list(portions(messages))
    assert [message for portion in found for message in portion] == messages
    for portion in found:
        assert len(portion) == 1 or sum(len(message.body) for message in portion) <= MAX_PORTION_BYTES
    assert [len(portion) for portion in portions([Outgoing("q", pika.BasicProperties(), b"")] * (MAX_PORTION + 1))] == [
        MAX_PORTION,
        1,
    ]
