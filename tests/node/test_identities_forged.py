"""Identity events that somebody makes by hand: only what an action of the scenario does then and there is taken."""

from typing import Any

import pytest

from eventchain.core.errors import LiveContractError
from eventchain.core.keys import KeyPair
from eventchain.errors import PrivilegeError
from livecontract.invitations import FAILED
from livecontract.simulated_party import response
from tests.node.changing import (
    IDENTITY,
    KINDS,
    MOVE,
    NAMES,
    REINVITE,
    REMOVE,
    act,
    begun,
    event,
    identity,
    made_by_hand,
    result,
    undone,
    waiting,
)
from tests.node.stage import Stage, check_equal, refusal
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError, InvalidResponseError


def forged(stage: Stage, name: str, body: dict[str, Any], *, by: str = "node") -> LiveContractError:
    """Return why the inspector's node refuses an identity event that somebody makes by hand."""
    height = len(stage.canonical("inspector").events)
    error = refusal(lambda: made_by_hand(stage, name, body, by=by))
    assert len(stage.canonical("inspector").events) == height
    return error


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
