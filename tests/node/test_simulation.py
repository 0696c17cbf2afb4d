"""The simulation itself: the same seed gives the same run."""

import json

import pytest

from dispatcher.errors import PeerNotReadyError
from eventchain.core.errors import UnavailableError
from livecontract.simulated_world import Faults
from livecontract.simulation import NodeDownError, NodeKilled, Simulation
from tests.node.stage import Stage, check_equal, make_evidence, play_quotation, refusal

HARSH = Faults(loss=0.2, answer_loss=0.1, delay=0.1, duplicate=0.2)


def record(seed: int) -> bytes:
    """Play the quotation and return all that can be seen of it."""
    stage = Stage.of(Simulation(seed, faults=HARSH))
    play_quotation(stage)
    stage.simulation.settle()
    seen = [
        stage.simulation.clock(),
        stage.simulation.trace,
        [stage.canonical(name).to_dict() for name in stage.parties],
        [stage.projection(name) for name in stage.parties],
        [mail.subject for mail in stage.simulation.world.mails],
        [request.headers for request in stage.simulation.world.requests],
    ]
    return json.dumps(seen, sort_keys=True).encode() + make_evidence(stage, "seller")


def test_same_seed_gives_the_same_run_byte_for_byte() -> None:
    assert record(7) == record(7)


def test_other_seeds_give_other_runs() -> None:
    assert len({record(seed) for seed in range(3)}) == 3


def test_parted_nodes_do_not_hear_of_each_other_until_it_heals() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
    stage.simulation.network.separate(["buyer"], ["seller"])
    stage["buyer"].post(stage.chain, stage.note())
    stage.simulation.run(30)
    assert len(stage.canonical("seller").events) == 2
    assert stage.simulation.waiting() == {"buyer relay": 1}
    stage.simulation.network.heal()
    stage.simulation.settle()
    check_equal(stage, ("buyer", "seller"))


@pytest.mark.slow
def test_network_that_never_heals_is_said_not_to_come_to_rest() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
    stage.simulation.network.separate(["buyer"], ["seller"])
    stage["buyer"].post(stage.chain, stage.note())
    with pytest.raises(RuntimeError, match="buyer relay"):
        stage.simulation.settle()


def test_killed_node_does_not_answer_until_it_is_started() -> None:
    stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
    document = stage["buyer"].sign(stage.chain, stage.note())
    stage.simulation.kill("buyer")
    assert isinstance(refusal(stage["buyer"].send, document), NodeDownError)
    assert not stage.simulation.is_settled()
    stage.simulation.start("buyer")
    stage["buyer"].send(document)
    stage.simulation.settle()
    check_equal(stage, ("buyer", "seller"))


def test_observer_kills_a_node_while_it_handles_a_request() -> None:
    armed: list[str] = []

    def observe(name: str, step: str, _chain: str) -> None:
        if [name, step] == armed:
            armed.clear()
            raise NodeKilled

    stage = Stage.of(Simulation(1, names=("buyer", "seller"), observe=observe)).found()
    armed += ["buyer", "save"]
    assert isinstance(refusal(stage["buyer"].post, stage.chain, stage.note()), NodeDownError)
    assert "buyer" not in stage.simulation.nodes
    stage.simulation.settle()
    check_equal(stage, ("buyer", "seller"))


def test_refusal_of_a_node_reaches_the_one_that_sends() -> None:
    stage = Stage.of(Simulation(1)).found()
    transport = stage.node("inspector").parts.transport
    document = json.dumps(stage["buyer"].sign(stage.chain, stage.note())).encode()
    error = refusal(transport.post, "http://buyer/queue", document)
    assert not isinstance(error, UnavailableError | PeerNotReadyError)
    assert isinstance(refusal(transport.post, "http://nobody/queue", document), UnavailableError)
