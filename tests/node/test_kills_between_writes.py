"""Where a store groups nothing, a node may die between any two writes: leases and repair make up for the transaction.

A dead node gives nothing back. What it held expires, and who takes it then, itself or another copy, sets it right.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eventchain import service
from eventchain.chain import EventChain
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.lease import LEASE_MS
from eventchain.store.document_store import DocumentStore
from eventchain.store.mongo import MongoStore
from livecontract.node import COLLECTIONS
from livecontract.simulated_party import Party
from livecontract.simulation import Simulation
from tests.node.leased import LeasedStorage
from tests.node.stage import Stage, play_quotation, silence
from tests.node.test_kills import FAULTS, NAMES, check
from tests.servers.mongodb import NewDatabase


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a simulation nothing happens while one waits."""
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.0)


class PatientParty(Party):
    """Somebody who sends again, a while later, what the node could not take."""

    def send(self, document: Mapping[str, Any], *, to: str | None = None, key: KeyPair | None = None) -> EventChain:
        for _ in range(100):
            try:
                return super().send(document, to=to, key=key)
            except UnavailableError:
                self._simulation.clock.now += LEASE_MS
                self._simulation.settle(receipts=False)
        raise AssertionError("never answered")


def play(
    folder: Path,
    seed: int,
    chance: float,
    open_store: Callable[[str], DocumentStore] | None = None,
    faults: bool = False,
) -> Counter[str]:
    """Play the quotation while nodes die between their writes; return where they died."""
    drawn, deaths = random.Random(seed), Counter[str]()

    def dies(when: str) -> Callable[[str, str], bool]:
        def decide(_name: str, what: str) -> bool:
            if what == "insert invitations" or drawn.random() >= chance:  # who asks for one does not ask again
                return False
            deaths[f"{when} {what}"] += 1
            return True

        return decide

    storage = LeasedStorage(folder, dies("before"), dies("after"), open_store)
    with silence(50):
        simulation = Simulation(seed, storage=storage, faults=FAULTS if faults else None)
        stage = Stage(simulation, {name: PatientParty(simulation, name) for name in NAMES})
        play_quotation(stage)
        simulation.settle()
        check(stage, requests=20, mails=20)
    storage.close()
    return deaths


def test_contract_is_played_in_a_store_without_batches(tmp_path: Path) -> None:
    assert not play(tmp_path, 1, 0.0)


@pytest.mark.parametrize("seed", range(2))
def test_node_that_dies_between_two_writes_goes_on_where_it_was(tmp_path: Path, seed: int) -> None:
    assert play(tmp_path, seed, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(118, 128))
def test_nodes_that_die_between_writes_all_the_time_still_play_the_contract(tmp_path: Path, seed: int) -> None:
    assert play(tmp_path, seed, 0.02, faults=seed % 2 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nodes_on_mongodb_that_die_between_writes_play_the_contract(
    tmp_path: Path, new_database: NewDatabase, seed: int
) -> None:
    assert play(tmp_path, seed, 0.01, lambda _name: MongoStore(new_database(), None, COLLECTIONS))
