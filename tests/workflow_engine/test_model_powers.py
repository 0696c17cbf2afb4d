"""Who alone can change somebody else's identity: said in plain words, with a run, and not said where others agree."""

from typing import Any

import pytest

from workflow_engine import simulate
from workflow_engine.model import examine

from .samples import OWN

SELLER = {"<ref>": "actors.seller.identity.id"}
REMOVE = {"$schema": "urn:livecontract:action:identity", "identity": SELLER, "remove": True}
REINVITE = {"$schema": "urn:livecontract:action:reinvite", "identity": SELLER, "email": "a@example.com", "name": "A"}
MOVE = {"$schema": "urn:livecontract:action:identity", "identity": SELLER, "change": {"node": "https://a.example"}}
KEYS = {
    "$schema": "urn:livecontract:action:identity",
    "identity": SELLER,
    "change": {"signkeys": {"user": {"<ref>": "assets.keys.user"}}},
}
ANYTHING = {
    "$schema": "urn:livecontract:action:identity",
    "identity": SELLER,
    "change": {"<ref>": "assets.keys"},
}


def scenario(action: dict[str, Any], *, approver: str | None = None) -> dict[str, Any]:
    """All agree; the buyer asks; somebody approves, or nobody has to; the buyer's node does it."""
    asked = "approving" if approver else "doing"
    return {
        "$schema": OWN,
        "title": "Changing",
        "actors": {name: {"properties": {"agreed": {"type": "boolean"}}} for name in ("buyer", "seller", "inspector")},
        "assets": {"keys": {"properties": {"who": {"enum": ["seller", "inspector"]}}}},
        "actions": {
            "agree": {
                "actors": ["buyer", "seller", "inspector"],
                "condition": {"<eval>": "!(current.actor.agreed)"},
                "update": {"select": "current.actor", "data": {"agreed": True}},
            },
            "ask": {"actor": "buyer", "update": "assets.keys"},
            "approve": {"actor": approver or "inspector"},
            "object": {"actors": ["seller", "inspector"]},
            "run": {"actor": "buyer", "responses": {"ok": {}, "error": {}}, **action},
        },
        "states": {
            "initial": {
                "action": "agree",
                "transitions": [
                    {
                        "condition": {
                            "<eval>": "actors.buyer.agreed && actors.seller.agreed && actors.inspector.agreed"
                        },
                        "transition": "standing",
                    }
                ],
            },
            "standing": {"action": "ask", "transition": asked},
            **(
                {
                    "approving": {
                        "actions": ["approve", "object"],
                        "transitions": [
                            {"action": "approve", "transition": "doing"},
                            {"action": "object", "transition": "standing"},
                        ],
                    }
                }
                if approver
                else {}
            ),
            "doing": {"action": "run", "transition": ":success"},
        },
    }


def alone(document: dict[str, Any]) -> list[tuple[str, str]]:
    examination = examine(document)
    found = [item for item in examination.findings if item.problem.rule == "changes-alone"]
    for item in found:
        assert item.problem.path == "$.actions.run"
        assert item.run is not None
        assert item.run.is_certain
        assert simulate.run(document, list(item.run.responses))["previous"][-1] == "run.ok"
    return [(item.problem.severity, item.problem.message.partition(":")[0]) for item in found]


@pytest.mark.parametrize(
    ("action", "severity", "words"),
    [
        (REMOVE, "warning", '"buyer" alone can remove "seller"'),
        (REINVITE, "warning", '"buyer" alone can replace the keys of "seller"'),
        (KEYS, "warning", '"buyer" alone can replace the keys of "seller"'),
        (ANYTHING, "warning", '"buyer" alone can replace the keys of "seller"'),
        (MOVE, "info", '"buyer" alone can say where the node is, or other facts, of "seller"'),
    ],
)
def test_power_of_one_over_another_is_told_in_plain_words(action: dict[str, Any], severity: str, words: str) -> None:
    assert alone(scenario(action)) == [(severity, words)]


@pytest.mark.parametrize("action", [REMOVE, REINVITE, KEYS])
def test_nothing_is_said_where_a_third_party_has_to_agree(action: dict[str, Any]) -> None:
    assert alone(scenario(action, approver="inspector")) == []


def test_agreement_of_the_buyer_itself_is_not_that_of_another() -> None:
    assert [words for _, words in alone(scenario(REMOVE, approver="buyer"))] == ['"buyer" alone can remove "seller"']


def test_nothing_is_said_of_a_party_that_changes_itself() -> None:
    assert alone(scenario({**REMOVE, "identity": {"<ref>": "actors.buyer.identity.id"}})) == []


def test_identity_that_is_written_out_may_be_anybodys() -> None:
    assert [words for _, words in alone(scenario({**REMOVE, "identity": "acme"}))] == [
        f'"buyer" alone can remove "{name}", if that is "acme"' for name in ("seller", "inspector")
    ]


def test_identity_that_depends_on_data_is_followed() -> None:
    chosen = {"<ref>": {"<tpl>": "actors.{{assets.keys.who}}.identity.id"}}
    found = alone(scenario({**REMOVE, "identity": chosen}))
    assert found == [("warning", f'"buyer" alone can remove "{name}"') for name in ("seller", "inspector")]
    found = alone(scenario({**REMOVE, "identity": chosen}, approver="inspector"))
    assert found == [("warning", '"buyer" alone can remove "inspector"')]
