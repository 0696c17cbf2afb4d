"""Sub-processes and deviations: who may leave the scenario of one, and what becomes of it."""

from copy import deepcopy

import pytest

from tests.workflow_engine.nesting import (
    INSPECTION,
    checking,
)
from workflow_engine.errors import (
    DeviationNotOpenError,
)

DEVIATION = {
    "$schema": "urn:livecontract:deviation:1",
    "title": "Look later",
    "from": "initial",
    "to": ":cancelled",
    "states": {"later": {"action": "look", "transition": ":cancelled"}},
    "actions": {"look": {"actor": "inspector"}},
}


def consent(proposal: str) -> dict[str, str]:
    return {"$schema": "urn:livecontract:consent:1", "deviation": proposal, "answer": "agree"}


def test_sub_process_of_all_parties_deviates_and_is_still_answered() -> None:
    contract = checking()
    child = contract.child("inspect")
    proposal = contract.add({**DEVIATION, "process": child})
    contract.add(consent(proposal), "beta")
    assert contract.process(child).current.key == "later"
    contract.check_replay()
    contract.act(child, "look", "beta")
    contract.settle()
    assert contract.process().previous[-1]["key"] == "cancelled"
    contract.check_replay()


def test_sub_process_does_not_deviate_without_a_party_of_the_process_above() -> None:
    contract = checking()
    proposal = {**DEVIATION, "process": contract.child("finance"), "actions": {"look": {"actor": "buyer"}}}
    with pytest.raises(DeviationNotOpenError, match="all parties") as refused:
        contract.add(proposal)
    assert "beta" in (refused.value.hint or "")


def test_sub_process_that_goes_on_by_another_scenario_is_read_again() -> None:
    contract = checking()
    other = deepcopy(INSPECTION) | {"id": "short", "scenarios": {}, "title": "Short"}
    other["actions"].pop("measure")
    other["states"]["initial"] |= {"actions": ["stop"]}
    other["states"]["initial"]["transitions"] = [{"action": "stop", "transition": ":success"}]
    contract.add(other)
    child = contract.child("inspect")
    members = {name: item for name, item in DEVIATION.items() if name not in ("states", "actions")}
    proposal = contract.add({**members, "process": child, "to": "initial", "scenario": "short"})
    contract.add(consent(proposal), "beta")
    contract.check_replay()
    contract.act(child, "stop")
    contract.settle()
    assert contract.process().previous[-1]["key"] == "ok"
    contract.check_replay()


def test_deviation_of_the_parent_abandons_its_sub_processes() -> None:
    contract = checking()
    body = {
        **DEVIATION,
        "process": "p",
        "from": "checking",
        "to": "checking",
        "actions": {"look": {"actor": "buyer"}},
        "states": {"later": {"action": "look", "transition": "checking"}},
    }
    contract.add(consent(contract.add(body)), "beta")
    assert all(item["abandoned"] for item in contract.shown("p")["sub_processes"])
    contract.act("p", "look")
    contract.settle()
    assert [item.get("abandoned") for item in contract.shown("p")["sub_processes"]] == [True, True, None, None]
    contract.check_replay()


def test_deviation_may_run_an_embedded_scenario_too() -> None:
    contract = checking()
    again = {
        "$schema": "urn:livecontract:action:sub-process",
        "actor": "buyer",
        "scenario": "financing",
        "responses": {"ok": {"update": "assets.financing"}, "error": {}},
    }
    body = {
        **DEVIATION,
        "process": "p",
        "from": "checking",
        "to": "checking",
        "actions": {"again": again},
        "states": {"later": {"action": "again", "transition": "checking"}},
    }
    contract.add(consent(contract.add(body)), "beta")
    contract.settle()
    child = contract.child("again")
    contract.check_replay()
    contract.act(child, "lend")
    contract.settle()
    assert (contract.process().current.key, contract.process().deviation) == ("checking", None)
    assert contract.process().assets["financing"]["process"] == child
    contract.check_replay()
