"""Nodes with and without RabbitMQ exchange events: each way a message can take, with a real broker between them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from dispatcher.address import AmqpAddress, Login
from dispatcher.envelope import ASK, CHAIN, seal
from dispatcher.message import DeadLetter
from eventchain import event as events
from eventchain.chain import EventChain
from eventchain.core import base58, canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.core.strict_json import MAX_BYTES
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.config import load
from livecontract.errors import InvalidConfigError
from livecontract.peering import open_management, read_logins
from tests.livecontract.running import OWNER, PARTNER, STRANGER, running, wait_for
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import NewVhost

NOTE = "urn:example:note"
PATIENCE = 60


class Party:
    """An organisation with a running node, and a person who uses it."""

    def __init__(self, name: str, key: KeyPair, node: RunningNode, organisation: Organisation | None) -> None:
        self.name = name
        self.key = key
        self.node = node
        self.organisation = organisation
        self.agent = Agent(name, key, node.url)

    @property
    def uri(self) -> str:
        return self.node.config.uri

    def identity(self) -> dict[str, Any]:
        """What another party writes into a chain to have this one in it."""
        keys = {"user": str(self.key.public_key), SYSTEM_KEY: str(self.node.key.public_key)}
        encrypt = base58.encode(self.key.encrypt_key)
        return {"$schema": IDENTITY_SCHEMA, "id": self.name, "node": self.uri, "signkeys": keys, "encryptkey": encrypt}

    def hashes(self, chain: str) -> list[str]:
        """What its node keeps of a chain."""
        found = self.node.node.eventchain.archive.chain(ChainId.parse(chain))
        return [base58.encode(event.hash) for event in found.events]

    def dead_letters(self) -> list[DeadLetter]:
        return self.node.node.parts.broker.dead_letters("inbound")


Meet = Callable[[str, str], tuple[Party, Party]]


@pytest.fixture
def meet(tmp_path: Path, new_vhost: NewVhost) -> Iterator[Meet]:
    """Runs the nodes of two parties that may log in at each other's broker, where they have one."""
    with contextlib.ExitStack() as stack:

        def meet(one: str, other: str) -> tuple[Party, Party]:
            kinds = {"one": one, "other": other}
            organisations = {
                name: Organisation.make(new_vhost) if kind == "rabbitmq" else None for name, kind in kinds.items()
            }
            keys = {"one": OWNER, "other": PARTNER}
            parties = []
            for name, other_name in (("one", "other"), ("other", "one")):
                settings = settings_of(organisations[name], organisations[other_name])
                node = stack.enter_context(running(tmp_path / name, **settings))
                parties.append(Party(name, keys[name], node, organisations[name]))
            for party in parties:
                if party.organisation:
                    eventually(lambda party=party: bindings(party.organisation))
            return parties[0], parties[1]

        yield meet


def settings_of(own: Organisation | None, other: Organisation | None) -> dict[str, Any]:
    peers = [other.allow(f"{other.vhost.user}-peer").url()] if other else []
    if own is None:
        return {"peers": peers}
    vhost = own.vhost
    return {
        "broker": vhost.url,
        "broker_password": vhost.password,
        "broker_api": vhost.server.api_url,
        "node_uri": own.uri,
        "peers": peers,
    }


def bindings(organisation: Organisation) -> Any:
    path = f"exchanges/{organisation.vhost.path}"
    names = [item["name"] for item in organisation.api("GET", path)]
    return "inbound" in names and organisation.api("GET", f"{path}/inbound/bindings/source")


def note(number: int) -> dict[str, Any]:
    return {"$schema": NOTE, "number": number}


def together(one: Party, other: Party) -> str:
    """Make a chain that both are on, and wait until both have it."""
    chain = one.agent.create_chain({"name": "One"})
    one.agent.add(chain, other.identity())
    agree(chain, one, other)
    return chain


