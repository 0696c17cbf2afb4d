"""Fixtures of the tests of the deployment files."""

from collections.abc import Iterator

import pytest

from livecontract.serving import WebServer
from tests.deploy.files import application


@pytest.fixture
def serve_application() -> Iterator[int]:
    """Serve the routes that every process has, and give the port."""
    server = WebServer(application(), host="127.0.0.1", port=0, threads=1, max_request_bytes=1024)
    server.start()
    yield server.port
    server.stop()
