"""Comments, a payment arrangement as a deviation, and a scenario update, over several nodes."""

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import scenarios
from eventchain.core import base58
from eventchain.core.errors import ConflictError, ForbiddenError
from eventchain.lease import LEASE_MS
from livecontract import evidence
from livecontract.simulation import Simulation
from tests.node.leased import LeasedStorage
from tests.node.stage import Stage, check_equal, make_evidence, refusal, silence
from tests.node.test_kills_between_writes import PatientParty, nobody_waits
from workflow_engine.engine import replay
from workflow_engine.errors import ProcessNotFoundError

__all__ = ["nobody_waits"]

NAMES = ("buyer", "seller", "inspector")
HOUR = 60 * 60 * 1000
LONGER_THAN_THE_TERM = 31 * 24 * HOUR
_TURNS = 48
"""Hours in which some node has told of a timeout, even if several die now and then."""

INVOICE = {"number": "2026-17", "description": "12 oak chairs", "amount": 900, "currency": "EUR"}


def overdue(stage: Stage) -> Stage:
    """An invoice of the seller that the buyer has not paid in time; the inspector is on the chain, without a role."""
    stage.found(members=("seller", "inspector"))
    stage["buyer"].post(stage.chain, scenarios.load("invoice"))
    stage["buyer"].start_process(stage.chain, "invoice", "invoice", {"creditor": "seller", "debtor": "buyer"})
    stage.simulation.settle(receipts=False)
    stage["seller"].respond(stage.chain, "invoice", "send", INVOICE)
    stage.simulation.settle(receipts=False)
    stage.simulation.wait(LONGER_THAN_THE_TERM)
    for _ in range(_TURNS):  # a node that dies listens first, and the next turn may be another's
        if all_see(stage, "overdue"):
            return stage
        stage.simulation.wait(HOUR)
    raise AssertionError("nobody told that the time is over")


def state(stage: Stage, name: str) -> str:
    return stage.node(name).workflow.process("invoice", stage.chain).current.key


def all_see(stage: Stage, wanted: str) -> bool:
    """Whether all nodes see this state, once what a node held that died expires, and it has set itself right."""
    for _ in range(5):
        with suppress(ProcessNotFoundError):
            if {state(stage, name) for name in NAMES} == {wanted}:
                return True
        stage.simulation.wait(LEASE_MS)
    return False


def post(stage: Stage, name: str, body: dict[str, Any]) -> str:
    """Post an event at the own node, let it go everywhere, and return its hash."""
    chain = stage[name].post(stage.chain, body)
    stage.simulation.settle(receipts=False)
    return base58.encode(chain.events[-1].hash)


def consent(deviation: str, answer: str = "agree") -> dict[str, Any]:
    return {"$schema": "urn:livecontract:consent:1", "deviation": deviation, "answer": answer}


def arrange_and_pay(stage: Stage) -> None:
    """Talk, agree on instalments, pay them, and have everything confirmed."""
    said = {"$schema": "urn:livecontract:comment:1", "process": "invoice", "content": "Can I pay in parts?"}
    question = post(stage, "buyer", said)
    post(stage, "inspector", {"$schema": said["$schema"], "reply_to": question, "content": "That is fair."})
    proposed = post(stage, "buyer", scenarios.deviation("payment-arrangement"))
    assert all_see(stage, "overdue")
    post(stage, "seller", consent(proposed))
    assert all_see(stage, "instalments")
    for number in range(3):
        stage["buyer"].respond(stage.chain, "invoice", "report_instalment", {"reference": f"PART-{number}"})
        stage.simulation.settle(receipts=False)
    assert all_see(stage, "checking")
    stage["seller"].respond(stage.chain, "invoice", "confirm")
    stage.simulation.settle(receipts=False)
    assert all_see(stage, ":success")
    post(stage, "seller", {**said, "content": "Thank you."})


@pytest.fixture(scope="module")
def played() -> Stage:
    with silence():
        stage = overdue(Stage.of(Simulation(1)))
        arrange_and_pay(stage)
        stage.simulation.settle()
        return stage


def test_payment_arrangement_is_the_same_on_every_node_and_in_a_replay(played: Stage) -> None:
    check_equal(played)
    process = played.node("inspector").workflow.process("invoice", played.chain)
    assert [item["amount"] for item in process.assets["payments"]] == [300, 300, 300]
    assert (process.deviation, process.base.name) == (None, "invoice")
    assert [item["action"]["key"] for item in process.previous] == [
        "send",
        "write",
        ":timeout",
        ":deviation",
        *["report_instalment"] * 3,
        "confirm",
    ]


def test_comments_stand_at_their_points_on_every_node(played: Stage) -> None:
    for name in NAMES:
        found = [item for _, item in played.node(name).workflow.beside.comments(played.chain, "invoice")]
        assert [(item["author"], item["point"]["state"]) for item in found] == [
            ("buyer", "overdue"),
            ("inspector", "overdue"),
            ("seller", ":success"),
        ]


def test_evidence_of_a_process_that_deviated_verifies(played: Stage) -> None:
    checks = evidence.verify(make_evidence(played, "seller"), replay)
    assert [check.check for check in checks if not check.ok] == []


def test_stranger_to_the_process_neither_proposes_nor_agrees() -> None:
    stage = overdue(Stage.of(Simulation(2)))
    body = scenarios.deviation("payment-arrangement")
    assert isinstance(refusal(stage["inspector"].post, stage.chain, body), ForbiddenError)
    proposed = post(stage, "buyer", body)
    for answer in ("agree", "refuse", "withdraw"):
        error = refusal(stage["inspector"].post, stage.chain, consent(proposed, answer))
        assert isinstance(error, ForbiddenError)
    post(stage, "seller", consent(proposed, "refuse"))
    assert isinstance(refusal(stage["seller"].post, stage.chain, consent(proposed)), ConflictError)
    check_equal(stage)


def test_invoice_goes_on_by_another_scenario_on_every_node() -> None:
    stage = overdue(Stage.of(Simulation(3)))
    text = scenarios.load("invoice")
    text["id"], text["title"] = "invoice-2", "Invoice, with a reminder"
    text["states"]["overdue"]["timeout"] = "P7D"
    text["states"]["overdue"]["transitions"].append({"action": ":timeout", "transition": ":failed"})
    post(stage, "seller", text)
    body = {
        "$schema": "urn:livecontract:deviation:1",
        "process": "invoice",
        "title": "A last week",
        "from": "overdue",
        "to": "overdue",
        "scenario": "invoice-2",
    }
    post(stage, "buyer", consent(post(stage, "seller", body)))
    assert all_see(stage, "overdue")
    stage.simulation.clock.now += LONGER_THAN_THE_TERM
    stage.simulation.settle(receipts=False)
    assert all_see(stage, ":failed")
    check_equal(stage)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nodes_that_die_between_writes_still_agree_on_the_arrangement(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    deaths: list[str] = []

    def dies(name: str, what: str) -> bool:
        if drawn.random() >= 0.01:
            return False
        deaths.append(f"{name} {what}")
        return True

    storage = LeasedStorage(tmp_path, dies, dies)
    with silence(50):
        simulation = Simulation(seed, storage=storage)
        stage = Stage(simulation, {name: PatientParty(simulation, name) for name in NAMES})
        arrange_and_pay(overdue(stage))
        simulation.settle()
        check_equal(stage)
    assert deaths
    storage.close()
