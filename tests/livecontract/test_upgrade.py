"""A node opens what an older version of it wrote, after a copy was made of it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchor.turn_lease import FORGER
from eventchain import archive
from eventchain.store.document_store import DocumentStore
from eventchain.store.errors import OutdatedStoreError
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from livecontract import __version__, key_store
from livecontract.agent import Agent
from livecontract.bootstrap import ALL_COLLECTIONS
from livecontract.restore import RESTORES
from tests.livecontract.originals import BLOCK_MS, Original, everything, original, restored
from tests.livecontract.running import OWNER, PROCESS, running, settle
from tests.livecontract.test_cli import Run, run
from tests.servers.mongodb import NewDatabase

pytestmark = pytest.mark.slow

__all__ = ["original", "run"]

OLD_EVENTS = replace(
    archive.EVENTS,
    fields={name: kind for name, kind in archive.EVENTS.fields.items() if name != "submission"},
    unique=(("chain", "position"),),
)
OLD_COLLECTIONS = [
    OLD_EVENTS if item == archive.EVENTS else item for item in ALL_COLLECTIONS if item not in (RESTORES, FORGER)
]


def fill_old(original: Original, store: DocumentStore, data: Path) -> None:
    """Write what the original node holds as an older version would have, and close the store."""
    for collection in OLD_COLLECTIONS:
        for document in original.documents.get(collection.name, []):
            store.insert(collection, [{name: document[name] for name in collection.fields}])
    store.close()
    key_store.write_as_it_is(data / "keys" / "system.json", original.key_file.read_bytes(), os.urandom)


def check_it_works_on(original: Original, data: Path, **settings: Any) -> None:
    with running(data, block_time_ms=BLOCK_MS, mail="none", **settings) as node:
        agent = Agent("owner", OWNER, node.url)
        assert agent.chain(original.chain) == original.events
        assert agent.process(PROCESS) == original.process
        agent.add(original.chain, {"$schema": "urn:example:note", "text": "after"})
        settle(node)


def test_old_file_is_copied_and_brought_up(original: Original, tmp_path: Path) -> None:
    fill_old(original, SqliteStore(tmp_path / "node.db", OLD_COLLECTIONS), tmp_path)
    check_it_works_on(original, tmp_path)
    (copy,) = tmp_path.glob("node.db.before-*")
    assert copy.name == f"node.db.before-{__version__}"
    store = SqliteStore(copy, OLD_COLLECTIONS)
    assert len(store.find(OLD_EVENTS)) == len(original.documents["events"])
    store.close()


@pytest.mark.slow
def test_old_database_is_refused_until_there_is_a_backup(
    original: Original, new_database: NewDatabase, run: Run, tmp_path: Path
) -> None:
    url = new_database()
    fill_old(original, MongoStore(url, None, OLD_COLLECTIONS), tmp_path)
    with pytest.raises(OutdatedStoreError, match=r"events.*--upgrade"), running(tmp_path, store=url):
        pass
    refused = run("backup", "a.zip", "--data", tmp_path, "--store", url)
    assert (refused.code, "--upgrade" in refused.err) == (5, True)
    done = run("backup", "b.zip", "--data", tmp_path, "--store", url, "--upgrade")
    assert done.code == 0, done.err
    check_it_works_on(original, tmp_path, store=url)
    store = MemoryStore(ALL_COLLECTIONS)
    restored(original, store, tmp_path / "again" / "system.json", file=tmp_path / "b.zip")
    unsigned = [{**document, "submission": None} for document in original.documents["events"]]
    assert everything(store)["events"] == unsigned
