"""Fair proof of stake: the published delays, base targets, and what a header has to show."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor import consensus
from anchor.block import Header, sign_header
from anchor.errors import InvalidBlockError
from anchor.forge import DEVELOPMENT_SUPPLY, development_genesis
from anchor.parameters import LTO, MAINNET, development
from tests.anchor.strategies import KEYS

NOW = 1_700_000_000_000
DEVELOPMENT = development()


def test_published_delays(public_chain_vectors: dict[str, Any]) -> None:
    for vector in public_chain_vectors["fair_pos_delay_ms"]:
        found = consensus.delay(vector["hit"], vector["base_target"], vector["balance"], MAINNET)
        assert found == vector["delay"]


@given(st.integers(1, consensus.MAX_HIT), st.integers(10, 2**40), st.integers(10**11, 10**17))
def test_delay_is_that_of_floating_point_within_a_millisecond(hit: int, base_target: int, balance: int) -> None:
    drawn = math.log(hit / consensus.MAX_HIT)
    expected = 5000 + 70000 * math.log1p(-5e17 * drawn / base_target / balance)
    assert abs(consensus.delay(hit, base_target, balance, MAINNET) - expected) <= 1.01


@given(st.integers(1, consensus.MAX_HIT), st.integers(10**11, 10**15))
def test_more_stake_never_waits_longer(hit: int, balance: int) -> None:
    assert consensus.delay(hit, 418, balance * 2, DEVELOPMENT) <= consensus.delay(hit, 418, balance, DEVELOPMENT)


def test_without_balance_nobody_forges() -> None:
    with pytest.raises(InvalidBlockError, match="balance"):
        consensus.delay(1, 1, 0, MAINNET)
    parent = development_genesis(KEYS[0], NOW, DEVELOPMENT).header
    assert consensus.turn_of(KEYS[0], parent, 1_000 * LTO - 1, DEVELOPMENT) is None


def test_initial_base_target_gives_the_block_time() -> None:
    for parameters in (MAINNET, DEVELOPMENT):
        target = consensus.initial_base_target(DEVELOPMENT_SUPPLY, parameters)
        middling = int(consensus.MAX_HIT / math.e)
        found = consensus.delay(middling, target, DEVELOPMENT_SUPPLY, parameters)
        assert abs(found - parameters.block_time) < parameters.block_time / 50


def header_at(timestamp: int, base_target: int = 1000) -> Header:
    return sign_header(
        KEYS[0], timestamp=timestamp, reference=b"r" * 64, base_target=base_target, generation_signature=b"g" * 64
    )


@pytest.mark.parametrize(
    ("seconds", "expected"), [(91, 1010), (90, 1000), (60, 1000), (30, 1000), (29, 990), (90.9, 1000), (29.9, 990)]
)
def test_base_target_follows_the_average_of_three_blocks(seconds: float, expected: int) -> None:
    ancestor, parent = header_at(NOW), header_at(NOW + 60_000)
    timestamp = NOW + int(seconds * 3000)
    assert consensus.next_base_target(parent, ancestor, timestamp, MAINNET) == expected


def test_base_target_stays_within_its_eight_bytes() -> None:
    slow, fast = NOW + 10**9, NOW + 1
    assert consensus.next_base_target(header_at(NOW, 2**63 - 1), header_at(NOW), slow, MAINNET) == 2**63 - 1
    assert consensus.next_base_target(header_at(NOW, 1), header_at(NOW), fast, MAINNET) == 1
    assert consensus.next_base_target(header_at(NOW, 5), None, fast, MAINNET) == 5


def child_of(parent: Header, *, key: int = 0, **members: Any) -> Header:
    values = {
        "timestamp": parent.timestamp + 10_000,
        "reference": parent.signature,
        "base_target": parent.base_target,
        "generation_signature": consensus.sign_generation(parent, KEYS[key]),
    }
    return sign_header(KEYS[key], **{**values, **members})


@pytest.fixture
def parent() -> Header:
    return development_genesis(KEYS[0], NOW, DEVELOPMENT).header


def test_child_of_its_parent_is_accepted(parent: Header) -> None:
    header = child_of(parent)
    consensus.verify_link(header, parent, None, DEVELOPMENT)
    consensus.verify_turn(header, parent, DEVELOPMENT_SUPPLY, DEVELOPMENT)


@pytest.mark.parametrize(
    ("members", "check"),
    [
        ({"reference": b"x" * 64}, "reference"),
        ({"timestamp": NOW}, "time"),
        ({"base_target": 1}, "base target"),
        ({"generation_signature": b"x" * 64}, "generation signature"),
    ],
)
def test_header_that_does_not_follow_is_refused(parent: Header, members: dict[str, Any], check: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        consensus.verify_link(child_of(parent, **members), parent, None, DEVELOPMENT)
    assert caught.value.check == check


def test_generation_signature_of_another_forger_is_refused(parent: Header) -> None:
    borrowed = consensus.sign_generation(parent, KEYS[1])
    with pytest.raises(InvalidBlockError) as caught:
        consensus.verify_link(child_of(parent, generation_signature=borrowed), parent, None, DEVELOPMENT)
    assert caught.value.check == "generation signature"


def test_header_with_a_forged_signature_is_refused(parent: Header) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        consensus.verify_link(replace(child_of(parent), signature=b"s" * 64), parent, None, DEVELOPMENT)
    assert caught.value.check == "signature"


def test_block_before_its_turn_is_refused(parent: Header) -> None:
    turn = consensus.turn_of(KEYS[0], parent, DEVELOPMENT_SUPPLY, DEVELOPMENT)
    assert turn is not None
    consensus.verify_turn(child_of(parent, timestamp=turn.due), parent, DEVELOPMENT_SUPPLY, DEVELOPMENT)
    with pytest.raises(InvalidBlockError) as caught:
        consensus.verify_turn(child_of(parent, timestamp=turn.due - 1), parent, DEVELOPMENT_SUPPLY, DEVELOPMENT)
    assert caught.value.check == "turn"


def test_forger_with_too_little_stake_is_refused(parent: Header) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        consensus.verify_turn(child_of(parent), parent, 999 * LTO, DEVELOPMENT)
    assert caught.value.check == "stake"


@pytest.mark.parametrize("members", [{"reference": b"x" * 64}, {"generation_signature": b"x" * 64}])
def test_what_is_no_first_block_is_refused(members: dict[str, Any]) -> None:
    values = {"reference": b"\xff" * 64, "generation_signature": bytes(64), "base_target": 1, "timestamp": NOW}
    consensus.verify_genesis(sign_header(KEYS[0], **values))
    with pytest.raises(InvalidBlockError):
        consensus.verify_genesis(sign_header(KEYS[0], **{**values, **members}))


def test_stakes_win_in_proportion() -> None:
    """Two forgers with 1/4 and 3/4 of the stake: the larger forges about three of four blocks."""
    parent = development_genesis(KEYS[0], NOW, DEVELOPMENT).header
    stakes = {0: DEVELOPMENT_SUPPLY // 4, 1: DEVELOPMENT_SUPPLY * 3 // 4}
    wins = {0: 0, 1: 0}
    for _ in range(400):
        turns = {index: consensus.turn_of(KEYS[index], parent, stake, DEVELOPMENT) for index, stake in stakes.items()}
        winner = min(turns, key=lambda index: turns[index].due)  # type: ignore[union-attr]
        wins[winner] += 1
        parent = child_of(parent, key=winner, timestamp=parent.timestamp + 1000)
    assert 250 < wins[1] < 350
