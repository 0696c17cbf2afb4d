"""The accounts that `deploy/prepare` makes, in a real RabbitMQ that is set up as the one of the compose file."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest

from dispatcher.management import Management
from livecontract.demo.private_server import HOST
from livecontract.demo.rabbitmq_server import ADMINISTRATOR, RabbitServer
from livecontract.peer_accounts import PeerAccounts
from tests.deploy.files import DEPLOY
from tests.servers import rabbitmq as installation

VHOST = "livecontract"
PEER = "peer.livecontract.beta"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "deploy"
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([folder / "prepare"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def server(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server that loads Acme's definitions at its start, beside an administrator for the tests."""
    installation.install()
    server = RabbitServer(tmp_path_factory.mktemp("broker"))
    definitions = json.loads((prepared / "secrets" / "acme-definitions.json").read_text())
    definitions["users"].append({"name": ADMINISTRATOR, "password": server.password, "tags": "administrator"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions["permissions"].append({"user": ADMINISTRATOR, "vhost": VHOST, **everything})
    file = server.directory / "definitions.json"
    file.write_text(json.dumps(definitions))
    ours = (prepared / "compose" / "rabbitmq.conf").read_text().replace("/run/secrets/definitions.json", str(file))
    with (server.directory / "rabbitmq.conf").open("a") as configuration:
        configuration.write(ours)
    shutil.copy(prepared / "compose" / "enabled_plugins", server.directory / "enabled_plugins")
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.stop()


def channel(server: RabbitServer, user: str, password: str) -> pika.adapters.blocking_connection.BlockingChannel:
    login = pika.PlainCredentials(user, password)
    parameters = pika.ConnectionParameters(HOST, server.port, VHOST, login)
    opened = pika.BlockingConnection(parameters).channel()
    opened.confirm_delivery()
    return opened


def make_inbound(own: pika.adapters.blocking_connection.BlockingChannel) -> None:
    own.queue_declare("inbound", durable=True, arguments={"x-queue-type": "quorum"})
    own.exchange_declare("inbound", "fanout", durable=True)
    own.queue_bind("inbound", "inbound")


def password_of(prepared: Path, file: str) -> str:
    return (prepared / "secrets" / file).read_text()


@pytest.mark.slow
def test_node_may_do_everything_in_its_virtual_host_and_sees_its_peer(server: RabbitServer, prepared: Path) -> None:
    password = password_of(prepared, "acme-broker")
    own = channel(server, "livecontract", password)
    make_inbound(own)
    own.basic_publish("", "inbound", b"hello", mandatory=True)
    own.connection.close()
    management = Management(server.api_url, user="livecontract", password=password, vhost=VHOST)
    (account,) = PeerAccounts(management, f"amqp://acme-rabbitmq/{VHOST}", os.urandom).all()
    assert (account.name, account.is_least) == ("beta", True)
    assert server.api("GET", "shovels") == [], "the shovel plugin answers"


@pytest.mark.slow
def test_peer_may_publish_to_inbound_and_nothing_else(server: RabbitServer, prepared: Path) -> None:
    own = channel(server, "livecontract", password_of(prepared, "acme-broker"))
    make_inbound(own)
    own.connection.close()
    password = password_of(prepared, "acme-account-of-beta")
    peer = channel(server, PEER, password)
    peer.basic_publish("inbound", "", b"an event", mandatory=True)
    peer.connection.close()
    forbidden = (
        lambda it: it.basic_publish("", "inbound", b"x", mandatory=True),
        lambda it: it.basic_get("inbound"),
        lambda it: it.queue_declare("another", durable=True),
        lambda it: it.exchange_declare("another", "fanout"),
        lambda it: it.queue_bind("inbound", "inbound"),
    )
    for attempt in forbidden:
        tried = channel(server, PEER, password)
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            attempt(tried)
        tried.connection.close()
