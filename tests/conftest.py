"""What every test of the project shares."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

VECTORS = Path(__file__).parent / "vectors"

pytest_plugins = ["tests.memory_files", "tests.servers.mongodb", "tests.servers.rabbitmq"]

# No deadline: examples are judged by what they do, never by how long they take on a busy machine.
hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def eventchain_vectors() -> dict[str, Any]:
    return json.loads((VECTORS / "eventchain.json").read_text())


@pytest.fixture(scope="session")
def public_chain_vectors() -> dict[str, Any]:
    return json.loads((VECTORS / "public-chain.json").read_text())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=10, help="processes that tests/chaos kills; 100 for the long test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See that whoever leaves out the slow tests waits for no server."""
    for item in items:
        asked = {"rabbitmq", "mongodb"} & set(getattr(item, "fixturenames", ()))
        if asked and item.get_closest_marker("slow") is None:
            raise pytest.UsageError(f"{item.nodeid} starts {' and '.join(asked)}: mark it slow")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    number = request.config.getoption("--kills")
    assert isinstance(number, int)
    return number


@pytest.fixture(scope="session", autouse=True)
def loggers_stay_free() -> Iterator[None]:
    """Keep programs that run inside a test from binding the loggers of this process for good."""
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            structlog, "configure", lambda **options: configure(**options | {"cache_logger_on_first_use": False})
        )
        yield


@pytest.fixture(autouse=True)
def logs_are_as_before(loggers_stay_free: None) -> Iterator[None]:
    structlog.contextvars.clear_contextvars()  # a request that was handled in this thread left its id
    before = structlog.get_config()
    yield
    structlog.configure(**before)
