"""What a node tells its operator of what waits on it."""

from collections.abc import Iterator

import pytest

from eventchain.asking import Asking
from eventchain.core.errors import UnavailableError
from livecontract.examination import SETTLING, Examination, look
from livecontract.simulation import Simulation
from tests.node.stage import Stage, refusal, silence


@pytest.fixture
def stage() -> Iterator[Stage]:
    with silence():
        yield Stage.of(Simulation(1)).found(members=("seller", "inspector"))


def examine(stage: Stage, name: str = "buyer") -> Examination:
    node = stage.node(name)
    return Examination(
        archive=node.eventchain.archive,
        asking=node.eventchain.asking,
        system_key=str(node.parts.key.public_key),
        clock=stage.simulation.clock,
        shovels=lambda: {"amqps://seller/x": "running"},
    )


def test_node_at_rest_has_nothing_waiting(stage: Stage) -> None:
    stage.simulation.settle()
    stage.simulation.clock.now += 10 * SETTLING
    assert examine(stage).facts() == {
        "time": stage.simulation.clock.now,
        "unanchored": {"count": 0, "oldest": None},
        "pending": {"count": 0, "oldest": None},
        "early": {"count": 0, "oldest": None},
        "forks": [],
        "disk_free": None,
        "peers": ["http://inspector", "http://seller"],
        "shovels": {"amqps://seller/x": "running"},
    }


def test_events_without_receipt_and_with_effects_count_once_they_are_not_new(stage: Stage) -> None:
    stage.simulation.settle()
    node, now = stage.node("buyer"), stage.simulation.clock.now
    node.parts.broker.close()  # nothing can be queued
    stage["buyer"].post(stage.chain, stage.note())
    for later, count in ((0, 0), (SETTLING + 1, 1)):
        stage.simulation.clock.now = now + later
        facts = examine(stage).facts()
        assert facts["unanchored"] == facts["pending"] == {"count": count, "oldest": now if count else None}


def test_shovels_that_cannot_be_asked_for_say_why(stage: Stage) -> None:
    def away() -> dict[str, str]:
        raise UnavailableError("the management API does not answer")

    node = stage.node("buyer")
    examination = Examination(
        archive=node.eventchain.archive,
        asking=node.eventchain.asking,
        system_key="",
        clock=stage.simulation.clock,
        shovels=away,
    )
    assert examination.facts()["shovels"] == {"other brokers": "the management API does not answer"}


def test_forks_are_named_by_chain(stage: Stage) -> None:
    tip = stage.node("buyer").eventchain.tip(stage.chain)
    stage["buyer"].post(stage.chain, stage.note())
    refusal(stage["buyer"].send, stage["buyer"].sign(stage.chain, stage.note(), tip=tip))
    other = stage["buyer"].create_chain("another contract")
    assert examine(stage).facts()["forks"] == [stage.chain]
    assert examine(stage).chains() == {stage.chain: [4, 1], other: [1, 0]}


def test_asking_counts_what_is_asked(stage: Stage) -> None:
    assert examine(stage).ask() == 4, "two nodes, about one chain and about unknown ones"
    assert isinstance(stage.node("buyer").eventchain.asking, Asking)
    assert stage.node("buyer").parts.broker.depth("relay").waiting == 4


def test_disk_of_a_directory_that_is_not_there_is_not_told(
    stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive, path = stage.node("buyer").eventchain.archive, tmp_path_factory.mktemp("data")
    assert look(archive, 0, path)["disk_free"] > 0
    assert look(archive, 0, path / "none")["disk_free"] is None
