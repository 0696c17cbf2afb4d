"""Publishing to another node's broker without a shovel: confirmed or refused, and never lost in between."""

import os
from collections.abc import Iterator

import pytest

from dispatcher.address import Login, Logins
from dispatcher.amqp_transport import IDLE_MS, AmqpTransport
from dispatcher.envelope import ASK, CHAIN, open_envelope
from dispatcher.errors import InvalidDestinationError, PeerNotReadyError, PeerUnreachableError
from eventchain.core.keys import KeyPair
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import NewVhost

KEY = KeyPair.from_seed(bytes(range(32)))
NOW = 1_700_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def there(new_vhost: NewVhost) -> Organisation:
    organisation = Organisation.make(new_vhost)
    organisation.take_in()
    return organisation


@pytest.fixture
def login(there: Organisation) -> Iterator[Login]:
    login = there.allow(f"{there.vhost.user}-peer")
    yield login
    there.api("DELETE", f"users/{login.user}")


def connections(organisation: Organisation) -> int:
    return len(organisation.api("GET", f"vhosts/{organisation.vhost.path}/connections"))


@pytest.mark.slow
def test_message_arrives_sealed_over_one_connection(there: Organisation, login: Login) -> None:
    transport = AmqpTransport(KEY, Logins([login]), Clock(), os.urandom)
    transport.send(there.uri, "one", CHAIN, b"1")
    transport.send(there.uri, "two", ASK, b"2")
    channel = there.channel()
    for id_, kind, body in (("one", CHAIN, b"1"), ("two", ASK, b"2")):
        _, properties, found = channel.basic_get("inbound", auto_ack=True)
        headers = {name: value for name, value in properties.headers.items() if isinstance(value, str)}
        envelope = open_envelope(headers, body, there.uri)
        assert (found, properties.message_id, properties.delivery_mode) == (body, id_, 2)
        assert (envelope.id, envelope.kind, envelope.time, envelope.sender) == (id_, kind, NOW, KEY.public_key)
    channel.connection.close()
    eventually(lambda: connections(there), lambda count: count == 1)
    transport.close()
    eventually(lambda: connections(there), lambda count: count == 0)


@pytest.mark.slow
def test_connection_that_is_not_used_is_given_up(there: Organisation, login: Login, new_vhost: NewVhost) -> None:
    other = Organisation.make(new_vhost)
    other.take_in()
    second = other.allow(login.user)
    clock = Clock()
    transport = AmqpTransport(KEY, Logins([login, second]), clock, os.urandom)
    transport.send(there.uri, "one", CHAIN, b"1")
    eventually(lambda: connections(there), lambda count: count == 1)
    clock.now += IDLE_MS + 1
    transport.send(other.uri, "two", CHAIN, b"2")
    eventually(lambda: connections(there), lambda count: count == 0)
    transport.send(there.uri, "three", CHAIN, b"3")
    there.receive([b"1", b"3"])
    transport.close()


@pytest.mark.slow
def test_broker_that_does_not_take_a_message_is_told_of(there: Organisation, login: Login) -> None:
    transport = AmqpTransport(KEY, Logins([login]), Clock(), os.urandom)
    there.api("DELETE", f"queues/{there.vhost.path}/inbound")
    with pytest.raises(PeerUnreachableError, match="no queue"):
        transport.send(there.uri, "id", CHAIN, b"1")
    there.api("DELETE", f"exchanges/{there.vhost.path}/inbound")
    with pytest.raises(PeerUnreachableError, match="no exchange"):
        transport.send(there.uri, "id", CHAIN, b"1")
    there.take_in()
    transport.send(there.uri, "id", CHAIN, b"1")
    there.receive([b"1"])
    there.api("DELETE", f"users/{login.user}")
    with pytest.raises(PeerUnreachableError):
        eventually(lambda: transport.send(there.uri, "id", CHAIN, b"1") and False)
    transport.close()
    there.allow(login.user)


def test_without_a_login_nothing_is_connected() -> None:
    transport = AmqpTransport(KEY, Logins(), Clock(), os.urandom)
    with pytest.raises(PeerNotReadyError, match="no login") as caught:
        transport.send("amqps://broker.example.com/acme", "id", CHAIN, b"1")
    assert "peer allow" in str(caught.value)
    with pytest.raises(InvalidDestinationError):
        transport.send("amqps://", "id", CHAIN, b"1")
    transport.close()
