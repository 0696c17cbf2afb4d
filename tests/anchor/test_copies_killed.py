"""Copies of the anchor service in processes of their own, of which one after the other is killed with `kill -9`."""

import contextlib
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from anchor import receipt as receipts
from anchor.service import AnchorService
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.store.document_store import DocumentStore
from tests.anchor.one_copy import PARAMETERS, open_place
from tests.anchor.test_copies import check_chain
from tests.anchor.world import ACCOUNT
from tests.servers.mongodb import NewDatabase

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
ROUNDS = 5
HASHES = 15
"""Each copy submits so many in a round; the one that is killed, some of them."""


class Child:
    """A copy in a process of its own, and what it acknowledged."""

    def __init__(self, place: str, name: str) -> None:
        self.acknowledged: list[str] = []
        self._asked = 0
        command = [sys.executable, "-m", "tests.anchor.one_copy", place, name]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._some = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):
                    with self._some:
                        self.acknowledged.append(line.strip())
                        self._some.notify_all()

    def submit(self, count: int) -> None:
        """Let it submit so many more hashes, without waiting for them."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n" * count)
        self._process.stdin.flush()
        self._asked += count

    def wait_until_left(self, count: int) -> None:
        """Wait until all but so many of the hashes are acknowledged."""
        with self._some:
            assert self._some.wait_for(lambda: len(self.acknowledged) >= self._asked - count, timeout=PATIENCE)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()


def kill_copies(place: str, seed: int) -> list[str]:
    """Run two copies, kill one of them again and again at work, and return everything that was acknowledged."""
    chance, acknowledged = random.Random(seed), []
    children = [Child(place, f"{seed} a"), Child(place, f"{seed} b")]
    try:
        for round_number in range(ROUNDS):
            for child in children:
                child.submit(1)
                child.wait_until_left(0)
            for child in children:
                child.submit(HASHES)
            victim = children.pop(chance.randrange(2))
            victim.wait_until_left(chance.randrange(1, HASHES))
            victim.kill()
            acknowledged += victim.acknowledged
            children[0].wait_until_left(0)
            children.append(Child(place, f"{seed} {round_number}"))
    finally:
        for child in children:
            child.kill()
            acknowledged += child.acknowledged
    return acknowledged


def check(store: DocumentStore, acknowledged: Sequence[str]) -> None:
    """Check that a new copy brings every acknowledged hash to a receipt, on one chain."""
    service = AnchorService(store, ACCOUNT, PARAMETERS, clock=system_clock)
    stop = threading.Event()
    for _ in range(1_500):
        service.step()
        if not service.unconfirmed() and len(service.receipts(acknowledged)) == len(acknowledged):
            break
        stop.wait(0.02)
    found = service.receipts(acknowledged)
    assert found.keys() == set(acknowledged)
    for text, receipt in found.items():
        receipts.verify(receipt, base58.decode(text))
    check_chain(store, [service])


def check_killed(place: str, seed: int) -> None:
    acknowledged = kill_copies(place, seed)
    assert len(acknowledged) > ROUNDS * HASHES
    store = open_place(place)
    try:
        check(store, acknowledged)
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_copies_killed_at_any_moment_lose_no_acknowledged_hash(tmp_path: Path, seed: int) -> None:
    check_killed(str(tmp_path / "anchor.sqlite"), seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_copies_killed_over_a_store_without_transactions(new_database: NewDatabase, seed: int) -> None:
    check_killed(new_database(), seed)
