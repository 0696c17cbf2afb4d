"""What comments, proposals, answers, deviations and an update come to, to the byte: two versions must not disagree."""

import json
from pathlib import Path
from typing import Any

import pytest

from eventchain.core import base58, canonical_json
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.store.memory import MemoryStore
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers

STEPS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "adaptive.json").read_text("utf-8"))[
    "steps"
]


def outcome(service: WorkflowService) -> dict[str, Any]:
    """What nodes must agree on, without what belongs to the form of scenarios."""
    processes = {}
    for process in service.processes("chain"):
        state = process.state()
        processes[process.id] = {
            "scenario": process.base.name,
            "state": process.current.key,
            "entered": state["current"]["entered"],
            "due_date": state["current"].get("due_date"),
            "available": list(process.available),
            "actors": state["actors"],
            "assets": state["assets"],
            "previous": [[item["action"]["key"], item["key"], item["event"]] for item in process.previous],
            "proposals": state.get("proposals", []),
            "deviation": process.deviation.event if process.deviation else None,
        }
    comments = service.projection("chain").get("comments", [])
    return {"processes": processes, "comments": comments}


def test_every_entry_comes_to_what_the_vectors_say() -> None:
    service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
    for step in STEPS:
        entry = Entry.from_dict(step["entry"])
        if "refused" in step:
            with pytest.raises(LiveContractError) as caught:
                service.apply(entry)
            assert (caught.value.code, caught.value.path) == (step["refused"], step["path"]), entry.hash
        else:
            service.apply(entry)
            digest = base58.encode(canonical_json.digest(outcome(service)))
            assert digest == step["outcome"], f"{entry.hash} comes to {outcome(service)}"


def test_vectors_cover_acceptance_and_refusal() -> None:
    refused = {step["refused"] for step in STEPS if "refused" in step}
    assert refused >= {"InvalidDeviation", "DeviationNotOpen", "ActorNotAllowed", "ProcessNotFound"}
    assert len([step for step in STEPS if "outcome" in step]) >= 20
