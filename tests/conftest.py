"""What every test of the project shares."""

import json
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

VECTORS = Path(__file__).parent / "vectors"

pytest_plugins = ["tests.servers.mongodb", "tests.servers.rabbitmq"]

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


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    number = request.config.getoption("--kills")
    assert isinstance(number, int)
    return number
