"""Several copies of the service over one store: one forges at a time, and what one acknowledged all of them know."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from anchor import receipt as receipts
from anchor.errors import OutpacedError
from anchor.index import BLOCKS, COLLECTIONS, HASHES, POOL, TRANSACTIONS
from anchor.parameters import LTO, development
from anchor.payload import Anchor, Transfer
from anchor.service import LEASE, AnchorService
from anchor.transaction import Transaction
from anchor.turn_lease import FORGER, TurnLease
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from tests.anchor.one_copy import open_place
from tests.anchor.strategies import ADDRESSES
from tests.anchor.world import ACCOUNT, START, hash_of

PARAMETERS = development(period=4)


class Copies:
    """Services over stores of the same content, each with a clock of its own."""

    def __init__(self, stores: Sequence[DocumentStore]) -> None:
        self.now = START
        self.ahead = [0] * len(stores)
        self.stores = stores
        self.services = [self._start(number) for number in range(len(stores))]

    def _start(self, number: int) -> AnchorService:
        clock = self._clock(number)
        return AnchorService(self.stores[number], ACCOUNT, PARAMETERS, clock=clock)

    def _clock(self, number: int) -> Callable[[], int]:
        return lambda: self.now + self.ahead[number]

    def turn(self, milliseconds: int, *, of: Sequence[int] | None = None) -> list[int]:
        """Let time pass, with the copies `of` at work, and say which of them forged."""
        forged = []
        for _ in range(0, milliseconds, 50):
            self.now += 50
            forged += [number for number in of or range(len(self.services)) if self.services[number].step()]
        return forged

    def check(self, hashes: Sequence[str]) -> None:
        """Let time pass until everything is final, and check what every copy says."""
        self.turn(6_000)
        for service in self.services:
            found = service.receipts(hashes)
            assert found.keys() == set(hashes)
            for text, receipt in found.items():
                receipts.verify(receipt, base58.decode(text))
            assert service.unconfirmed() == ()
        check_chain(self.stores[0], self.services)


def check_chain(store: DocumentStore, services: Sequence[AnchorService]) -> None:
    """Check that there is one chain, without a gap, a height twice or anything unindexed, and all follow it."""
    rows = store.find(BLOCKS, order_by="number")
    assert [row["number"] for row in rows] == list(range(len(rows)))
    key_blocks = [row["height"] for row in rows if row["micro"] == 0]
    assert key_blocks == list(range(1, len(key_blocks) + 1))
    assert store.find(POOL) == []
    for service in services:
        headers = service.headers(1, 10_000)
        receipts.verify_header_chain(headers, headers[0].signature, service.parameters)
        assert service.chain.header.encode() == rows[-1]["header"]
    indexed = {document["id"] for document in store.find(TRANSACTIONS)}
    for height in key_blocks:
        for position, item in enumerate(services[0].block_at(int(height or 0)).transactions):
            assert item.id in indexed
            found = services[0].find_transaction(item.id)
            assert found is not None
            assert (found[0], found[1].height, found[1].position) == (item, height, position)


class OneByOneStore(MemoryStore):
    """A memory store that groups no writes, as stores without transactions; and dies where the test says."""

    dies_at: tuple[str, str] | None = None

    def _may_die(self, call: str, collection: Collection) -> None:
        if self.dies_at == (call, collection.name):
            raise KeyboardInterrupt

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        self._may_die("insert", collection)
        super().insert(collection, documents)

    def delete(self, collection: Collection, where: Document) -> int:
        self._may_die("delete", collection)
        return super().delete(collection, where)


@pytest.fixture(params=["memory", "sqlite", pytest.param("mongodb", marks=pytest.mark.slow)])
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copies]:
    stores: list[DocumentStore]
    if request.param == "memory":
        stores = [MemoryStore(COLLECTIONS)] * 3
    else:
        is_mongodb = request.param == "mongodb"
        place = request.getfixturevalue("new_database")() if is_mongodb else str(tmp_path / "a.sqlite")
        stores = [open_place(place) for _ in range(3)]
    world = Copies(stores)
    world.turn(2_000)
    yield world
    for store in stores:
        store.close()


def test_one_copy_forges_as_long_as_it_lives(copies: Copies) -> None:
    hashes = [hash_of(f"{index}") for index in range(30)]
    forged = []
    for index, text in enumerate(hashes):
        copies.services[index % 3].submit([text])
        forged += copies.turn(300)
    assert set(forged) == {0}
    copies.check(hashes)


def test_what_one_copy_acknowledged_the_others_know_at_once(copies: Copies) -> None:
    for index in range(9):
        text = hash_of(f"{index}")
        taken = copies.services[index % 3].submit([text])[0]
        assert [service.find(text) for service in copies.services] == [taken] * 3
        assert len({service.unconfirmed() for service in copies.services}) == 1
    assert copies.services[0].submit([hash_of("8")])[0] == copies.services[1].find(hash_of("8"))
    assert len(copies.services[2].unconfirmed()) == 9


def test_another_copy_takes_over_when_the_forger_falls_silent(copies: Copies) -> None:
    assert set(copies.turn(1_000)) == {0}
    copies.services[1].submit([hash_of("a")])
    assert copies.turn(LEASE - 500, of=[1, 2]) == []
    taken_over = copies.turn(3_000, of=[1, 2])
    assert set(taken_over) == {1}
    assert copies.services[2].receipt(hash_of("a")) is not None
    copies.check([hash_of("a")])


@pytest.mark.slow
def test_forger_that_wakes_up_late_follows_and_damages_nothing(copies: Copies) -> None:
    for round_number in range(6):
        asleep = round_number % 3
        awake = [number for number in range(3) if number != asleep]
        texts = [hash_of(f"{round_number} {number}") for number in range(3)]
        for number in range(3):
            copies.services[number].submit([texts[number]])
        copies.turn(2 * LEASE, of=awake)
        height = copies.services[awake[0]].chain.height
        copies.services[asleep]._lease._expires = copies.now + LEASE  # it believes that it forges still
        copies.services[asleep].step()
        assert copies.services[asleep].chain.height >= height
        copies.turn(1_000)
    copies.check([hash_of(f"{round_number} {number}") for round_number in range(6) for number in range(3)])


def test_forger_that_was_overtaken_stores_nothing(copies: Copies) -> None:
    copies.turn(1_000)
    first, second = copies.services[0], copies.services[1]
    held, believed = first._ledger.chain, first._lease._expires
    copies.turn(2 * LEASE, of=[1])
    assert (first._ledger.chain, first._lease._expires) == (held, believed)
    first._lease._expires = copies.now + LEASE
    rows = copies.stores[0].find(BLOCKS)
    with pytest.raises(OutpacedError):
        first._forge_block(copies.now)
    assert copies.stores[0].find(BLOCKS) == rows
    first._lease.lose()
    assert first.chain.header == second.chain.header


@pytest.mark.slow
def test_copies_whose_clocks_differ_forge_one_chain(copies: Copies) -> None:
    copies.ahead = [0, 80, -60_000]
    hashes = []
    for index in range(60):
        hashes.append(hash_of(f"{index}"))
        copies.services[index % 3].submit([hashes[-1]])
        copies.turn(250)
    copies.ahead = [0, 0, 0]
    copies.check(hashes)


def test_transaction_sent_to_two_copies_is_taken_once(copies: Copies) -> None:
    payload = Transfer(recipient=ADDRESSES[1], amount=LTO)
    item = Transaction(network="T", timestamp=copies.now, sender=ACCOUNT.public_key, fee=LTO, payload=payload)
    signed = item.signed_by(ACCOUNT)
    for service in copies.services:
        service.broadcast(signed)
    copies.check([])
    assert copies.services[0].chain.state.account(ADDRESSES[1]).balance == LTO


def test_hash_submitted_to_two_copies_at_the_same_moment_has_one_place() -> None:
    store = MemoryStore(COLLECTIONS)
    copies = Copies([store, store])
    copies.turn(2_000)
    copies.ahead = [0, 1]
    texts = [hash_of(f"{index}") for index in range(20)]
    threads = [
        threading.Thread(target=lambda service=service: [service.submit([text]) for text in texts])
        for service in copies.services
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paid = [item.payload.anchors for item in copies.services[0].unconfirmed() if isinstance(item.payload, Anchor)]
    assert len(paid) <= 2 * len(texts)
    copies.check(texts)
    assert len(store.find(HASHES)) == len(texts)


def test_copy_that_is_stopped_leaves_forging_to_the_others_at_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite", COLLECTIONS)
    parameters = development(block_time=50)
    stopped, other = (AnchorService(store, ACCOUNT, parameters, clock=system_clock) for _ in range(2))
    stop = threading.Event()
    thread = threading.Thread(target=stopped.run, args=(stop,))
    thread.start()
    try:
        for _ in range(2_000):
            if stopped.chain.height > 2:
                break
            stop.wait(0.01)
    finally:
        stop.set()
        thread.join()
    assert stopped.chain.height > 2
    now = system_clock()
    assert other.step(now + 1_000)  # far less than the lease
    store.close()


class FullStore(MemoryStore):
    """A store that takes nothing for a while, and then tells."""

    full = 0
    again = threading.Event()

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        if self.full:
            self.full -= 1
            raise UnavailableError("the disk is full")
        super().insert(collection, documents)
        self.again.set()


def test_forging_waits_for_a_full_disk_and_says_so_in_a_line() -> None:
    store = FullStore(COLLECTIONS)
    service = AnchorService(store, ACCOUNT, development(block_time=50), clock=system_clock)
    store.full, stop = 1, threading.Event()
    store.again.clear()
    with capture_logs() as logs:
        thread = threading.Thread(target=service.run, args=(stop,))
        thread.start()
        try:
            assert store.again.wait(60)
        finally:
            stop.set()
            thread.join()
    (waited,) = [entry for entry in logs if entry["event"] == "forging waits"]
    assert (waited["log_level"], waited["reason"]) == ("warning", "the disk is full")
    assert "exc_info" not in waited


def test_both_copies_may_open_an_empty_store_at_once(tmp_path: Path) -> None:
    for round_number in range(5):
        stores = [SqliteStore(tmp_path / f"{round_number}.sqlite", COLLECTIONS) for _ in range(4)]
        opened: list[AnchorService] = []

        def start(store: DocumentStore, opened: list[AnchorService] = opened) -> None:
            opened.append(AnchorService(store, ACCOUNT, PARAMETERS, clock=system_clock))

        threads = [threading.Thread(target=start, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({service.headers(0, 0) == [] and service.block_at(1).signature for service in opened}) == 1
        assert len(opened) == 4
        for store in stores:
            store.close()


@pytest.mark.parametrize(
    "dies_at",
    [
        ("insert", "anchor_blocks"),
        ("insert", "anchor_transactions"),
        ("insert", "anchor_hashes"),
        ("delete", "anchor_pool"),
    ],
)
def test_what_a_dead_copy_left_half_done_is_completed_without_transactions(dies_at: tuple[str, str]) -> None:
    dying, store = OneByOneStore(COLLECTIONS), OneByOneStore(COLLECTIONS)
    store._tables = dying._tables
    copies = Copies([dying, store])
    copies.turn(2_000)
    texts = [hash_of(f"{index}") for index in range(5)]
    copies.services[0].submit(texts[:3])
    dying.dies_at = dies_at
    with pytest.raises(KeyboardInterrupt):
        copies.turn(3_000, of=[0])
    assert all(copies.services[1].find(text) for text in texts[:3])
    copies.services[1].submit(texts)
    copies.turn(2 * LEASE, of=[1])
    dying.dies_at = None
    copies.services[0] = copies._start(0)
    copies.check(texts)
    anchored = [item for item in store.find(TRANSACTIONS) if int(item["height"] or 0) > 1]
    assert len(anchored) == 2  # nothing was paid twice


def test_lease_of_a_silent_holder_ends_whatever_the_clocks_say() -> None:
    store = MemoryStore(COLLECTIONS)
    ahead, behind = TurnLease(store, 1_000, lambda _: b"a"), TurnLease(store, 1_000, lambda _: b"b")
    assert ahead.take(START + 3_600_000)
    assert not behind.take(START)
    assert not behind.take(START + 999)
    assert ahead.take(START + 3_600_999)
    assert not behind.take(START + 1_000)
    assert not behind.take(START + 1_999)
    assert behind.take(START + 2_000)


def test_released_lease_is_free_at_once() -> None:
    store = MemoryStore(COLLECTIONS)
    one, other = TurnLease(store, 1_000, lambda _: b"a"), TurnLease(store, 1_000, lambda _: b"b")
    assert one.take(START)
    assert not other.take(START)
    one.release()
    assert not one.is_held(START)
    assert other.take(START)
    one.release()
    assert other.take(START + 999)


def test_lease_is_written_once_in_half_its_time() -> None:
    store = MemoryStore(COLLECTIONS)
    lease = TurnLease(store, 1_000, lambda _: b"a")
    written = set()
    for now in range(START, START + 10_000, 10):
        assert lease.take(now)
        written.add(store.find(FORGER)[0]["expires"])
    assert len(written) == 20


def test_clock_that_is_set_back_keeps_no_lease_for_ever() -> None:
    store = MemoryStore(COLLECTIONS)
    one, other = TurnLease(store, 1_000, lambda _: b"a"), TurnLease(store, 1_000, lambda _: b"b")
    assert one.take(START)
    assert not one.is_held(START - 3_600_000)
    assert one.take(START - 3_600_000)
    assert other.take(START - 3_598_900)
