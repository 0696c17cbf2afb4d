"""Actions that are done by an identity event: what that event has to be, and whom it may concern."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core import base58, canonical_json
from eventchain.core.entry import NEW, OTHER, OWN, Entry
from eventchain.core.errors import InvalidError, LiveContractError
from eventchain.identity import IDENTITY_SCHEMA, ONE_TIME_KEY
from eventchain.store.memory import MemoryStore
from workflow_engine import identity_action, machine, simulate
from workflow_engine.compiling import load
from workflow_engine.consent import OWN_CONSENT
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    InvalidInstructionError,
    InvalidResponseError,
)
from workflow_engine.process import MAX_SIGNATORIES, Process
from workflow_engine.proposal import OWN_DEVIATION
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers

from .deviating import Play
from .samples import OWN as DIALECT
from .samples import HashedChain

SELLER = {"<ref>": "actors.seller.identity.id"}
REMOVE = {"$schema": "urn:livecontract:action:identity", "identity": SELLER, "remove": True}
REPLACE = {
    "$schema": "urn:livecontract:action:reinvite",
    "identity": SELLER,
    "email": "beta@example.com",
    "name": "Beta",
}
GONE = {"$schema": IDENTITY_SCHEMA, "id": "beta", "node": None, "signkeys": {}, "encryptkey": None}
DOING = {**GONE, "process": "p", "action": "run"}


def scenario(action: dict[str, Any] = REMOVE, **more: Any) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "id": "order",
        "title": "Changing",
        "actors": {"buyer": {}, "seller": {}},
        "assets": {"result": {}, "wanted": {}},
        "actions": {
            "agree": {"actors": ["buyer", "seller"]},
            "look": {"actors": ["buyer", "seller"], "performative": False},
            "want": {"actor": "buyer", "update": {"select": "assets.wanted", "patch": False}},
            "nothing": {"$schema": "urn:livecontract:action:nop", "actor": "seller"},
            "run": {
                "actor": "buyer",
                "responses": {"ok": {"update": "assets.result"}, "error": {}},
                **action,
            },
        },
        "states": {
            "initial": {
                "actions": ["agree", "look", "want", "nothing", "run"],
                "timeout": "P1D",
                "transitions": [
                    {"action": "run", "response": "ok", "transition": "after"},
                    {"action": ":timeout", "transition": "after"},
                ],
            },
            "after": {"actions": ["agree", "run"], "transitions": [{"action": "run", "transition": ":success"}]},
        },
        **more,
    }


class Change(Play):
    """A chain with one process, in which somebody's identity may be changed."""

    def __init__(self, document: dict[str, Any] | None = None, *, starts: str = "user") -> None:
        self.chain = HashedChain()
        self.service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
        self.do(lambda c: c.entry({"$schema": IDENTITY_SCHEMA}))
        self.do(lambda c: c.scenario(document or scenario()))
        actors = {"buyer": "acme", "seller": "beta"}
        self.do(lambda c: c.entry(process(actors), "acme", key=starts))

    def change(self, body: dict[str, Any] = DOING, who: str = "acme", key: str = "system", what: str = OTHER) -> str:
        def make(chain: HashedChain) -> Entry:
            entry = replace(chain.entry(body, who, key=key), identity_change=what)
            chain.entries[-1] = entry
            return entry

        return self.do(make)


def process(actors: dict[str, str]) -> dict[str, Any]:
    return {"$schema": "urn:livecontract:process:1", "id": "p", "scenario": "order", "actors": actors}


def refusal(change: Change, **arguments: Any) -> LiveContractError:
    before = canonical_json.encode(change.service.projection("chain"))
    with pytest.raises(LiveContractError) as caught:
        change.change(**arguments)
    assert canonical_json.encode(change.service.projection("chain")) == before
    return caught.value


def test_schema_and_key_name_are_those_of_the_event_chain() -> None:
    assert (identity_action.LTO_IDENTITY, identity_action.ONE_TIME_KEY) == (IDENTITY_SCHEMA, ONE_TIME_KEY)


def test_event_is_the_response_and_moves_the_process() -> None:
    play = Change()
    play.respond("agree", "beta")
    event = play.change()
    assert play.process.current.key == "after"
    recorded = play.process.previous[-1]
    assert (recorded["event"], recorded["key"], recorded["data"]) == (event, "ok", {"identity": "beta"})
    assert play.process.assets["result"] == {"identity": "beta"}
    play.check_replays()


def test_event_of_the_same_content_is_refused_once_the_action_was_done() -> None:
    document = scenario()
    document["states"]["after"] = {"action": "agree", "transition": ":success"}
    play = Change(document)
    play.respond("agree", "beta")
    play.change()
    assert isinstance(refusal(play), ActionNotAvailableError)


