"""What goes wrong around RabbitMQ: the server dies, connections are cut, queues are full, deleted or somebody else's,
or there is no memory. No confirmed message is lost.
"""

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pika
import pytest

from dispatcher.broker import Broker
from dispatcher.errors import BrokerUnreachableError, IncompatibleQueueError, QueueFullError, QueueMissingError
from dispatcher.message import PROCESS_ENDED, Depth
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from eventchain.core.errors import UnavailableError
from livecontract.demo.rabbitmq_server import RabbitServer
from tests.contracts.broker import FakeClock, ids, message
from tests.dispatcher.conftest import Connect
from tests.servers.rabbitmq import Vhost

pytestmark = pytest.mark.slow

PATIENCE_MS = 120_000


@pytest.fixture
def broker(connect: Connect) -> RabbitBroker:
    return connect()


def cut_connections(vhost: Vhost) -> None:
    """End all connections to a virtual host, as soon as the management API knows of any."""
    pause = threading.Event()
    cut = 0
    while not cut:
        pause.wait(0.05)
        for connection in vhost.server.api("GET", f"vhosts/{vhost.path}/connections"):
            vhost.server.api("DELETE", f"connections/{quote(connection['name'], safe='')}")
            cut += 1


def publish_one_by_one(broker: Broker, count: int) -> None:
    for number in range(count):
        broker.publish([message(str(number), f"g{number}")])


def until_done(work: Callable[[], Any]) -> Any:
    """Do something again until the broker is back; the test's own end is its limit."""
    pause = threading.Event()
    while True:
        try:
            return work()
        except UnavailableError:
            pause.wait(0.05)


# --- the server dies --------------------------------------------------------------------------------------------------


def test_no_confirmed_message_is_lost_when_the_server_is_killed(rabbitmq: RabbitServer, broker: RabbitBroker) -> None:
    confirmed: set[str] = set()
    handled: set[str] = set()
    stop, enough = threading.Event(), threading.Event()

    def publish(worker: int) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            name = f"{worker}-{number}"
            try:
                broker.publish([message(name, f"g{number % 7}")])
            except UnavailableError:
                stop.wait(0.01)
            else:
                confirmed.add(name)
                if len(confirmed) > 200:
                    enough.set()

    def receive() -> None:
        while not (stop.is_set() and confirmed <= handled):
            try:
                deliveries = broker.receive("events", 20)
                handled.update(ids(deliveries))
                broker.ack(deliveries[::2])
                for delivery in deliveries[1::2]:
                    broker.retry(delivery, "once more", 0) if delivery.message.attempts == 0 else broker.ack([delivery])
            except UnavailableError:
                continue
            finally:
                broker.wait("events", 100)

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(publish, worker) for worker in range(3)] + [pool.submit(receive)]
        assert enough.wait(60)
        rabbitmq.kill()
        before = len(confirmed)
        rabbitmq.start()
        until_done(lambda: broker.publish([message("after")]))
        confirmed.add("after")
        stop.set()
        for work in working:
            work.result(timeout=120)
    assert before <= len(confirmed)
    assert confirmed <= handled


def test_call_without_a_server_fails_soon_and_works_when_it_is_there(
    rabbitmq: RabbitServer, broker: RabbitBroker
) -> None:
    broker.publish([message("1")])
    rabbitmq.kill()
    try:
        with pytest.raises(BrokerUnreachableError):
            broker.publish([message("2")])
        with pytest.raises(BrokerUnreachableError):
            broker.receive("events", 1)
        with pytest.raises(BrokerUnreachableError):
            broker.depth("events")
        assert broker.wait("events", 1) is False
    finally:
        rabbitmq.start()
    assert broker.wait("events", PATIENCE_MS)
    assert ids(broker.receive("events", 5)) == ["1"]
    until_done(lambda: broker.publish([message("3", "h")]))
    assert ids(broker.receive("events", 5)) == ["3"]


def test_wrong_password_is_said(connect: Connect) -> None:
    with pytest.raises(BrokerUnreachableError, match=r"user or password is wrong .*ACCESS_REFUSED"):
        connect(password="wrong").publish([message("1")])


# --- connections are cut ----------------------------------------------------------------------------------------------


