"""Messages that do harm: they kill who handles them, or come from somebody who knows nothing of our headers."""

import struct

import pika
import pytest

from dispatcher.message import PROCESS_ENDED
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_message import DELIVERY_LIMIT
from tests.contracts.broker import ids, message
from tests.dispatcher.conftest import Connect
from tests.servers.rabbitmq import Vhost

pytestmark = pytest.mark.slow

PATIENCE_MS = 120_000


@pytest.fixture
def broker(connect: Connect) -> RabbitBroker:
    return connect()


def publish_foreign(vhost: Vhost, *found: tuple[pika.BasicProperties | None, bytes]) -> None:
    """Publish as somebody does who knows nothing of our headers."""
    connection = pika.BlockingConnection(pika.URLParameters(vhost.url_with_password))
    channel = connection.channel()
    channel.confirm_delivery()
    for properties, body in found:
        channel.basic_publish("", "inbound", body, properties, mandatory=True)
    connection.close()


def test_message_that_kills_its_process_each_time_becomes_a_dead_letter_and_takes_no_other_along(
    connect: Connect,
) -> None:
    connect().publish([message("poison", "p"), *(message(str(number)) for number in range(5))])
    others: list[str] = []
    for _ in range(10 * DELIVERY_LIMIT):
        broker = connect(queues=("events",))
        if letters := broker.dead_letters():
            break
        broker.wait("events", 1_000)  # in vain where the last death was just the one too many
        deliveries = broker.receive("events", 100)
        if ids(deliveries[:1]) != ["poison"]:
            others += ids(deliveries)
            broker.ack(deliveries)
        broker.close()  # with the poison in hand: to RabbitMQ a death like any other
    (letter,) = letters
    assert (letter.message_id, letter.attempts, letter.group) == ("poison", DELIVERY_LIMIT + 1, "p")
    assert PROCESS_ENDED in letter.reason
    while len(others) < 5:
        assert broker.wait("events", PATIENCE_MS)
        deliveries = broker.receive("events", 100)
        assert all(delivery.message.attempts <= 1 for delivery in deliveries)
        others += ids(deliveries)
        broker.ack(deliveries)
    assert sorted(others) == ["0", "1", "2", "3", "4"]
    broker.requeue(letter.id)
    assert broker.wait("events", PATIENCE_MS)
    (again,) = broker.receive("events", 1)
    assert (again.message.attempts, again.message.failure) == (0, "")


class RawProperties(pika.BasicProperties):
    """Properties with a header table of our own making."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        self._table = table

    def encode(self) -> list[bytes]:
        return [struct.pack(">HI", pika.BasicProperties.FLAG_HEADERS, len(self._table)), self._table]


def nested(depth: int) -> bytes:
    """A table in a table in a table."""
    table = b""
    for _ in range(depth):
        table = b"\x01nF" + struct.pack(">I", len(table)) + table
    return table


FOREIGN = [
    None,
    pika.BasicProperties(message_id="", headers={"livecontract-group": ""}),
    pika.BasicProperties(headers={"livecontract-group": 5, "livecontract-id": [1], "livecontract-attempts": -1}),
    pika.BasicProperties(headers={"livecontract-attempts": True, "livecontract-failure": {"a": 1}, "text": "kept"}),
    pika.BasicProperties(headers={"table": {"a": {"b": [1, "x", None]}}}),
    pika.BasicProperties(headers={"x-delivery-count": "many", "x-death": "never"}),
    pika.BasicProperties(headers={"large": "x" * 100_000, "livecontract-group": "g" * 10_000}),
    RawProperties(b"\x01tT" + struct.pack(">Q", 2**62)),
    RawProperties(b"\x01\xffS" + struct.pack(">I", 1) + b"\xff"),
    RawProperties(nested(600)),
]


def test_foreign_messages_of_every_kind_arrive_and_can_be_settled(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.depth("inbound")
    publish_foreign(vhost, *((properties, b"%d" % number) for number, properties in enumerate(FOREIGN)))
    bodies: dict[bytes, int] = {}
    while len(bodies) < len(FOREIGN):
        assert broker.wait("inbound", PATIENCE_MS)
        for delivery in broker.receive("inbound", 100):
            found = delivery.message
            bodies[found.body] = found.attempts
            assert (found.group, len(found.id) > 0) == ("inbound", True)
            broker.retry(delivery, "again", 0)
    assert set(bodies.values()) == {0}
    dead = 0
    while dead < len(FOREIGN):
        assert broker.wait("inbound", PATIENCE_MS)
        deliveries = broker.receive("inbound", 100)
        for delivery in deliveries:
            assert delivery.message.attempts == 1
            broker.reject(delivery, "no good")
        dead += len(deliveries)
    letters = broker.dead_letters("inbound")
    assert {letter.reason for letter in letters} == {"no good"}
    assert len(letters) == len(FOREIGN)


def test_headers_of_others_arrive(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.depth("inbound")
    publish_foreign(vhost, (pika.BasicProperties(message_id="7", headers={"seal": "é", "n": 1}), b"x"))
    assert broker.wait("inbound", PATIENCE_MS)
    (delivery,) = broker.receive("inbound", 1)
    assert (delivery.message.id, delivery.message.headers) == ("7", {"seal": "é"})


def test_message_too_odd_to_be_sent_harms_no_other(broker: RabbitBroker) -> None:
    with pytest.raises(UnicodeEncodeError):
        broker.publish([message("1", headers={"a": "\ud800"})])
    broker.publish([message("2")])
    assert ids(broker.receive("events", 5)) == ["2"]
