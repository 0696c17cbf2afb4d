"""Recovering keys between nodes: others who agreed beforehand bring back who lost everything, and nobody else can."""

from typing import Any

from eventchain.core.keys import KeyPair
from eventchain.errors import NotAdmittedError
from livecontract.simulated_party import Party, response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError

NAMES = ("owner", "builder", "carpenter")
MEMBERS = dict(zip(("member_1", "member_2", "member_3"), NAMES, strict=True))
LOSS = {
    "member": "member_3",
    "name": "Carpenter Ltd.",
    "email": "carpenter@example.com",
    "reason": "Fire; they called.",
}


def act(stage: Stage, name: str, action: str, data: object = None) -> None:
    stage.act(name, action, data)
    stage.simulation.settle(receipts=False)


def agreed() -> Stage:
    stage = Stage.of(Simulation(8, names=NAMES), NAMES).found("owner", NAMES[1:])
    stage.start("key-recovery", MEMBERS, "owner")
    act(stage, "owner", "propose", {"text": "Renovation of 3 March", "approvals": 1})
    for name in NAMES[1:]:
        act(stage, name, "agree")
    assert stage.state("carpenter") == "standing"
    return stage


def replacement(key: KeyPair) -> dict[str, Any]:
    """Return the event that replaces the carpenter's keys, made by hand."""
    return {
        "$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#",
        "id": "carpenter",
        "process": "process",
        "action": "replace",
        "name": "Carpenter Ltd.",
        "node": None,
        "signkeys": {"one-time": str(key.public_key)},
        "encryptkey": None,
    }


def test_party_that_lost_its_keys_comes_back_by_the_agreement_of_the_others() -> None:
    stage = agreed()
    stage["carpenter"].key = KeyPair.from_seed_phrase("nothing is left")
    act(stage, "owner", "report", LOSS)
    act(stage, "builder", "approve")
    assert [mail.to for mail in stage.simulation.world.mails] == ["carpenter@example.com"]
    stage["carpenter"].take_invitation()
    stage.simulation.settle(receipts=False)
    act(stage, "carpenter", "confirm")
    assert {stage.state(name) for name in NAMES} == {"standing"}
    check_equal(stage, NAMES)
    old = Party(stage.simulation, "carpenter")
    document = old.sign(stage.chain, stage.note())
    assert isinstance(refusal(lambda: old.send(document, to="owner")), NotAdmittedError)


def test_one_alone_replaces_nobodys_keys() -> None:
    stage = agreed()
    act(stage, "owner", "report", LOSS)
    thief = stage["owner"]
    thief.key = KeyPair.from_seed_phrase("owner node")
    error = refusal(thief.post, stage.chain, replacement(KeyPair.from_seed_phrase("mine")))
    assert isinstance(error, ActionNotAvailableError)
    thief.key = KeyPair.from_seed_phrase("owner user")
    error = refusal(thief.post, stage.chain, response("process", "approve"))
    assert isinstance(error, ActorNotAllowedError)


def test_party_that_has_its_keys_stops_it() -> None:
    stage = agreed()
    act(stage, "owner", "report", LOSS)
    act(stage, "carpenter", "object")
    error = refusal(stage["builder"].post, stage.chain, response("process", "approve"))
    assert isinstance(error, ActionNotAvailableError)
    assert stage.simulation.world.mails == []
