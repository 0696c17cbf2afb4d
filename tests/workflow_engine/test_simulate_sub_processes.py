"""Sub-processes in play: nodes start them and answer for them, responses say in which one somebody acts."""

from typing import Any

import pytest

from tests.workflow_engine.nesting import PURCHASE, changed
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.errors import ActionNotAvailableError, DeviationNotOpenError, InvalidResponseError

OFFER = {"actor": "seller", "action": "offer", "data": {"address": "Mill Lane 1", "price": 100}}
REPORT = {"in": "inspect", "actor": "inspector", "action": "report", "data": {"grade": 7}}
DECLINE = {"in": "finance", "actor": "buyer", "action": "decline"}
STOP = {"$schema": "urn:livecontract:deviation:1", "title": "Stop", "from": "initial", "to": ":cancelled"}


def run(*responses: dict[str, Any], document: dict[str, Any] = PURCHASE) -> dict[str, Any]:
    return simulate.run(document, list(responses))


def test_both_sub_processes_are_started_played_and_answered() -> None:
    found = run(OFFER)
    assert found["sub_processes"] == [
        {"in": "inspect", "state": "initial", "finished": False},
        {"in": "finance", "state": "initial", "finished": False},
        {"in": ["inspect", "measure"], "state": "initial", "finished": False},
    ]
    found = run(OFFER, REPORT, DECLINE)
    assert (found["state"], found["previous"]) == (":success", ["offer.ok", "inspect.ok", "finance.error"])
    assert found["assets"]["inspection"]["result"] == {"grade": 7}
    assert [item.get("abandoned") for item in found["sub_processes"]] == [None, None, True]


def test_nested_sub_process_is_named_from_the_outside_in() -> None:
    measure = {"in": ["inspect", "measure"], "actor": "inspector", "action": "measure"}
    found = run(OFFER, measure)
    assert [item["state"] for item in found["sub_processes"]] == ["measured", "initial", ":success"]


def test_what_an_untouched_sub_process_came_to_may_simply_be_said() -> None:
    found = run(OFFER, {"actor": "seller", "action": "inspect", "response": "unsound"})
    assert found["state"] == ":failed"


def test_what_is_played_is_not_simply_said() -> None:
    measure = {"in": ["inspect", "measure"], "actor": "inspector", "action": "measure"}
    with pytest.raises(ActionNotAvailableError, match="has not ended"):
        run(OFFER, measure, {"actor": "seller", "action": "inspect", "response": "unsound"})


@pytest.mark.parametrize(
    ("place", "hint"), [("inspekt", '"inspect", "finance"'), (["inspect", "x"], '"measure"'), (5, '"inspect"')]
)
def test_place_that_is_none_is_refused_with_those_that_are(place: Any, hint: str) -> None:
    with pytest.raises(InvalidResponseError) as refused:
        run(OFFER, {**REPORT, "in": place})
    assert refused.value.path == "$[1].in"
    assert hint in (refused.value.hint or "")


def test_times_of_sub_processes_run_out_in_a_wait() -> None:
    found = run(OFFER, {"wait": "P8D"})
    assert [item["state"] for item in found["sub_processes"]] == [":failed", "initial", "initial"]
    assert found["previous"] == ["offer.ok", "inspect.error"]
    assert run(OFFER, {"wait": "P15D"})["state"] == ":failed"


def test_wait_is_spelled_out_with_the_place_of_each_timeout() -> None:
    scenario = load(PURCHASE)
    given = [OFFER, {"wait": "P8D"}, DECLINE]
    spelled = simulate.spelled_out(scenario, given)
    assert [item.get("in") for item in spelled] == [None, "inspect", "finance"]
    assert simulate.play(scenario, spelled) == simulate.play(scenario, given)


def test_scheduled_sub_process_is_started_when_it_is_due() -> None:
    document = changed("actions", "finance", schedule={"after": "P2D"})
    assert [item["in"] for item in run(OFFER, document=document)["sub_processes"]][:1] == ["inspect"]
    found = run(OFFER, {"wait": "P3D"}, document=document)
    assert "finance" in [item["in"] for item in found["sub_processes"]]


def test_comment_stays_in_the_sub_process_where_it_was_made() -> None:
    found = run(OFFER, {"in": "inspect", "actor": "client", "comment": "Mind the dog."})
    assert "comments" not in found
    assert [item["content"] for item in found["sub_processes"][0]["comments"]] == ["Mind the dog."]


def test_deviation_that_ends_a_sub_process_is_answered_for_by_nodes() -> None:
    agreed = [
        {"in": "inspect", "actor": "client", "propose": STOP},
        {"in": "inspect", "actor": "inspector", "answer": "agree"},
    ]
    assert run(OFFER, agreed[0])["sub_processes"][0]["proposals"][0]["missing"] == ["seller"]
    found = run(OFFER, *agreed)
    assert (found["previous"], found["sub_processes"][0]["state"]) == (["offer.ok", "inspect.cancelled"], ":cancelled")
    scenario = load(PURCHASE)
    spelled = simulate.spelled_out(scenario, [OFFER, *agreed, {"wait": "P20D"}])
    assert simulate.play(scenario, spelled) == simulate.play(scenario, [OFFER, *agreed, {"wait": "P20D"}])


def test_sub_process_without_a_party_of_the_parent_deviates_no_more_than_on_a_chain() -> None:
    with pytest.raises(DeviationNotOpenError) as refused:
        run(OFFER, {"in": "finance", "actor": "buyer", "propose": STOP})
    assert '"seller" would not be asked' in (refused.value.hint or "")