def agree(chain: str, one: Party, other: Party) -> list[str]:
    hashes = one.hashes(chain)
    wait_for(lambda: other.hashes(chain) == hashes, "the other node to have the same chain", PATIENCE)
    return hashes


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [("rabbitmq", "rabbitmq"), ("rabbitmq", "sqlite"), ("sqlite", "rabbitmq")])
def test_events_go_both_ways_between_nodes_of_both_kinds(meet: Meet, one: str, other: str) -> None:
    first, second = meet(one, other)
    chain = together(first, second)
    for number in range(5):
        first.agent.add(chain, note(number))
    agree(chain, first, second)
    second.agent.add(chain, note(5))
    assert len(agree(chain, second, first)) == 8
    for party in (first, second):
        assert party.node.node.parts.broker.dead_letters() == []
        if party.organisation and first.organisation and second.organisation:
            (status,) = party.node.node.parts.peering.shovels.status()  # type: ignore[union-attr]
            assert (status.state, status.waiting in (0, None)) == ("running", True)


@pytest.mark.slow
def test_node_says_at_its_root_how_others_reach_it(meet: Meet) -> None:
    first, second = meet("rabbitmq", "sqlite")
    about = first.agent.client.get("/")
    assert first.organisation is not None
    assert (about["node"], about["url"]) == (first.organisation.uri, first.node.url)
    assert second.agent.client.get("/")["node"] == second.node.url
    assert ("inbound" in first.node.node.queues, "inbound" in second.node.node.queues) == (True, False)


@pytest.mark.slow
def test_without_a_login_a_message_waits_and_says_why(meet: Meet, tmp_path: Path) -> None:
    _, second = meet("sqlite", "rabbitmq")
    with running(tmp_path / "newcomer") as node:
        newcomer = Party("newcomer", STRANGER, node, None)
        chain = newcomer.agent.create_chain({"name": "Newcomer"})
        newcomer.agent.add(chain, second.identity())
        broker = node.node.parts.broker
        wait_for(lambda: broker.depth("relay").waiting, "the message to wait", PATIENCE)
        assert second.hashes(chain) == []
    login = second.organisation.allow("newcomer").url()  # type: ignore[union-attr]
    with running(tmp_path / "newcomer", peers=[login]) as node:
        agree(chain, Party("newcomer", STRANGER, node, None), second)


# --- What a stranger with an account can do ---------------------------------------------------------------------------


def leave(party: Party, login: Login, body: bytes, headers: dict[str, Any], **properties: Any) -> None:
    """Publish something to a node's broker, under the account of a peer."""
    connection = pika.BlockingConnection(pika.URLParameters(login.url()))
    channel = connection.channel()
    channel.confirm_delivery()
    made = pika.BasicProperties(headers=headers, delivery_mode=2, **properties)
    channel.basic_publish("inbound", "", body, made, mandatory=True)
    connection.close()


def chain_of(key: KeyPair, *bodies: Any) -> EventChain:
    chain = ChainId.create(key.public_key, b"x" * 20, network="T")
    made, previous = [], chain.initial_hash
    for body in bodies:
        event = events.sign(previous=previous, key=key, timestamp=system_clock(), data=canonical_json.encode(body))
        made.append(event)
        previous = event.hash
    return EventChain(chain, tuple(made))


