"""Changing, removing and inviting somebody else again through an action of the scenario, over several nodes (6.2)."""

import json
from pathlib import Path
from typing import Any

import pytest

from eventchain.chain import read_chain
from eventchain.core import canonical_json
from eventchain.core.keys import KeyPair
from eventchain.errors import NotAdmittedError, NotMemberError
from eventchain.event import sign
from livecontract import evidence
from livecontract.cli.chain_report import verify_document
from livecontract.histories import read_histories
from livecontract.internal import guard
from livecontract.simulated_party import Party, response
from livecontract.simulation import NodeKilled, Simulation
from tests.livecontract.apart import serving
from tests.node.changing import (
    KINDS,
    MOVE,
    NAMES,
    REINVITE,
    REMOVE,
    act,
    begun,
    event,
    identity,
    result,
    undone,
)
from tests.node.leased import LeasedStorage
from tests.node.stage import SqliteStorage, check_equal, make_evidence, refusal
from workflow_engine.client import EngineClient
from workflow_engine.compiling import load
from workflow_engine.engine import replay
from workflow_engine.impact import change_to, impact_of
from workflow_engine.routes_internal import create_blueprint


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