def test_nobody_is_changed_who_was_only_said_to_take_part() -> None:
    play = Change()
    assert isinstance(refusal(play), ActorNotAllowedError)
    play.respond("look", "beta")
    play.respond("nothing", "beta", signed_with="system")
    assert "nothing binding" in refusal(play).message
    play.respond("agree", "beta")
    play.change()


def test_telling_of_a_timeout_agrees_to_nothing() -> None:
    play = Change()
    play.respond(":timeout", "beta", signed_with="system", at=10 * 86_400_000)
    assert isinstance(refusal(play), ActorNotAllowedError)


@pytest.mark.parametrize(("key", "signed"), [("user", ("acme",)), ("system", ())])
def test_who_starts_a_process_agrees_unless_it_is_a_node(key: str, signed: tuple[str, ...]) -> None:
    assert Change(starts=key).process.signatories == signed


def test_list_of_who_agreed_does_not_grow_without_end() -> None:
    play = Change()
    many = play.process
    for number in range(2 * MAX_SIGNATORIES):
        many = many.signed_by(f"identity {number}")
    assert len(many.signatories) == MAX_SIGNATORIES
    assert "acme" in many.signatories


def test_scenario_that_changes_nobody_keeps_no_list_of_who_agreed() -> None:
    play = Play()
    assert "signatories" not in play.process.state()


@pytest.mark.parametrize(("what", "who"), [(OWN, "beta"), (NEW, "acme")])
def test_own_identity_and_new_ones_need_no_agreement_but_are_held_to_the_action(what: str, who: str) -> None:
    action = {**REMOVE, "identity": "beta", "actors": ["buyer", "seller"]}
    del action["remove"]
    play = Change(scenario({**action, "actor": None, "change": {"name": "Beta"}}))
    body = {"$schema": IDENTITY_SCHEMA, "id": "beta", "process": "p", "action": "run", "name": "Beta"}
    assert refusal(play, body={**body, "name": "Gamma"}, who=who, what=what).path == "$.name"
    play.change(body, who, what=what)
    assert play.process.current.key == "after"


def test_identity_event_that_names_no_action_stays_beside_the_processes() -> None:
    play = Change()
    for more in ({}, {"process": "p"}, {"process": "p", "action": ""}, {"process": 1, "action": "run"}):
        play.change({**GONE, **more}, "beta", what=OWN)
    assert play.process.current.key == "initial"
    for more in ({}, {"process": "p"}, {"action": "run"}, {"process": {"id": "p"}, "action": "run"}):
        assert isinstance(refusal(play, body={**GONE, **more}), InvalidError)


def test_another_process_is_not_meant() -> None:
    play = Change()
    play.respond("agree", "beta")
    second = {**process({"buyer": "acme", "seller": "beta"}), "id": "q"}
    play.do(lambda c: c.entry(second, "acme"))
    assert isinstance(refusal(play, body={**DOING, "process": "q"}), ActorNotAllowedError)
    assert refusal(play, body={**DOING, "process": "r"}).code == "ProcessNotFound"


@pytest.mark.parametrize("who", ["acme", "beta"])
def test_person_does_not_do_what_a_node_does(who: str) -> None:
    play = Change()
    play.respond("agree", "beta")
    assert isinstance(refusal(play, who=who, key="user"), ActorNotAllowedError)


def test_action_that_a_person_does_is_signed_by_the_person() -> None:
    play = Change(scenario({**REMOVE, "system": False}))
    play.respond("agree", "beta")
    assert isinstance(refusal(play, key="system"), ActorNotAllowedError)
    play.change(key="user")
    assert play.process.current.key == "after"


def test_plain_response_says_everything_but_that_it_was_done() -> None:
    play = Change()
    play.respond("agree", "beta")
    for more in ({}, {"key": "ok"}, {"key": "ok", "data": {"identity": "beta"}}):
        with pytest.raises(InvalidResponseError, match="done"):
            play.respond("run", signed_with="system", **more)
    play.respond("run", signed_with="system", key="error", data={"message": "not now"})


def test_outcome_is_never_another_than_what_was_done() -> None:
    # Checking refuses such a scenario; the engine does not rely on it.
    document = scenario()
    compiled = load(document)
    for determined in ("ok", "error"):
        action = replace(compiled.actions["run"], determine_response=determined)
        changed = replace(compiled, actions={**compiled.actions, "run": action})
        play = Change(document)
        play.respond("agree", "beta")
        before = replace(play.process, scenario=changed)
        plain = play.chain.response("run", signed_with="system", key="error")
        event = replace(plain, body=DOING, identity_change=OTHER)
        given = plain if determined == "ok" else event
        after = machine.step(before, given)
        with pytest.raises(InvalidResponseError):
            identity_action.check_outcome(before, after, given)


