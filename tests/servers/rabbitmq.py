"""RabbitMQ for tests: installed from Debian where that is allowed, one server for each process that runs tests."""

import fcntl
import itertools
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from livecontract.demo.rabbitmq_server import RabbitServer, find_program
from tests import needs

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks before it starts a service that was installed; 101 says: do not."""


@dataclass(frozen=True)
class Vhost:
    """A virtual host of its own for a test, and a user who may do everything in it."""

    server: RabbitServer
    name: str
    user: str
    password: str

    @property
    def url(self) -> str:
        return self.server.url(self.name, self.user)

    @property
    def url_with_password(self) -> str:
        return with_password(self.url, self.password)

    @property
    def path(self) -> str:
        """Its name as a part of paths of the management API."""
        return quote(self.name, safe="")


def with_password(url: str, password: str) -> str:
    """Return a URL as pika takes it."""
    return url.replace("@", f":{password}@", 1)


NewVhost = Callable[[], Vhost]


def install() -> None:
    """Have RabbitMQ on this machine, or end the test that needs it. Nothing that is installed is started."""
    with (Path(tempfile.gettempdir()) / f"livecontract-install-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time: several processes may run tests
        if find_program("rabbitmq-server") is None:
            with nothing_starts(POLICY) if os.geteuid() == 0 else nullcontext():
                needs.program("rabbitmq-server", "rabbitmq-server")
    for name in ("rabbitmq-plugins", "epmd"):
        if find_program(name) is None:
            needs.missing(f"{name} is missing: install rabbitmq-server with its plugins")


@contextmanager
def nothing_starts(policy: Path) -> Iterator[None]:
    """Keep Debian from starting services that are installed meanwhile. A policy that is there already stays."""
    if policy.exists() or not policy.parent.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A running server. A test may kill it, and starts it again before it ends."""
    install()
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.kill()  # nobody needs what it would write down, and that takes seconds
        server.stop()


@pytest.fixture
def new_vhost(rabbitmq: RabbitServer) -> Iterator[NewVhost]:
    """Makes virtual hosts, which are gone after the test."""
    made: list[Vhost] = []
    numbers = itertools.count(1)

    def new_vhost() -> Vhost:
        name = f"test-{secrets.token_hex(4)}-{next(numbers)}"
        vhost = Vhost(rabbitmq, name, name, secrets.token_urlsafe(12))
        rabbitmq.add_vhost(name)
        made.append(vhost)
        rabbitmq.add_user(vhost.user, vhost.password)
        rabbitmq.permit(name, vhost.user)
        return vhost

    yield new_vhost
    for vhost in made:
        rabbitmq.api("DELETE", f"vhosts/{vhost.path}")
        rabbitmq.api("DELETE", f"users/{vhost.path}")
