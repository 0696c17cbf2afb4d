"""Balances, leases, fees and used ids, against the rules told naively."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor.errors import InvalidTransactionError, RejectedTransactionError
from anchor.layered_map import LayeredMap
from anchor.parameters import HOUR, LTO, Parameters
from anchor.payload import (
    Anchor,
    CancelLease,
    CancelSponsorship,
    Lease,
    MassTransfer,
    Payload,
    Sponsorship,
    Transfer,
)
from anchor.state import Draft, State, apply_transactions, begin_block, empty_state
from anchor.transaction import GenesisTransaction, Transaction
from tests.anchor.strategies import ADDRESSES, KEYS

PARAMETERS = Parameters(balance_depth=5)
NOW = 1_700_000_000_000
FORGER, ALICE, BOB, CAROL = ADDRESSES
GIVEN = 10_000 * LTO


def first_state() -> State:
    begun = begin_block(empty_state(), NOW, KEYS[0].public_key, PARAMETERS)
    gifts = [GenesisTransaction(timestamp=NOW, recipient=item, amount=GIVEN) for item in (FORGER, ALICE, BOB)]
    return apply_transactions(begun, gifts, PARAMETERS)


def next_block(state: State, forger: int = 0) -> State:
    return begin_block(state, state.timestamp + 60_000, KEYS[forger].public_key, PARAMETERS)


def make(payload: Payload, sender: int = 1, **members: Any) -> Transaction:
    fee = payload.fee_units * PARAMETERS.fee_price
    values = {"network": "T", "timestamp": NOW, "sender": KEYS[sender].public_key, "fee": fee, "payload": payload}
    return Transaction(**{**values, **members})


def apply(state: State, *items: Transaction) -> State:
    return apply_transactions(state, items, PARAMETERS)


def total(state: State) -> int:
    return sum(account.balance for _, account in state.accounts.items()) + state.carried


def test_fee_is_split_between_this_forger_and_the_next() -> None:
    state = apply(next_block(first_state()), make(Anchor(anchors=(b"x" * 32,))))
    fee = 35_000_000
    assert state.account(ALICE).balance == GIVEN - fee
    assert state.account(FORGER).balance == GIVEN + fee * 40 // 100
    after = next_block(state, forger=2)
    assert after.account(BOB).balance == GIVEN + fee * 60 // 100
    assert total(after) == 3 * GIVEN


def test_schedule_fee_is_charged_whatever_was_offered() -> None:
    state = apply(next_block(first_state()), make(Anchor(anchors=()), fee=5 * LTO))
    assert state.account(ALICE).balance == GIVEN - 25_000_000


def test_transaction_is_applied_once() -> None:
    item = make(Anchor(anchors=(b"x" * 32,)))
    state = apply(next_block(first_state()), item)
    for again in (state, next_block(state)):
        with pytest.raises(RejectedTransactionError, match="already"):
            apply(again, replace(item, sponsor=KEYS[2].public_key))


@pytest.mark.parametrize("offset", [-2 * HOUR - 60_001, 90 * 60_000 + 60_001])
def test_transaction_outside_the_time_window_is_refused(offset: int) -> None:
    with pytest.raises(RejectedTransactionError):
        apply(next_block(first_state()), make(Anchor(anchors=()), timestamp=NOW + offset))


def test_ids_are_forgotten_only_when_time_refuses_them() -> None:
    state = first_state()
    items = []
    for round_number in range(200):
        state = replace(next_block(state), timestamp=state.timestamp + 5 * 60_000)
        item = make(Anchor(anchors=(bytes([round_number]) * 32,)), timestamp=state.timestamp)
        items.append(item)
        state = apply(state, item)
    assert len(list(state.used.items())) < 120
    for item in items:
        with pytest.raises(RejectedTransactionError):
            apply(state, item)


def test_transfer_moves_money_and_overdraft_is_refused() -> None:
    state = apply(next_block(first_state()), make(Transfer(recipient=CAROL, amount=5 * LTO)))
    assert state.account(CAROL).balance == 5 * LTO
    with pytest.raises(RejectedTransactionError, match="cannot pay"):
        apply(state, make(Transfer(recipient=CAROL, amount=GIVEN)))
    with pytest.raises(RejectedTransactionError, match="cannot pay"):
        apply(state, make(Transfer(recipient=ALICE, amount=5 * LTO), sender=3))


def test_refused_transaction_changes_nothing() -> None:
    state = next_block(first_state())
    draft = Draft(state, PARAMETERS)
    with pytest.raises(RejectedTransactionError):
        draft.apply(make(MassTransfer(transfers=((CAROL, 1), (BOB, GIVEN)))))
    after = draft.freeze()
    assert dict(after.accounts.items()) == dict(state.accounts.items())
    assert after.carried == 0


def test_leased_money_counts_for_the_lessee_and_cannot_be_spent() -> None:
    lease = make(Lease(recipient=BOB, amount=6_000 * LTO))
    state = apply(next_block(first_state()), lease)
    assert state.account(BOB).effective == GIVEN + 6_000 * LTO
    assert state.account(ALICE).spendable == GIVEN - 6_000 * LTO - LTO
    with pytest.raises(RejectedTransactionError, match="cannot pay"):
        apply(state, make(Transfer(recipient=CAROL, amount=5_000 * LTO)))
    with pytest.raises(RejectedTransactionError, match="cannot pay"):
        apply(state, make(Lease(recipient=CAROL, amount=5_000 * LTO)))
    after = apply(state, make(CancelLease(lease_id=lease.id)))
    assert after.account(BOB).effective == GIVEN
    with pytest.raises(RejectedTransactionError, match="no such active lease"):
        apply(after, make(CancelLease(lease_id=lease.id), timestamp=NOW + 1))


def test_lease_is_cancelled_by_its_giver_alone() -> None:
    lease = make(Lease(recipient=BOB, amount=LTO))
    state = apply(next_block(first_state()), lease)
    with pytest.raises(RejectedTransactionError, match="who gave"):
        apply(state, make(CancelLease(lease_id=lease.id), sender=2))


def test_nobody_leases_to_themselves() -> None:
    with pytest.raises(RejectedTransactionError, match="themselves"):
        apply(next_block(first_state()), make(Lease(recipient=ALICE, amount=LTO)))


def test_sponsor_of_a_transaction_pays() -> None:
    state = apply(next_block(first_state()), make(Anchor(anchors=()), sender=3, sponsor=KEYS[2].public_key))
    assert state.account(BOB).balance == GIVEN - 25_000_000
    assert state.account(CAROL).balance == 0


def test_newest_sponsor_of_an_account_pays_until_it_ends() -> None:
    state = apply(
        next_block(first_state()),
        make(Sponsorship(recipient=CAROL)),
        make(Sponsorship(recipient=CAROL), sender=2),
    )
    assert state.account(CAROL).sponsors == (BOB, ALICE)
    paid = apply(state, make(Anchor(anchors=()), sender=3))
    assert paid.account(BOB).balance == state.account(BOB).balance - 25_000_000
    ended = apply(paid, make(CancelSponsorship(recipient=CAROL)), make(CancelSponsorship(recipient=CAROL), sender=2))
    with pytest.raises(RejectedTransactionError, match="cannot pay"):
        apply(ended, make(Anchor(anchors=(b"y" * 32,)), sender=3))
    with pytest.raises(RejectedTransactionError, match="no such sponsorship"):
        apply(ended, make(CancelSponsorship(recipient=CAROL), timestamp=NOW + 1))


def test_genesis_transaction_after_the_first_block_is_refused() -> None:
    gift = GenesisTransaction(timestamp=NOW, recipient=ALICE, amount=1)
    with pytest.raises(InvalidTransactionError, match="first block"):
        apply_transactions(next_block(first_state()), [gift], PARAMETERS)


moves = st.lists(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3_000), st.sampled_from(["transfer", "lease"])),
        max_size=3,
    ),
    max_size=14,
)


@given(moves)
def test_money_is_neither_made_nor_lost_and_minima_are_those_of_the_history(
    blocks: list[list[tuple[int, int, int, str]]],
) -> None:
    state = first_state()
    history = {address: [state.account(address).effective] for address in ADDRESSES}
    for height, block in enumerate(blocks):
        draft = Draft(next_block(state, forger=height % 4), PARAMETERS)
        for index, (sender, recipient, amount, kind) in enumerate(block):
            kinds = {"transfer": Transfer, "lease": Lease}
            payload = kinds[kind](recipient=ADDRESSES[recipient], amount=amount * LTO)
            try:
                draft.apply(make(payload, sender=sender, timestamp=NOW + height * 100 + index))
            except RejectedTransactionError:
                continue
        state = draft.freeze()
        assert total(state) == 3 * GIVEN
        for address, values in history.items():
            values.append(state.account(address).effective)
            window = values[-PARAMETERS.balance_depth :]
            assert state.generating_balance(address, PARAMETERS) == min(window)
        assert all(account.spendable >= 0 for _, account in state.accounts.items())


@given(moves)
def test_transactions_in_parts_give_the_state_of_all_at_once(blocks: list[list[tuple[int, int, int, str]]]) -> None:
    items = [
        make(Transfer(recipient=ADDRESSES[recipient], amount=amount), sender=1, timestamp=NOW + index)
        for index, (_, recipient, amount, _) in enumerate(move for block in blocks for move in block)
    ]
    begun = next_block(first_state())
    whole = apply(begun, *items)
    parts = begun
    for item in items:
        parts = apply(parts, item)
    assert dict(parts.accounts.items()) == dict(whole.accounts.items())
    assert parts.carried == whole.carried


@given(st.lists(st.dictionaries(st.integers(0, 30), st.integers(), max_size=6), max_size=30))
def test_layered_map_is_the_dictionary_it_stands_for(changes: list[dict[int, int]]) -> None:
    layered: LayeredMap[int, int] = LayeredMap()
    plain: dict[int, int] = {}
    versions = []
    for change in changes:
        layered = layered.with_changes(change)
        plain = {**plain, **change}
        versions.append((layered, plain))
    for version, expected in versions:
        assert dict(version.items()) == expected
        assert all(version.get(key) == expected.get(key) and (key in version) == (key in expected) for key in range(31))
