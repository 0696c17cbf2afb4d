"""Which way a message takes to another node."""

import json

import pytest

from dispatcher.address import AmqpAddress, Login, Logins
from dispatcher.broker import MemoryBroker
from dispatcher.enqueue import EnqueueService, validate_destination
from dispatcher.envelope import ASK, CHAIN, open_envelope
from dispatcher.errors import InvalidDestinationError, PeerNotReadyError
from dispatcher.message import KIND, RELAY, Message
from dispatcher.outward import Outward
from dispatcher.relay import RelayHandler
from eventchain.core.errors import UnavailableError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair

KEY = KeyPair.from_seed(bytes(range(32)))
URI = "amqps://broker.example.com/acme"
LOGINS = Logins([Login.parse("amqps://us:secret@broker.example.com/acme")])


def clock() -> int:
    return 1_700_000_000_000


def test_message_for_a_broker_with_a_login_is_sealed_into_the_queue_of_its_destination() -> None:
    message = Outward(KEY, clock, LOGINS).message(URI, "id", ASK, b"{}")
    assert (message.queue, message.id, message.group) == (AmqpAddress.parse(URI).queue, "id", URI)
    envelope = open_envelope(message.headers, message.body, URI)
    assert (envelope.sender, envelope.kind, envelope.id, envelope.time) == (KEY.public_key, ASK, "id", clock())


@pytest.mark.parametrize("logins", [None, Logins(), LOGINS])
@pytest.mark.parametrize(
    "uri",
    ["https://node.example.com", "amqp://broker.example.com/acme", "amqps://broker.example.com/other", "amqps://"],
)
def test_message_for_anything_else_waits_for_the_relay(logins: Logins | None, uri: str) -> None:
    message = Outward(KEY, clock, logins).message(uri, "id", CHAIN, b"{}")
    assert message == Message(queue=RELAY, id="id", group=uri, body=b"{}")


def test_node_without_rabbitmq_leaves_everything_to_the_relay() -> None:
    message = Outward(KEY, clock).message(URI, "id", ASK, b"{}")
    assert (message.queue, dict(message.headers)) == (RELAY, {KIND: ASK})


@pytest.mark.parametrize("uri", ["amqps://Broker.example.com/acme", "amqps://broker.example.com:5671/acme"])
def test_operator_may_name_a_broker_as_destination(uri: str) -> None:
    broker = MemoryBroker(clock)
    chain = ChainId.create(KEY.public_key, b"x" * 20)
    EnqueueService(broker).enqueue(json.dumps({"id": str(chain), "events": []}).encode(), [uri])
    (delivery,) = broker.receive(RELAY, 10)
    assert delivery.message.group == "amqps://broker.example.com:5671/acme"


@pytest.mark.parametrize("uri", ["amqps://", "amqps://us:secret@host/a", "amqps://host/a?verify=verify_none"])
def test_destination_that_is_no_plain_broker_is_refused(uri: str) -> None:
    with pytest.raises(InvalidDestinationError):
        validate_destination(uri)


class Wire:
    """Stands for both ways out, and notes what goes."""

    def __init__(self, failure: UnavailableError | None = None) -> None:
        self.failure = failure
        self.seen: list[tuple[str, ...]] = []

    def post(self, url: str, body: bytes) -> None:
        self.seen.append(("post", url, body.decode()))

    def send(self, uri: str, message_id: str, kind: str, body: bytes) -> None:
        self.seen.append(("send", uri, message_id, kind, body.decode()))
        if self.failure:
            raise self.failure


def relayed(uri: str, kind: str | None = None, number: int = 1) -> Message:
    headers = {KIND: kind} if kind else {}
    return Message(queue=RELAY, id=f"id{number}", group=uri, body=b"{}", headers=headers)


def test_relay_posts_to_https_and_publishes_to_amqp() -> None:
    wire = Wire()
    outcomes = RelayHandler(wire, wire)([relayed("https://node"), relayed(URI), relayed(URI, "ask", 2)])
    assert outcomes == [None, None, None]
    assert wire.seen == [
        ("post", "https://node/queue", "{}"),
        ("send", URI, "id1", "chain", "{}"),
        ("send", URI, "id2", "ask", "{}"),
    ]


def test_relay_lets_messages_without_a_login_come_again() -> None:
    failure = PeerNotReadyError("this node has no login there")
    assert RelayHandler(Wire(), Wire(failure))([relayed(URI)]) == [failure]
