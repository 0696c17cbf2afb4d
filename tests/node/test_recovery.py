"""What others tell a node that has lost its chains: taken in if it holds, and of the rest it is said what is wrong."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from anchor.parameters import development
from eventchain.chain import EventChain
from eventchain.core import base58
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.store.memory import MemoryStore
from livecontract.node import COLLECTIONS
from livecontract.recovery import Report, compare_anchors, prove, take_in
from livecontract.simulation import MemoryStorage, Simulation
from tests.node.stage import Stage, check_equal

NAMES = ("buyer", "seller", "inspector")


class Told:
    """A node that tells what a test lets it tell."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.uri = f"http://{name}"
        self.key = str(KeyPair.from_seed_phrase(f"{name} node").public_key)
        archive = stage.node(name).eventchain.archive
        branches = [archive.path(stage.id, base58.decode(item["tip"])) for item in archive.conflicts(stage.id)]
        chain = archive.chain(stage.id)
        self.tells: dict[str, list[dict[str, Any]]] = {
            stage.chain: [chain.to_dict(), *(EventChain(stage.id, tuple(path)).to_dict() for path in branches)]
        }
        self.is_away = False

    def chains(self) -> Sequence[str]:
        if self.is_away:
            raise UnavailableError("it does not answer")
        return list(self.tells)

    def documents(self, chain: str) -> Sequence[Mapping[str, Any]]:
        return copy.deepcopy(self.tells[chain])


