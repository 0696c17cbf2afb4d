"""The private MongoDB-wire server starts, keeps what it holds when it is killed, and changes documents atomically."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymongo
import pytest

from eventchain.core.errors import UnavailableError
from livecontract.demo.mongodb_server import MongodbServer
from tests.servers.mongodb import NewDatabase, program

pytestmark = pytest.mark.slow

Client = pymongo.MongoClient[dict[str, Any]]


def test_killed_server_starts_again_over_its_data_and_ends_when_stopped(tmp_path: Path) -> None:
    server = MongodbServer(tmp_path / "server", program())
    try:
        server.start()
        first = server.pid
        with Client(server.url()) as client:
            client.test.things.insert_one({"_id": "kept"})
        server.kill()
        server.start()
        assert server.pid != first
        with Client(server.url()) as client:
            assert client.test.things.find_one() == {"_id": "kept"}
    finally:
        server.stop()
    assert not server.is_running


def test_program_that_ends_at_once_is_told_of_with_what_it_printed(tmp_path: Path) -> None:
    server = MongodbServer(tmp_path, Path("/bin/ls"))
    with pytest.raises(UnavailableError, match="did not start") as caught:
        server.start()
    assert "cannot access" in str(caught.value)
    missing = MongodbServer(tmp_path, tmp_path / "nothing")
    with pytest.raises(UnavailableError, match="cannot be run"):
        missing.start()


def test_one_of_many_clients_changes_what_each_expects(new_database: NewDatabase) -> None:
    with Client(new_database()) as client:
        counters = client.get_default_database().counters
        counters.insert_one({"_id": "counter", "count": 0})

        def count(_: int) -> int:
            changed = 0
            for expected in range(10):
                result = counters.update_one({"_id": "counter", "count": expected}, {"$inc": {"count": 1}})
                changed += result.matched_count
            return changed

        with ThreadPoolExecutor(4) as pool:
            changes = sum(pool.map(count, range(4)))
        assert counters.find_one() == {"_id": "counter", "count": changes}