def test_leases_come_back_after_a_cut_and_the_old_ones_settle_nothing(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.publish([message("1", "a"), message("2", "b"), message("3", "c")])
    old = broker.receive("events", 3)
    assert ids(old) == ["1", "2", "3"]
    cut_connections(vhost)
    assert broker.wait("events", PATIENCE_MS)
    until_done(lambda: broker.ack(old[:1]))
    broker.retry(old[1], "too late", 0)
    broker.reject(old[2], "too late")
    again: list[str] = []
    while len(again) < 3:
        assert broker.wait("events", PATIENCE_MS)
        deliveries = until_done(lambda: broker.receive("events", 3))
        assert {delivery.message.failure for delivery in deliveries} <= {PROCESS_ENDED}
        again += ids(deliveries)
        broker.ack(deliveries)
        broker.ack(old)
    assert again == ["1", "2", "3"]
    assert until_done(lambda: broker.depth("events")) == Depth(waiting=0, leased=0, dead=0)


def test_publishing_goes_on_after_a_cut(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.publish([message("1")])
    cut_connections(vhost)
    until_done(lambda: broker.publish([message("2")]))
    received: list[str] = []
    while len(received) < 2:
        assert broker.wait("events", PATIENCE_MS)
        deliveries = until_done(lambda: broker.receive("events", 9))
        received += ids(deliveries)
        broker.ack(deliveries)
    assert received == ["1", "2"]


# --- queues -----------------------------------------------------------------------------------------------------------


def test_full_queue_is_said_and_takes_again_when_there_is_room(connect: Connect) -> None:
    broker = connect(max_length=3)
    with pytest.raises(QueueFullError, match="events is full"):
        publish_one_by_one(broker, 50)
    waiting = broker.depth("events").waiting
    assert 3 <= waiting < 50
    received = 0
    while received < waiting:
        deliveries = broker.receive("events", 50)
        received += len(deliveries)
        broker.ack(deliveries)
    until_done(lambda: broker.publish([message("more")]))


def test_broker_without_memory_is_said_and_what_is_handled_leaves_the_queue(tmp_path: Path) -> None:
    server = RabbitServer(tmp_path / "server")
    clock = FakeClock()
    try:
        server.start()
        broker = RabbitBroker(RabbitSettings(url=server.url(), password=server.password), clock, os.urandom)
        broker.publish([message("1"), message("2")])
        deliveries = broker.receive("events", 2)
        assert ids(deliveries) == ["1", "2"]
        server.control("set_vm_memory_high_watermark", "0")
        with pytest.raises(QueueFullError, match="memory"):
            broker.publish([message("3")])
        with pytest.raises(QueueFullError, match="memory"):
            broker.publish([message("4")])
        broker.ack(deliveries)
        assert broker.depth("events").leased == 0
        server.control("set_vm_memory_high_watermark", "0.4")
        until_done(lambda: broker.publish([message("5", "h")]))
        broker.close()
    finally:
        server.kill()
        server.stop()


def test_deleted_queue_is_said_and_made_again(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.publish([message("1")])
    vhost.server.api("DELETE", f"queues/{vhost.path}/events")
    with pytest.raises(QueueMissingError, match="events"):
        broker.publish([message("2")])
    broker.publish([message("3")])
    assert ids(broker.receive("events", 5)) == ["3"]


def test_queue_deleted_under_a_receiver_is_made_again(broker: RabbitBroker, vhost: Vhost) -> None:
    broker.publish([message("1")])
    stale = broker.receive("events", 1)
    vhost.server.api("DELETE", f"queues/{vhost.path}/events")
    until_done(lambda: broker.publish([message("2")]))
    until_done(lambda: broker.depth("events"))
    assert broker.wait("events", PATIENCE_MS)
    assert ids(until_done(lambda: broker.receive("events", 5))) == ["2"]
    broker.ack(stale)


def test_queue_of_another_kind_is_said(broker: RabbitBroker, vhost: Vhost) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(vhost.url_with_password))
    connection.channel().queue_declare("events", durable=True)
    connection.close()
    for call in (lambda: broker.publish([message("1")]), lambda: broker.receive("events", 1)):
        with pytest.raises(IncompatibleQueueError, match="x-dead-letter-exchange"):
            call()
    assert broker.wait("events", 1) is False
    broker.publish([message("1", queue="relay")])


def test_user_without_rights_is_told(broker: RabbitBroker, vhost: Vhost) -> None:
    vhost.server.permit(vhost.name, vhost.user, configure="^$")
    with pytest.raises(BrokerUnreachableError, match="needs configure"):
        broker.publish([message("1")])


def test_channels_are_given_back(broker: RabbitBroker) -> None:
    for _ in range(20):
        broker.depth("events")
        assert broker.dead_letters("events") == []
    open_channels = broker._in._connection._channels
    pause = threading.Event()
    for _ in range(600):
        if not open_channels:
            return
        pause.wait(0.1)
    pytest.fail(f"{len(open_channels)} channels stay open")


def test_several_processes_share_a_queue(connect: Connect) -> None:
    receivers: list[Broker] = [connect() for _ in range(3)]
    published = [message(str(number), f"g{number % 5}") for number in range(300)]
    connect().publish(published)
    handled: list[str] = []

    def receive(receiver: Broker) -> None:
        while len(handled) < len(published):
            deliveries = receiver.receive("events", 10)
            handled.extend(ids(deliveries))
            receiver.ack(deliveries)
            if not deliveries:
                receiver.wait("events", 50)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(receive, receivers))
    assert sorted(handled) == sorted(one.id for one in published)
