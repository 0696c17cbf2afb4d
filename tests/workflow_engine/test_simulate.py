"""Playing a scenario without a chain."""

import json
from typing import Any

import pytest

import scenarios
from eventchain.core.errors import LiveContractError
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    InvalidDataError,
    InvalidResponseError,
    InvalidScenarioError,
)

from .samples import DAY, ORDER

ORDERED = {"actor": "buyer", "action": "order", "data": {"price": 2}}
SIGNED = [{"actor": actor, "action": "sign"} for actor in ("seller", "buyer")]


def test_new_process_shows_what_may_be_done() -> None:
    assert simulate.run(ORDER, []) == {
        "state": "initial",
        "finished": False,
        "next": ["signing"],
        "previous": [],
        "actions": {"order": ["buyer"], "add_line": ["buyer"]},
        "actors": {
            "buyer": {"key": "buyer", "title": "Buyer", "identity": {"id": "buyer"}},
            "seller": {"key": "seller", "title": "Seller", "identity": {"id": "seller"}},
        },
        "assets": {"order": {"currency": "EUR", "lines": []}},
    }


def test_responses_are_played_to_the_end() -> None:
    notified = {"actor": "seller", "action": "notify", "response": "error"}
    result = simulate.run(ORDER, [ORDERED, *SIGNED, notified])
    assert (result["state"], result["finished"], result["actions"], result["next"]) == (":failed", True, {}, [])
    assert result["previous"] == ["order.ok", "sign.ok", "sign.ok", "notify.error"]
    json.dumps(result)


@pytest.mark.parametrize(("at", "state"), [("2020-02-01T00:00:00Z", ":failed"), (1_580_515_200_000, ":failed")])
def test_time_is_what_the_responses_say(at: Any, state: str) -> None:
    timeout = {"actor": "seller", "action": ":timeout", "at": at}
    assert simulate.run(ORDER, [{**ORDERED, "at": "2020-01-20"}, timeout])["state"] == state
    with pytest.raises(ActionNotAvailableError):
        simulate.run(ORDER, [ORDERED, {**timeout, "at": None}])


def test_process_that_times_out_first_began_before() -> None:
    document = {**ORDER, "states": {**ORDER["states"], "initial": ORDER["states"]["signing"]}}
    timeout = {"actor": "buyer", "action": ":timeout"}
    assert simulate.run(document, [{**timeout, "at": "2020-01-08"}])["state"] == ":failed"
    with pytest.raises(ActionNotAvailableError):
        simulate.run(document, [{**timeout, "at": "2020-01-07"}])


def test_waiting_tells_of_timeouts_when_they_are_over() -> None:
    assert simulate.run(ORDER, [ORDERED, {"wait": "P6D"}])["state"] == "signing"
    result = simulate.run(ORDER, [ORDERED, {"wait": "P6D"}, {"wait": "P2D"}])
    assert (result["state"], result["previous"]) == (":failed", ["order.ok", ":timeout.ok"])
    process = simulate.play(load(ORDER), [ORDERED, {"wait": "P1Y"}])
    assert process.previous[-1]["timestamp"] == simulate.START + 7 * DAY


def test_wait_may_stand_first_and_nothing_is_waited_for_after_the_end() -> None:
    assert simulate.run(ORDER, [{"wait": "P1Y"}, ORDERED])["state"] == "signing"
    assert simulate.run(ORDER, [ORDERED, {"wait": "P8D"}, {"wait": "P8D"}])["state"] == ":failed"


def test_response_may_say_how_long_after_the_one_before_it_is_given() -> None:
    timeout = {"actor": "seller", "action": ":timeout", "after": "P7D"}
    assert simulate.run(ORDER, [ORDERED, timeout])["state"] == ":failed"
    with pytest.raises(ActionNotAvailableError):
        simulate.run(ORDER, [ORDERED, {**timeout, "after": "P6D"}])
    first = simulate.play(load(ORDER), [{**ORDERED, "after": "P1D"}])
    assert first.previous[0]["timestamp"] == simulate.START + DAY


@pytest.mark.slow
def test_timeouts_in_a_circle_end_with_the_wait() -> None:
    states = {"timeout": "P1M", "transitions": [{"action": ":timeout", "transition": "initial"}, ":success"]}
    document = {"$schema": ORDER["$schema"], "actors": {"a": {}}, "actions": {"end": {"actor": "a"}}}
    document["states"] = {"initial": {**states, "action": "end"}}
    assert len(simulate.run(document, [{"wait": "P2Y"}])["previous"]) == 24
    with pytest.raises(InvalidResponseError) as caught:
        simulate.run(document, [{"wait": "P1000Y"}])
    assert caught.value.path == "$[0].wait"


