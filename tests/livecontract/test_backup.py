"""Backup and restore: what comes back is what was there, on any store, and nothing half done passes for whole."""

import json
import os
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import anchor.index
from anchor import receipt as receipts
from eventchain import archive
from eventchain.archive import Archive
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from livecontract import backup, key_store, restore
from livecontract.agent import Agent
from livecontract.bootstrap import ALL_COLLECTIONS
from livecontract.errors import (
    IncompleteRestoreError,
    InvalidKeyFileError,
    StoreNotEmptyError,
)
from livecontract.restore import RESTORES
from tests.livecontract.originals import (
    BLOCK_MS,
    DERIVED,
    FORGOTTEN,
    BreakingStore,
    Original,
    everything,
    original,
    restored,
)
from tests.livecontract.running import OWNER, PROCESS, World, running, settle, wait_for
from tests.livecontract.test_cli import Run, run
from tests.servers.mongodb import NewDatabase
from workflow_engine import records

pytestmark = pytest.mark.slow

__all__ = ["original", "run"]


def test_every_collection_of_a_node_is_kept_or_known_not_to_be() -> None:
    kept = {collection.name for collection in backup.KEPT}
    assert kept | DERIVED | FORGOTTEN >= {collection.name for collection in ALL_COLLECTIONS}
    assert not kept & (DERIVED | FORGOTTEN)


