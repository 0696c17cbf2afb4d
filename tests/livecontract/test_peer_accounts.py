"""`livecontract peer`: an account for another organisation may publish to `inbound`, and nothing else."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
import urllib3
from pika.adapters.blocking_connection import BlockingChannel

from dispatcher.address import Login
from eventchain.core.errors import InvalidError
from livecontract.cli.main import main
from livecontract.demo.rabbitmq_server import ADMINISTRATOR
from livecontract.errors import InvalidConfigError
from livecontract.peer_accounts import MAX_CONNECTIONS, PeerAccounts
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import NewVhost

Cli = Callable[..., Any]


class Place:
    """An organisation's broker, and the command line of its operator."""

    def __init__(self, organisation: Organisation, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.organisation = organisation
        self._capsys = capsys
        self._password = folder / "administrator"
        self._password.write_text(organisation.vhost.server.password + "\n")
        self._file = folder / "livecontract.toml"
        vhost = organisation.vhost
        self._file.write_text(
            f'broker = "{vhost.url}"\nbroker_password = "{vhost.password}"\nnode_uri = "{organisation.uri}"\n'
            f'broker_api = "{vhost.server.api_url}"\n'
        )
        self._file.chmod(0o600)

    def run(self, *words: str, as_administrator: bool = True) -> Any:
        """Run a command and return its JSON; the code is asserted to be 0."""
        code, document = self.try_to(*words, as_administrator=as_administrator)
        assert code == 0, document
        return document

    def try_to(self, *words: str, as_administrator: bool = True) -> tuple[int, Any]:
        who = ["--administrator", ADMINISTRATOR, "--password-file", str(self._password)] if as_administrator else []
        code = main(["peer", *words, *who, "--config", str(self._file), "--json"])
        said = self._capsys.readouterr().out
        return code, json.loads(said)


@pytest.fixture
def place(new_vhost: NewVhost, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    organisation = Organisation.make(new_vhost)
    organisation.take_in()
    place = Place(organisation, tmp_path, capsys)
    yield place
    for item in place.run("list"):
        place.run("remove", item["name"])


def channel_of(url: str) -> BlockingChannel:
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.confirm_delivery()
    return channel


@pytest.mark.slow
def test_account_may_publish_to_inbound(place: Place) -> None:
    url = place.run("allow", "acme-ltd")["url"]
    channel = channel_of(url)
    channel.basic_publish("inbound", "any key", b"1", mandatory=True)
    channel.connection.close()
    place.organisation.receive([b"1"])


FORBIDDEN: dict[str, Callable[[BlockingChannel], object]] = {
    "publish to a queue": lambda channel: channel.basic_publish("", "inbound", b"1"),
    "publish to another exchange": lambda channel: channel.basic_publish("amq.topic", "x", b"1"),
    "take a message": lambda channel: channel.basic_get("inbound"),
    "consume": lambda channel: channel.basic_consume("inbound", lambda *_: None),
    "make a queue": lambda channel: channel.queue_declare("theirs"),
    "make a queue of a name they may write to": lambda channel: channel.queue_declare("inbound", durable=False),
    "make a queue for themselves": lambda channel: channel.queue_declare("", exclusive=True),
    "make an exchange": lambda channel: channel.exchange_declare("theirs"),
    "bind": lambda channel: channel.queue_bind("inbound", "amq.topic", "#"),
    "bind exchanges": lambda channel: channel.exchange_bind("inbound", "amq.topic", "#"),
    "purge": lambda channel: channel.queue_purge("inbound"),
    "delete a queue": lambda channel: channel.queue_delete("inbound"),
    "delete an exchange": lambda channel: channel.exchange_delete("inbound"),
}


@pytest.mark.slow
def test_account_may_do_nothing_else(place: Place) -> None:
    url = place.run("allow", "acme-ltd")["url"]
    for what, attempt in FORBIDDEN.items():
        channel = channel_of(url)
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as caught:
            attempt(channel)
        assert caught.value.reply_code == 403, what
        channel.connection.close()
    assert place.organisation.bodies() == []


@pytest.mark.slow
def test_account_gets_into_no_other_virtual_host_and_not_into_the_management_api(
    place: Place, new_vhost: NewVhost
) -> None:
    url = place.run("allow", "acme-ltd")["url"]
    other = new_vhost()
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError):
        channel_of(url.rpartition("/")[0] + "/" + other.path)
    login = Login.parse(url)
    headers = urllib3.make_headers(basic_auth=f"{login.user}:{login.password}")
    pool = urllib3.PoolManager()
    for path in ("overview", "whoami", f"queues/{place.organisation.vhost.path}", "users"):
        assert pool.request("GET", f"{other.server.api_url}/api/{path}", headers=headers).status == 401
    pool.clear()


@pytest.mark.slow
def test_account_holds_no_more_connections_than_it_needs(place: Place) -> None:
    url = place.run("allow", "acme-ltd")["url"]
    held = [pika.BlockingConnection(pika.URLParameters(url)) for _ in range(MAX_CONNECTIONS)]
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(url))
    for connection in held:
        connection.close()


@pytest.mark.slow
def test_removed_account_ends_with_its_connections(place: Place) -> None:
    url = place.run("allow", "acme-ltd")["url"]
    channel = channel_of(url)
    place.run("remove", "acme-ltd")

    def is_ended() -> bool:
        try:
            channel.connection.process_data_events(0.05)
        except pika.exceptions.AMQPError:
            return True
        return False

    eventually(is_ended)
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        channel_of(url)
    assert place.run("list") == []
    assert place.try_to("remove", "acme-ltd")[0] == 1


@pytest.mark.slow
def test_accounts_are_listed_renewed_and_said_to_be_too_powerful(place: Place) -> None:
    first = place.run("allow", "acme-ltd")["url"]
    place.run("allow", "others")
    code, problem = place.try_to("allow", "acme-ltd")
    assert (code, "--renew" in problem["hint"]) == (5, True)
    second = place.run("allow", "acme-ltd", "--renew")["url"]
    assert first != second
    channel_of(second).connection.close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        channel_of(first)
    user = Login.parse(second).user
    place.organisation.vhost.server.permit(place.organisation.vhost.name, user)
    found = {item["name"]: item["least_privilege"] for item in place.run("list")}
    assert found == {"acme-ltd": False, "others": True}


@pytest.mark.slow
def test_node_that_is_no_administrator_is_refused_with_advice(place: Place) -> None:
    code, problem = place.try_to("allow", "acme-ltd", as_administrator=False)
    assert code == 1
    assert "administrator" in problem["hint"]


def accounts(uri: str) -> PeerAccounts:
    return PeerAccounts(None, uri, secrets.token_bytes)  # type: ignore[arg-type]  # the broker is not asked


def test_node_that_others_post_to_has_no_accounts() -> None:
    with pytest.raises(InvalidConfigError, match="by its broker"):
        accounts("https://node.example.com")


@pytest.mark.parametrize("name", ["", "Acme", "a.b", "a b", "-a", "a" * 41, "../users", "ä"])
def test_name_that_could_be_taken_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match="lower-case"):
        accounts("amqps://host/a").allow(name)


def test_administrator_and_password_file_belong_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", "list", "--administrator", "root"]) == 2
    assert "belong together" in capsys.readouterr().err
