"""The composition root: what a configuration turns into, what it leaves on disk, and how a node starts and ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anchor.client import AnchorClient
from anchor.service import AnchorService
from dispatcher.broker import MemoryBroker
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.core.errors import LiveContractError
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from livecontract import key_store
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.config import Config, environment_of, load
from livecontract.demo.rabbitmq_server import RabbitServer
from livecontract.errors import InvalidKeyFileError
from livecontract.free_ports import free_port
from livecontract.mail import Mail, NoMailer, SmtpMailer
from livecontract.mailbox import StoredMailer
from tests.livecontract.running import OWNER, Caller, World, part, running, settle, stored, wait_for
from tests.servers.rabbitmq import NewVhost


def config(directory: Path, **settings: Any) -> Config:
    return load({"data": directory, "port": 0, **settings}, environment={}, default_file=directory / "none.toml")


@pytest.mark.slow
def test_the_parts_are_those_of_the_configuration(tmp_path: Path) -> None:
    memory = {"store": "memory:", "broker": "memory:"}
    with (
        running(tmp_path / "a", **memory, mail="none") as first,
        running(tmp_path / "b", anchor=first.url, mail="smtp") as second,
    ):
        for node, kinds in (
            (first, (MemoryStore, MemoryBroker, AnchorService, NoMailer)),
            (second, (SqliteStore, SqliteBroker, AnchorClient, SmtpMailer)),
        ):
            parts = node.node.parts
            found = (parts.store, parts.broker, node.anchoring.access, parts.mailer)
            assert [type(item) for item in found] == list(kinds)
        assert Caller(first.url).get("/blocks/height").status == 200
        assert Caller(second.url).get("/blocks/height").status == 404
    with running(tmp_path / "c", **memory, mail="mailbox") as node:
        assert isinstance(node.node.parts.mailer, StoredMailer)
    with pytest.raises(LiveContractError):
        NoMailer().send(Mail(to="a@b.example", subject="s", text="t"))


@pytest.mark.slow
def test_node_starts_while_its_broker_is_away_and_takes_up_work_when_it_is_there(
    tmp_path: Path, rabbitmq: RabbitServer, new_vhost: NewVhost
) -> None:
    vhost = new_vhost()
    rabbitmq.kill()
    try:
        node = RunningNode(config(tmp_path, broker=vhost.url, broker_password=vhost.password))
        node.start()
        assert isinstance(node.node.parts.broker, RabbitBroker)
        assert Caller(node.url).get("/readyz").status == 503
    finally:
        rabbitmq.start()
    try:
        wait_for(lambda: Caller(node.url).get("/readyz").status == 200, "the broker")
        World(node)
    finally:
        node.stop()


def test_what_a_node_leaves_on_disk_is_closed_to_others(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "data"
    with running(place) as node:
        World(node)
    assert place.stat().st_mode & 0o777 == 0o700
    key = place / "keys" / "system.json"
    assert key.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in place.iterdir()} >= {"keys", "node.db", "queue.db"}
    assert list(tmp_path.iterdir()) == [tmp_path / "deep"]


def test_a_node_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        world = World(node)
        key, port = node.key, node.config.port
        chain, process = world.agent.chain(world.chain), world.agent.process("order-1")
        settle(node)
        before = stored(node)
    with running(tmp_path, port=port) as node:
        assert node.key == key
        settle(node)
        assert stored(node) == before
        agent = Agent("owner", OWNER, node.url)
        assert (agent.chain(world.chain), agent.process("order-1")) == (chain, process)
        agent.respond(world.chain, "order-1", "request", {"item": "Beam", "quantity": 1})


def test_a_key_is_kept_behind_the_passphrase(tmp_path: Path) -> None:
    RunningNode(config(tmp_path, passphrase="horse")).stop()
    assert "private_key" not in (tmp_path / "keys" / "system.json").read_text()
    with pytest.raises(LiveContractError):
        RunningNode(config(tmp_path))
    with pytest.raises(LiveContractError):
        RunningNode(config(tmp_path, passphrase="donkey"))
    node = RunningNode(config(tmp_path, passphrase="horse"))
    assert node.key == key_store.load(tmp_path / "keys" / "system.json", "horse")
    node.stop()


def test_a_node_whose_key_is_gone_makes_no_other(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        World(node)
    place = tmp_path / "keys" / "system.json"
    place.rename(tmp_path / "moved")
    with pytest.raises(InvalidKeyFileError, match="there is no key, and the store holds"):
        RunningNode(config(tmp_path))
    assert not place.exists()
    (tmp_path / "moved").rename(place)
    with running(tmp_path) as again:
        assert again.key == node.key


@pytest.mark.parametrize("service", ["eventchain", "workflow", "dispatcher", "anchor", "web"])
def test_a_service_of_its_own_makes_no_key(tmp_path: Path, service: str) -> None:
    urls = {name: f"http://{name}" for name in ("eventchain", "workflow", "dispatcher", "anchor")}
    settings = config(tmp_path, service=service, broker="amqp://node@127.0.0.1/", **urls)
    with pytest.raises(InvalidKeyFileError, match="there is no key") as caught:
        RunningNode(settings)
    assert "livecontract key new" in str(caught.value.hint)
    assert not (tmp_path / "keys").exists()


def test_a_node_that_never_started_stops(tmp_path: Path) -> None:
    node = RunningNode(config(tmp_path))
    node.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", node.config.port), timeout=5)


def test_evidence_of_a_chain_without_receipts_is_not_available(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:") as node:
        world = World(node)
        answer = world.caller(OWNER).get(f"/event-chains/{part(world.chain)}/evidence")
        assert answer.status == 503
        assert "no receipt" in answer.json["detail"]


def test_readiness_tells_which_part_fails_and_the_log_why(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:") as node:
        caller = Caller(node.url)
        assert caller.get("/readyz").json == {"status": "ready", "checks": {"store": "ok", "queue": "ok"}}
        node.node.parts.broker.close()
        answer = caller.get("/readyz")
        assert (answer.status, answer.json["checks"]) == (503, {"store": "ok", "queue": "failed"})
        assert caller.get("/healthz").status == 200


def run(directory: Path, *, stderr: Any, **settings: str) -> "subprocess.Popen[bytes]":
    given = {"data": str(directory), "block_time_ms": "3600000", **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "livecontract", "run", "--config", os.devnull],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env=environment_of(given),
    )


def status_of(url: str, target: str, key: Any = None) -> int:
    with contextlib.suppress(OSError):
        return Caller(url, key).get(target).status
    return 0


@pytest.mark.slow
def test_a_node_whose_log_nobody_takes_goes_on(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    reading, writing = os.pipe()
    process = run(tmp_path, stderr=writing, port=str(port), log_level="debug")
    os.close(writing)
    try:
        assert os.read(reading, 1)
        wait_for(lambda: status_of(url, "/readyz") == 200, "the node")
        os.close(reading)
        agent = Agent("owner", OWNER, url)
        chain = agent.create_chain({})
        assert status_of(url, f"/event-chains/{chain}/evidence", OWNER) == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, 1)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "PORT"}, "another program listens"),
        ({"host": "192.0.2.1"}, "192.0.2.1"),
        ({"data": "/dev/null/x"}, "/dev/null"),
        ({"store": "nothing:"}, "store"),
        ({"passphrase": "wrong"}, "passphrase"),
    ],
)
def test_a_node_that_cannot_start_says_why_in_a_sentence(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        key_store.save(tmp_path / "keys" / "system.json", OWNER, "right", os.urandom)
        given = {"passphrase": "right", "port": "0", **settings}
        given = {name: value.replace("PORT", str(other.getsockname()[1])) for name, value in given.items()}
        place = Path(given.pop("data", str(tmp_path)))
        process = run(place, stderr=subprocess.PIPE, **given)
        _, error = process.communicate(timeout=60)
    assert process.returncode in (1, 2, 3)
    text = error.decode()
    assert text.startswith("Error: ")
    assert words in text
    assert "Traceback" not in text
    assert "right" not in text.replace("copyright", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_that_is_told_to_stop_does_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port("127.0.0.1")
    process = run(tmp_path, stderr=subprocess.PIPE, port=str(port))
    try:
        wait_for(lambda: status_of(f"http://127.0.0.1:{port}", "/readyz") == 200, "the node")
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    text = error.decode()
    assert f"http://127.0.0.1:{port}" in text
    assert "Stopping" in text
    assert json.loads((tmp_path / "keys" / "system.json").read_text())["private_key"] not in text
