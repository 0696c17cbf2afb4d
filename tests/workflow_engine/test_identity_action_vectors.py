"""What identity events that are responses come to, to the byte: two versions of the engine must not disagree."""

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

VECTORS = Path(__file__).parents[1] / "vectors" / "identity-actions.json"


def outcome(service: WorkflowService) -> dict[str, Any]:
    """What nodes must agree on, without what belongs to the form of scenarios."""
    return {
        item.id: {
            "state": item.current.key,
            "available": list(item.available),
            "actors": {key: dict(actor) for key, actor in item.actors.items()},
            "assets": dict(item.assets),
            "signatories": list(item.signatories),
            "previous": [[made["action"]["key"], made["key"], made["event"]] for made in item.previous],
        }
        for item in service.processes("chain")
    }


def test_every_entry_comes_to_what_the_vectors_say() -> None:
    service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
    steps = json.loads(VECTORS.read_text("utf-8"))["steps"]
    for step in steps:
        entry = Entry.from_dict(step["entry"])
        assert json.loads(json.dumps(entry.to_dict())) == step["entry"]
        if "refused" in step:
            with pytest.raises(LiveContractError) as caught:
                service.apply(entry)
            assert (caught.value.code, caught.value.path) == (step["refused"], step["path"]), entry.hash
        else:
            service.apply(entry)
            assert base58.encode(canonical_json.digest(outcome(service))) == step["outcome"], entry.hash
    assert {step["refused"] for step in steps if "refused" in step} == {
        "ActionNotAvailable",
        "ActorNotAllowed",
        "InvalidResponse",
        "ProcessNotFound",
    }
