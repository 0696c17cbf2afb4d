"""Sub-processes of sub-processes, and whatever people and nodes do with all of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core.errors import LiveContractError
from tests.workflow_engine.nesting import (
    PURCHASE,
    RESPONSE,
    Contract,
    manual,
)
from workflow_engine.compiling import load

DAY = 86_400_000
REPORT = {"grade": 7, "note": "Dry."}


def nested(levels: int) -> dict[str, Any]:
    """A scenario whose sub-processes have sub-processes, so many levels deep."""
    document: dict[str, Any] = {
        "$schema": PURCHASE["$schema"],
        "actors": {"buyer": {}},
        "actions": {"go": manual("buyer")},
        "states": {"initial": {"action": "go", "transition": ":success"}},
    }
    for _ in range(levels):
        document = {
            "$schema": PURCHASE["$schema"],
            "actors": {"buyer": {}},
            "actions": {
                "go": {
                    "$schema": "urn:livecontract:action:sub-process",
                    "actor": "buyer",
                    "scenario": "inner",
                    "responses": {"ok": {}, "error": {}},
                }
            },
            "states": {"initial": {"action": "go", "transition": ":success"}},
            "scenarios": {"inner": document},
        }
    return document | {"id": "nested"}


def test_sub_processes_nest_as_deep_as_a_scenario_may() -> None:
    levels = 23
    with pytest.raises(LiveContractError, match="nested deeper"):
        load(nested(levels))
    contract = Contract(nested(levels - 1), buyer="acme")
    contract.settle()
    assert len(contract.engine.processes("chain")) == levels
    innermost = contract.engine.processes("chain")[-1]
    contract.act(innermost.id, "go")
    contract.settle()
    assert {process.current.key for process in contract.engine.processes("chain")} == {":success"}
    contract.check_replay()


MOVES = ("offer", "remark", "leave", "report", "stop", "lend", "decline", "measure", "wait", "nodes", "forge")


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(MOVES), max_size=12))
def test_whatever_people_and_nodes_do_each_run_has_one_sub_process_and_one_true_answer(moves: list[str]) -> None:
    contract = Contract()
    for move in moves:
        do(contract, move)
        for item in contract.due():
            assert "abandoned" not in contract.shown(item.process)
    processes = contract.engine.processes("chain")
    assert len({process.parent for process in processes if process.parent}) == len(processes) - 1
    for response in contract.process().previous:
        if response["action"]["key"] in ("inspect", "finance"):
            child = contract.process(response["data"]["process"])
            assert child.is_finished
            assert child.current.key == response["data"]["state"]
    contract.check_replay()


def do(contract: Contract, move: str) -> None:
    """Let somebody do something, everywhere; what is refused changes nothing."""
    if move == "nodes":
        contract.settle()
        return
    if move == "wait":
        contract.now += 8 * DAY
        for item in contract.engine.overdue("chain", {"acme", "beta"}):
            body = contract.engine.perform(item)
            if body is not None:
                contract.add(body, item.identity, key="system")
        return
    for process in [item.id for item in contract.engine.processes("chain")]:
        for identity in ("acme", "beta"):
            action, more = (move, {}) if move != "forge" else ("inspect", {"signed_with": "system", "key": "ok"})
            data = {"price": 5} if move in ("offer", "remark") else {"grade": 1} if move == "report" else None
            body = {"$schema": RESPONSE, "process": process, "action": action, "key": more.get("key", "ok")}
            try:
                contract.add(
                    body | ({} if data is None else {"data": data}), identity, key=more.get("signed_with", "user")
                )
            except LiveContractError:
                continue
