"""A node that does not run: its services over its store and queue, without web server and workers, to work on it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import Random
from livecontract import bootstrap, key_store
from livecontract.config import Config
from livecontract.errors import InvalidKeyFileError
from livecontract.mail import NoMailer
from livecontract.node import Node, Parts
from workflow_engine.triggers.http_client import UrllibClient


class NoAnchor:
    """Stands for the public chain, where none is asked."""

    def receipts(self, _hashes: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return that nothing is known."""
        return {}

    def submit(self, _hashes: Sequence[str]) -> object:
        """Refuse: the node does it when it runs.

        Raises:
            UnavailableError: Always.
        """
        raise UnavailableError("the node does not run")


def open_node(config: Config, *, clock: Clock = system_clock, random: Random = os.urandom) -> Node:
    """Open what a node keeps, as its only process; `stop` closes it.

    Raises:
        InvalidKeyFileError: It has no key, or not one that can be used.
        UnavailableError: Store or queue cannot be opened, as while the node runs.
    """
    if not config.key_place.exists():
        raise InvalidKeyFileError(
            f"{config.key_place}: there is no key", hint="Without its key nobody can tell what belongs to this node."
        )
    key = key_store.load(config.key_place, config.passphrase)
    bootstrap.prepare_directory(config.data)
    broker = bootstrap.open_broker(config, clock)  # first: it is what says that the node runs
    try:
        store = bootstrap.open_store(config, bootstrap.ALL_COLLECTIONS)
    except BaseException:
        broker.close()
        raise
    parts = Parts(
        key=key,
        uri=config.uri,
        name=config.name,
        users=frozenset(config.users),
        store=store,
        broker=broker,
        anchor=NoAnchor(),
        transport=bootstrap.open_transport(config, key, clock, random),
        http=UrllibClient(config.http_allow, targets=config.http_targets),
        mailer=NoMailer(),
        clock=clock,
        random=random,
        threads=os.cpu_count() or 1,
    )
    return Node(parts, services=())
