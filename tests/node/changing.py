"""What the tests of changed identities share: three parties agree, and one is changed by an action of the scenario."""

from functools import cache
from typing import Any

from eventchain.core.keys import KeyPair
from livecontract.simulated_party import Party
from livecontract.simulation import Simulation
from tests.node.stage import Stage

IDENTITY = "https://specs.livecontracts.io/v0.2.0/identity/schema.json#"

NAMES = ("buyer", "seller", "inspector")

SELLER = {"<ref>": "actors.seller.identity.id"}

REMOVE = {"$schema": "urn:livecontract:action:identity", "identity": SELLER, "remove": True}

MOVE = {"$schema": "urn:livecontract:action:identity", "identity": SELLER, "change": {"node": "http://inspector"}}

REINVITE = {
    "$schema": "urn:livecontract:action:reinvite",
    "identity": SELLER,
    "name": "Seller Ltd.",
    "email": "seller@example.com",
}


def scenario(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A scenario in which all agree, and the buyer's node does something to the seller once the inspector says so."""
    return {
        "$schema": "urn:livecontract:scenario:1",
        "id": "changing",
        "title": "Changing",
        "actors": {name: {"properties": {"agreed": {"type": "boolean"}}} for name in NAMES},
        "assets": {"result": {"type": ["object", "string", "null"]}},
        "actions": {
            "agree": {
                "actors": list(NAMES),
                "condition": {"<eval>": "!(current.actor.agreed)"},
                "update": {"select": "current.actor", "data": {"agreed": True}},
            },
            "look": {"actors": list(NAMES), "performative": False},
            "go": {"actor": "inspector"},
            "run": {
                "actor": "buyer",
                "responses": {"ok": {"update": "assets.result"}, "error": {"update": "assets.result"}},
                **action,
            },
        },
        "states": {
            "initial": {"actions": ["agree", "look", "go"], "transitions": [{"action": "go", "transition": "running"}]},
            "running": {
                "actions": ["run", "look"],
                "transitions": [
                    {"action": "run", "response": "ok", "transition": "after"},
                    {"action": "run", "response": "error", "transition": ":failed"},
                ],
            },
            "after": {"actions": ["look", "go"], "transitions": [{"action": "go", "transition": ":success"}]},
        },
        **more,
    }


def begun(action: dict[str, Any], *, agreeing: tuple[str, ...] = NAMES, simulation: Simulation | None = None) -> Stage:
    stage = Stage.of(simulation or Simulation(4, names=NAMES), NAMES).found("buyer", ("seller", "inspector"))
    stage["buyer"].post(stage.chain, scenario(action))
    stage["buyer"].start_process(stage.chain, "process", "changing", {name: name for name in NAMES})
    stage.simulation.settle(receipts=False)
    for name in agreeing:
        act(stage, name, "agree")
    return stage


def act(stage: Stage, name: str, action: str) -> None:
    stage.act(name, action)
    stage.simulation.settle(receipts=False)


def identity(stage: Stage, name: str = "seller", *, at: str = "buyer") -> Any:
    return stage.node(at).eventchain.tip(stage.chain).identities.by_id[name]


def result(stage: Stage) -> Any:
    return stage.node("inspector").workflow.process("process", stage.chain).assets["result"]


def made_by_hand(stage: Stage, name: str, body: dict[str, Any], *, by: str = "node") -> None:
    """Add an event at the inspector's node, signed with a key of somebody."""
    tip = stage.node("inspector").eventchain.tip(stage.chain)
    party = Party(stage.simulation, name)
    party.key = KeyPair.from_seed_phrase(f"{name} {by}")
    party.send(party.sign(stage.chain, body, tip=tip), to="inspector")


KINDS = {"remove": REMOVE, "move": MOVE, "reinvite": REINVITE}


def event(kind: str, **more: Any) -> dict[str, Any]:
    """Return the body of the event that does an action, with something else in it."""
    body = {"$schema": IDENTITY, "id": "seller", "process": "process", "action": "run", "node": None}
    if kind == "move":
        return {**body, "node": "http://inspector", **more}
    if kind == "reinvite":
        mine = {"one-time": str(KeyPair.from_seed_phrase("mine").public_key)}
        body |= {"name": "Seller Ltd.", "signkeys": mine}
    return {"signkeys": {}, **body, "encryptkey": None, **more}


def waiting(action: dict[str, Any]) -> Stage:
    """Bring a contract to where the action is available, and the node that is to do it has not heard so yet."""
    stage = begun(action)
    stage.act("inspector", "go")
    return stage


@cache
def undone(kind: str) -> Stage:
    """The same for tests in which everything is refused, so that nothing changes."""
    return waiting(KINDS[kind])