@pytest.mark.parametrize(
    ("responses", "family", "path"),
    [
        ({}, InvalidResponseError, "$"),
        ([7], InvalidResponseError, "$[0]"),
        ([{}], InvalidResponseError, "$[0].actor"),
        ([{"actor": "thief", "action": "order"}], InvalidResponseError, "$[0].actor"),
        ([{"actor": ["buyer"], "action": "order"}], InvalidResponseError, "$[0].actor"),
        ([{"actor": "buyer"}], InvalidResponseError, "$[0].action"),
        ([{"actor": "buyer", "action": "nothing"}], InvalidResponseError, "$[0].action"),
        ([{"actor": "seller", "action": "order"}], ActorNotAllowedError, "$[0].actor"),
        ([{**ORDERED, "response": "no"}], InvalidResponseError, "$[0].response"),
        ([{**ORDERED, "data": {"price": "2"}}], InvalidDataError, "$[0].data.price"),
        ([{**ORDERED, "at": "tomorrow"}], InvalidResponseError, "$[0].at"),
        ([{**ORDERED, "at": True}], InvalidResponseError, "$[0].at"),
        ([{**ORDERED, "at": -1}], InvalidResponseError, "$[0].at"),
        ([{"wait": "soon"}], InvalidResponseError, "$[0].wait"),
        ([{"wait": 7}], InvalidResponseError, "$[0].wait"),
        ([{"wait": "P1D", "actor": "buyer"}], InvalidResponseError, "$[0]"),
        ([ORDERED, {"wait": "P999999Y"}], InvalidResponseError, "$[1].wait"),
        ([{**ORDERED, "after": "soon"}], InvalidResponseError, "$[0].after"),
        ([{**ORDERED, "after": "P1D", "at": 0}], InvalidResponseError, "$[0].after"),
        ([ORDERED, ORDERED], ActionNotAvailableError, "$[1].action"),
        ([ORDERED, *SIGNED, SIGNED[0]], ActionNotAvailableError, "$[3].action"),
    ],
)
def test_refused_response_is_named_by_its_place(responses: Any, family: type[LiveContractError], path: str) -> None:
    with pytest.raises(family) as caught:
        simulate.run(ORDER, responses)
    assert caught.value.path == path


def test_what_the_data_makes_of_an_asset_names_the_response() -> None:
    with pytest.raises(InvalidDataError) as caught:
        simulate.run(ORDER, [{**ORDERED, "data": {"price": -2}}])
    assert "Response 0" in str(caught.value)
    assert caught.value.path == "$.assets.order.price"


def test_path_into_an_actor_is_not_taken_for_one_into_the_response() -> None:
    document = {**ORDER, "actions": {**ORDER["actions"], "order": {"actor": "buyer", "update": "current.actor"}}}
    with pytest.raises(InvalidDataError) as caught:
        simulate.run(document, [{"actor": "buyer", "action": "order", "data": {"signed": 1}}])
    assert caught.value.path == "$.actors.buyer.signed"


def test_wrong_scenario_is_refused() -> None:
    with pytest.raises(InvalidScenarioError):
        simulate.run({"$schema": "nothing"}, [])


def test_library_scenarios_begin() -> None:
    for name in scenarios.names():
        result = simulate.run(scenarios.load(name), [])
        assert result["state"] == "initial"
        assert result["actions"]


def test_empty_data_stays_what_it_is():
    scenario = {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"a": {}},
        "actions": {"act": {"actor": "a", "responses": {"ok": {"schema": {"type": "object"}}}}},
        "states": {"initial": {"action": "act", "transition": ":success"}},
    }
    process = simulate.play(load(scenario), [{"actor": "a", "action": "act", "data": {}}])
    assert process.previous[0]["data"] == {}


def test_wait_spelled_out_plays_the_same_and_tells_each_timeout() -> None:
    scenario, responses = load(ORDER), [ORDERED, {"wait": "P8D"}]
    plain = simulate.spelled_out(scenario, responses)
    assert [item["action"] for item in plain] == ["order", ":timeout"]
    assert simulate.play(scenario, plain).state() == simulate.play(scenario, responses).state()
    assert len(list(simulate.stages(scenario, responses))) == 3
    unchanged = [{**ORDERED, "after": "P1D"}]
    assert simulate.spelled_out(scenario, unchanged) is unchanged


def test_what_follows_a_wait_is_given_when_it_was() -> None:
    scenario, signed = load(ORDER), {"actor": "seller", "action": "sign", "after": "PT1H"}
    responses = [ORDERED, {"wait": "P6D"}, signed]
    plain = simulate.spelled_out(scenario, responses)
    assert [item["timestamp"] for item in simulate.play(scenario, plain).previous] == [
        item["timestamp"] for item in simulate.play(scenario, responses).previous
    ]
