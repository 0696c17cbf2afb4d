"""The private RabbitMQ server starts, keeps what it holds when it is killed, and ends with all its processes."""

import os
from contextlib import suppress
from pathlib import Path

import pika
import pytest

from livecontract.demo.private_server import HOST
from livecontract.demo.rabbitmq_server import RabbitServer
from tests.servers.rabbitmq import NewVhost, with_password

pytestmark = pytest.mark.slow


def test_vhost_is_open_to_its_user_and_to_no_guest(new_vhost: NewVhost) -> None:
    vhost, other = new_vhost(), new_vhost()
    pika.BlockingConnection(pika.URLParameters(vhost.url_with_password)).close()
    foreign = with_password(vhost.server.url(other.name, vhost.user), vhost.password)
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError):
        pika.BlockingConnection(pika.URLParameters(foreign))
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(pika.ConnectionParameters(HOST, vhost.server.port))


def test_killed_server_starts_again_over_its_data_and_leaves_nothing_when_stopped(tmp_path: Path) -> None:
    server = RabbitServer(tmp_path / "server")
    try:
        server.start()
        server.add_vhost("kept")
        first = server.pid
        server.kill()
        server.start()
        assert server.pid != first
        assert server.pid in processes_that_name(str(server.directory))
        assert {"/", "kept"} == {vhost["name"] for vhost in server.api("GET", "vhosts")}
    finally:
        server.stop()
    assert not server.is_running
    assert processes_that_name(str(server.directory)) == []


def processes_that_name(text: str) -> list[int]:
    """Process ids whose environment holds a text: the server's directory is in that of all its processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended in between
            if int(entry.name) != os.getpid() and text.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found
