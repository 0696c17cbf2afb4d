"""Changing, removing and inviting somebody else again through an action of the scenario, over several nodes (6.2)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eventchain.chain import read_chain
from eventchain.core import canonical_json
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import KeyPair
from eventchain.errors import NotAdmittedError, NotMemberError, PrivilegeError
from eventchain.event import sign
from livecontract import evidence
from livecontract.cli.chain_report import verify_document
from livecontract.histories import read_histories
from livecontract.internal import guard
from livecontract.invitations import FAILED
from livecontract.simulated_party import Party, response
from livecontract.simulation import NodeKilled, Simulation
from tests.livecontract.apart import serving
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, Stage, check_equal, make_evidence, refusal
from workflow_engine.client import EngineClient
from workflow_engine.engine import replay
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError, InvalidResponseError
from workflow_engine.impact import change_to, impact_of
from workflow_engine.routes_internal import create_blueprint
from workflow_engine.scenario import load

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


# --- A party that left


def test_removed_party_keeps_its_past_and_takes_no_further_part() -> None:
    stage = begun(REMOVE)
    act(stage, "inspector", "go")
    assert {stage.state(name) for name in NAMES} == {"after"}  # its node hears of it, and of nothing more
    assert result(stage) == {"identity": "seller"}
    gone = identity(stage)
    assert (dict(gone.sign_keys), gone.encrypt_key, gone.node) == ({}, None, None)
    height = len(stage.canonical("seller").events)
    event = stage.canonical("buyer").events[-1]
    assert event.body()["action"] == "run"
    for key, error in ((stage["seller"].key, NotAdmittedError), (KeyPair.from_seed_phrase("seller node"), None)):
        document = stage["seller"].sign(stage.chain, stage.note())
        refused = refusal(lambda d=document, k=key: stage["seller"].send(d, to="buyer", key=k))
        assert isinstance(refused, error or NotAdmittedError)
    act(stage, "inspector", "go")
    assert {stage.state(name) for name in ("buyer", "inspector")} == {":success"}
    assert len(stage.canonical("seller").events) == height
    check_equal(stage, ("buyer", "inspector"))
    assert any(item.body().get("action") == "agree" for item in stage.canonical("inspector").events)


def test_event_of_a_removed_party_is_refused_whoever_brings_it() -> None:
    stage = begun(REMOVE)
    act(stage, "inspector", "go")
    tip = stage.node("buyer").eventchain.tip(stage.chain)
    document = stage["seller"].sign(stage.chain, stage.note(), tip=tip)
    assert isinstance(refusal(lambda: stage["buyer"].send(document)), NotMemberError)


# --- A party that lost its keys


def test_party_that_lost_its_keys_takes_part_again_with_new_ones() -> None:
    stage = begun(REINVITE)
    act(stage, "inspector", "go")
    assert result(stage) == {"identity": "seller", "name": "Seller Ltd."}
    assert identity(stage).is_invited
    old, stage["seller"].key = stage["seller"].key, KeyPair.from_seed_phrase("another user key")
    stage["seller"].take_invitation()
    stage.simulation.settle(receipts=False)
    assert identity(stage).key_names(str(stage["seller"].key.public_key)) == {"user"}
    assert identity(stage).node == "http://seller"
    act(stage, "seller", "look")
    check_equal(stage, NAMES)
    tip = stage.node("buyer").eventchain.tip(stage.chain)
    stage["seller"].key = old
    document = stage["seller"].sign(stage.chain, stage.note(), tip=tip)
    assert isinstance(refusal(lambda: stage["buyer"].send(document)), NotMemberError)


def test_person_cannot_have_the_key_sent_elsewhere_by_asking_the_node_for_an_invitation() -> None:
    stage = begun(REINVITE)
    request = {"identity": "seller", "name": "Seller Ltd.", "email": "thief@example.com", "title": "x"}
    doing = {"process": "process", "action": "run"}
    stage.act("inspector", "go")
    error = refusal(lambda: stage.node("buyer").invitations.invite(stage.chain, "buyer", request | doing))
    assert "already" in error.message


# --- A party that moves


def test_address_of_a_party_is_moved_and_its_keys_stay() -> None:
    stage = begun(MOVE)
    keys = identity(stage).sign_keys
    act(stage, "inspector", "go")
    assert identity(stage).node == "http://inspector"
    assert identity(stage).sign_keys == keys
    act(stage, "inspector", "go")
    check_equal(stage, ("buyer", "inspector"))


def test_party_is_moved_to_another_node_which_gets_the_chain() -> None:
    names = (*NAMES, "spare")
    simulation = Simulation(4, names=names)
    user, system = (KeyPair.from_seed_phrase(name).public_key for name in ("seller user", "spare node"))
    change = {"node": "http://spare", "signkeys": {"user": str(user), "system": str(system)}}
    stage = begun({**MOVE, "change": change}, simulation=simulation)
    act(stage, "inspector", "go")
    check_equal(stage, ("buyer", "inspector", "spare"))
    moved = Party(simulation, "seller")
    tip = stage.node("spare").eventchain.tip(stage.chain)
    moved.send(moved.sign(stage.chain, response("process", "look"), tip=tip), to="spare")
    simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "inspector", "spare"))
    assert len(stage.canonical("seller").events) < len(stage.canonical("spare").events)


def test_evidence_proves_that_the_change_was_due() -> None:
    stage = begun(REMOVE)
    act(stage, "inspector", "go")
    stage.simulation.settle()
    data = make_evidence(stage, "buyer")
    checks = evidence.verify(data, replay)
    assert all(check.ok for check in checks), [check for check in checks if not check.ok]


def test_evidence_of_a_change_that_was_not_due_is_not_believed() -> None:
    stage = begun(REMOVE)
    stage.simulation.settle()
    data = json.loads(make_evidence(stage, "buyer"))
    chain = read_chain(data["chain"])
    key = KeyPair.from_seed_phrase("buyer node")
    body = json.dumps(event("remove")).encode()
    forged = chain.append(sign(previous=chain.latest_hash, key=key, timestamp=stage.simulation.clock(), data=body))
    report = verify_document(forged.to_dict())
    assert report["valid"]
    assert "1 of the events change the identity of somebody else" in report["not_checked"][0]
    data["chain"] = forged.to_dict()
    checks = {check.check: check for check in evidence.verify(canonical_json.encode(data), replay)}
    assert checks["members"].ok
    assert not checks["replay"].ok
    assert 'The action "run" is not available' in checks["replay"].message
    assert verify_document(chain.to_dict())["not_checked"] == []


def test_impact_of_another_text_replays_the_event_as_the_response_that_it_is() -> None:
    stage = begun(REMOVE)
    act(stage, "inspector", "go")
    scenario = stage.node("buyer").workflow.process("process", stage.chain).scenario
    document = scenario.normal_form
    other = {**document, "actions": {**document["actions"], "run": {**document["actions"]["run"], "title": "x"}}}
    chain = stage.canonical("buyer").to_dict()
    shown = {**stage.projection("buyer")["processes"][0], "signatories": 7}
    for given in (chain, shown):
        [history] = read_histories(json.loads(json.dumps(given)), scenario)
        found = impact_of(history, change_to(load(other)))
        assert (found.replayed_to, found.refused) == ("after", None)


# --- Nodes that die, and services apart


class Killer:
    """Kills the buyer's node once, when it passes a step for its own event."""

    def __init__(self, step: str) -> None:
        self.step, self.passes = step, -1

    def observe(self, name: str, step: str, _chain: str) -> None:
        if (name, step) == ("buyer", self.step) and self.passes >= 0:
            self.passes -= 1
            if self.passes < 0:
                raise NodeKilled


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["remove", "reinvite"])
@pytest.mark.parametrize("step", ["resolve", "apply", "save", "forward"])
def test_node_killed_while_it_changes_an_identity_does_it_once(tmp_path: Path, step: str, kind: str) -> None:
    killer = Killer(step)
    simulation = Simulation(4, names=NAMES, storage=SqliteStorage(tmp_path), observe=killer.observe)
    stage = begun(KINDS[kind], simulation=simulation)
    killer.passes = 1  # once for the event that makes it due, once for that which does it
    act(stage, "inspector", "go")
    assert killer.passes < 0
    assert {stage.state(name) for name in NAMES} == {"after"}
    assert [item.body().get("action") for item in stage.canonical("buyer").events].count("run") == 1
    mails = stage.simulation.world.mails
    assert len({mail.attachments[0].data for mail in mails}) == (1 if kind == "reinvite" else 0)
    assert not stage.node("buyer").eventchain.archive.conflicts(stage.id)
    assert stage.node("buyer").parts.broker.dead_letters() == []
    check_equal(stage, ("buyer", "inspector"))
    simulation.close()


