"""A process killed before anything it sends to RabbitMQ loses nothing that was published."""

import os
import signal
import subprocess
import sys

import pytest

from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from eventchain.core.clock import system_clock
from tests.contracts.broker import ids
from tests.servers.rabbitmq import NewVhost

# Publishes, receives and settles for ever; tells what it was promised; is killed before the n-th thing it sends.
WORKER = """
import os, signal, sys
from dispatcher.message import Message
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings, TolerantConnection
from eventchain.core.clock import system_clock
from livecontract import log

log.configure()  # to stderr
left = int(sys.argv[2])
send = TolerantConnection._output_marshaled_frames

def count(self, frames):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    send(self, frames)

password = sys.stdin.readline().strip()
broker = RabbitBroker(RabbitSettings(url=sys.argv[1], password=password), system_clock, os.urandom)
broker.depth("events")
TolerantConnection._output_marshaled_frames = count
for number in range(0, 1000, 4):
    names = [str(number + step) for step in range(4)]
    broker.publish([Message(queue="events", id=name, group=name, body=b"x") for name in names])
    print("published", *names, flush=True)
    deliveries = broker.receive("events", 4)
    print("received", len(deliveries), flush=True)
    for how, delivery in zip(("ack", "reject", "retry", "ack"), deliveries):
        if how == "ack":
            print("handled", delivery.message.id, flush=True)
            broker.ack([delivery])
        elif how == "reject":
            broker.reject(delivery, "bad")
        else:
            broker.retry(delivery, "later", 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("frame", [*range(1, 40, 3), 97, 143])
def test_killed_worker_loses_nothing_that_was_published(new_vhost: NewVhost, frame: int) -> None:
    vhost = new_vhost()
    result = subprocess.run(
        [sys.executable, "-c", WORKER, vhost.url, str(frame)],
        input=vhost.password.encode() + b"\n",
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    told: dict[str, set[str]] = {"published": set(), "handled": set(), "received": set()}
    for line in result.stdout.decode().splitlines():
        kind, *names = line.split()
        told[kind].update(names)

    settings = RabbitSettings(url=vhost.url, password=vhost.password)
    broker = RabbitBroker(settings, system_clock, os.urandom, queues=("events",))
    found = told["handled"] | set(ids(broker.dead_letters()))
    while not told["published"] <= found:
        assert broker.wait("events", 60_000), told["published"] - found
        deliveries = broker.receive("events", 100)
        found.update(ids(deliveries))
        broker.ack(deliveries)
    broker.close()
