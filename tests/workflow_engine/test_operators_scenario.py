"""A scenario that needs the operators, played: two parties commit to bids and show them; the higher one is written."""

from typing import Any

import pytest

from eventchain.core import canonical_json
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.normalise import LTO_SCENARIO, OWN_SCENARIO

COMMITTED = {
    "<hash>": {
        "input": {
            "bid": {"<ref>": "current.response.data.bid"},
            "salt": {"<ref>": "current.response.data.salt"},
            "bidder": {"<ref>": "current.actor.key"},
            "process": {"<ref>": "id"},
        }
    }
}
BIDDER = {"properties": {"commitment": {"type": "string"}, "bid": {"type": "integer"}}}
SALES: dict[str, Any] = {
    "title": "Sealed bids",
    "actors": {"ann": {"title": "Ann", **BIDDER}, "ben": {"title": "Ben", **BIDDER}},
    "assets": {"result": {"properties": {"text": {"type": "string"}, "tax": {"type": "number"}}}},
    "actions": {
        "commit": {
            "actors": ["ann", "ben"],
            "condition": {"<eval>": "!(current.actor.commitment)"},
            "update": {
                "select": "current.actor",
                "data": {"commitment": {"<ref>": "current.response.data.commitment"}},
            },
        },
        "show": {
            "actors": ["ann", "ben"],
            "condition": {"<eval>": "!(current.actor.bid)"},
            "determine_response": {
                "<if>": {
                    "condition": {"<equal>": [{"<ref>": "current.actor.commitment"}, COMMITTED]},
                    "then": "ok",
                    "else": "another",
                }
            },
            "responses": {
                "ok": {
                    "update": [
                        {"select": "current.actor", "data": {"bid": {"<ref>": "current.response.data.bid"}}},
                        {
                            "select": "assets.result",
                            "data": {
                                "text": {
                                    "<numberformat>": {
                                        "input": {"<eval>": "max([actors.ann.bid || 0, actors.ben.bid || 0]) / 100"},
                                        "currency": "EUR",
                                        "locale": "nl_NL",
                                    }
                                },
                                "tax": {"<eval>": "max([actors.ann.bid || 0, actors.ben.bid || 0]) / 100 * `0.21`"},
                            },
                        },
                    ]
                },
                "another": {},
            },
        },
    },
    "states": {
        "initial": {
            "action": "commit",
            "transitions": [
                {
                    "action": "commit",
                    "condition": {"<eval>": "length(values(actors)[?commitment]) == length(actors)"},
                    "transition": "showing",
                },
            ],
        },
        "showing": {
            "action": "show",
            "transitions": [
                {"action": "show", "response": "another", "transition": ":failed"},
                {
                    "action": "show",
                    "condition": {"<eval>": "length(values(actors)[?bid]) == 2"},
                    "transition": ":success",
                },
            ],
        },
    },
}
SALTS = {"ann": "0f" * 16, "ben": "a5" * 16}
BIDS = {"ann": 125_050, "ben": 99_900}


def commitment(bidder: str) -> str:
    """Return what a party's own software calculates."""
    shown = {"bid": BIDS[bidder], "salt": SALTS[bidder], "bidder": bidder, "process": simulate.PROCESS}
    return canonical_json.digest(shown).hex()


def commits(bidder: str, digest: str | None = None) -> dict[str, Any]:
    return {"actor": bidder, "action": "commit", "data": {"commitment": digest or commitment(bidder)}}


def shows(bidder: str, whose: str | None = None) -> dict[str, Any]:
    data = {"bid": BIDS[whose or bidder], "salt": SALTS[whose or bidder]}
    return {"actor": bidder, "action": "show", "data": data}


@pytest.fixture(params=[OWN_SCENARIO, LTO_SCENARIO], ids=["ours", "LTO's"])
def scenario(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"$schema": request.param, **SALES}


def test_scenario_has_no_errors(scenario: dict[str, Any]) -> None:
    assert [problem.message for problem in check(scenario).problems if problem.severity == "error"] == []


def test_bids_that_were_committed_to_are_taken(scenario: dict[str, Any]) -> None:
    played = simulate.run(scenario, [commits("ann"), commits("ben"), shows("ben"), shows("ann")])
    assert played["state"] == ":success"
    assert played["assets"]["result"] == {"text": "€\u00a01.250,50", "tax": 262.605}


def test_another_bid_than_the_committed_one_fails(scenario: dict[str, Any]) -> None:
    assert simulate.run(scenario, [commits("ann"), commits("ben"), shows("ben", "ann")])["state"] == ":failed"


def test_commitment_of_another_party_cannot_be_copied(scenario: dict[str, Any]) -> None:
    copied = [commits("ann"), commits("ben", commitment("ann")), shows("ann"), shows("ben", "ann")]
    assert simulate.run(scenario, copied)["state"] == ":failed"