@pytest.mark.slow
@pytest.mark.parametrize("action", [REMOVE, {"$schema": "urn:livecontract:action:nop"}], ids=["remove", "nop"])
def test_what_was_half_done_where_a_store_groups_nothing_is_done_again(tmp_path: Path, action: dict[str, Any]) -> None:
    for seed in range(2):  # in these orders the queue looks before the chain is set right, and finds nothing to do
        killer, folder = Killer("apply"), tmp_path / str(seed)
        folder.mkdir()
        simulation = Simulation(seed, names=NAMES, storage=LeasedStorage(folder), observe=killer.observe)
        stage = begun(action, simulation=simulation)
        killer.passes = 1
        act(stage, "inspector", "go")
        assert killer.passes < 0
        assert {stage.state(name) for name in NAMES} == {"after"}
        simulation.close()


def test_engine_in_another_process_judges_the_same() -> None:
    stage = undone("remove")
    tip = stage.node("inspector").eventchain.tip(stage.chain)
    key = KeyPair.from_seed_phrase("buyer node")
    with serving(guard(create_blueprint(stage.node("inspector").engine))) as http:
        engine = EngineClient(http.call)
        for more, refused in (({}, None), ({"node": "http://thief"}, "$.node")):
            data = json.dumps(event("remove", **more)).encode()
            _, entry = tip.advance(sign(previous=tip.hash, key=key, timestamp=0, data=data))
            if refused is None:
                engine.check(entry)
            else:
                assert refusal(engine.check, entry).path == refused


