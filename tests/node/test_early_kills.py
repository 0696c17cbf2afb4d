"""A node that is killed at any write loses nothing of what came early, where no store makes up for it.

Nobody else has the events: what this node forgot would be gone.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dispatcher.enqueue import EnqueueService
from eventchain import service
from eventchain.core.ids import Generation
from eventchain.event_json import read_event
from eventchain.lease import LEASES
from eventchain.store.document_store import DocumentStore
from eventchain.store.mongo import MongoStore
from livecontract.node import COLLECTIONS
from livecontract.simulation import Simulation
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, Stage, silence
from tests.servers.mongodb import NewDatabase

EVENTS = 5
ORDERS = [(4, 2, 3, 0, 1), (1, 3, 0, 2, 4)]


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a simulation nothing happens while one waits."""
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.0)


class Killer:
    """Kills the seller's node at its n-th write from when it is armed."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.killed_at = ""

    def __call__(self, name: str, what: str) -> bool:
        if name != "seller" or self.left is None or LEASES.name in what:
            return False
        self.left -= 1
        if self.left:
            return False
        self.left, self.killed_at = None, what
        return True


def notes(stage: Stage) -> list[dict[str, Any]]:
    """Return events of the buyer, one after the other, that no node has."""
    tip, documents = stage.node("buyer").eventchain.tip(stage.chain), []
    for _ in range(EVENTS):
        document = stage["buyer"].sign(stage.chain, stage.note(), tip=tip)
        documents.append(document)
        tip, _ = tip.advance(read_event(document["events"][1], Generation.V2))
    return documents


def play(storage: LeasedStorage | SqliteStorage, killer: Killer, number: int, order: Sequence[int]) -> str:
    """Hand events in, in this order, to a node that is killed at one of its writes; return at which."""
    with silence(50):
        stage = Stage.of(Simulation(number, names=("buyer", "seller"), storage=storage), ("buyer", "seller")).found()
        documents = notes(stage)
        broker, sender = stage.node("seller").parts.broker, stage["buyer"].key.public_key
        killer.left = number
        for index in order:
            EnqueueService(broker).enqueue(json.dumps(documents[index]).encode(), sender=sender)
            stage.simulation.run(3)
            if "seller" not in stage.simulation.nodes:
                stage.simulation.start("seller")
            broker = stage.node("seller").parts.broker
        stage.simulation.settle(receipts=False)
    expected = [document["events"][1]["hash"] for document in documents]
    for name in ("buyer", "seller"):
        archive, queue = stage.node(name).eventchain.archive, stage.node(name).parts.broker
        assert [str(item["hash"]) for item in archive.canonical(stage.id)][2:] == expected, (name, killer.killed_at)
        assert not archive.early(1)
        assert not archive.conflicts(stage.id)
        assert not queue.dead_letters()
    stage.simulation.close()
    return killer.killed_at


def kill_everywhere(
    folder: Path, order: Sequence[int], step: int, open_store: Callable[[str], DocumentStore] | None = None
) -> set[str]:
    """Kill before and after every `step`th write; return where that was."""
    places: set[str] = set()
    for when, first in (("before", 1), ("after", 1 + step // 2)):
        for number in itertools.count(first, step):
            killer, place = Killer(), folder / f"{when}{number}"
            place.mkdir()
            storage = LeasedStorage(place, **{f"dies_{when}": killer}, open_store=open_store)
            place_of_death = play(storage, killer, number, order)
            storage.close()
            if not place_of_death:
                break
            places.add(place_of_death)
    return places


def test_node_that_dies_at_some_write_keeps_what_came_early(tmp_path: Path) -> None:
    assert kill_everywhere(tmp_path, ORDERS[0], 9)


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_node_that_dies_at_any_write_keeps_what_came_early(tmp_path: Path, order: Sequence[int]) -> None:
    places = kill_everywhere(tmp_path, order, 1)
    assert places >= {"insert early", "delete early", "insert events"}


@pytest.mark.slow
def test_node_on_mongodb_that_dies_at_a_write_keeps_what_came_early(tmp_path: Path, new_database: NewDatabase) -> None:
    assert kill_everywhere(tmp_path, ORDERS[1], 9, lambda _name: MongoStore(new_database(), None, COLLECTIONS))
