"""Both brokers keep the contract of every broker, and the SQLite broker what only a file can break."""

import sqlite3
from pathlib import Path

import pytest

from dispatcher.broker import Broker, MemoryBroker
from dispatcher.errors import QueueTakenError
from dispatcher.message import Message
from dispatcher.sqlite_broker import MAX_RECEIVED_BYTES, SqliteBroker
from eventchain.core.clock import Clock
from eventchain.store.errors import IncompatibleStoreError
from eventchain.store.sqlite import SqliteStore
from tests.contracts.broker import BrokerContract, FakeClock, NewBroker, ids, message
from tests.contracts.document_store import COLLECTIONS, EVENTS, event


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def new_broker(self) -> NewBroker:
        brokers: list[MemoryBroker] = []

        def new_broker(clock: Clock) -> Broker:
            brokers.append(brokers[-1].reopened() if brokers else MemoryBroker(clock))
            return brokers[-1]

        return new_broker


class TestSqliteBroker(BrokerContract):
    @pytest.fixture
    def new_broker(self, tmp_path: Path) -> NewBroker:
        return lambda clock: SqliteBroker(tmp_path / "queue.sqlite", clock)


def test_second_process_is_kept_out_until_the_first_ended(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    broker = SqliteBroker(path, FakeClock())
    with pytest.raises(QueueTakenError, match="another process"):
        SqliteBroker(path, FakeClock())
    broker.publish([message("1")])
    broker.close()
    broker = SqliteBroker(path, FakeClock())
    assert ids(broker.receive("events", 1)) == ["1"]
    broker.close()


def test_queue_of_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    SqliteBroker(path, FakeClock()).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE dispatcher_layout SET version = 9")
    connection.commit()
    connection.close()
    for _ in range(2):
        with pytest.raises(IncompatibleStoreError, match="layout 9"):
            SqliteBroker(path, FakeClock())


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"precious" * 1000)
    with pytest.raises(IncompatibleStoreError):
        SqliteBroker(path, FakeClock())
    assert path.read_bytes() == b"precious" * 1000


def test_queue_and_store_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    broker = SqliteBroker(path, FakeClock())
    store = SqliteStore(path, COLLECTIONS)
    broker.publish([message("1")])
    store.insert(EVENTS, [event(1)])
    broker.close()
    store.close()
    broker, store = SqliteBroker(path, FakeClock()), SqliteStore(path, COLLECTIONS)
    assert ids(broker.receive("events", 1)) == ["1"]
    assert store.find(EVENTS) == [event(1)]
    broker.close()
    store.close()


@pytest.mark.slow
def test_large_bodies_come_a_few_at_a_time(tmp_path: Path) -> None:
    broker = SqliteBroker(tmp_path / "queue.sqlite", FakeClock())
    body = bytes(MAX_RECEIVED_BYTES // 2)
    broker.publish([Message(queue="events", id=str(n), group=str(n // 3), body=body) for n in range(5)])
    first = broker.receive("events", 10)
    assert ids(first) == ["0", "1"]
    second = broker.receive("events", 10)
    assert ids(second) == ["3", "4"]
    broker.ack(first + second)
    assert ids(broker.receive("events", 10)) == ["2"]
    broker.close()


@pytest.mark.parametrize(
    "changes", [{"queue": ""}, {"queue": "Events"}, {"queue": "a.b"}, {"message_id": ""}, {"group": ""}]
)
def test_message_without_names_cannot_be_made(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"queue|id and a group"):
        message(**{"message_id": "1", **changes})