@pytest.mark.slow
def test_whatever_a_stranger_leaves_is_a_dead_letter_with_a_reason(meet: Meet) -> None:
    first, second = meet("sqlite", "rabbitmq")
    login = read_logins(first.node.config).find(AmqpAddress.parse(second.uri))
    assert login is not None
    chain = together(first, second)
    before = second.hashes(chain)
    stranger = KeyPair.from_seed(b"?" * 32)
    body = canonical_json.encode(chain_of(stranger, {"$schema": NOTE}).to_dict())

    def sealed(key: KeyPair = stranger, to: str = second.uri, data: bytes = body, kind: str = CHAIN) -> dict[str, str]:
        return seal(key, to, "id", kind, data, time=system_clock())

    leave(second, login, b"junk", {})
    leave(second, login, body, {"seal": 1, "seal-sender": b"\xff", "x": [{"y": 2**40}]}, timestamp=2**40)
    leave(second, login, body, sealed(to=first.uri), message_id="foreign")
    leave(second, login, body, sealed(data=b"another body"), message_id="changed")
    leave(second, login, body, {**sealed(), "seal-sender": str(first.node.key.public_key)}, message_id="forged")
    leave(second, login, b" " * (MAX_BYTES + 1), {}, message_id="oversized")
    leave(second, login, b"{}", sealed(data=b"{}"), message_id="no chain")
    leave(second, login, body, sealed(), message_id="not admitted")
    leave(second, login, b"[1]", sealed(data=b"[1]", kind=ASK), message_id="no ask")
    letters = wait_for(lambda: len(found := second.dead_letters()) == 9 and found, "nine dead letters", PATIENCE)
    reasons = {letter.message_id: letter.reason for letter in letters}
    assert "no seal" in reasons[base58.encode(sha256(b"junk"))]
    assert "does not fit" in reasons["foreign"]
    assert "does not fit" in reasons["changed"]
    assert "does not fit" in reasons["forged"]
    assert str(MAX_BYTES) in reasons["oversized"]
    assert "takes no part" in reasons["not admitted"]
    assert all(reasons.values())
    first.agent.add(chain, note(1))
    assert agree(chain, first, second)[:-1] == before, "the node works on as if nothing was"


@pytest.mark.slow
def test_replayed_message_changes_nothing(meet: Meet) -> None:
    first, second = meet("rabbitmq", "rabbitmq")
    chain = together(first, second)
    login = read_logins(first.node.config).find(AmqpAddress.parse(second.uri))
    assert login is not None
    known = first.node.node.eventchain.archive.chain(ChainId.parse(chain))
    body = canonical_json.encode(known.to_dict())
    headers = seal(first.node.key, second.uri, "again", CHAIN, body, time=system_clock())
    for _ in range(3):
        leave(second, login, body, headers, message_id="again")
    first.agent.add(chain, note(1))
    agree(chain, first, second)
    assert second.dead_letters() == []


@pytest.mark.slow
def test_message_that_was_lost_is_asked_for_over_the_broker(meet: Meet) -> None:
    first, second = meet("rabbitmq", "rabbitmq")
    chain = together(first, second)
    outward: Any = first.node.node.parts.peering.outward  # type: ignore[union-attr]
    outward._key = STRANGER  # so that the other node refuses what comes
    first.agent.add(chain, note(1))
    wait_for(second.dead_letters, "the message to be refused", PATIENCE)
    assert second.hashes(chain) == first.hashes(chain)[:-1]
    outward._key = first.node.key
    assert (chain, first.uri) in second.node.node.eventchain.asking.ask_all()
    agree(chain, first, second)


# --- Configuration ----------------------------------------------------------------------------------------------------


def config(tmp_path: Path, **settings: Any) -> Any:
    return load({"data": tmp_path, **settings}, environment={}, default_file=tmp_path / "none.toml")


def test_login_that_cannot_be_used_is_named_by_its_place(tmp_path: Path) -> None:
    good, bad = "amqps://us:secret@host/a", "amqps://us:secret@host/a?verify=verify_none"
    with pytest.raises(InvalidConfigError, match="item 2") as caught:
        read_logins(config(tmp_path, peers=[good, bad]))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("broker", "api", "url"),
    [
        ("amqp://us@host/a", None, "http://host:15672/api/overview"),
        ("amqps://us@host:5699/a%2Fb", None, "https://host:15671/api/overview"),
        ("amqps://us@host", "https://elsewhere:1/prefix", "https://elsewhere:1/prefix/api/overview"),
    ],
)
def test_management_api_is_where_the_settings_say(
    tmp_path: Path, broker: str, api: str | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    management = open_management(config(tmp_path, broker=broker, broker_api=api, broker_password="secret"))
    asked: list[str] = []

    def request(_method: str, target: str, **_: Any) -> Any:
        asked.append(target)
        raise OSError

    monkeypatch.setattr(management._pool, "request", request)
    with pytest.raises(Exception, match="management"):
        management.overview()
    assert asked == [url]


def test_node_without_rabbitmq_has_no_management_api(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="no RabbitMQ"):
        open_management(config(tmp_path))
