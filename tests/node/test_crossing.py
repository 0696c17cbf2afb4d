"""A node tells another chain what happened on one (paper 13.1), and no scenario makes it sign more than that."""

from dataclasses import replace
from typing import Any

import pytest

from eventchain import event_json
from eventchain.core import base58
from eventchain.core.keys import KeyPair
from eventchain.errors import InvalidEventError
from livecontract.bootstrap import no_broker
from livecontract.courier import NOT_A_MEMBER, REFUSED
from livecontract.node import Node
from livecontract.simulated_party import response
from tests.node.crossing import ASKER_KEY, HERE, THERE, WORDS, Crossing, hearing, quiet, telling
from tests.node.stage import check_equal, refusal
from workflow_engine.errors import ActorNotAllowedError, InvalidResponseError

HOUR = 3_600_000


def outcome(chains: Crossing) -> dict[str, Any]:
    """What the last response on the chain that tells says."""
    process = chains.here.node("asker").workflow.process("process", chains.here.chain)
    return dict(process.previous[-1])


def unknown(chains: Crossing) -> int:
    """How many events the chain that hears has."""
    return len(chains.there.canonical("answerer").events)


# --- What goes across


def test_response_goes_to_another_chain_with_the_signed_event_it_comes_from() -> None:
    chains = Crossing.begin(telling(), hearing())
    chains.say(WORDS)
    assert chains.here.state("asker") == ":success"
    origin = chains.assets(chains.there, "answerer")["origin"]
    assert origin == {
        "chain": chains.here.chain,
        "process": "process",
        "action": "say",
        "event": chains.said["event"],
        "timestamp": chains.said["timestamp"],
        "signer": ASKER_KEY,
    }
    assert chains.assets(chains.there, "answerer")["heard"] == WORDS
    told = chains.assets(chains.here, "asker")["told"]
    last = chains.there.node("answerer").workflow.process("process", chains.there.chain).previous[-1]
    assert told == {"chain": chains.there.chain, "events": [last["event"]]}
    assert last["origin"] == origin
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)


def test_carried_event_holds_the_signed_event_itself_and_is_signed_by_the_node() -> None:
    chains = Crossing.begin(telling(), hearing())
    chains.say(WORDS)
    event = chains.there.canonical("answerer").events[-1]
    assert str(event.sign_key) == str(chains.here.node("carrier").parts.key.public_key)
    [said] = [item for item in chains.here.canonical("asker").events if item.body().get("action") == "say"]
    assert event.body()["origin"]["event"] == event_json.to_dict(said)


def test_process_that_wants_it_word_for_word_from_one_signer_takes_it() -> None:
    accepts = {
        "chain": {"<ref>": "assets.source.chain"},
        "process": {"<ref>": "assets.source.process"},
        "action": "say",
        "signer": [str(KeyPair.from_seed_phrase("somebody").public_key), ASKER_KEY],
        "verbatim": True,
    }
    chains = Crossing.begin(telling(), hearing(accepts))
    chains.say(WORDS)
    assert (chains.here.state("asker"), chains.heard()) == (":success", ["hear"])


def test_step_of_a_sequence_carries_too() -> None:
    tell = telling()["actions"]["tell"]
    step = {name: tell[name] for name in ("$schema", "chain", "body")}
    sequence = {
        "$schema": "urn:livecontract:action:sequence",
        "actor": "carrier",
        "steps": [{"$schema": "urn:livecontract:action:nop"}, step],
        "responses": tell["responses"],
    }
    scenario = telling()
    scenario["actions"]["tell"] = sequence
    chains = Crossing.begin(scenario, hearing())
    chains.say(WORDS)
    assert (chains.here.state("asker"), chains.heard()) == (":success", ["hear"])


