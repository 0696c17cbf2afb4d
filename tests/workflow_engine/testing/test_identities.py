"""Features in which actions change identities: the node does it, by the event that is the response."""

from typing import Any

import pytest

from . import features

KIND = "urn:livecontract:action:"
WORKER = {"<ref>": "actors.worker.identity.id"}
BOTH: dict[str, Any] = {"ok": {}, "error": {"update": "assets.problem"}}


def team(change: dict[str, Any], *, performative: bool = True) -> dict[str, Any]:
    """A scenario in which a worker joins, and a boss has an identity changed."""
    ends = [
        {"action": "change", "response": key, "transition": to} for key, to in (("ok", "after"), ("error", ":failed"))
    ]
    return {
        "$schema": "urn:livecontract:scenario:1",
        "id": "team",
        "actors": {"boss": {}, "worker": {}},
        "assets": {"problem": {}},
        "actions": {
            "join": {"actor": "worker", "performative": performative, "responses": {"ok": {}}},
            "change": {"actor": "boss", "responses": BOTH, **change},
            "work": {"actor": "worker", "responses": {"ok": {}}},
        },
        "states": {
            "initial": {"action": "join", "transitions": [{"action": "join", "transition": "changing"}]},
            "changing": {"action": "change", "transitions": ends},
            "after": {"action": "work", "transitions": [{"action": "work", "transition": ":success"}]},
        },
    }


REMOVE = {"$schema": f"{KIND}identity", "identity": WORKER, "remove": True}
MOVE = {"$schema": f"{KIND}identity", "identity": WORKER, "change": {"node": "https://new.example"}}
AGAIN = {"$schema": f"{KIND}reinvite", "identity": WORKER, "name": "Will", "email": "will@example.com"}

BEGIN = """
Given "Bea" creates the "main" process using the "team" scenario
And "Bea" is the "boss" actor
And "Will" is the "worker" actor
When "Will" runs the "join" action
"""
DONE = "When the nodes do what waits\n"


def passes(steps: str, scenario: dict[str, Any]) -> None:
    features.passes(steps, BEGIN, team=scenario)


def test_who_was_removed_acts_no_more() -> None:
    scenario = team(REMOVE)
    passes(f'{DONE}Then the process is in the "after" state\nAnd "Will" cannot run the "work" action', scenario)
    assert "Bea" in features.fails(f'{DONE}Then "Will" is present', BEGIN, team=scenario).actual


def test_what_is_changed_can_be_looked_at_and_its_owner_goes_on() -> None:
    passes(
        """
        When the node of "Bea" runs the "change" action
        Then "Will" is present with:
          | node | https://new.example |
        When "Will" runs the "work" action
        Then the process is completed
        """,
        team(MOVE),
    )


def test_who_is_invited_again_acts_once_the_invitation_is_accepted() -> None:
    passes(
        """
        When 1 day passes
        Then an invitation has been sent to "will@example.com" with:
          | identity | Will |
          | inviter  | Bea  |
        And "Will" cannot run the "work" action
        When "Will" accepts the invitation
        And "Will" runs the "work" action
        Then the process is completed
        """,
        team(AGAIN),
    )


def test_somebody_else_can_take_the_invitation_and_act_in_place_of_the_owner() -> None:
    passes(
        f"""
        {DONE}
        And "Thief" accepts the invitation sent to "will@example.com"
        Then "Will" cannot run the "work" action
        When "Thief" runs the "work" action
        Then the process is completed
        """,
        team(AGAIN),
    )


@pytest.mark.parametrize("change", [REMOVE, MOVE, AGAIN], ids=["remove", "change", "reinvite"])
def test_who_has_agreed_to_nothing_is_left_alone_and_that_is_the_outcome(change: dict[str, Any]) -> None:
    result = features.passes(
        f'{DONE}Then the process has failed\nAnd "Will" is present', BEGIN, team=team(change, performative=False)
    )
    assert "signed nothing binding" in result.traces[0][-1].assets["problem"]["message"]


def test_invitation_that_could_not_be_made_is_not_there() -> None:
    steps = f'{DONE}Then an invitation has been sent to "will@example.com"'
    assert "none was sent" in features.fails(steps, BEGIN, team=team(AGAIN, performative=False)).actual