# --- Attacks


def forged(stage: Stage, name: str, body: dict[str, Any], *, by: str = "node") -> LiveContractError:
    """Return why the inspector's node refuses an identity event that somebody makes by hand."""
    height = len(stage.canonical("inspector").events)
    error = refusal(lambda: made_by_hand(stage, name, body, by=by))
    assert len(stage.canonical("inspector").events) == height
    return error


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


def test_nobody_changes_another_without_an_action() -> None:
    body = event("remove")
    del body["action"]
    assert isinstance(forged(undone("remove"), "buyer", body), PrivilegeError)


def test_action_is_not_done_before_its_time_and_not_twice() -> None:
    stage = begun(REMOVE)
    assert isinstance(forged(stage, "buyer", event("remove")), ActionNotAvailableError)
    act(stage, "inspector", "go")
    assert stage.state("inspector") == "after"
    assert isinstance(forged(stage, "buyer", event("remove")), ActionNotAvailableError)


@pytest.mark.parametrize("kind", ["remove", "move", "reinvite"])
def test_event_made_by_hand_just_as_the_node_would_make_it_is_the_doing(kind: str) -> None:
    stage = waiting(KINDS[kind])
    made_by_hand(stage, "buyer", event(kind))
    assert stage.state("inspector") == "after"


