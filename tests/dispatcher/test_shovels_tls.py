"""Messages to other brokers over TLS: their certificates are checked, and that these name the host."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.address import Login, Logins
from dispatcher.amqp_transport import AmqpTransport
from dispatcher.envelope import CHAIN
from dispatcher.errors import PeerUnreachableError
from dispatcher.shovels import Shovels
from eventchain.core.clock import system_clock
from eventchain.core.keys import KeyPair
from livecontract.demo.rabbitmq_server import RabbitServer, Tls
from tests.dispatcher.test_rabbitmq_tls import Authority, new_authority
from tests.servers import rabbitmq
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import Vhost

pytestmark = pytest.mark.slow

KEY = KeyPair.from_seed(bytes(range(32)))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server that shows a certificate for localhost, and asks clients for none."""
    rabbitmq.install()
    own = authority.sign("localhost")
    server = RabbitServer(tmp_path_factory.mktemp("server"), Tls(ca=authority.path, certificate=own, key=own))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.stop()


def organisation(server: RabbitServer, name: str) -> Organisation:
    server.add_vhost(name)
    server.add_user(name, "secret", "policymaker,monitoring")
    server.permit(name, name)
    return Organisation(Vhost(server, name, name, "secret"))


@pytest.fixture
def here(server: RabbitServer) -> Iterator[Organisation]:
    yield organisation(server, "here")
    server.api("DELETE", "vhosts/here")


@pytest.fixture
def there(server: RabbitServer) -> Iterator[Organisation]:
    made = organisation(server, "there")
    made.take_in()
    made.allow("peer")
    yield made
    server.api("DELETE", "vhosts/there")


def login(server: RabbitServer, ca: Path, host: str = "localhost") -> Login:
    return Login.parse(f"amqps://peer:secret@{host}:{server.tls_port}/there?cacertfile={ca}")


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """The certificate of an authority that did not sign the server's."""
    return new_authority(tmp_path / "stranger").path


def test_shovel_goes_to_a_broker_with_the_right_certificate(
    server: RabbitServer, here: Organisation, there: Organisation, authority: Authority
) -> None:
    to = login(server, authority.path)
    here.publish(to.address.queue, b"1")
    shovels = Shovels(here.management(), Logins([to]), system_clock, takes_in=False)
    shovels.step()
    there.receive([b"1"])
    (status,) = eventually(shovels.status, lambda seen: seen[0].state == "running")
    assert status.destination == f"amqps://localhost:{server.tls_port}/there"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_shovel_goes_nowhere_else(
    server: RabbitServer, here: Organisation, there: Organisation, authority: Authority, stranger: Path, host: str
) -> None:
    to = login(server, stranger if host == "localhost" else authority.path, host)
    here.publish(to.address.queue, b"1")
    shovels = Shovels(here.management(), Logins([to]), system_clock, takes_in=False)
    shovels.step()
    log = server.directory / "log"
    words = ("Unknown CA", "unknown_ca") if host == "localhost" else ("hostname_check_failed", "Handshake Failure")

    def is_refused() -> bool:
        text = "".join(path.read_text("utf-8", "replace") for path in log.glob("*.log"))
        return any(word in text for word in words)

    eventually(is_refused)
    assert [item.state for item in shovels.status()] != ["running"]
    assert there.bodies() == []
    eventually(lambda: here.count(to.address.queue), lambda count: count == 1)
    here.management().delete_shovel(to.address.queue)


def transport(to: Login) -> AmqpTransport:
    return AmqpTransport(KEY, Logins([to]), system_clock, os.urandom)


def test_relay_publishes_to_a_broker_with_the_right_certificate(
    server: RabbitServer, there: Organisation, authority: Authority
) -> None:
    to = login(server, authority.path)
    sender = transport(to)
    sender.send(to.address.uri, "id", CHAIN, b"1")
    sender.close()
    there.receive([b"1"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_relay_publishes_nowhere_else(
    server: RabbitServer, there: Organisation, authority: Authority, stranger: Path, host: str
) -> None:
    to = login(server, stranger if host == "localhost" else authority.path, host)
    sender = transport(to)
    with pytest.raises(PeerUnreachableError, match=r"(?i)certificate"):
        sender.send(to.address.uri, "id", CHAIN, b"1")
    sender.close()
    assert there.bodies() == []