@pytest.mark.parametrize("engine", ["memory", "sqlite", pytest.param("mongodb", marks=pytest.mark.slow)])
def test_what_comes_back_is_what_was_there(
    original: Original, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store: DocumentStore
    if engine == "memory":
        store = MemoryStore(ALL_COLLECTIONS)
    elif engine == "sqlite":
        store = SqliteStore(tmp_path / "node.db", ALL_COLLECTIONS)
    else:
        store = MongoStore(request.getfixturevalue("new_database")(), None, ALL_COLLECTIONS)
    try:
        done = restored(original, store, tmp_path / "keys" / "system.json")
        assert done.refused == {}
        assert done.chains == len(list(backup.chains_of(original.store))) > 0
        found = everything(store)
        assert found.keys() == original.documents.keys()
        for name, documents in original.documents.items():
            assert found[name] == documents, name
        assert found["anchor_hashes"]
        assert found["workflow_states"]
        restore.check_whole(store)
    finally:
        store.close()
    assert (tmp_path / "keys" / "system.json").read_bytes() == original.key_file.read_bytes()
    assert (tmp_path / "keys" / "system.json").stat().st_mode & 0o777 == 0o600


def test_restored_node_works_on(original: Original, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db", ALL_COLLECTIONS)
    restored(original, store, tmp_path / "keys" / "system.json")
    last = Archive(store).canonical(archive.ChainId.parse(original.chain))[-1]
    assert last["outbox"]
    store.close()
    with running(tmp_path, block_time_ms=BLOCK_MS, mail="mailbox") as node:
        assert node.key == original.key
        agent = Agent("owner", OWNER, node.url)
        assert agent.chain(original.chain) == original.events
        assert agent.process(PROCESS) == original.process
        agent.add(original.chain, {"$schema": "urn:example:note", "text": "after"})
        settle(node)
        id_ = archive.ChainId.parse(original.chain)
        found = wait_for(lambda: all((r := node.node.receipts.of_chain(id_)).values()) and r, "the receipts")
        assert len(found) == len(original.events["events"]) + 1
        for name, receipt in found.items():
            receipts.verify(receipt, base58.decode(name))
        service = node.anchoring.service
        assert service is not None
        headers = service.headers(1, 100_000)
        receipts.verify_header_chain(headers, headers[0].signature, service.parameters)
        wait_for(lambda: not node.node.eventchain.archive.pending(1), "the effects to be done")


def test_backup_is_closed_to_others_and_replaces_nothing(original: Original) -> None:
    assert original.file.stat().st_mode & 0o777 == 0o600
    before = original.file.read_bytes()
    with pytest.raises(FileExistsError):
        backup.write(original.store, original.key_file, original.file, system_clock)
    assert original.file.read_bytes() == before
    assert sorted(path.name for path in original.file.parent.iterdir()) == ["backup.zip", "node"]


def test_backup_that_breaks_off_leaves_no_file(original: Original, tmp_path: Path) -> None:
    original.store.get(archive.EVENTS, {"chain": "", "hash": ""})
    broken = BreakingStore(ALL_COLLECTIONS)
    broken.insert(records.DRAFTS, [{"id": "a", "name": "n", "title": "t", "document": b"{}"}])
    broken.reads_left = 1
    with pytest.raises(UnavailableError):
        backup.write(broken, original.key_file, tmp_path / "backup.zip", system_clock)
    assert list(tmp_path.iterdir()) == []


def test_backup_can_be_read_with_common_tools(original: Original) -> None:
    with zipfile.ZipFile(original.file) as opened:
        assert opened.testzip() is None
        manifest = json.loads(opened.read("manifest.json"))
        lines = opened.read("events.jsonl").splitlines()
        assert opened.read("key.json") == original.key_file.read_bytes()
    part = next(part for part in manifest["parts"] if part["collection"] == "events")
    assert part["count"] == len(lines) == len(original.documents["events"])
    assert manifest["node"] == str(original.key.public_key)


def test_restore_that_breaks_off_anywhere_is_never_taken_for_whole(original: Original, tmp_path: Path) -> None:
    counting = BreakingStore(ALL_COLLECTIONS)
    counting.writes_left = 1_000_000
    restored(original, counting, tmp_path / "system.json")
    total = 1_000_000 - counting.writes_left
    for writes in range(0, total, max(1, total // 10)):
        store = BreakingStore(ALL_COLLECTIONS)
        store.writes_left = writes
        key_file = tmp_path / str(writes) / "system.json"
        with pytest.raises(UnavailableError):
            restored(original, store, key_file)
        with pytest.raises(IncompleteRestoreError, match="broken off"):
            restore.check_whole(store)
        store.writes_left = None
        restored(original, store, key_file)  # without being told to replace
        restore.check_whole(store)
        assert everything(store) == original.documents


def test_node_does_not_start_on_half_a_restore(original: Original, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db", ALL_COLLECTIONS)
    store.put(RESTORES, {"slot": 0, "started": 1})
    store.close()
    with pytest.raises(IncompleteRestoreError), running(tmp_path):
        pass


def test_store_with_something_in_it_is_kept_unless_told(original: Original, tmp_path: Path) -> None:
    store = MemoryStore(ALL_COLLECTIONS)
    draft = {"id": "a", "name": "n", "title": "t", "document": b"{}"}
    store.insert(records.DRAFTS, [draft])
    with pytest.raises(StoreNotEmptyError, match="not empty"):
        restored(original, store, tmp_path / "system.json")
    assert store.find(records.DRAFTS) == [draft]
    assert not (tmp_path / "system.json").exists()
    restored(original, store, tmp_path / "system.json", replace=True)
    assert everything(store) == original.documents


def test_key_of_another_node_is_kept(original: Original, tmp_path: Path) -> None:
    store = MemoryStore(ALL_COLLECTIONS)
    key_store.load_or_create(tmp_path / "keys" / "system.json", None, os.urandom)
    before = (tmp_path / "keys" / "system.json").read_bytes()
    with pytest.raises(InvalidKeyFileError, match="another node"):
        restored(original, store, tmp_path / "keys" / "system.json")
    assert (tmp_path / "keys" / "system.json").read_bytes() == before
    assert store.find(archive.EVENTS) == []
    assert store.find(RESTORES) == []


def test_encrypted_key_stays_encrypted(original: Original, tmp_path: Path) -> None:
    key = key_store.load_or_create(tmp_path / "a" / "system.json", "secret", os.urandom)
    backup.write(MemoryStore(ALL_COLLECTIONS), tmp_path / "a" / "system.json", tmp_path / "b.zip", system_clock)
    restored(original, MemoryStore(ALL_COLLECTIONS), tmp_path / "c" / "system.json", file=tmp_path / "b.zip")
    assert key_store.load(tmp_path / "c" / "system.json", "secret") == key
    assert b"private_key" not in (tmp_path / "c" / "system.json").read_bytes()


# large, and while it changes


def test_large_collections_are_read_in_pages(tmp_path: Path) -> None:
    store = BreakingStore(ALL_COLLECTIONS)
    results: list[Document] = [
        {"chain": f"c{a}", "process": f"p{b}", "action": f"a{c}", "cause": f"x{d}", "body": b"{}"}
        for a in range(3)
        for b in range(2)
        for c in range(2)
        for d in range(2 * backup.PAGE + 1)
    ]
    waiting: list[Document] = [
        {"id": bytes([number // 256, number % 256]), "number": number // 3, "transaction": b"t"}
        for number in range(1000)
    ]
    store.insert(records.RESULTS, results)
    store.insert(anchor.index.POOL, waiting)
    assert list(backup.documents_of(store, records.RESULTS)) == sorted(results, key=lambda item: list(item.values()))
    assert sorted(backup.documents_of(store, anchor.index.POOL), key=lambda item: item["id"] or b"") == waiting
    assert store.largest <= backup.PAGE


class WrittenMeanwhile(MemoryStore):
    """A store in which another thread goes on while a backup is read."""

    def __init__(self, collections: Sequence[Collection]) -> None:
        super().__init__(collections)
        self.chain: list[Document] = []
        self.beside: list[Document] = []

    def find(self, collection: Collection, where: Document | None = None, **how: Any) -> list[Document]:
        found = super().find(collection, where, **how)
        if collection == archive.EVENTS:
            for rest in (self.chain, self.beside):
                for document in rest[:7]:
                    self.insert(archive.EVENTS, [document])
                del rest[:7]
        return found


def test_chain_that_grows_meanwhile_is_read_without_a_gap() -> None:
    store = WrittenMeanwhile(ALL_COLLECTIONS)

    def event(number: int, name: str, previous: str, position: int | None) -> Document:
        return {"chain": "c", "hash": name, "previous": previous, "position": position, "height": number, "state": b"",
                "signed": b"", "signature": b"", "received": 0}  # fmt: skip

    names = [f"{(number * 7919) % 1000:03d}" for number in range(600)]  # no order that the key would follow
    store.chain = [event(n, name, names[n - 1] if n else "", n) for n, name in enumerate(names)]
    store.beside = [event(n, f"b{name}", f"b{names[n - 1]}" if n else names[3], None) for n, name in enumerate(names)]
    store.find(archive.EVENTS)
    read = list(backup.documents_of(store, archive.EVENTS))
    canonical = [item["position"] for item in read if item["position"] is not None]
    assert canonical == list(range(len(canonical)))
    assert len(canonical) > 300
    known = {item["hash"] for item in read}
    assert all(item["previous"] in known for item in read if item["previous"])


@pytest.mark.slow
def test_backup_of_a_node_at_work_is_whole(tmp_path: Path) -> None:
    with running(tmp_path / "a", block_time_ms=BLOCK_MS, mail="none") as node:
        world, stop = World(node), threading.Event()

        def write() -> None:
            for number in range(10_000):
                if stop.is_set():
                    return
                world.agent.add(world.chain, {"$schema": "urn:example:note", "number": number})

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                height = len(world.agent.chain(world.chain)["events"])
                wait_for(lambda h=height: len(world.agent.chain(world.chain)["events"]) > h + 3, "more events")  # type: ignore[misc]
                backup.write(node.node.parts.store, node.config.key_place, tmp_path / f"{number}.zip", system_clock)
        finally:
            stop.set()
            writer.join()
    for number in range(5):
        store = MemoryStore(ALL_COLLECTIONS)
        done = restore.restore(
            tmp_path / f"{number}.zip", store, ALL_COLLECTIONS, tmp_path / "b.json", network="T", clock=system_clock
        )
        assert done.refused == {}
        positions = [
            item["position"] for item in store.find(archive.EVENTS, {"chain": world.chain}, order_by="position")
        ]
        assert positions == list(range(len(positions)))


# the commands


def test_commands_move_a_node_from_one_directory_to_another(original: Original, run: Run, tmp_path: Path) -> None:
    made = run("backup", "b.zip", "--data", original.data)
    assert made.code == 0, made.err
    assert "without a passphrase" in made.err
    assert f"{len(original.documents['events'])} events" in made.out
    back = run("restore", "b.zip", "--data", "new", "--json")
    assert back.code == 0, back.err
    assert back.json["chains"] >= 1
    assert back.json["node"] == str(original.key.public_key)
    again = run("restore", "b.zip", "--data", "new")
    assert (again.code, "--replace" in again.err) == (5, True)
    told = run("restore", "b.zip", "--data", "new", "--replace", "--block-time-ms", "50")
    assert told.code == 0
    assert "  livecontract recover --data new --block-time-ms 50 --from" in told.out
    assert "  livecontract run --data new --block-time-ms 50\n" in told.out
    store = SqliteStore(tmp_path / "new" / "node.db", ALL_COLLECTIONS)
    assert everything(store) == original.documents
    store.close()


def test_commands_say_what_is_wrong(original: Original, run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    taken = run("backup", "taken", "--data", original.data)
    assert (taken.code, "is there already" in taken.err) == (2, True)
    nothing = run("backup", "b.zip", "--data", "nowhere")
    assert nothing.code == 1
    assert not (tmp_path / "nowhere").exists()
    wrong = run("restore", "taken", "--data", "new")
    assert (wrong.code, "no backup" in wrong.err) == (3, True)
    missing = run("restore", "missing.zip", "--data", "new")
    assert (missing.code, "missing.zip does not exist" in missing.err) == (3, True)
    assert not (tmp_path / "new" / "keys").exists()


def test_running_node_is_backed_up_and_not_overwritten(run: Run, tmp_path: Path) -> None:
    with running(tmp_path / "node", mail="none") as node:
        World(node)
        assert run("backup", "b.zip", "--data", tmp_path / "node").code == 0
        refused = run("restore", "b.zip", "--data", tmp_path / "node", "--replace")
        assert (refused.code, str(tmp_path / "node" / "queue.db") in refused.err) == (5, True)
        settle(node)


@pytest.mark.slow
def test_node_moves_from_sqlite_to_mongodb(original: Original, new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    store = MongoStore(url, None, ALL_COLLECTIONS)
    restored(original, store, tmp_path / "keys" / "system.json")
    store.close()
    with running(tmp_path, block_time_ms=BLOCK_MS, mail="none", store=url) as node:
        agent = Agent("owner", OWNER, node.url)
        assert agent.chain(original.chain) == original.events
        assert agent.process(PROCESS) == original.process
        agent.add(original.chain, {"$schema": "urn:example:note", "text": "after"})
        settle(node)
        assert len(agent.chain(original.chain)["events"]) == len(original.events["events"]) + 1
