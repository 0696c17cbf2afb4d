"""Receipts are collected until every event has one, and hashes nobody anchored are anchored by this node."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from anchor import receipt as receipts
from eventchain.core import base58
from eventchain.core.errors import UnavailableError
from eventchain.receipts import GRACE, Receipts
from livecontract.simulation import Simulation
from tests.node.stage import Stage, refusal, silence


class Anchor:
    """An anchor service that knows the receipts it is given."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, Any]] = {}
        self.submitted: list[str] = []
        self.is_away = False

    def receipts(self, hashes: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        if self.is_away:
            raise UnavailableError("the public chain is away")
        return {name: self.known[name] for name in hashes if name in self.known}

    def submit(self, hashes: Sequence[str]) -> object:
        if self.is_away:
            raise UnavailableError("the public chain is away")
        self.submitted += hashes
        return None


@pytest.fixture
def stage() -> Iterator[Stage]:
    with silence():
        yield Stage.of(Simulation(1, names=("buyer", "seller"))).found()


def collector(stage: Stage, anchor: Anchor) -> Receipts:
    return Receipts(stage.node("seller").eventchain.archive, anchor, stage.simulation.clock)


def fresh(stage: Stage, count: int) -> list[str]:
    """Add events after all others have their receipts; return their hashes."""
    stage.simulation.settle()
    made = [stage["seller"].post(stage.chain, stage.note()).events[-1] for _ in range(count)]
    return [base58.encode(event.hash) for event in made]


def test_receipts_are_kept_as_they_come(stage: Stage) -> None:
    one, two = fresh(stage, 2)
    anchor = Anchor()
    receipts_here = collector(stage, anchor)
    assert receipts_here.collect() == 0
    anchor.known = {two: {"proof": 2}}
    assert receipts_here.collect() == 1
    assert receipts_here.collect() == 0
    found = receipts_here.of_chain(stage.id)
    assert (found[one], found[two]) == (None, {"proof": 2})
    anchor.known = {one: {"proof": 1}, two: {"proof": "another"}}
    assert receipts_here.collect() == 1
    assert receipts_here.of_chain(stage.id)[two] == {"proof": 2}
    assert not stage.node("seller").eventchain.archive.awaiting(1)


def test_receipts_of_a_real_chain_verify(stage: Stage) -> None:
    stage.simulation.settle()
    for event in stage.canonical("seller").events:
        receipt = stage.node("seller").receipts.of_chain(stage.id)[base58.encode(event.hash)]
        assert receipt is not None
        receipts.verify(receipt, event.hash)


def test_hash_nobody_anchored_is_submitted_after_the_time_of_grace(stage: Stage) -> None:
    hashes, anchor = fresh(stage, 2), Anchor()
    receipts_here = collector(stage, anchor)
    stage.simulation.clock.now += GRACE
    receipts_here.collect()
    assert anchor.submitted == []
    stage.simulation.clock.now += 1
    receipts_here.collect()
    assert sorted(anchor.submitted) == sorted(hashes)


def test_public_chain_that_is_away_stops_nothing_and_loses_nothing(stage: Stage) -> None:
    (name,) = fresh(stage, 1)
    anchor = Anchor()
    anchor.is_away = True
    receipts_here = collector(stage, anchor)
    assert isinstance(refusal(receipts_here.collect), UnavailableError)
    stage["seller"].post(stage.chain, stage.note())
    anchor.is_away, anchor.known = False, {name: {"proof": 1}}
    assert receipts_here.collect() == 1


@pytest.mark.slow
def test_hashes_that_never_come_do_not_hold_up_the_others(stage: Stage) -> None:
    """More events wait than are asked for at once, and the oldest of them never get a receipt."""
    hashes, anchor = fresh(stage, 450), Anchor()
    anchor.known = {hashes[-1]: {"proof": 1}}
    receipts_here = collector(stage, anchor)
    stage.simulation.clock.now += 2 * GRACE
    collected = 0
    for _ in range(5):
        stage.simulation.clock.now += 1
        collected += receipts_here.collect()
    assert collected == 1
    assert set(anchor.submitted) == {*hashes[:-1]}


def test_nothing_is_asked_when_nothing_waits(stage: Stage) -> None:
    stage.simulation.settle()
    anchor = Anchor()
    anchor.is_away = True
    assert collector(stage, anchor).collect() == 0