def test_node_waits_until_its_cause_is_anchored_where_the_scenario_says_so() -> None:
    chains = Crossing.begin(telling({"when": "settled"}), hearing())
    chains.here.act("asker", "say", WORDS)
    chains.here.simulation.run(50)
    assert (chains.here.state("carrier"), chains.heard()) == ("said", [])
    chains.here["carrier"].post(chains.here.chain, chains.here.note())  # now all have signed since
    chains.here.simulation.settle(receipts=False)
    assert (chains.here.state("asker"), chains.heard()) == (":success", ["hear"])


def test_workflow_engine_in_a_process_of_its_own_carries_as_well() -> None:
    chains = Crossing.begin(telling(), hearing())
    chains.here.act("asker", "say", WORDS)
    stage, node = chains.here, chains.here.node("carrier")
    for _ in range(20):  # the event comes to the carrier's node, whose triggers wait
        stage.node("asker").step()
        node.workers[0].step()
    parts = replace(node.parts, broker=no_broker(node.parts.clock), chains=node.chains)
    apart = Node(parts, services=("workflow",))
    (due,) = node.workflow.due(stage.chain, {"carrier"})
    body = apart.workflow.perform(due)
    assert body is not None
    assert (body["key"], apart.workflow.perform(due)) == ("ok", body)
    stage.simulation.settle(receipts=False)
    assert (stage.state("asker"), chains.heard()) == (":success", ["hear"])


# --- What comes of it where it cannot go


def test_node_that_is_not_on_the_other_chain_says_so_and_nothing_of_it() -> None:
    chains = Crossing.begin(telling(), hearing(), is_on_both=False)
    chains.say(WORDS)
    assert chains.here.state("asker") == ":failed"
    assert outcome(chains)["data"] == {"message": NOT_A_MEMBER, "reason": "not-a-member"}


@pytest.mark.parametrize(
    "accepts",
    [
        {"chain": {"<ref>": "assets.source.nothing"}},
        {"chain": {"<ref>": "chain"}},
        {"chain": {"<ref>": "assets.source.chain"}, "process": "another"},
        {"chain": {"<ref>": "assets.source.chain"}, "process": {"<ref>": "assets.source.nothing"}},
        {"chain": {"<ref>": "assets.source.chain"}, "action": "sing"},
        {"chain": {"<ref>": "assets.source.chain"}, "signer": str(KeyPair.from_seed_phrase("another").public_key)},
        {"chain": {"<ref>": "assets.source.chain"}, "signer": []},
    ],
)
def test_other_chain_takes_only_what_it_declared(accepts: dict[str, Any]) -> None:
    chains = Crossing.begin(telling(), hearing(accepts))
    length = unknown(chains)
    chains.say(WORDS)
    assert (chains.here.state("asker"), unknown(chains)) == (":failed", length)
    assert outcome(chains)["data"] == {"message": REFUSED, "reason": "refused"}


def test_refusal_tells_nothing_of_the_other_chain() -> None:
    """Whether there is no such process, no such action, one that does not accept, or one that has ended."""
    told = set()
    for process, action in (("another", "hear"), ("process", "sing"), ("process", "plain"), ("process", "end")):
        body = {"process": process, "action": action}
        chains = Crossing.begin(telling({"body": body}), hearing())
        chains.say(WORDS)
        told.add(str(outcome(chains)["data"]))
    ended = Crossing.begin(telling(), hearing())
    ended.there.act("answerer", "end")
    ended.there.simulation.settle(receipts=False)
    ended.say(WORDS)
    assert told | {str(outcome(ended)["data"])} == {str({"message": REFUSED, "reason": "refused"})}


def test_chain_that_is_not_known_yet_is_no_other_chain_and_not_the_own_one() -> None:
    scenario = telling({"chain": {"<ref>": "assets.there.nothing"}, "body": response("process", "say", WORDS)})
    chains = Crossing.begin(scenario, hearing())
    chains.say(WORDS)
    assert (chains.here.state("asker"), outcome(chains)["data"]["reason"]) == (":failed", "invalid")


