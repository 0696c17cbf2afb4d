"""A scenario with two sub-processes, one of which has one of its own, for tests."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from eventchain.core.errors import LiveContractError
from eventchain.store.memory import MemoryStore
from tests.workflow_engine.samples import OWN, HashedChain
from workflow_engine.due import DueAction
from workflow_engine.engine import replay
from workflow_engine.process import Process
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers

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


class Contract:
    """A chain, and an engine that applies what is put on it; `acme` buys, `beta` sells.

    Attributes:
        store: What the engine keeps.
        now: The engine's clock.
    """

    def __init__(self, document: Mapping[str, Any] = PURCHASE, name: str = "chain", **actors: str) -> None:
        self.chain, self.now = HashedChain(name), 0
        self.store = MemoryStore(COLLECTIONS)
        self.engine = WorkflowService(self.store, lambda: self.now, Triggers({}))
        self.add({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#", "id": "acme"})
        self.add(document)
        bound = actors or {"buyer": "acme", "seller": "beta"}
        self.add({"$schema": PROCESS, "id": "p", "scenario": document["id"], "actors": bound})

    def add(self, body: Mapping[str, Any], identity: str = "acme", *, key: str = "user", at: int | None = None) -> str:
        """Put an event on the chain, unless it is refused, and return its hash."""
        moment = at or self.now + 1000
        entry = self.chain.entry(body, identity, key=key, at=moment)
        try:
            self.engine.apply(entry)
        except LiveContractError:
            self.chain.entries.pop()
            raise
        self.now = max(self.now, moment)
        return str(entry.hash)

    def act(self, process: str, action: str, identity: str = "acme", *, at: int | None = None, **more: Any) -> str:
        """Add a response; nodes sign theirs with `signed_with="system"`."""
        key = more.pop("signed_with", "user")
        return self.add({"$schema": RESPONSE, "process": process, "action": action, **more}, identity, key=key, at=at)

    def due(self) -> list[DueAction]:
        """What nodes have to do now."""
        return self.engine.due(self.chain.name, {"acme", "beta"})

    def body(self, action: str) -> dict[str, Any]:
        """Return the event that the node of an action adds which is due now."""
        found = self.engine.perform(next(item for item in self.due() if item.action == action))
        assert found is not None
        return found

    def settle(self) -> None:
        """Let the nodes do all that is due; timeouts are not told."""
        while found := [item for item in self.due() if item.action != ":timeout"]:
            body = self.engine.perform(found[0])
            assert body is not None
            self.add(body, found[0].identity, key="system")

    def process(self, process: str = "p") -> Process:
        return self.engine.process(process, self.chain.name)

    def child(self, action: str, process: str = "p") -> str:
        """Return the id of the newest sub-process of an action."""
        found = [item for item in self.engine.around(self.process(process)).children if item.parent]
        return next(item.id for item in reversed(found) if item.parent and item.parent.action == action)

    def shown(self, process: str) -> dict[str, Any]:
        """Return the complete view of a process."""
        return next(item for item in self.engine.projection(self.chain.name)["processes"] if item["id"] == process)

    def check_replay(self) -> None:
        """Check that the chain comes to the same by a replay, and for an engine that has to read everything."""
        projection = self.engine.projection(self.chain.name)
        assert replay(self.chain.entries) == projection
        reading = WorkflowService(self.store, lambda: self.now, Triggers({}))
        assert reading.projection(self.chain.name) == projection
        assert reading.due(self.chain.name, {"acme", "beta"}) == self.due()


def checking(document: Mapping[str, Any] = PURCHASE, name: str = "chain") -> Contract:
    """A contract in the state in which both sub-processes are open, which have been started."""
    contract = Contract(document, name)
    contract.act("p", "offer", "beta", data={"address": "Mill Lane 1", "price": 100})
    contract.settle()
    return contract


def changed(*path: str, **members: Any) -> dict[str, Any]:
    """Return the purchase with other members at a place."""
    document = deepcopy(PURCHASE)
    place = document
    for name in path:
        place = place[name]
    place.update(members)
    return document
