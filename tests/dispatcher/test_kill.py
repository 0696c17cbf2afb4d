"""A process killed before any statement loses nothing that was published, and nothing that it handled twice stays."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dispatcher.dispatch import EVENTS_POLICY, Dispatcher
from dispatcher.message import Depth, Message
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.core.clock import system_clock

# Publishes, receives and settles for ever; tells what it was promised; is killed before its n-th statement.
WORKER = """
import os, signal, sys
from pathlib import Path
from dispatcher.message import Message
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.core.clock import system_clock

path, left = Path(sys.argv[1]), int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

broker = SqliteBroker(path, system_clock)
broker._writer._connection.set_trace_callback(count)
for number in range(0, 1000, 4):
    names = [str(number + step) for step in range(4)]
    broker.publish([Message(queue="events", id=name, group=name, body=b"x") for name in names])
    print("published", *names, flush=True)
    one, two, three, four = broker.receive("events", 4)
    broker.ack([one])
    print("done", one.message.id, flush=True)
    broker.reject(two, "bad")
    print("dead", two.message.id, flush=True)
    broker.retry(three, "later", 0)
    print("done", flush=True)
    broker.ack([four] + broker.receive("events", 1))
    print("done", three.message.id, four.message.id, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("statement", [*range(1, 50, 2), 97, 143])
def test_killed_worker_loses_nothing_that_was_published(tmp_path: Path, statement: int) -> None:
    path = tmp_path / "queue.sqlite"
    command = [sys.executable, "-c", WORKER, str(path), str(statement)]
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    told: dict[str, set[str]] = {"published": set(), "done": set(), "dead": set()}
    for line in result.stdout.decode().splitlines():
        kind, *names = line.split()
        told[kind].update(names)

    broker = SqliteBroker(path, system_clock)
    dead = {letter.message_id for letter in broker.dead_letters()}
    handled: list[str] = []

    def handle(messages: Sequence[Message]) -> list[None]:
        handled.extend(message.id for message in messages)
        return [None] * len(messages)

    dispatcher = Dispatcher(broker, "events", handle, system_clock, bytes, EVENTS_POLICY)
    while dispatcher.step(3):
        pass
    assert broker.depth("events") == Depth(waiting=0, leased=0, dead=len(dead))
    broker.close()
    assert len(handled) == len(set(handled))
    assert told["done"].isdisjoint(handled)
    assert told["dead"] <= dead
    unknown = told["published"] - told["done"] - told["dead"] - dead - set(handled)
    assert len(unknown) <= 2  # at most the two of an acknowledgement that stood and was not told any more