@pytest.mark.parametrize(
    ("kind", "more", "path"),
    [
        ("remove", {"id": "inspector"}, "$.id"),
        ("remove", {"node": "http://thief"}, "$.node"),
        ("remove", {"signkeys": {"user": str(KeyPair.from_seed_phrase("mine").public_key)}}, "$.signkeys"),
        ("remove", {"privileges": []}, "$.privileges"),
        ("remove", {"name": "x"}, "$.name"),
        ("remove", {"$schema": IDENTITY[:-1]}, "$.$schema"),
        ("remove", {"process": "process2"}, "$.process"),
        ("remove", {"action": "go"}, "$.action"),
        ("remove", {"action": "nothing"}, "$.action"),
        ("move", {"node": "http://inspector/"}, "$.node"),
        ("move", {"node": "http://inspectos"}, "$.node"),
        ("move", {"signkeys": {}}, "$.signkeys"),
        ("reinvite", {"name": "Seller Ltd"}, "$.name"),
        ("reinvite", {"node": "http://buyer"}, "$.node"),
        ("reinvite", {"signkeys": {"user": str(KeyPair.from_seed_phrase("mine").public_key)}}, "$.signkeys"),
    ],
)
def test_event_that_differs_from_what_the_action_does_is_refused(kind: str, more: dict[str, Any], path: str) -> None:
    assert forged(undone(kind), "buyer", event(kind, **more)).path == path


def test_member_that_is_left_out_is_refused_as_well() -> None:
    body = event("remove")
    del body["encryptkey"]
    assert forged(undone("remove"), "buyer", body).path == "$.encryptkey"


def test_second_key_in_an_invitation_is_refused() -> None:
    keys = {"one-time": str(KeyPair.from_seed_phrase("mine").public_key)}
    keys["user"] = str(KeyPair.from_seed_phrase("mine too").public_key)
    assert forged(undone("reinvite"), "buyer", event("reinvite", signkeys=keys)).path == "$.signkeys"


@pytest.mark.parametrize(("name", "by"), [("inspector", "node"), ("seller", "node"), ("buyer", "user")])
def test_only_the_node_of_the_actor_does_it(name: str, by: str) -> None:
    error = forged(undone("remove"), name, event("remove"), by=by)
    assert isinstance(error, ActorNotAllowedError)


def test_who_signed_nothing_binding_in_the_process_is_not_changed() -> None:
    stage = begun(REMOVE, agreeing=("buyer", "inspector"))
    act(stage, "seller", "look")
    act(stage, "inspector", "go")
    assert stage.state("seller") == ":failed"
    assert result(stage) == {"message": 'The identity "seller" has signed nothing binding in this process.'}
    assert identity(stage).sign_keys


def test_invitation_that_is_refused_is_never_sent() -> None:
    stage = begun(REINVITE, agreeing=("buyer", "inspector"))
    act(stage, "inspector", "go")
    assert stage.state("seller") == ":failed"
    stage.simulation.wait(24 * 60 * 60 * 1000)
    assert [item["state"] for item in stage.node("buyer").invitations.find(stage.chain)] == [FAILED]
    assert stage.simulation.world.mails == []
    assert identity(stage).sign_keys["user"] == str(stage["seller"].key.public_key)


def test_who_is_not_on_the_chain_is_not_invited_again() -> None:
    stage = begun({**REINVITE, "identity": "nobody"})
    act(stage, "inspector", "go")
    assert result(stage) == {"message": "the chain has no identity nobody to be invited again"}


def test_party_whose_keys_are_known_is_added_by_an_action() -> None:
    keys = {"user": str(KeyPair.from_seed_phrase("new").public_key)}
    add = {"$schema": MOVE["$schema"], "identity": "notary", "change": {"name": "Notary", "signkeys": keys}}
    stage = begun(add)
    act(stage, "inspector", "go")
    assert result(stage) == {"identity": "notary"}
    assert identity(stage, "notary").info == {"name": "Notary"}
    check_equal(stage, NAMES)


def test_nothing_but_the_event_itself_says_that_it_was_done() -> None:
    stage = waiting(REMOVE)
    error = forged(stage, "buyer", response("process", "run"))
    assert isinstance(error, InvalidResponseError)
    assert error.path == "$.key"
    made_by_hand(stage, "buyer", response("process", "run", {"message": "not now"}, "error"))
    assert stage.state("inspector") == ":failed"
    assert identity(stage).sign_keys
