"""RabbitMQ for tests: installed from Debian where that is allowed, one server for each process that runs tests."""

import itertools
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from livecontract.demo.rabbitmq_server import RabbitServer, find_program
from tests import needs


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


_LINES = 40
"""Of a server's log, shown beside a test that failed: the first since it began, and as many of the last."""

_SAID_BEFORE = pytest.StashKey[int]()
"""Lines that the server had written when a test began."""

NewVhost = Callable[[], Vhost]


def install() -> None:
    """Have RabbitMQ on this machine, or end the test that needs it."""
    needs.program("rabbitmq-server", "rabbitmq-server", find_program)
    for name in ("rabbitmq-plugins", "epmd"):
        if find_program(name) is None:
            needs.missing(f"{name} is missing: install rabbitmq-server with its plugins")


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
def new_vhost(request: pytest.FixtureRequest, rabbitmq: RabbitServer) -> Iterator[NewVhost]:
    """Makes virtual hosts, which are gone after the test."""
    request.node.stash[_SAID_BEFORE] = len(complaints(rabbitmq))
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of a test that failed what its server complained of."""
    report = yield
    server = getattr(item, "funcargs", {}).get("rabbitmq")
    if report.failed and isinstance(server, RabbitServer):
        said = complaints(server)[item.stash.get(_SAID_BEFORE, 0) :]
        shown = said if len(said) <= 2 * _LINES else [*said[:_LINES], "…\n", *said[-_LINES:]]
        report.sections.append(("RabbitMQ complained", "".join(shown)))
    return report


def complaints(server: RabbitServer) -> list[str]:
    """Return the lines of a server's log that warn or are about shovels, without the terms it dumps below them."""
    lines = [
        line
        for path in sorted(server.directory.glob("log/*.log"))
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    ]
    return [line for line in lines if re.search(r"\[(warning|error|critical)\] <[0-9.]+> \S|Shovel ", line)]