def test_schedule_tries_again_until_the_other_side_is_ready() -> None:
    schedule = {"every": "PT1H", "until": "ok"}
    scenario = telling({"schedule": schedule})
    scenario["states"]["said"]["transitions"].pop(1)
    chains = Crossing.begin(scenario, {**hearing(), "id": "early"}, is_on_both=False)
    chains.say(WORDS)
    assert (chains.here.state("asker"), outcome(chains)["data"]["reason"]) == ("said", "not-a-member")
    chains.there["answerer"].post(chains.there.chain, chains.there["carrier"].identity)
    source = {"source": {"chain": chains.here.chain, "process": "process"}}
    chains.there.simulation.settle(receipts=False)
    chains.start(chains.there, "answerer", {**hearing(), "id": "hearing"}, source, THERE, "second")
    chains.here.simulation.wait(2 * HOUR)
    assert outcome(chains)["data"]["reason"] == "refused"  # it is for a process that the carrier plays no part in
    chains.here.simulation.wait(7 * 24 * HOUR)
    assert chains.here.state("asker") == ":cancelled"


def test_what_is_too_large_together_is_an_error_with_the_reason() -> None:
    chains = Crossing.begin(telling(), hearing())
    length = unknown(chains)
    chains.say({"words": "x" * 40_000})
    data = outcome(chains)["data"]
    assert (data["reason"], unknown(chains)) == ("invalid", length)
    assert "bytes together" in data["message"]


# --- What a hostile scenario may try


IDENTITY = {"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#", "id": "mallory"}


@pytest.mark.parametrize(
    "body",
    [
        {"<merge>": [IDENTITY]},
        {"<merge>": [{"$schema": "urn:livecontract:process:1", "scenario": "hearing", "process": "p", "action": "a"}]},
        {"<merge>": [{**response("process", "hear"), "origin": {"chain": "mine"}}]},
        {"<merge>": [{**response("process", "hear"), "id": "process"}]},
        {"<ref>": "assets.told.nothing"},
        {"<ref>": "actors"},
    ],
)
def test_nothing_but_a_response_goes_across(body: Any) -> None:
    chains = Crossing.begin(telling({"body": body}), hearing())
    length = unknown(chains)
    chains.say(WORDS)
    assert (chains.here.state("asker"), unknown(chains)) == (":failed", length)
    assert outcome(chains)["data"]["reason"] == "invalid"


def test_action_that_people_of_the_other_chain_take_alone_is_out_of_reach() -> None:
    """The node could sign `plain` there, which waits for it, and a scenario of this chain cannot make it."""
    chains = Crossing.begin(telling({"body": {"process": "process", "action": "plain"}}), hearing())
    length = unknown(chains)
    chains.say(WORDS)
    assert (outcome(chains)["data"]["reason"], unknown(chains)) == ("refused", length)
    carrier = chains.there.node("carrier").chains
    carrier.submit(chains.there.chain, response("process", "plain"))  # the same without an origin is its own to do


def test_one_event_is_taken_once_however_often_it_is_told() -> None:
    scenario = telling({"schedule": {"every": "PT1H", "max": 3}})
    scenario["states"]["said"]["transitions"] = [{"action": ":timeout", "transition": ":success"}]
    chains = Crossing.begin(scenario, hearing())
    chains.say(WORDS)
    chains.here.simulation.wait(2 * HOUR)
    process = chains.here.node("asker").workflow.process("process", chains.here.chain)
    assert [item["key"] for item in process.previous] == ["ok", "ok", "error"]
    assert chains.heard() == ["hear"]


