"""A process killed before any statement of a write leaves a whole file with everything it had promised."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS

# Writes batches of two documents for ever, tells after each, and is killed before its n-th statement.
WRITER = """
import os, signal, sys
from pathlib import Path
from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS, event

path, left = Path(sys.argv[1]), int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

store = SqliteStore(path, COLLECTIONS)
store._writer._connection.set_trace_callback(count)
for number in range(0, 100, 2):
    with store.batch():
        store.insert(EVENTS, [event(number)])
        store.put(EVENTS, event(number + 1))
        store.update(EVENTS, {"chain": "a", "hash": bytes([number])}, {"outbox": "x"})
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("statement", range(1, 16))
def test_killed_writer_keeps_what_it_promised_and_no_half_batch(tmp_path: Path, statement: int) -> None:
    path = tmp_path / "node.sqlite"
    command = [sys.executable, "-c", WRITER, str(path), str(statement)]
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    promised = [int(line) for line in result.stdout.split()]

    store = SqliteStore(path, COLLECTIONS)
    found = store.find(EVENTS, order_by="position")
    store.close()
    positions = [document["position"] for document in found]
    assert positions == list(range(len(positions)))
    assert len(positions) % 2 == 0
    assert len(positions) >= 2 * len(promised)
    assert [document["outbox"] for document in found] == ["x", None] * (len(found) // 2)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


# Appends at the end of one chain, as other processes do too, and tells which positions it won.
APPENDER = """
import sys
from pathlib import Path
from eventchain.store.document_store import DuplicateError
from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS, event

path, name = Path(sys.argv[1]), int(sys.argv[2])
store = SqliteStore(path, COLLECTIONS)
position = 0
while position < 60:
    try:
        store.insert(EVENTS, [event(position, hash=bytes([name, position]))])
        print(position)
    except DuplicateError:
        pass
    position = store.find(EVENTS, order_by="position", descending=True, limit=1)[0]["position"] + 1
store.close()
"""


@pytest.mark.slow
def test_one_of_several_processes_wins_each_position(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    commands = [[sys.executable, "-c", APPENDER, str(path), str(name)] for name in range(3)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    won = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(won) == list(range(60))
    store = SqliteStore(path, COLLECTIONS)
    assert len(store.find(EVENTS)) == 60
    store.close()