@pytest.fixture
def stage() -> Stage:
    """The inspector's node has lost everything but its key."""
    storage = MemoryStorage()
    stage = Stage.of(Simulation(1, storage=storage)).found(members=("seller", "inspector")).start_quotation()
    for name in NAMES:
        stage[name].post(stage.chain, stage.note())
        stage.simulation.settle(receipts=False)
    tip = stage.node("buyer").eventchain.tip(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.settle(receipts=False)
    with pytest.raises(Exception, match="fork"):
        stage["seller"].send(stage["seller"].sign(stage.chain, stage.note(), tip=tip))
    stage.simulation.settle()
    stage.simulation.kill("inspector")
    storage._stores["inspector"] = MemoryStore(COLLECTIONS)
    stage.simulation.start("inspector")
    return stage


def recover(stage: Stage, *sources: Told, genesis: str | None = None) -> Report:
    report = Report()
    node = stage.node("inspector")
    take_in(node.eventchain, sources, str(node.parts.key.public_key), report)
    anchor = stage.simulation.anchor
    for _ in range(20):
        stage.simulation.run(1)
    prove(node.eventchain.archive, anchor, development, genesis, report)
    return report


def test_chain_branches_and_projection_come_back(stage: Stage) -> None:
    report = recover(stage, Told(stage, "buyer"), Told(stage, "seller"))
    assert report.is_proven
    found = report.chains[stage.chain]
    assert (found.branches, found.not_asked, found.unanchored) == (1, [], [])
    assert stage.known("inspector") == stage.known("buyer")
    check_equal(stage)
    receipts = stage.node("inspector").receipts.of_chain(stage.id)
    assert all(receipts.values())
    assert compare(stage, report, dict.fromkeys(receipts, 1)) == {}


def test_nothing_is_sent_or_done_for_what_came_back(stage: Stage) -> None:
    node = stage.node("inspector")
    take_in(node.eventchain, [Told(stage, "buyer")], str(node.parts.key.public_key), Report())
    depths = {queue: node.parts.broker.depth(queue).waiting for queue in ("relay", "anchor", "triggers")}
    assert depths == {"relay": 0, "anchor": 0, "triggers": 0}


def test_withheld_tail_is_seen_where_another_node_tells_it(stage: Stage) -> None:
    honest, withholding = Told(stage, "buyer"), Told(stage, "seller")
    withholding.tells[stage.chain] = withholding.tells[stage.chain][:1]
    withholding.tells[stage.chain][0]["events"] = withholding.tells[stage.chain][0]["events"][:-2]
    report = recover(stage, withholding, honest)
    found = report.chains[stage.chain]
    assert not report.is_proven
    assert not found.agree
    assert found.ends["http://buyer"] != found.ends["http://seller"]
    check_equal(stage)


def test_tail_that_all_withhold_is_missed_by_the_events_and_shown_by_own_anchors(stage: Stage) -> None:
    alone = Told(stage, "buyer")
    alone.tells[stage.chain] = alone.tells[stage.chain][:1]
    events = alone.tells[stage.chain][0]["events"]
    withheld = events.pop()["hash"]
    report = recover(stage, alone)
    assert report.is_proven, "a chain without its last event is a valid chain"
    assert report.chains[stage.chain].not_asked == ["http://seller"]
    assert compare(stage, report, {event["hash"]: 7 for event in events}) == {}
    assert compare(stage, report, {withheld: 7}) == {withheld: 7}
    assert not report.is_proven


def test_forged_broken_and_foreign_chains_do_not_come_in(stage: Stage) -> None:
    forged, broken, foreign = (Told(stage, "seller") for _ in range(3))
    forged.tells[stage.chain][0]["events"][3]["signature"] = base58.encode(bytes(64))
    del broken.tells[stage.chain][0]["events"][4]
    other = stage["buyer"].create_chain("no business of the inspector's")
    foreign.tells = {stage.chain: [{**foreign.tells[stage.chain][0], "id": other}], other: []}
    foreign.tells[other] = [stage.node("buyer").eventchain.archive.chain(stage.id).to_dict() | {"id": other}]
    for liar in (forged, broken, foreign):
        report = recover(stage, liar)
        assert not report.is_proven
        assert stage.chain in report.chains
        assert report.chains[stage.chain].refused
        assert report.chains[stage.chain].events == 0
    report = recover(stage, forged, Told(stage, "buyer"))
    assert report.chains[stage.chain].refused.keys() == {"http://seller"}
    check_equal(stage)


def test_node_that_does_not_answer_is_named(stage: Stage) -> None:
    away = Told(stage, "seller")
    away.is_away = True
    report = recover(stage, Told(stage, "buyer"), away)
    assert report.silent == {"http://seller": "it does not answer"}
    assert report.chains[stage.chain].not_asked == ["http://seller"]
    assert not report.is_proven


def test_event_that_is_not_anchored_yet_is_named(stage: Stage) -> None:
    stage["buyer"].post(stage.chain, stage.note())
    last = base58.encode(stage.canonical("buyer").latest_hash)
    report, node = Report(), stage.node("inspector")
    take_in(node.eventchain, [Told(stage, "buyer")], str(node.parts.key.public_key), report)
    prove(node.eventchain.archive, stage.simulation.anchor, development, None, report)
    assert report.chains[stage.chain].unanchored == [last]
    assert not report.is_proven


class Lying:
    """An anchor service that gives every hash the receipt of another one."""

    def __init__(self, stage: Stage) -> None:
        self._anchor = stage.simulation.anchor

    def receipts(self, hashes: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        found = list(self._anchor.receipts(hashes).values())
        return dict(zip(hashes, found[1:] + found[:1], strict=True))

    def headers(self, first: int, last: int) -> list[Any]:
        return self._anchor.headers(first, last)


def test_receipts_that_do_not_hold_prove_nothing(stage: Stage) -> None:
    report = recover(stage, Told(stage, "buyer"))
    prove(stage.node("inspector").eventchain.archive, Lying(stage), development, None, report)
    assert "another hash" in next(iter(report.chains[stage.chain].disproven.values()))
    assert not report.is_proven
    wrong = recover(stage, Told(stage, "buyer"), genesis=base58.encode(bytes(64)))
    assert wrong.public_chain
    assert not wrong.is_proven


def compare(stage: Stage, report: Report, anchored: Mapping[str, int]) -> dict[str, int]:
    compare_anchors(stage.node("inspector").eventchain.archive, anchored, report)
    return report.foreign_anchors