def test_simulation_says_that_it_was_done_like_any_response() -> None:
    steps = [{"actor": "seller", "action": "agree"}, {"actor": "buyer", "action": "run", "data": {"identity": "x"}}]
    assert simulate.run(scenario(), steps)["state"] == "after"


def test_one_time_key_is_free_and_nothing_else() -> None:
    body = {**DOING, "name": "Beta", "signkeys": {"one-time": base58.encode(b"k" * 32)}}
    for more in ({"signkeys": {}}, {"signkeys": {"one-time": None}}, {"signkeys": {"user": "x"}}, {"signkeys": 7}):
        play = Change(scenario(REPLACE))
        play.respond("agree", "beta")
        assert refusal(play, body={**body, **more}).path == "$.signkeys"
    play.change(body)
    assert play.process.previous[-1]["data"] == {"identity": "beta", "name": "Beta"}


@pytest.mark.parametrize(
    "wanted", [{"identity": 7}, {"identity": ""}, {"change": "x"}, {"change": {}}, {"change": {"id": "x"}}]
)
def test_action_that_data_makes_senseless_is_refused_with_the_place_in_the_scenario(wanted: dict[str, Any]) -> None:
    action = {
        "$schema": "urn:livecontract:action:identity",
        "identity": {"<ref>": "assets.wanted.identity"},
        "change": {"<ref>": "assets.wanted.change"},
    }
    play = Change(scenario(action))
    play.respond("agree", "beta")
    play.respond("want", data={"identity": "beta", "change": {"node": None}, **wanted})
    error = refusal(play)
    assert isinstance(error, InvalidInstructionError)
    assert error.path is not None
    assert error.path.startswith("$.actions.run")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["$schema", "id", "process", "action", "node", "signkeys", "encryptkey", "name", "x", "privileges"]
)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, JSON, max_size=4), st.sets(NAMES, max_size=2))
def test_no_other_event_than_the_one_that_follows_from_the_process_is_taken(
    changes: dict[str, Any], without: set[str]
) -> None:
    body = {name: value for name, value in (DOING | changes).items() if name not in without}
    play = Change()
    play.respond("agree", "beta")
    if canonical_json.encode(body) == canonical_json.encode(DOING):
        play.change(body)
    else:
        refusal(play, body=body)


# --- Deviations and updates


def deviating(action: str = "run2", **more: Any) -> dict[str, Any]:
    return {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Remove the seller",
        "from": "initial",
        "to": "after",
        "states": {
            "removing": {
                "timeout": "P1D",
                "actions": [action, "agree"],
                "transitions": [
                    {"action": action, "transition": "after"},
                    {"action": ":timeout", "transition": "after"},
                ],
            }
        },
        "actions": {"run2": {**REMOVE, "actor": "buyer", "responses": {"ok": {}, "error": {}}}},
        **more,
    }


def agree(play: Play, deviation: str, identity: str = "beta") -> str:
    body = {"$schema": OWN_CONSENT, "deviation": deviation, "answer": "agree"}
    return play.do(lambda c: c.entry(body, identity))


def without_identities() -> dict[str, Any]:
    document = scenario()
    document["actions"]["run"] = {"actor": "buyer"}
    document["states"]["initial"]["transitions"][0] = {"action": "run", "transition": "after"}
    return document


def test_deviation_that_all_agreed_to_may_remove_who_agreed() -> None:
    play = Change(without_identities())
    agree(play, play.do(lambda c: c.entry(deviating(), "acme")))
    assert play.process.signatories == ("acme", "beta")
    play.change({**DOING, "action": "run2"})
    assert play.process.current.key == "after"
    play.check_replays()


def test_agreement_to_the_scenario_is_none_to_a_deviation_that_others_agreed_to() -> None:
    document = scenario()
    document["actions"]["leave"] = {
        "actor": "seller",
        "update": {"select": "actors.seller", "data": {"identity": None}},
    }
    document["states"]["initial"]["actions"].append("leave")
    play = Change(document)
    play.respond("agree", "beta")
    play.respond("leave", "beta")
    assert play.process.signatories == ("acme", "beta")
    body = deviating(
        actions={"run2": {**REMOVE, "identity": "beta", "actor": "buyer", "responses": {"ok": {}, "error": {}}}}
    )
    agree(play, play.do(lambda c: c.entry(body, "acme")), "acme")
    assert play.process.current.key == "removing"
    assert play.process.signatories == ("acme",)
    assert isinstance(refusal(play, body={**DOING, "action": "run2"}), ActorNotAllowedError)


def test_state_of_a_process_keeps_who_agreed() -> None:
    play = Change()
    play.respond("agree", "beta")
    state = json.loads(json.dumps(play.process.state()))
    assert state["signatories"] == ["acme", "beta"]
    again = Process.from_state(state, scenario=play.process.scenario, previous=play.process.previous)
    assert again == play.process
