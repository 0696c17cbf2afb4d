"""Fixtures of the tests of several nodes."""

from collections.abc import Iterator

import pytest

from tests.node.stage import silence


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield
