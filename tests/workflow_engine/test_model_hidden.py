"""Where a decision hangs on a digest or a proof, nothing is said about what it never lets in."""

import copy
from typing import Any

import pytest

from workflow_engine.compiling import load
from workflow_engine.model import examine
from workflow_engine.model.hidden import SENTENCE, hidden_states

SEALED: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "title": "Sealed",
    "actors": {"bidder": {"title": "Bidder"}},
    "assets": {"seal": {"type": "string"}},
    "actions": {
        "seal": {
            "actor": "bidder",
            "responses": {"ok": {"schema": {"type": "string"}, "update": {"select": "assets.seal", "patch": False}}},
        },
        "open": {
            "actor": "bidder",
            "responses": {"right": {"schema": {"type": "string"}}, "wrong": {"schema": {"type": "string"}}},
            "default_response": "right",
            "determine_response": {
                "<if>": {
                    "condition": {
                        "<equal>": [
                            {"<hash>": {"input": {"<ref>": "current.response.data"}}},
                            {"<ref>": "assets.seal"},
                        ]
                    },
                    "then": "right",
                    "else": "wrong",
                }
            },
        },
    },
    "states": {
        "initial": {"action": "seal", "transitions": [{"action": "seal", "transition": "sealed"}]},
        "sealed": {
            "action": "open",
            "transitions": [{"action": "open", "response": "right", "transition": ":success"}],
        },
    },
}

PLAIN = copy.deepcopy(SEALED)
PLAIN["actions"]["open"]["determine_response"] = {
    "<if>": {"condition": {"<eval>": "`false`"}, "then": "right", "else": "wrong"}
}


def rules(document: dict[str, Any]) -> set[str]:
    return {finding.problem.rule for finding in examine(document).findings}


def test_state_in_which_a_digest_decides_is_known() -> None:
    assert hidden_states(load(SEALED)) == {"sealed"}
    assert hidden_states(load(PLAIN)) == set()


def test_nothing_is_called_impossible_that_a_digest_decides() -> None:
    examination = examine(SEALED)
    assert not {"livelock", "end-never-reached", "transition-never-fits", "stuck"} & rules(SEALED)
    assert examination.graph is not None
    assert examination.graph.bound == SENTENCE
    assert examination.to_dict()["explored"]["complete"] is False


def test_the_same_without_a_digest_is_found() -> None:
    assert "livelock" in rules(PLAIN)


@pytest.mark.parametrize("place", ["condition", "update"])
def test_condition_and_update_count_as_well(place: str) -> None:
    document, digest = copy.deepcopy(PLAIN), {"<hash>": {"input": {"<ref>": "title"}}}
    if place == "condition":
        document["states"]["sealed"]["transitions"][0]["condition"] = {"<equal>": [digest, "x"]}
    else:
        update = {"select": "assets.seal", "data": digest, "patch": False}
        document["actions"]["open"]["responses"]["wrong"]["update"] = update
    assert hidden_states(load(document)) == {"sealed"}
