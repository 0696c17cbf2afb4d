"""What starts, answers and ends of sub-processes come to, to the byte: two versions must not disagree."""

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

VECTORS = Path(__file__).parents[1] / "vectors" / "sub-processes.json"
STEPS: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))["steps"]


def outcome(service: WorkflowService) -> dict[str, Any]:
    """What nodes must agree on of every process of the chain."""
    return {
        form["id"]: {
            "state": form["current"]["key"],
            "entered": form["current"]["entered"],
            "due_date": form["current"].get("due_date"),
            "available": sorted(form["current"]["actions"]),
            "answered": form["current"]["answered"],
            "actors": form["actors"],
            "assets": form["assets"],
            "previous": [[item["action"]["key"], item["key"], item["event"]] for item in form["previous"]],
            "parent": form.get("parent"),
            "abandoned": form.get("abandoned", False),
        }
        for form in service.projection("chain")["processes"]
    }


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
    assert refused >= {"InvalidProcess", "InvalidResponse", "ActionNotAvailable", "ActorNotAllowed", "AlreadyExists"}
    assert len([step for step in STEPS if "outcome" in step]) >= 12
