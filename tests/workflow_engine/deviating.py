"""A chain that is played while it grows, and the proposals that tests of deviations share."""

import copy
from collections.abc import Callable
from typing import Any

from eventchain.core import base58, canonical_json
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.core.hashing import sha256
from eventchain.store.memory import MemoryStore
from workflow_engine.consent import OWN_CONSENT
from workflow_engine.process import Process
from workflow_engine.proposal import OWN_DEVIATION
from workflow_engine.records import STATES
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers
from workflow_engine.triggers.nop import nop

from .samples import HashedChain

HASH = base58.encode(sha256(b"nothing"))

ROUNDS = "sum([assets.haggle.rounds, `1`])"
HAGGLE: dict[str, Any] = {
    "$schema": OWN_DEVIATION,
    "process": "p",
    "title": "Haggle about the price",
    "reason": "The market has moved.",
    "from": "signing",
    "to": "signing",
    "states": {
        "haggling": {
            "title": {"<tpl>": "Haggling over {{assets.order.price}}"},
            "timeout": "P2D",
            "actions": ["lower", "give_up"],
            "transitions": [
                {"action": "lower", "condition": {"<eval>": "assets.haggle.rounds >= `2`"}, "transition": "signing"},
                {"action": "give_up", "transition": "signing"},
                {"action": ":timeout", "transition": "signing"},
            ],
        }
    },
    "actions": {
        "lower": {
            "actor": "seller",
            "responses": {
                "ok": {
                    "update": [
                        {"select": "assets.order.price", "projection": "price"},
                        {"select": "assets.haggle.rounds", "data": {"<eval>": ROUNDS}},
                    ]
                }
            },
        },
        "give_up": {"actor": "buyer"},
    },
    "assets": {"haggle": {"properties": {"rounds": {"type": "integer", "default": 0}}}},
}

RENTAL: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "rental",
    "title": "Rental",
    "actors": {
        "customer": {"title": "Customer", "properties": {"signed": {"type": "boolean"}}},
        "seller": {"title": "Lessor", "properties": {"signed": {"type": "boolean"}}},
    },
    "assets": {"contract": {"properties": {"price": {"type": "number", "maximum": 100}}, "required": ["price"]}},
    "actions": {
        "pay": {"actor": "customer", "responses": {"ok": {"update": "assets.contract"}}},
        "end": {"actors": ["customer", "seller"]},
    },
    "states": {
        "initial": {"action": "end", "transition": "renting"},
        "renting": {
            "title": {"<tpl>": "Renting for {{assets.contract.price}}"},
            "timeout": "P30D",
            "actions": ["pay", "end"],
            "transitions": [
                {"action": "end", "transition": ":success"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
    },
}
TIMED = {"action": ":timeout", "transition": "renting"}
TO_RENTAL: dict[str, Any] = {
    "$schema": OWN_DEVIATION,
    "process": "p",
    "title": "Rent instead of buying",
    "from": "signing",
    "to": "renting",
    "scenario": "rental",
    "map": {"actors": {"customer": "buyer"}, "assets": {"contract": "order"}},
}


class Play:
    """A chain, and the service that applies it while it grows."""

    def __init__(self, price: float = 12.5) -> None:
        self.chain = HashedChain()
        self.service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({"nop": nop}))
        self.do(lambda c: c.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#"}))
        self.do(lambda c: c.scenario())
        self.do(lambda c: c.scenario(RENTAL))
        self.do(lambda c: c.process())
        self.do(lambda c: c.response("order", data={"price": price}))

    def do(self, make: Callable[[HashedChain], Entry]) -> str:
        """Apply the next entry and return its hash; what is refused does not stand on the chain."""
        entry = make(self.chain)
        try:
            self.service.apply(entry)
        except LiveContractError:
            self.chain.entries.remove(entry)
            raise
        return entry.hash

    def propose(self, identity: str = "acme", body: dict[str, Any] = HAGGLE, **more: Any) -> str:
        named = {name: more.pop(name) for name in ("at", "key") if name in more}
        return self.do(lambda c: c.entry({**body, **more}, identity, **named))

    def answer(self, deviation: str, identity: str = "beta", answer: str = "agree", **more: Any) -> str:
        named = {name: more.pop(name) for name in ("at", "key") if name in more}
        body = {"$schema": OWN_CONSENT, "deviation": deviation, "answer": answer, **more}
        return self.do(lambda c: c.entry(body, identity, **named))

    def respond(self, action: str, identity: str = "acme", **more: Any) -> str:
        return self.do(lambda c: c.response(action, identity, **more))

    @property
    def process(self) -> Process:
        return self.service.process("p")

    def check_replays(self) -> None:
        """Check that a new node, one started again at every entry, and a replay come to the same projection."""
        before = canonical_json.encode(self.service.projection("chain"))
        store = MemoryStore(COLLECTIONS)
        for entry in self.chain.entries:
            WorkflowService(store, lambda: 0, Triggers({})).apply(entry)
        assert canonical_json.encode(WorkflowService(store, lambda: 0, Triggers({})).projection("chain")) == before
        assert len(store.find(STATES)) == 1
        self.service.forget("chain")
        for entry in self.chain.entries:
            self.service.apply(entry)
        assert canonical_json.encode(self.service.projection("chain")) == before


def changed(**changes: Any) -> dict[str, Any]:
    body = copy.deepcopy(HAGGLE)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = body
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return body


def whole() -> HashedChain:
    """A chain with comments, proposals of every fate, a deviation, and an update."""
    play = Play()
    play.do(lambda c: c.comment(process="p"))
    play.answer(play.propose(), "beta", "refuse")
    play.answer(play.propose("beta"), "beta", "withdraw")
    play.propose()
    play.answer(play.propose(), "beta", reason="Now.")
    play.respond("lower", "beta", data={"price": 11})
    play.do(lambda c: c.comment("beta", process="p"))
    play.respond("give_up")
    play.answer(play.propose(body=TO_RENTAL))
    play.respond("pay", data={"price": 3})
    return play.chain
