"""Several processes work on the chains of one node in one MongoDB; one after the other is killed with `kill -9`."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from eventchain.archive import EVENTS
from eventchain.core.clock import system_clock
from eventchain.lease import LEASES
from eventchain.tip import entries_of
from tests.node.one_copy import CHAINS, LEASE_MS, Copy, chain_id, found
from tests.servers.mongodb import NewDatabase
from workflow_engine.engine import replay
from workflow_engine.records import ENTRIES, STATES

ROOT = Path(__file__).parents[2]
Process = subprocess.Popen[str]
SEED = 1


def start(url: str, folder: Path, name: str) -> Process:
    command = [sys.executable, "-m", "tests.node.one_copy", url, str(folder), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read(process: Process, lines: int) -> list[tuple[int, str]]:
    assert process.stdout is not None
    notes = [process.stdout.readline() for _ in range(lines)]
    return [tuple(json.loads(line)) for line in notes if line]


def kill(process: Process) -> list[tuple[int, str]]:
    process.kill()
    rest, errors = process.communicate()
    assert "Traceback" not in errors, errors
    return [tuple(json.loads(line)) for line in rest.splitlines() if line.endswith("]")]


@pytest.mark.slow
def test_copies_that_are_killed_lose_nothing_and_do_nothing_twice(tmp_path: Path, new_database: NewDatabase) -> None:
    url, drawn = new_database(), random.Random(SEED)
    copy = Copy.open(url, tmp_path / "test.db")
    found(copy.chains)
    acknowledged: list[tuple[int, str]] = []
    copies = [start(url, tmp_path, f"copy {number}") for number in range(2)]
    try:
        for turn in range(2, 8):
            victim = copies.pop(drawn.randrange(2))
            acknowledged += read(victim, drawn.randint(1, 8)) + kill(victim)
            (survivor,) = copies
            acknowledged += read(survivor, 1)
            copies.append(start(url, tmp_path, f"copy {turn}"))
        for process in copies:
            acknowledged += read(process, 3)
    finally:
        for process in copies:
            acknowledged += kill(process)
    while any(int(str(lease["expires"])) > system_clock() for lease in copy.store.find(LEASES)):
        time.sleep(LEASE_MS / 10_000)  # what the killed ones held expires
    copy.chains.resume()
    check(copy, acknowledged)
    copy.close()


def check(copy: Copy, acknowledged: list[tuple[int, str]]) -> None:
    for number in range(CHAINS):
        chain = copy.chains.archive.chain(chain_id(number))
        notes = [event.body()["text"] for event in chain.events[1:]]
        assert set(Counter(notes).values()) <= {1}
        assert {text for place, text in acknowledged if place == number} <= set(notes)
        assert copy.workflow.projection(str(chain.id)) == replay([entry for _, entry in entries_of(chain)])
        where = {"chain": str(chain.id)}
        assert len(copy.store.find(EVENTS, where)) == len(copy.store.find(ENTRIES, where)) == len(chain.events)
        assert not copy.chains.archive.conflicts(chain.id)
    assert copy.store.find(LEASES) == copy.store.find(STATES) == copy.chains.archive.pending(1) == []
