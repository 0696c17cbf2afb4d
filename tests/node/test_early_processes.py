"""Two processes of a node take one chain's events from RabbitMQ in turns: neither waits for the other's."""

import os
from pathlib import Path

import pytest

from benchmarks.workers import Workers
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from eventchain.archive import EARLY
from eventchain.core.clock import system_clock
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from livecontract.node import COLLECTIONS
from tests.apart.cluster import wait_until
from tests.servers.rabbitmq import NewVhost

EVENTS = 200


def is_empty(broker: RabbitBroker) -> bool:
    depth = broker.depth("events")
    return depth.waiting + depth.leased == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "mongodb"])
def test_two_processes_add_the_single_events_of_one_chain(
    tmp_path: Path, new_vhost: NewVhost, engine: str, request: pytest.FixtureRequest
) -> None:
    vhost = new_vhost()
    place = request.getfixturevalue("new_database")() if engine == "mongodb" else f"sqlite:{tmp_path / 'node.db'}"
    settings = RabbitSettings(url=vhost.url, password=vhost.password)
    broker = RabbitBroker(settings, system_clock, os.urandom)
    workers = Workers(tmp_path / "workers", 2, place, settings, 1)
    try:
        workers.turn(EVENTS, 1)
        wait_until(lambda: is_empty(broker), "the last message is settled")
        assert broker.depth("events").dead == 0
    finally:
        broker.close()
        workers.close()
    store = (
        MongoStore(place, None, COLLECTIONS) if engine == "mongodb" else SqliteStore(tmp_path / "node.db", COLLECTIONS)
    )
    assert not store.find(EARLY)
    store.close()
