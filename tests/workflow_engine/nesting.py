"""A scenario with two sub-processes, one of which has one of its own, for tests."""

from collections.abc import Mapping
from typing import Any

from eventchain.core.entry import Entry
from tests.workflow_engine.samples import OWN, HashedChain
from workflow_engine.process import Parent

PROCESS = "urn:livecontract:process:1"
RESPONSE = "urn:livecontract:response:1"


def manual(actor: str, **more: Any) -> dict[str, Any]:
    return {"actor": actor, "responses": {"ok": {}}, **more}


LABORATORY: dict[str, Any] = {
    "$schema": OWN,
    "title": "Laboratory",
    "actors": {"inspector": {"title": "Inspector"}},
    "actions": {"measure": manual("inspector")},
    "states": {"initial": {"action": "measure", "transitions": [{"action": "measure", "transition": ":success"}]}},
}

INSPECTION: dict[str, Any] = {
    "$schema": OWN,
    "title": "Inspection",
    "actors": {"inspector": {"title": "Inspector"}, "client": {"title": "Client"}},
    "assets": {
        "object": {"type": "string"},
        "report": {"properties": {"grade": {"type": "integer"}, "note": {"type": "string"}}},
    },
    "actions": {
        "report": manual("inspector", responses={"ok": {"update": "assets.report"}, "unsound": {}}),
        "stop": manual("client"),
        "measure": {
            "$schema": "urn:livecontract:action:sub-process",
            "actor": "inspector",
            "scenario": "laboratory",
            "responses": {"ok": {}, "error": {}},
        },
    },
    "states": {
        "initial": {
            "timeout": "P7D",
            "actions": ["report", "stop", "measure"],
            "transitions": [
                {"action": "report", "response": "ok", "transition": ":success"},
                {"action": "report", "response": "unsound", "transition": "unsound"},
                {"action": "stop", "transition": ":cancelled"},
                {"action": "measure", "transition": "measured"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
        "measured": {"action": "report", "transitions": [{"action": "report", "transition": ":success"}]},
        "unsound": {"title": "Not sound"},
    },
    "scenarios": {"laboratory": LABORATORY},
}

FINANCING: dict[str, Any] = {
    "$schema": OWN,
    "title": "Financing",
    "actors": {"buyer": {"title": "Borrower"}},
    "assets": {"amount": {"type": "number"}},
    "actions": {"lend": manual("buyer"), "decline": manual("buyer")},
    "states": {
        "initial": {
            "actions": ["lend", "decline"],
            "transitions": [
                {"action": "lend", "transition": ":success"},
                {"action": "decline", "transition": ":failed"},
            ],
        }
    },
}

PURCHASE: dict[str, Any] = {
    "$schema": OWN,
    "id": "purchase",
    "title": "Purchase",
    "actors": {"buyer": {"title": "Buyer"}, "seller": {"title": "Seller"}},
    "assets": {
        "house": {"properties": {"address": {"type": "string"}, "price": {"type": "number"}}},
        "inspection": {},
        "financing": {},
    },
    "actions": {
        "offer": manual("seller", responses={"ok": {"update": "assets.house"}}),
        "remark": manual("buyer", responses={"ok": {"update": "assets.house"}}),
        "leave": manual("seller"),
        "inspect": {
            "$schema": "urn:livecontract:action:sub-process",
            "actor": "seller",
            "scenario": "inspection",
            "roles": {"inspector": "seller", "client": "buyer"},
            "assets": {"object": {"<ref>": "assets.house.address"}},
            "result": "assets.report",
            "responses": {"ok": {"update": "assets.inspection"}, "unsound": {}, "cancelled": {}, "error": {}},
        },
        "finance": {
            "$schema": "urn:livecontract:action:sub-process",
            "actor": "buyer",
            "scenario": "financing",
            "assets": {"amount": {"<ref>": "assets.house.price"}},
            "responses": {"ok": {"update": "assets.financing"}, "error": {"update": "assets.financing"}},
        },
    },
    "states": {
        "initial": {"action": "offer", "transition": "checking"},
        "checking": {
            "timeout": "P14D",
            "actions": ["inspect", "finance", "remark", "leave"],
            "transitions": [
                {"action": "leave", "transition": ":cancelled"},
                {"action": ":timeout", "transition": ":failed"},
                {"action": "inspect", "response": "unsound", "transition": ":failed"},
                {
                    "condition": {"<eval>": "assets.inspection.state && assets.financing.state"},
                    "transition": ":success",
                },
            ],
        },
    },
    "scenarios": {"inspection": INSPECTION, "financing": FINANCING},
}


class NestedChain(HashedChain):
    """A chain on which sub-processes are started; `acme` buys, `beta` sells."""

    def begin(self, document: Mapping[str, Any] = PURCHASE, **actors: str) -> str:
        """Start a process `p` of a scenario after it, in the name of acme; return the hash of its event."""
        self.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#", "id": "acme"})
        self.entry(document)
        bound = actors or {"buyer": "acme", "seller": "beta"}
        return str(self.entry({"$schema": PROCESS, "id": "p", "scenario": document["id"], "actors": bound}).hash)

    def act(self, process: str, action: str, identity: str = "acme", *, at: int | None = None, **more: Any) -> Entry:
        """A response; nodes sign what they do with `signed_with="system"`."""
        key = more.pop("signed_with", "user")
        body = {"$schema": RESPONSE, "process": process, "action": action, **more}
        entry: Entry = self.entry(body, identity, key=key, at=at)
        return entry

    def start_child(
        self, parent: Parent, identity: str, *, key: str = "system", at: int | None = None, **more: Any
    ) -> Entry:
        """An event that starts a sub-process."""
        entry: Entry = self.entry({"$schema": PROCESS, "parent": parent.to_dict(), **more}, identity, key=key, at=at)
        return entry
