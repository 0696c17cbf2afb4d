"""Where a response comes from, compared with what its action accepts: alike on every node, and once for each event."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import base58, canonical_json
from eventchain.core.entry import Entry, Origin
from eventchain.core.errors import LiveContractError
from tests.node.crossing import hearing, telling
from workflow_engine import machine, simulate
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidResponseError
from workflow_engine.model import examine
from workflow_engine.origin import retold, shown
from workflow_engine.process import LTO_PROCESS, OWN_PROCESS, OWN_RESPONSE, Process
from workflow_engine.simulate import CHAIN, start
from workflow_engine.triggers import Call
from workflow_engine.triggers.event import EventTrigger

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "origin.json").read_text("utf-8"))
BODY = {"$schema": OWN_RESPONSE, "process": "p", "action": "say", "data": {"words": "Yes"}}
ORIGIN = Origin(chain=CHAIN, hash="e", timestamp=5, signer="k", identity=None, body=BODY)


def process_of(accepts: dict[str, Any] | None) -> Process:
    document = hearing(accepts or {"chain": CHAIN})
    if accepts is None:
        del document["actions"]["hear"]["accepts"]
    return start(load(document))


def entry_of(process: Process, origin: Origin | None, data: Any = None) -> Entry:
    body = {"process": process.id, "action": "hear", **({} if data is None else {"data": data})}
    return Entry(
        chain=CHAIN,
        hash=f"event-{len(process.previous) + 1}",
        previous="event",
        timestamp=simulate.START + 1,
        body=body,
        signer="",
        identity="carrier",
        key_names=frozenset({"system"}),
        members=frozenset(),
        origin=origin,
    )


def take(accepts: dict[str, Any] | None, origin: Origin | None, data: Any = None) -> Process:
    process = process_of(accepts)
    return machine.step(process, entry_of(process, origin, data))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["what"] for vector in VECTORS])
def test_verdict_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    origin = Origin(**vector["origin"]) if vector["origin"] else None
    if vector["refused"]:
        with pytest.raises(InvalidResponseError) as caught:
            take(vector["accepts"], origin, vector["data"])
        assert caught.value.path == vector["refused"]
    else:
        state = take(vector["accepts"], origin, vector["data"]).state()
        outcome = {"assets": state["assets"], "current": state["current"]}
        assert base58.encode(canonical_json.digest(outcome)) == vector["outcome"]


@given(
    declared=st.fixed_dictionaries(
        {"chain": st.sampled_from([CHAIN, "other", None])},
        optional={
            "process": st.sampled_from(["p", "q", None, ["p"]]),
            "action": st.sampled_from(["say", "sing", None]),
            "signer": st.sampled_from(["k", "l", None, [], ["l", "k"], [None]]),
            "verbatim": st.sampled_from([True, False]),
        },
    ),
    data=st.sampled_from([{"words": "Yes"}, {"words": "No"}, None]),
)
def test_response_is_taken_if_it_agrees_in_all_that_is_declared_and_in_no_other_case(
    declared: dict[str, Any], data: Any
) -> None:
    agrees = (
        declared["chain"] == CHAIN
        and declared.get("process", "p") == "p"
        and declared.get("action", "say") == "say"
        and "k"
        in (declared["signer"] if isinstance(declared.get("signer", "k"), list) else [declared.get("signer", "k")])
        and (data == {"words": "Yes"} or not declared.get("verbatim", False))
    )
    process = process_of({"chain": CHAIN})
    instance = {**process.current.actions["hear"], "accepts": declared}  # as evaluated, whatever is written
    actions = {**process.current.actions, "hear": instance}
    process = replace(process, current=replace(process.current, actions=actions))
    before = copy.deepcopy(process.state())
    try:
        after: Process | None = machine.step(process, entry_of(process, ORIGIN, data))
    except InvalidResponseError:
        after = None
    assert (after is not None) is agrees
    assert process.state() == before


@pytest.mark.parametrize("accepts", [None, 7, [], "text"])
def test_declaration_that_comes_to_nothing_takes_nothing(accepts: Any) -> None:
    process = process_of({"chain": CHAIN})
    instance = {**process.current.actions["hear"], "accepts": accepts}
    process = replace(process, current=replace(process.current, actions={"hear": instance}))
    with pytest.raises(InvalidResponseError):
        machine.step(process, entry_of(process, ORIGIN))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"$schema": "urn:example:note:1", "process": "p", "action": "say"},
        {"$schema": ["urn:livecontract:response:1"], "process": "p", "action": "say"},
        {"$schema": OWN_RESPONSE, "process": 7, "action": {}},
        {"$schema": OWN_RESPONSE, "process": "p" * 257, "action": "say"},
        {"$schema": OWN_PROCESS, "id": ["p"], "action": "say"},
    ],
)
def test_event_that_is_no_response_of_that_process_is_not_taken_for_one(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponseError):
        take({"chain": CHAIN, "process": "p", "action": "say"}, replace(ORIGIN, body=body))


@pytest.mark.parametrize(
    ("body", "process"),
    [
        ({"$schema": OWN_PROCESS, "id": "p", "scenario": "s"}, "p"),
        ({"$schema": LTO_PROCESS, "scenario": "s"}, "e"),
        ({"$schema": OWN_RESPONSE, "process": {"id": "p"}, "action": {"key": "say"}}, "p"),
    ],
)
def test_process_is_the_one_that_the_event_starts_or_responds_in(body: dict[str, Any], process: str) -> None:
    after = take({"chain": CHAIN, "process": process}, replace(ORIGIN, body=body))
    assert after.previous[-1]["origin"]["process"] == process


def test_history_tells_enough_to_take_the_response_again() -> None:
    origin = replace(ORIGIN, identity="somebody")
    assert retold(shown(origin), BODY["data"]) == origin
    started = replace(ORIGIN, body={"$schema": OWN_PROCESS, "id": "p"})
    assert retold(shown(started), None) == started


def test_timeout_comes_from_no_other_chain() -> None:
    process = simulate.play(load(telling()), [{"actor": "asker", "action": "say"}])
    body = {"process": process.id, "action": ":timeout", "actor": "carrier"}
    late = replace(entry_of(process, None), body=body, timestamp=process.current.timestamp + 8 * 86_400_000)
    assert machine.step(process, late).current.key == ":cancelled"
    with pytest.raises(InvalidResponseError):
        machine.step(process, replace(late, origin=ORIGIN))


# --- Where there is no other chain


def test_simulation_supposes_that_it_comes_from_where_it_should() -> None:
    accepts = {"chain": CHAIN, "process": "p", "action": "say", "signer": ["k", "l"], "verbatim": True}
    step = {"actor": "carrier", "action": "hear", "data": {"words": "Yes"}}
    played = simulate.run(hearing(accepts), [step, {"wait": "P1D"}, step])
    assert played["previous"] == ["hear.ok", "hear.ok"]
    origin = played["assets"]["origin"]
    assert (origin["chain"], origin["process"], origin["action"], origin["signer"]) == (CHAIN, "p", "say", "k")


@pytest.mark.parametrize(
    "said",
    [{"chain": "x"}, {"process": "q"}, {"action": "a"}, {"signer": "x"}, {"data": 1}, {"evnt": "x"}, [], {"event": 1}],
)
def test_step_of_a_simulation_may_say_that_it_comes_from_elsewhere_and_is_refused(said: Any) -> None:
    accepts = {"chain": CHAIN, "process": "p", "action": "say", "signer": "k", "verbatim": True}
    step = {"actor": "carrier", "action": "hear", "data": {"words": "Yes"}, "origin": said}
    with pytest.raises(InvalidResponseError) as caught:
        simulate.run(hearing(accepts), [step])
    assert str(caught.value.path).startswith("$[0].origin")


def test_same_event_twice_is_refused_in_a_simulation_too() -> None:
    step = {"actor": "carrier", "action": "hear", "origin": {"event": "once"}}
    with pytest.raises(InvalidResponseError, match="before"):
        simulate.run(hearing({"chain": CHAIN}), [step, step])


def test_nothing_comes_from_a_chain_that_is_not_known_yet() -> None:
    with pytest.raises(InvalidResponseError):
        simulate.run(hearing(), [{"actor": "carrier", "action": "hear"}])


def test_exploration_takes_what_comes_from_another_chain_and_what_becomes_of_telling_for_nature() -> None:
    heard = examine(hearing({"chain": CHAIN, "verbatim": True}))
    assert heard.graph is not None
    assert {(move.mover, move.action) for move in heard.graph.all_moves()} >= {(":nature", "hear")}
    told = examine(telling())
    assert told.graph is not None
    assert {move.response for move in told.graph.all_moves() if move.action == "tell"} == {"ok", "error"}


def test_exploration_says_where_an_origin_decides() -> None:
    document = hearing({"chain": CHAIN})
    condition = {"<eval>": "current.response.origin.signer == 'k'"}
    document["states"]["initial"]["transitions"].append(
        {"action": "hear", "condition": condition, "transition": ":failed"}
    )
    examined = examine(document)
    assert examined.graph is not None
    assert any("comes from decides" in note for note in examined.graph.notes)


def test_node_without_a_courier_carries_nothing() -> None:
    document = telling({"chain": CHAIN})
    document["states"]["initial"] = document["states"].pop("said")
    process = start(load(document))
    call = Call(process=process, action="tell", actor="carrier", idempotency_key="once")
    outcome = EventTrigger(Nobody())(call)
    assert (outcome.key, outcome.data["reason"]) == ("error", "invalid")  # it does not know for which process
    document["actions"]["tell"]["body"]["process"] = "p"
    call = replace(call, process=start(load(document)))
    assert EventTrigger(Nobody())(call).data["reason"] == "not-a-member"


class Nobody:
    """Appends nothing (`ports.Submitter`)."""

    def submit(self, *_: Any) -> list[dict[str, Any]]:
        raise LiveContractError("nothing is appended")
