"""Scenarios, entries and a small chain that the tests of the machine and the service share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.hashing import sha256

OWN = "urn:livecontract:scenario:1"
PROCESS = "https://specs.livecontracts.io/v0.2.0/process/schema.json#"
RESPONSE = "https://specs.livecontracts.io/v0.2.0/response/schema.json#"

ORDER: dict[str, Any] = {
    "$schema": OWN,
    "id": "order",
    "title": "Order",
    "actors": {
        "buyer": {"title": "Buyer", "properties": {"signed": {"type": "boolean"}}},
        "seller": {"title": "Seller", "properties": {"signed": {"type": "boolean"}}},
    },
    "assets": {
        "order": {
            "properties": {
                "price": {"type": "number", "minimum": 0},
                "currency": {"type": "string", "default": "EUR"},
                "lines": {"type": "array", "default": []},
            },
            "additionalProperties": False,
        }
    },
    "actions": {
        "order": {
            "actor": "buyer",
            "responses": {
                "ok": {
                    "title": {"<tpl>": "{{current.actor.title}} ordered for {{current.response.data.price}}"},
                    "schema": {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}},
                    "update": "assets.order",
                }
            },
        },
        "add_line": {"actor": "buyer", "responses": {"ok": {"update": "assets.order.lines"}}},
        "sign": {
            "actors": ["buyer", "seller"],
            "condition": {"<eval>": "!(current.actor.signed)"},
            "responses": {"ok": {"update": {"select": "current.actor", "data": {"signed": True}}}},
        },
        "notify": {
            "$schema": "urn:livecontract:action:nop",
            "actor": "seller",
            "data": {"<ref>": "assets.order.price"},
            "responses": {"ok": {}, "error": {}},
        },
        "cancel": {"actors": ["buyer", "seller"], "responses": {"ok": {}}},
    },
    "states": {
        "initial": {
            "actions": ["order", "add_line"],
            "transitions": [{"action": "order", "transition": "signing"}],
        },
        "signing": {
            "title": {"<tpl>": "Signing for {{assets.order.price}}"},
            "instructions": {"buyer": "Sign the order."},
            "timeout": "P7D",
            "actions": ["sign", "cancel"],
            "transitions": [
                {
                    "action": "sign",
                    "condition": {"<eval>": "actors.buyer.signed && actors.seller.signed"},
                    "transition": "notifying",
                },
                {"action": "cancel", "transition": ":cancelled"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
        "notifying": {
            "actions": ["notify"],
            "transitions": [
                {"action": "notify", "response": "ok", "transition": ":success"},
                {"action": "notify", "response": "error", "transition": ":failed"},
            ],
        },
    },
}

COMMENT = "urn:livecontract:comment:1"

MEMBERS = frozenset({"acme", "beta"})
DAY = 86_400_000


class Chain:
    """Makes the entries of a chain, one after the other; its hashes are texts that say what they are."""

    def __init__(self, name: str = "chain") -> None:
        self.name = name
        self.entries: list[Entry] = []

    @property
    def head(self) -> str:
        return self.entries[-1].hash if self.entries else f"{self.name}/start"

    def entry(
        self, body: Mapping[str, Any], identity: str = "acme", *, key: str = "user", at: int | None = None
    ) -> Entry:
        """The next entry, which stands on the chain from now on."""
        number = len(self.entries)
        starts_chain = not self.entries and body.get("$schema") != PROCESS  # machines are tried without a beginning
        entry = Entry(
            chain=self.name,
            hash=f"{self.name}/{number}",
            previous=self.head,
            timestamp=1000 * number if at is None else at,
            body=body,
            signer=f"key of {identity}",
            identity=identity,
            key_names=frozenset({key}),
            members=frozenset() if starts_chain else MEMBERS,
        )
        self.entries.append(entry)
        return entry

    def scenario(self, document: Mapping[str, Any] = ORDER) -> Entry:
        return self.entry(document)

    def process(self, **more: Any) -> Entry:
        actors = {"buyer": "acme", "seller": {"identity": "beta"}}
        return self.entry({"$schema": PROCESS, "id": "p", "scenario": "order", "actors": actors, **more})

    def response(self, action: str, identity: str = "acme", *, at: int | None = None, **more: Any) -> Entry:
        key = more.pop("signed_with", "user")
        body = {"$schema": RESPONSE, "process": "p", "action": action, **more}
        return self.entry(body, identity, key=key, at=at)


class HashedChain(Chain):
    """A chain whose events have hashes that can be named in a body."""

    def entry(self, *arguments: Any, **named: Any) -> Any:
        previous, entry = self.head, super().entry(*arguments, **named)
        hash_ = base58.encode(sha256(f"{self.name}/{len(self.entries)}".encode()))
        self.entries[-1] = replace(entry, hash=hash_, previous=previous)
        return self.entries[-1]

    def comment(self, identity: str = "acme", **members: Any) -> Any:
        content = {} if {"content", "hash"} & set(members) else {"content": "I disagree."}
        return self.entry({"$schema": COMMENT, **content, **members}, identity)


def played(name: str = "chain") -> Chain:
    """A chain on which an order was made and signed, notified, and which has ended."""
    chain = Chain(name)
    chain.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#", "id": "acme"})
    chain.scenario()
    chain.process()
    chain.response("add_line", data={"item": "chair"})
    chain.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/comment/schema.json#", "content": "hello"})
    chain.response("order", data={"price": 12.5})
    chain.response("sign", "beta")
    chain.response("sign")
    chain.response("notify", "beta", signed_with="system", data=12.5)
    return chain
