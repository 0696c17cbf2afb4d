"""Fixtures of the tests over a network of their own."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.network import namespaces
from tests.network.link import Link
from tests.network.namespaces import Namespace

ADDRESSES = ("10.77.0.1", "10.77.0.2")
"""Inside the namespaces, and nowhere else."""

SEED = 7


class Network(NamedTuple):
    """Two namespaces and the link between them."""

    first: Namespace
    second: Namespace
    link: Link


@pytest.fixture
def network() -> Iterator[Network]:
    namespaces.require()
    with ExitStack() as stack:
        spaces = Namespace(), Namespace()
        for space in spaces:
            stack.callback(space.close)
        link = Link(*spaces, ADDRESSES, SEED)
        stack.callback(link.close)
        yield Network(*spaces, link)
