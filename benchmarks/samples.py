"""What the benchmarks work on: a chain of responses, and a contract in which one action repeats."""

import json
from collections.abc import Iterator
from typing import Any

from eventchain import event as events
from eventchain.chain import EventChain
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA

START = 1_700_000_000_000
"""Milliseconds since 1970: the first event of every sample."""

USER = KeyPair.from_seed_phrase("benchmark user")
NODE = KeyPair.from_seed_phrase("benchmark node")
PEER = KeyPair.from_seed_phrase("benchmark peer")

NODE_URI = "http://node.test"
PEER_URI = "http://peer.test"

SCENARIO: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "counter",
    "title": "A counter",
    "actors": {"user": {"title": "User"}, "peer": {"title": "Peer"}},
    "assets": {"count": {"properties": {"n": {"type": "integer"}, "text": {"type": "string"}}}},
    "actions": {
        "count": {
            "actor": "user",
            "responses": {
                "ok": {
                    "schema": {
                        "type": "object",
                        "properties": {"n": {"type": "integer"}, "text": {"type": "string", "maxLength": 1000}},
                        "required": ["n", "text"],
                        "additionalProperties": False,
                    },
                    "update": "assets.count",
                }
            },
        },
        "stop": {"actors": ["user", "peer"], "responses": {"ok": {}}},
    },
    "states": {
        "initial": {
            "actions": ["count", "stop"],
            "transitions": [{"action": "stop", "transition": ":success"}],
        }
    },
}
"""One state that the action `count` leads back to, so that a process takes any number of responses."""

LENGTH = 100
"""Responses of one process, after which the next one goes on: more than most contracts have."""


def process(number: int) -> dict[str, Any]:
    """Return the body that starts the process of this number."""
    return {
        "$schema": "urn:livecontract:process:1",
        "id": f"counting-{number}",
        "scenario": "counter",
        "actors": {"user": {"identity": "user"}, "peer": {"identity": "peer"}},
    }


def response(number: int) -> dict[str, Any]:
    """Return the body of a response of ordinary size (some 270 bytes), `LENGTH` in a row to each process."""
    return {
        "$schema": "urn:livecontract:response:1",
        "process": f"counting-{number // LENGTH}",
        "action": "count",
        "key": "ok",
        "data": {"n": number, "text": "x" * 120},
    }


def identity(name: str, node: str, user: KeyPair, system: KeyPair) -> dict[str, Any]:
    """Return the body of an identity event."""
    keys = {"user": str(user.public_key), "system": str(system.public_key)}
    return {"$schema": IDENTITY_SCHEMA, "id": name, "node": node, "signkeys": keys}


def introduction(responses: int) -> list[dict[str, Any]]:
    """Return the bodies a chain starts with: both parties, the scenario, and the processes for that many responses."""
    peer = KeyPair.from_seed_phrase("benchmark peer's user")
    return [
        identity("user", NODE_URI, USER, NODE),
        identity("peer", PEER_URI, peer, PEER),
        SCENARIO,
        *(process(number) for number in range(-(-responses // LENGTH))),
    ]


def chain_id(name: str) -> ChainId:
    """Return the id of the user's chain of this name."""
    return ChainId.create(USER.public_key, nonce_from_text(name))


def signed(bodies: list[dict[str, Any]], previous: bytes, start: int = START) -> Iterator[Event]:
    """Yield events with these bodies, one after the other, signed by the user a millisecond apart."""
    for index, body in enumerate(bodies):
        data = json.dumps(body, separators=(",", ":")).encode("utf-8")
        event = events.sign(previous=previous, key=USER, timestamp=start + index, data=data)
        previous = event.hash
        yield event


def response_chain(count: int) -> EventChain:
    """Return a chain of that many responses and nothing else, for what needs no membership."""
    id_ = chain_id("responses")
    return EventChain(id_, tuple(signed([response(number) for number in range(count)], id_.initial_hash)))
