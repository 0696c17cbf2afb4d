"""What goes to another chain and comes from one, as it is checked before a scenario is signed."""

import copy
from typing import Any

import pytest

from tests.node.crossing import hearing, telling
from workflow_engine.checks import check
from workflow_engine.normalise import normalise, scenario_id
from workflow_engine.simulate import CHAIN

LTO = "https://specs.livecontracts.io/v0.2.0/"


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item.rule, item.path) for item in check(document).problems if item.rule == "bad-crossing"]


def accepting(accepts: Any, **more: Any) -> dict[str, Any]:
    document = hearing()
    document["actions"]["hear"] |= {"accepts": accepts, **more}
    return document


def test_scenarios_that_tell_and_hear_are_without_findings() -> None:
    assert check(telling()).problems == ()
    assert check(hearing({"chain": CHAIN, "process": "p", "action": "a", "signer": ["k"], "verbatim": True})).problems
    assert found(hearing({"chain": CHAIN, "process": "p", "action": "a", "signer": ["k"], "verbatim": True})) == []


@pytest.mark.parametrize(
    ("accepts", "path"),
    [
        ("anything", ""),
        ([], ""),
        ({"<ref>": "assets.source"}, ""),
        ({}, ""),
        ({"process": "p"}, ""),
        ({"chain": "mistyped"}, ".chain"),
        ({"chain": 7}, ".chain"),
        ({"chain": CHAIN, "process": ""}, ".process"),
        ({"chain": CHAIN, "process": None}, ".process"),
        ({"chain": CHAIN, "action": ["a"]}, ".action"),
        ({"chain": CHAIN, "signer": {"key": "k"}}, ".signer"),
        ({"chain": CHAIN, "signer": ["k", 1]}, ".signer"),
        ({"chain": CHAIN, "verbatim": "yes"}, ".verbatim"),
        ({"chain": CHAIN, "chains": []}, ".chains"),
    ],
)
def test_declaration_that_says_too_little_or_what_is_not_known_is_found(accepts: Any, path: str) -> None:
    assert ("bad-crossing", f"$.actions.hear.accepts{path}") in found(accepting(accepts))


def test_only_a_node_gives_what_comes_from_another_chain() -> None:
    assert found(accepting({"chain": CHAIN}, system=False)) == [("bad-crossing", "$.actions.hear.accepts")]
    kind = {"$schema": "urn:livecontract:action:nop"}
    assert [item.rule for item in check(accepting({"chain": CHAIN}, **kind)).problems] == ["form"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"chain": "mistyped"}, ".chain"),
        ({"chain": ["a", "b"]}, ".chain"),
        ({"body": "text"}, ".body"),
        ({"body": [{"process": "p", "action": "a"}, {"process": "p", "action": "b"}]}, ".body"),
        ({"body": {"process": "p", "action": "a", "origin": {}}}, ".body"),
        ({"body": {"$schema": "urn:livecontract:process:1", "id": "p", "scenario": "s"}}, ".body"),
        ({"body": {"action": "a"}}, ".body"),
    ],
)
def test_only_one_response_goes_to_another_chain(change: dict[str, Any], path: str) -> None:
    assert ("bad-crossing", f"$.actions.tell{path}") in found(telling(change))


def test_step_of_a_sequence_is_looked_at_too() -> None:
    document = telling()
    tell = document["actions"].pop("tell")
    step = {"$schema": tell["$schema"], "chain": "mistyped", "body": tell["body"]}
    sequence = {"$schema": "urn:livecontract:action:sequence", "actor": "carrier", "steps": [step]}
    document["actions"]["tell"] = {**sequence, "responses": {"ok": {}, "error": {}}}
    assert found(document) == [("bad-crossing", "$.actions.tell.steps[0].chain")]


def test_telling_that_fails_should_lead_somewhere() -> None:
    document = telling({"responses": {"ok": {}}})
    document["states"]["said"]["transitions"].pop(1)
    assert [item.rule for item in check(document).problems] == ["no-error-response", "unused-asset"]


def test_nodes_cannot_run_in_a_circle_between_two_chains() -> None:
    document = telling()
    document["actions"]["hear"] = {"system": True, "actor": "carrier", "accepts": {"chain": CHAIN}}
    document["states"]["said"]["transitions"][0]["transition"] = "waiting"
    document["states"]["waiting"] = {"action": "hear", "transition": "said"}
    assert "system-loop" in [item.rule for item in check(document).problems]


def test_other_dialect_has_neither() -> None:
    document = {
        "$schema": f"{LTO}scenario/schema.json#",
        "actors": {"a": {}},
        "actions": {
            "tell": {"$schema": f"{LTO}action/event/schema.json#", "actor": "a", "chain": "x", "body": {"a": 1}},
            "hear": {"actor": "a", "accepts": "everything"},
        },
        "states": {"initial": {"actions": ["tell", "hear"], "transition": ":success"}},
    }
    assert found(document) == []


def test_scenario_that_does_not_cross_keeps_its_id() -> None:
    plain = telling()
    del plain["actions"]["tell"]["chain"]
    empty = copy.deepcopy(plain)
    empty["actions"]["tell"]["chain"] = None
    empty["actions"]["say"]["accepts"] = None
    assert scenario_id(normalise(plain)) == scenario_id(normalise(empty))
    assert "chain" not in normalise(plain)["actions"]["tell"]
