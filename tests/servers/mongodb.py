"""A MongoDB-wire server for tests: MongoDB where it is installed, else FerretDB, built once with the Go compiler."""

import hashlib
import itertools
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pymongo
import pytest

from livecontract.demo.mongodb_server import MongodbServer, find_program
from tests import needs

SOURCES = Path(__file__).parent / "ferretdb"
CACHE = Path(__file__).parent.parent.parent / "build" / "servers"
"""Git ignores it."""

GO_MINIMUM = (1, 22)
BUILD_SECONDS = 900

NewDatabase = Callable[[], str]
"""Returns the URL of a database that nothing is in."""


def program() -> Path:
    """Return the server to run, or end the test that needs one."""
    return find_program() or built()


def built() -> Path:
    """Return FerretDB, built of exactly these sources. Several processes may ask at once; one of them builds."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        digest.update(f"{source.name} {hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
    target = CACHE / f"ferretdb-{digest.hexdigest()[:16]}"
    if target.exists():
        return target
    go = compiler()
    CACHE.mkdir(parents=True, exist_ok=True)
    with needs.alone():
        if not target.exists():
            compile_into(target, go)
    return target


def compiler() -> str:
    """Return a Go compiler that is new enough, or end the test that needs it (that of Debian 12 is too old)."""
    go = shutil.which("go")
    told = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout if go else ""
    version = re.search(r"go(\d+)\.(\d+)", told)
    if go is None or version is None or (int(version[1]), int(version[2])) < GO_MINIMUM:
        needs.missing("neither mongod nor Go 1.22 or later is there: install one of them")
    return go


def compile_into(target: Path, go: str) -> None:
    unfinished = target.with_suffix(".unfinished")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [go, "build", "-o", str(unfinished), "."],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        needs.missing(f"FerretDB cannot be built: {done.stderr[-2000:]}")
    unfinished.replace(target)


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongodbServer]:
    """A running server. A test may kill it, and starts it again before it ends."""
    server = MongodbServer(tmp_path_factory.mktemp("mongodb"), program())
    try:
        server.start()
        yield server
    finally:
        server.kill()  # nobody needs what it would write down


@pytest.fixture(scope="session")
def mongodb_url(mongodb: MongodbServer) -> str:
    """The URL of a running server; a test appends the name of a database of its own, or asks for `new_database`."""
    return mongodb.url()


@pytest.fixture
def new_database(mongodb: MongodbServer) -> Iterator[NewDatabase]:
    """Names databases, which are gone after the test."""
    made: list[str] = []
    numbers = itertools.count(1)

    def new_database() -> str:
        name = f"test_{secrets.token_hex(4)}_{next(numbers)}"
        made.append(name)
        return mongodb.url(name)

    yield new_database
    if not made:
        return
    with pymongo.MongoClient[dict[str, object]](mongodb.url()) as client:
        for name in made:
            client.drop_database(name)
