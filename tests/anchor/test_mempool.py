"""The mempool: order, room, and promises that add up."""

from dataclasses import replace

import pytest

from anchor import forge
from anchor.chain import start
from anchor.errors import PoolFullError, RejectedTransactionError
from anchor.mempool import Mempool
from anchor.parameters import LTO, development
from anchor.payload import Anchor, Lease, Payload, Transfer
from anchor.state import State
from anchor.transaction import Transaction
from tests.anchor.strategies import ADDRESSES, KEYS

PARAMETERS = development()
NOW = 1_700_000_000_000


@pytest.fixture
def state() -> State:
    amounts = {ADDRESSES[0]: 5_000 * LTO, ADDRESSES[1]: 10 * LTO}
    return start(forge.forge_genesis(KEYS[0], amounts, timestamp=NOW, base_target=400), PARAMETERS).state


def make(payload: Payload, sender: int = 1, timestamp: int = NOW) -> Transaction:
    fee = payload.fee_units * PARAMETERS.fee_price
    item = Transaction(network="T", timestamp=timestamp, sender=KEYS[sender].public_key, fee=fee, payload=payload)
    return item.signed_by(KEYS[sender])


def anchor(text: bytes, timestamp: int = NOW) -> Transaction:
    return make(Anchor(anchors=(text * 32,)), timestamp=timestamp)


def test_transactions_wait_in_order_of_arrival() -> None:
    pool = Mempool(PARAMETERS)
    items = [anchor(b"c"), anchor(b"a"), anchor(b"b")]
    for item in items:
        pool.add(item)
    assert list(pool) == items
    pool.remove([items[1], items[1]])
    assert list(pool) == [items[0], items[2]]
    assert pool.get(items[1].id) is None
    assert items[0].id in pool
    assert len(pool) == 2


def test_anchor_is_found_until_its_transaction_is_gone() -> None:
    pool = Mempool(PARAMETERS)
    first, second = anchor(b"a"), anchor(b"a", timestamp=NOW + 1)
    pool.add(first)
    pool.add(second)
    assert pool.find_anchor(b"a" * 32) == first
    assert pool.find_anchor(b"b" * 32) is None
    pool.remove([first, second])
    assert pool.find_anchor(b"a" * 32) is None


@pytest.mark.parametrize("limits", [{"pool_transactions": 2}, {"pool_bytes": 400}])
def test_full_pool_refuses(state: State, limits: dict[str, int]) -> None:
    pool = Mempool(replace(PARAMETERS, **limits))  # type: ignore[arg-type]
    for text in (b"a", b"b"):
        pool.validate(anchor(text), state)
        pool.add(anchor(text))
    with pytest.raises(PoolFullError):
        pool.validate(anchor(b"c"), state)
    pool.remove([anchor(b"a")])
    pool.validate(anchor(b"c"), state)


@pytest.mark.parametrize("kind", [Transfer, Lease])
def test_waiting_transactions_cannot_promise_the_same_money_twice(state: State, kind: type[Transfer | Lease]) -> None:
    pool = Mempool(PARAMETERS)
    first = make(kind(recipient=ADDRESSES[2], amount=6 * LTO))
    second = make(kind(recipient=ADDRESSES[2], amount=5 * LTO))
    pool.validate(first, state)
    pool.validate(second, state)
    pool.add(first)
    with pytest.raises(RejectedTransactionError, match="waiting"):
        pool.validate(second, state)
    pool.remove([first])
    pool.validate(second, state)
