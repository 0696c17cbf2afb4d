"""Nodes and servers are killed while people work: nothing acknowledged is lost, nothing is there twice.

`--kills 100` is the long test; without it there are ten.
"""

import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from eventchain.archive import COLLECTIONS, Archive
from eventchain.core import base58
from eventchain.store.mongo import MongoStore
from eventchain.tip import entries_of
from livecontract.demo.servers import Servers
from tests.chaos.faults import Faults
from tests.chaos.world import Organisation, World
from tests.servers import mongodb, rabbitmq
from workflow_engine.engine import replay

SEED = 20_261_120


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_applied_twice(tmp_path: Path, kills: int) -> None:
    rabbitmq.install()
    world = World(tmp_path, Servers.below(tmp_path, rabbitmq=True, mongodb=mongodb.program()))
    faults, pauses = Faults(world, SEED), random.Random(SEED)
    try:
        world.start()
        while faults.kills < kills:
            time.sleep(pauses.random() * 2)
            faults.happen()
        world.finish()
        check(world, faults)
    except BaseException:
        report(world, faults)
        raise
    finally:
        world.stop()


def check(world: World, faults: Faults) -> None:
    """Compare what every node keeps with what was acknowledged."""
    for contract in world.contracts:
        assert len(contract.acknowledged) > 5, "people could not work on one of the contracts"
    for organisation in world.organisations:
        check_chains(world, organisation)
    refused = [letter for item in world.organisations for letter in item.client.get("/queue/dead-letters")]
    assert {letter["queue"] for letter in refused} <= {"inbound"}, refused
    assert len(refused) <= faults.poison, refused


def check_chains(world: World, organisation: Organisation) -> None:
    assert world.servers.mongodb is not None
    store = MongoStore(world.servers.mongodb.url(organisation.role), None, COLLECTIONS)
    try:
        archive = Archive(store)
        for contract in world.contracts:
            chain = archive.chain(contract.id)
            assert [base58.encode(event.hash) for event in chain.events] == [
                base58.encode(event.hash) for event in contract.acknowledged
            ]
            assert not archive.conflicts(contract.id)
            shown = organisation.client.get(f"/processes/{contract.process}")
            (process,) = replay([entry for _, entry in entries_of(chain)])["processes"]
            assert shown["current"]["key"] == process["current"]["key"]
            assert shown["assets"] == process["assets"]
    finally:
        store.close()


def report(world: World, faults: Faults) -> None:
    """Write what helps to find out why, where the test shows it when it fails."""
    lines = [str(Counter(faults.happened))]
    for organisation in world.organisations:
        lines += [f"--- {organisation.role}", organisation.node.log.read_text()[-6000:]]
    sys.stdout.write("\n".join(lines))
