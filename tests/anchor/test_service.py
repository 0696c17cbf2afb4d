"""The service: hashes become receipts, nothing acknowledged is lost, nothing is paid twice."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anchor import receipt as receipts
from anchor.account import address_of
from anchor.errors import (
    InvalidAnchorError,
    InvalidBlockError,
    InvalidTransactionError,
    OutOfFundsError,
    PoolFullError,
    UnknownBlockError,
)
from anchor.index import BLOCKS, COLLECTIONS, POOL, SNAPSHOTS
from anchor.parameters import HOUR, LTO, development
from anchor.payload import Anchor, CancelLease, Lease, Sponsorship, Transfer
from anchor.service import AnchorService, balances
from anchor.transaction import Transaction
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from tests.anchor.strategies import ADDRESSES, KEYS
from tests.anchor.world import ACCOUNT, World, hash_of

MakeWorld = Callable[[], World]


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store: DocumentStore
    store = MemoryStore(COLLECTIONS) if request.param == "memory" else SqliteStore(tmp_path / "a.sqlite", COLLECTIONS)
    world = World(store=store)
    world.turn_until_height(2)
    yield world
    store.close()


def transfer(world: World, recipient: bytes, amount: int, *, nonce: int = 0) -> Transaction:
    payload = Transfer(recipient=recipient, amount=amount)
    item = Transaction(network="T", timestamp=world.now + nonce, sender=ACCOUNT.public_key, fee=LTO, payload=payload)
    return item.signed_by(ACCOUNT)


def test_hash_gets_a_receipt_within_three_seconds(world: World) -> None:
    for index in range(20):
        submitted = world.now
        waiting = world.service.submit([hash_of(f"{index}")])[0]
        assert (waiting.height, waiting.final) == (None, False)
        receipt = world.final_receipt(hash_of(f"{index}"))
        receipts.verify(receipt.to_dict(), base58.decode(hash_of(f"{index}")))
        assert world.now - submitted <= 3_000
        placed = world.service.find(hash_of(f"{index}"))
        assert placed is not None
        assert placed.final
        assert (placed.height, placed.timestamp) == (receipt.height, receipt.header.timestamp)


def test_anchor_time_is_near_the_time_of_submission_even_after_a_pause(world: World) -> None:
    world.now += 24 * HOUR
    world.service.submit([hash_of("late")])
    receipt = world.final_receipt(hash_of("late"))
    assert abs(receipt.header.timestamp - world.now) < 10_000


def test_known_hash_is_not_paid_twice(world: World) -> None:
    first = world.service.submit([hash_of("a"), hash_of("a")])
    again = world.service.submit([hash_of("a"), hash_of("b")])
    assert first[0] == first[1] == again[0]
    assert len(world.service.unconfirmed()) == 2
    world.final_receipt(hash_of("b"))
    world.service.submit([hash_of("a"), hash_of("b")])
    assert world.service.unconfirmed() == ()


def test_many_hashes_share_transactions_and_all_verify(world: World) -> None:
    hashes = [hash_of(f"{index}") for index in range(250)]
    world.service.submit(hashes)
    assert [len(item.payload.anchors) for item in world.service.unconfirmed() if isinstance(item.payload, Anchor)] == [
        100,
        100,
        50,
    ]
    world.final_receipt(hashes[-1])
    found = world.service.receipts(hashes)
    assert set(found) == set(hashes)
    for text, document in found.items():
        receipts.verify(document, base58.decode(text))


def test_receipt_gains_the_day_when_the_day_is_complete(world: World) -> None:
    world.service.submit([hash_of("a")])
    receipt = world.final_receipt(hash_of("a"))
    world.turn_until_height(2 * world.parameters.period + 1)
    complete = world.service.receipt(hash_of("a"))
    assert complete is not None
    assert complete.day is not None
    assert replace(complete, day=None) == replace(receipt, day=None)
    receipts.verify(complete, base58.decode(hash_of("a")))


@pytest.mark.parametrize("text", ["", "0", "abc", base58.encode(b"x" * 31), "z" * 500])
def test_what_is_no_hash_is_refused(world: World, text: str) -> None:
    for call in (lambda: world.service.submit([hash_of("a"), text]), lambda: world.service.find(text)):
        with pytest.raises(InvalidAnchorError):
            call()
    assert world.service.unconfirmed() == ()


def test_hashes_of_one_call_are_taken_all_or_none() -> None:
    world = World(parameters=replace(development(), pool_transactions=2))
    world.turn_until_height(2)
    with pytest.raises(PoolFullError):
        world.service.submit([hash_of(f"{index}") for index in range(201)])
    assert world.service.unconfirmed() == ()
    assert world.store.find(POOL) == []
    assert world.service.find(hash_of("0")) is None
    assert len(world.service.submit([hash_of(f"{index}") for index in range(200)])) == 200


def test_too_many_hashes_at_once_are_refused(world: World) -> None:
    with pytest.raises(InvalidAnchorError, match="one call"):
        world.service.submit([hash_of("a")] * 10_001)


def test_unknown_hash_is_not_found(world: World) -> None:
    assert world.service.find(hash_of("nobody")) is None
    assert world.service.receipt(hash_of("nobody")) is None


def test_transactions_move_money_and_leases(world: World) -> None:
    service, recipient = world.service, ADDRESSES[1]
    service.broadcast(transfer(world, recipient, 100 * LTO))
    world.turn(3_000)
    assert service.chain.state.account(recipient).balance == 100 * LTO
    lease = Transaction(
        network="T",
        timestamp=world.now,
        sender=KEYS[1].public_key,
        fee=LTO,
        payload=Lease(recipient=ADDRESSES[2], amount=10 * LTO),
    ).signed_by(KEYS[1])
    service.broadcast(lease)
    service.broadcast(lease)
    assert service.unconfirmed() == (lease,)
    world.turn(3_000)
    found = balances(service.chain, recipient, world.parameters)
    assert (found["leasing"], found["available"], found["regular"]) == (10 * LTO, 89 * LTO, 99 * LTO)
    cancel = Transaction(
        network="T",
        timestamp=world.now,
        sender=KEYS[1].public_key,
        fee=LTO,
        payload=CancelLease(lease_id=lease.id),
    ).signed_by(KEYS[1])
    service.broadcast(cancel)
    world.turn(3_000)
    assert balances(service.chain, recipient, world.parameters)["leasing"] == 0
    place = service.find_transaction(cancel.id)
    assert place is not None
    assert place[0] == cancel


def test_transaction_on_the_chain_is_refused_when_sent_again(world: World) -> None:
    item = transfer(world, ADDRESSES[1], LTO)
    world.service.broadcast(item)
    world.turn(3_000)
    with pytest.raises(InvalidTransactionError, match="already"):
        world.service.broadcast(item)


def test_forged_transaction_is_refused_and_not_kept(world: World) -> None:
    item = replace(transfer(world, ADDRESSES[1], LTO), proofs=(b"x" * 64,))
    with pytest.raises(InvalidTransactionError):
        world.service.broadcast(item)
    assert world.service.unconfirmed() == ()
    assert world.store.find(POOL) == []


def test_restart_goes_on_where_it_was(world: World) -> None:
    world.service.submit([hash_of("a")])
    world.final_receipt(hash_of("a"))
    world.service.submit([hash_of("b")])
    world.turn(400)
    world.service.submit([hash_of("c")])
    before = world.service.chain
    after = world.restart().chain
    assert (after.header, after.transactions, after.score) == (before.header, before.transactions, before.score)
    assert dict(after.state.accounts.items()) == dict(before.state.accounts.items())
    for text in ("a", "b", "c"):
        receipts.verify(world.final_receipt(hash_of(text)), base58.decode(hash_of(text)))
    headers = world.service.headers(1, 1_000)
    receipts.verify_header_chain(headers, headers[0].signature, world.parameters)


def test_restart_from_a_snapshot_is_the_restart_from_the_first_block(world: World) -> None:
    world.service.broadcast(transfer(world, ADDRESSES[1], 100 * LTO))
    world.turn(3_000)
    for payload in (Lease(recipient=ADDRESSES[2], amount=LTO), Sponsorship(recipient=ADDRESSES[2])):
        fee = payload.fee_units * world.parameters.fee_price
        item = Transaction(network="T", timestamp=world.now, sender=KEYS[1].public_key, fee=fee, payload=payload)
        world.service.broadcast(item.signed_by(KEYS[1]))
    world.turn_until_height(2 * world.parameters.period + 3)
    world.service.submit([hash_of("a")])
    world.turn(200)
    assert len(world.store.find(SNAPSHOTS)) == 1
    running, short = world.service.chain, world.restart().chain
    world.store.delete(SNAPSHOTS, {})
    whole = world.restart().chain
    for chain in (short, whole):
        assert replace(chain, state=running.state) == running
        assert chain.state.carried == running.state.carried
        for name in ("accounts", "leases", "used"):
            assert dict(getattr(chain.state, name).items()) == dict(getattr(running.state, name).items())
    world.turn_until_height(3 * world.parameters.period + 1)
    receipt = world.service.receipt(hash_of("a"))
    assert receipt is not None
    assert receipt.day is not None
    receipts.verify(receipt, base58.decode(hash_of("a")))


def test_promised_hash_outlives_a_pause_longer_than_a_transaction(world: World) -> None:
    world.service.submit([hash_of("a")])
    world.now += 5 * HOUR
    world.restart()
    receipts.verify(world.final_receipt(hash_of("a")), base58.decode(hash_of("a")))
    assert world.store.find(POOL) == []


def test_other_peoples_old_transactions_are_dropped(world: World) -> None:
    world.service.broadcast(transfer(world, ADDRESSES[1], LTO))
    world.now += 5 * HOUR
    world.turn(3_000)
    assert world.service.unconfirmed() == ()
    assert world.store.find(POOL) == []
    assert world.service.chain.state.account(ADDRESSES[1]).balance == 0


def test_full_pool_refuses_more_hashes() -> None:
    world = World(parameters=replace(development(), pool_transactions=2))
    world.turn_until_height(2)
    for index in range(2):
        world.service.submit([hash_of(f"{index}")])
    with pytest.raises(PoolFullError):
        world.service.submit([hash_of("more")])
    world.turn(2_000)
    world.service.submit([hash_of("more")])


def test_block_that_is_not_there_is_not_found(world: World) -> None:
    for height in (0, -1, 10**6):
        with pytest.raises(UnknownBlockError):
            world.service.block_at(height)
    with pytest.raises(UnknownBlockError):
        world.service.block_by_signature(b"x" * 64)


def test_every_signature_of_a_growing_block_finds_what_it_held(world: World) -> None:
    height = world.service.chain.height + 1
    world.turn_until_height(height)
    empty = world.service.chain.header.signature
    world.service.submit([hash_of("a")])
    world.turn(50)
    full = world.service.chain.header.signature
    assert world.service.chain.height == height
    found = [world.service.block_by_signature(signature) for signature in (empty, full)]
    assert [(place, len(block.transactions)) for place, block in found] == [(height, 0), (height, 1)]


def test_damaged_store_is_named() -> None:
    store = MemoryStore(COLLECTIONS)
    world = World(store=store)
    world.turn_until_height(4)
    row = store.find(BLOCKS, order_by="number")[2]
    header = bytes(row["header"])  # type: ignore[arg-type]
    store.update(BLOCKS, {"number": row["number"]}, {"header": header[:-1] + bytes([header[-1] ^ 1])})
    with pytest.raises(InvalidBlockError, match="damaged"):
        world.restart()


class FailingStore(MemoryStore):
    """A memory store whose disk is full at times."""

    fails = False
    only: Collection | None = None

    def insert(self, collection: Collection, documents: list[Document]) -> None:  # type: ignore[override]
        if self.fails and self.only in (None, collection):
            raise UnavailableError("the disk is full")
        super().insert(collection, documents)


def test_store_that_fails_loses_nothing_and_forging_goes_on() -> None:
    store = FailingStore(COLLECTIONS)
    world = World(store=store)
    world.turn_until_height(2)
    world.service.submit([hash_of("a")])
    height = world.service.chain.height
    store.fails = True
    for _ in range(3):
        world.now += 3_000
        with pytest.raises(UnavailableError):
            world.service.step()
        with pytest.raises(UnavailableError):
            world.service.submit([hash_of("b")])
    assert world.service.chain.height == height
    store.fails = False
    assert world.service.find(hash_of("b")) is None
    receipts.verify(world.final_receipt(hash_of("a")), base58.decode(hash_of("a")))


def test_promised_hash_waits_while_it_cannot_be_promised_anew() -> None:
    store = FailingStore(COLLECTIONS)
    world = World(store=store)
    world.turn_until_height(2)
    world.service.submit([hash_of("a")])
    old = world.service.unconfirmed()
    world.now += 5 * HOUR
    store.fails, store.only = True, POOL
    world.turn(3_000)
    assert world.service.unconfirmed() == old
    store.fails = False
    receipts.verify(world.final_receipt(hash_of("a")), base58.decode(hash_of("a")))
    assert world.store.find(POOL) == []


@pytest.mark.slow
def test_service_without_money_says_so_and_goes_on_forging() -> None:
    world = World()
    world.turn_until_height(2)
    own = address_of(ACCOUNT.public_key, "T")
    lease = Lease(recipient=ADDRESSES[1], amount=world.service.chain.state.account(own).balance - 3_000 * LTO)
    item = Transaction(network="T", timestamp=world.now, sender=ACCOUNT.public_key, fee=LTO, payload=lease)
    world.service.broadcast(item.signed_by(ACCOUNT))
    world.turn(3_000)
    batches = [[hash_of(f"{batch} {index}") for index in range(10_000)] for batch in range(3)]
    world.service.submit(batches[0])
    world.service.submit(batches[1])
    with pytest.raises(OutOfFundsError):
        world.service.submit(batches[2])
    assert world.service.find(batches[2][0]) is None
    world.final_receipt(batches[1][-1])
    world.service.submit(batches[2])
    world.final_receipt(batches[2][-1])


def test_concurrent_callers_pay_each_hash_once(world: World) -> None:
    hashes = [hash_of(f"{index}") for index in range(40)]
    threads = [threading.Thread(target=lambda: [world.service.submit([text]) for text in hashes]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    anchors = [anchor for item in world.service.unconfirmed() for anchor in item.payload.anchors]  # type: ignore[union-attr]
    assert sorted(map(base58.encode, anchors)) == sorted(hashes)


def test_loop_forges_until_it_is_stopped() -> None:
    service = AnchorService(MemoryStore(COLLECTIONS), ACCOUNT, development(block_time=50), clock=system_clock)
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        service.submit([hash_of("a")])
        for _ in range(2_000):
            if service.receipt(hash_of("a")) is not None:
                break
            stop.wait(0.01)
    finally:
        stop.set()
        thread.join()
    assert service.receipt(hash_of("a")) is not None


CHILD = """
import sys, hashlib
from pathlib import Path
from anchor.index import COLLECTIONS
from anchor.parameters import development
from anchor.service import AnchorService
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.keys import KeyPair
from eventchain.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]), COLLECTIONS)
account, parameters = KeyPair.from_seed_phrase("development chain"), development(block_time=40, period=4)
service = AnchorService(store, account, parameters, clock=system_clock)
for index in range(10_000):
    text = base58.encode(hashlib.sha256(f"{sys.argv[2]} {index}".encode()).digest())
    service.submit([text])
    print(text, flush=True)
    service.step()
"""


@pytest.mark.slow
def test_killed_node_loses_no_acknowledged_hash(tmp_path: Path) -> None:
    path = tmp_path / "anchor.sqlite"
    acknowledged: list[str] = []
    for round_number in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(round_number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        with child.stdout:
            acknowledged += [child.stdout.readline().strip() for _ in range(25)]
            child.kill()
            acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait()
    store = SqliteStore(path, COLLECTIONS)
    service = AnchorService(store, ACCOUNT, development(block_time=40, period=4), clock=system_clock)
    missing = set(acknowledged)
    stop = threading.Event()
    for _ in range(2_000):
        service.step()
        missing = {text for text in missing if service.receipt(text) is None}
        if not missing:
            break
        stop.wait(0.01)
    assert not missing
    for text in acknowledged:
        receipt = service.receipt(text)
        assert receipt is not None
        receipts.verify(receipt, base58.decode(text))
    headers = service.headers(1, 100_000)
    receipts.verify_header_chain(headers, headers[0].signature, service.parameters)
    store.close()
