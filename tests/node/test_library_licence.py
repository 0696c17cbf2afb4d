"""Licence and shipment between nodes: two processes on one chain, of which one tells the other (paper section 2.3)."""

from typing import Any

import pytest

import scenarios
from eventchain.core.keys import KeyPair
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from workflow_engine.errors import ActorNotAllowedError

NAMES = ("authority", "buyer", "exporter")
HALF_DAY = 12 * 60 * 60 * 1000
LICENCE = {"process": "licence", "number": "X-2026-118", "code": "902620", "quantity": 40, "unit": "pieces"}
LICENCE |= {"destination": "CH", "valid_until": "2026-12-31"}


def given(scenario: str, title: str, action: str) -> dict[str, Any]:
    """Return the data of an action in a run of the library."""
    responses = scenarios.runs(scenario)[title]["responses"]
    data: dict[str, Any] = next(step["data"] for step in responses if step["action"] == action)
    return data


def act(stage: Stage, name: str, process: str, action: str, data: object = None) -> None:
    stage[name].respond(stage.chain, process, action, data)
    stage.simulation.settle(receipts=False)


def agree(stage: Stage) -> None:
    act(stage, "buyer", "shipment", "agree")


def begin(*, agreed: bool = True) -> Stage:
    """Start both processes, and let the exporter announce the cargo and apply for the licence."""
    stage = Stage.of(Simulation(7, names=NAMES), NAMES).found("exporter", ("authority", "buyer"))
    for name, actors in (
        ("shipment", {"exporter": "exporter", "buyer": "buyer", "authority": "authority"}),
        ("licence", {"applicant": "exporter", "authority": "authority"}),
    ):
        stage["exporter"].post(stage.chain, scenarios.load(name))
        stage["exporter"].start_process(stage.chain, name, name, actors)
    act(stage, "exporter", "shipment", "announce", given("shipment", "Licensed, shipped, arrived", "announce"))
    if agreed:
        agree(stage)
    act(stage, "exporter", "licence", "apply", given("licence", "Withdrawn", "apply"))
    return stage


def issue(stage: Stage, **changes: Any) -> None:
    data = given("licence", "Issued, and the shipment is told", "issue")
    act(stage, "authority", "licence", "issue", {**data, **changes})


def states(stage: Stage) -> set[tuple[str, str]]:
    """Return the states of licence and shipment at all nodes: one pair where they agree."""
    engines = [stage.node(name).workflow for name in NAMES]
    found = [
        [engine.process(process, stage.chain).current.key for process in ("licence", "shipment")] for engine in engines
    ]
    return {(licence, shipment) for licence, shipment in found}


def told(stage: Stage) -> list[str]:
    """Return what the shipment was told, at the buyer's node."""
    previous = stage.node("buyer").workflow.process("shipment", stage.chain).previous
    return [item["key"] for item in previous if item["action"]["key"].startswith("take_")]


def test_shipment_goes_on_by_the_licence_and_all_nodes_end_alike() -> None:
    stage = begin()
    assert states(stage) == {("applied", "waiting")}
    issue(stage)
    assert states(stage) == {(":success", "licensed")}
    transport = given("shipment", "Licensed, shipped, arrived", "ship")
    act(stage, "exporter", "shipment", "ship", transport)
    act(stage, "buyer", "shipment", "confirm")
    assert states(stage) == {(":success", ":success")}
    process = stage.node("buyer").workflow.process("shipment", stage.chain)
    assert process.assets["licence"] == LICENCE
    check_equal(stage, NAMES)


def test_refusal_ends_both_processes_on_all_nodes() -> None:
    stage = begin()
    act(stage, "authority", "licence", "refuse", {"reason": "The stated use is not plausible."})
    assert states(stage) == {(":failed", ":failed")}
    check_equal(stage, NAMES)


def test_shipment_that_does_not_wait_yet_is_told_when_it_does() -> None:
    stage = begin(agreed=False)
    issue(stage)
    assert states(stage) == {("issued", "announced")}
    stage.simulation.wait(HALF_DAY)
    agree(stage)
    stage.simulation.wait(HALF_DAY)
    assert states(stage) == {(":success", "licensed")}
    previous = stage.node("buyer").workflow.process("licence", stage.chain).previous
    assert [item["key"] for item in previous if item["action"]["key"] == "tell_issued"] == ["error", "error", "ok"]
    check_equal(stage, NAMES)


def test_licence_stands_though_the_shipment_never_takes_it() -> None:
    stage = begin(agreed=False)
    issue(stage)
    for _ in range(11):
        stage.simulation.wait(HALF_DAY)
    assert states(stage) == {(":success", "announced")}
    check_equal(stage, NAMES)


def test_licence_for_less_than_the_cargo_lets_nothing_leave() -> None:
    stage = begin()
    issue(stage, quantity=39)
    assert states(stage) == {(":success", "unfit")}
    assert told(stage) == ["unfit"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("exporter", KeyPair.from_seed_phrase("exporter user")),
        ("exporter", KeyPair.from_seed_phrase("exporter node")),
        ("authority", KeyPair.from_seed_phrase("authority user")),
    ],
)
def test_nobody_but_the_node_of_the_authority_tells_the_shipment(name: str, key: KeyPair) -> None:
    stage = begin()
    stage[name].key = key
    for body in (
        response("shipment", "take_licence", LICENCE, key="licensed"),
        response("shipment", "take_refusal", {"process": "licence", "reason": "No."}, key="refused"),
    ):
        assert isinstance(refusal(stage[name].post, stage.chain, body), ActorNotAllowedError)
    stage.simulation.settle(receipts=False)
    assert states(stage) == {("applied", "waiting")}


def test_application_of_somebody_else_does_not_end_a_shipment() -> None:
    stage = begin()
    stage["buyer"].start_process(
        stage.chain, "another", scenarios.load("licence")["id"], {"applicant": "buyer", "authority": "authority"}
    )
    act(stage, "buyer", "another", "apply", given("licence", "Withdrawn", "apply"))
    act(stage, "authority", "another", "refuse", {"reason": "The stated use is not plausible."})
    assert states(stage) == {("applied", "unfit")}
    act(stage, "exporter", "shipment", "apply_again", {"licence": "licence"})
    issue(stage)
    assert states(stage) == {(":success", "licensed")}


def test_node_killed_before_it_tells_tells_once() -> None:
    stage = begin()
    stage["authority"].respond(
        stage.chain, "licence", "issue", given("licence", "Issued, and the shipment is told", "issue")
    )
    stage.simulation.kill("authority")
    stage.simulation.start("authority")
    stage.simulation.settle(receipts=False)
    assert told(stage) == ["licensed"]
    assert states(stage) == {(":success", "licensed")}
    check_equal(stage, NAMES)
