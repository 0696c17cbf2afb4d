"""Sub-processes in play: nodes start them and answer for them, responses say in which one somebody acts."""

from typing import Any

import pytest

from tests.workflow_engine.nesting import PURCHASE, changed
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.errors import ActionNotAvailableError, InvalidResponseError

OFFER = {"actor": "seller", "action": "offer", "data": {"address": "Mill Lane 1", "price": 100}}
REPORT = {"in": "inspect", "actor": "inspector", "action": "report", "data": {"grade": 7}}
DECLINE = {"in": "finance", "actor": "buyer", "action": "decline"}


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
