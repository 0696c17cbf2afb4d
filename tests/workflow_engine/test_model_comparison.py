"""Two scenarios beside each other: what is written, and what can happen."""

import copy
from typing import Any

import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.errors import ActionNotAvailableError
from workflow_engine.model import Comparison, Limits, compare

from .fault_corpus import sound


def changed(name: str, change: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    old = sound(name)
    old.pop("properties", None)
    new = copy.deepcopy(old)
    change(new)
    return old, new


def difference(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    found = compare(load(old), load(new))
    for document, items in ((old, found.impossible), (new, found.possible)):
        for item in items:
            assert simulate.run(document, list(item.run.responses))["state"] == item.run.state == item.step[3]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
def test_scenario_does_not_differ_from_itself(name: str) -> None:
    found = compare(load(scenarios.load(name)), load(scenarios.load(name)), limits=Limits(configurations=500))
    assert found.to_dict() | {"bound": None} == {
        "same_text": True,
        "same_behaviour": True,
        "changes": [],
        "possible": [],
        "impossible": [],
        "bound": None,
    }


def test_other_words_change_no_behaviour() -> None:
    old, new = changed("club", lambda form: form["states"]["paying"].update(title="The fee is due"))
    found = difference(old, new)
    assert [(item.kind, item.path) for item in found.changes] == [("added", "$.states.paying.title")]
    assert found.same_behaviour


def test_new_way_is_shown_with_the_shortest_run_that_takes_it() -> None:
    def change(form: dict[str, Any]) -> None:
        form["states"]["paying"]["transitions"].insert(0, {"action": "remind", "transition": ":failed"})

    found = difference(*changed("club", change))
    steps = {item.step for item in found.possible}, {item.step for item in found.impossible}
    assert steps == ({("treasurer", "remind", "ok", ":failed")}, {("treasurer", "remind", "ok", "reminded")})
    run = found.possible[0].run.responses
    assert [item["action"] for item in run] == ["apply", "vote", "vote", "sign", "sign", "remind"]


def test_run_no_longer_possible_is_refused_by_the_new_scenario() -> None:
    def change(form: dict[str, Any]) -> None:
        form["states"]["paying"]["actions"] = ["pay"]

    old, new = changed("club", change)
    found = difference(old, new)
    assert [item.step[1] for item in found.impossible] == ["remind"]
    with pytest.raises(ActionNotAvailableError):
        simulate.run(new, list(found.impossible[0].run.responses))


def test_moved_bound_of_a_condition_is_seen() -> None:
    def change(form: dict[str, Any]) -> None:
        transitions = form["states"]["initial"]["transitions"]
        transitions[0]["condition"] = {"<eval>": "assets.loan.amount <= `10000`"}

    found = difference(*changed("loan", change))
    assert {(item.step[1], item.step[3]) for item in found.impossible} >= {("apply", "large"), ("apply", "study")}
    assert found.possible == ()


def test_what_was_not_explored_is_not_said_to_be_impossible() -> None:
    old, new = load(sound("club")), load(sound("club"))
    found = compare(old, new, limits=Limits(configurations=5))
    assert found.same_behaviour
    assert found.bound == "Stopped after 5 configurations; there are more."