def test_scenario_cannot_forge_an_origin_on_the_own_chain() -> None:
    """With an origin that somebody gave as data, the node would vouch for another chain it has never seen."""
    chains = Crossing.begin(telling(), hearing())
    chains.say(WORDS)
    origin = chains.there.canonical("answerer").events[-1].body()["origin"]
    body = {"process": "process", "action": "hear", "data": WORDS, "origin": {"<ref>": "assets.said"}}
    forging = {**telling({"chain": None, "body": body}), "id": "forging"}
    stage = chains.there
    stage["answerer"].post(stage.chain, forging)
    actors = {"asker": {"identity": "answerer"}, "carrier": {"identity": "carrier"}}
    start = {"$schema": "urn:livecontract:process:1", "id": "forger", "scenario": "forging", "actors": actors}
    stage["answerer"].post(stage.chain, start)
    stage.simulation.settle(receipts=False)
    stage["answerer"].respond(stage.chain, "forger", "say", origin)
    stage.simulation.settle(receipts=False)
    process = stage.node("answerer").workflow.process("forger", stage.chain)
    assert (process.current.key, chains.heard()) == (":failed", ["hear"])
    assert "another chain" in process.previous[-1]["data"]["message"]


# --- What a member of the other chain may try


def carried(chains: Crossing, **changes: Any) -> dict[str, Any]:
    """A body as the carrier's node makes it, with the last event of the chain that tells."""
    stage = chains.here
    hash_ = base58.encode(stage.canonical("carrier").events[-1].hash)
    origin = stage.node("carrier").chains.cite(stage.chain, hash_)
    return {**response("process", "hear", WORDS), "origin": {**origin, **changes}}


def test_member_who_does_not_carry_cannot_bring_what_was_signed_elsewhere() -> None:
    chains = quiet()
    node = chains.there.node("answerer").chains
    error = refusal(node.submit, chains.there.chain, carried(chains))
    assert isinstance(error, ActorNotAllowedError)


def test_carrier_cannot_give_it_without_an_origin_or_by_hand() -> None:
    chains = quiet()
    node = chains.there.node("carrier").chains
    error = refusal(node.submit, chains.there.chain, response("process", "hear", WORDS))
    assert isinstance(error, InvalidResponseError)
    by_hand = refusal(chains.there["carrier"].post, chains.there.chain, carried(chains))
    assert isinstance(by_hand, ActorNotAllowedError)


def test_every_node_refuses_a_forged_origin() -> None:
    chains = quiet()
    stage = chains.there
    event = chains.here.canonical("carrier").events[-1]
    forged = replace(event, signature=bytes(64))
    body = carried(chains, event=event_json.to_dict(forged))
    for name in THERE:
        error = refusal(stage.node(name).chains.submit, stage.chain, body)
        assert isinstance(error, InvalidEventError)
        assert error.check == "signature"


def test_carrier_cannot_put_words_into_the_mouth_of_a_signer_who_is_known() -> None:
    accepts = {"chain": {"<ref>": "assets.source.chain"}, "signer": ASKER_KEY, "verbatim": True}
    chains = quiet(accepts)
    node, chain = chains.there.node("carrier").chains, chains.there.chain
    mine = chains.here.node("carrier").chains.submit(chains.here.chain, chains.here.note())
    by_me = {**carried(chains), "data": None}
    assert by_me["origin"]["event"]["hash"] == base58.encode(mine.hash)
    assert "somebody else signed" in refusal(node.submit, chain, by_me).message
    said = chains.here.node("carrier").chains.cite(chains.here.chain, chains.said["event"])
    twisted = {**response("process", "hear", {"words": "It is false."}), "origin": said}
    assert "word for word" in refusal(node.submit, chain, twisted).message
    node.submit(chain, {**response("process", "hear", WORDS), "origin": said})
    again = refusal(node.submit, chain, {**response("process", "hear", WORDS), "origin": said})
    assert "before" in again.message


def test_origin_where_none_is_wanted_is_refused() -> None:
    chains = quiet()
    body = {**carried(chains), "action": "plain"}
    error = refusal(chains.there.node("carrier").chains.submit, chains.there.chain, body)
    assert isinstance(error, InvalidResponseError)
