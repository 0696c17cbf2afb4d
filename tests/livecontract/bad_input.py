"""The list of bad input that a node has to refuse, as data: what is sent, and what the answer has to say."""

import copy
from collections.abc import Callable
from typing import Any

from eventchain.core import base58

Document = dict[str, Any]
Change = Callable[[Document], None]

ORDER_OF_GROUP = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519 (RFC 8032, 5.1): a signature's second half plus this verifies under a lax verifier."""

MALFORMED: dict[str, tuple[bytes, int, str]] = {
    "nonsense": (b"nul", 400, "not JSON"),
    "half an object": (b'{"id": ', 400, "line 1"),
    "a key twice": (b'{"id": 1, "id": 2}', 400, "twice"),
    "not a number": (b'{"id": NaN}', 400, "NaN"),
    "infinity": (b"[-Infinity]", 400, "Infinity"),
    "a number without end": (b"[1e999]", 400, "too large"),
    "an integer that readers round": (b"[9007199254740993]", 400, "string"),
    "an integer of twenty thousand digits": (b"[" + b"9" * 20_000 + b"]", 400, "string"),
    "a lone surrogate": (b'["\\ud800"]', 400, "surrogate"),
    "not UTF-8": (b'["\xff"]', 400, "UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "byte order mark"),
    "lists in lists": (b"[" * 10_000 + b"]" * 10_000, 413, "deeper"),
    "objects in objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 413, "deeper"),
}


def lax_signature(text: str) -> str:
    """Return the second form of an Ed25519 signature, which strict verifiers refuse."""
    raw = base58.decode(text)
    second = int.from_bytes(raw[32:], "little") + ORDER_OF_GROUP
    return base58.encode(raw[:32] + second.to_bytes(32, "little"))


def set_in(*path: str | int, to: Any) -> Change:
    """Return a change that sets the value at a path."""

    def change(document: Document) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def with_schema(schema: Document) -> Change:
    """Return a change that demands this of the data of a response."""
    return set_in("actions", "order", "responses", "ok", "schema", to=schema)


def with_update(data: Any) -> Change:
    """Return a change that computes what a response leaves behind."""
    return set_in("actions", "order", "responses", "ok", "update", to={"select": "assets.order", "data": data})


ORDER: Document = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "order",
    "title": "Order",
    "actors": {"buyer": {"title": "Buyer"}, "seller": {"title": "Seller"}},
    "assets": {"order": {"properties": {"text": {"type": "string"}}}},
    "actions": {
        "order": {
            "actor": "buyer",
            "responses": {"ok": {"schema": {"type": "object", "required": ["text"]}, "update": "assets.order"}},
        },
        "deliver": {"actor": "seller", "responses": {"ok": {}}},
    },
    "states": {
        "initial": {"actions": ["order"], "transitions": [{"action": "order", "transition": "ordered"}]},
        "ordered": {"actions": ["deliver"], "transitions": [{"action": "deliver", "transition": ":success"}]},
    },
}

BROKEN_SCENARIOS: dict[str, tuple[Change, str]] = {
    "an unknown schema": (set_in("$schema", to="https://example.com/other.json#"), "$schema"),
    "a version of the schema to come": (set_in("$schema", to="urn:livecontract:scenario:99"), "$schema"),
    "an unknown action": (set_in("states", "initial", "actions", to=["order", "missing"]), "states.initial"),
    "an unknown action in a transition": (
        set_in("states", "initial", "transitions", 0, "action", to="missing"),
        "states.initial.transitions[0]",
    ),
    "an unknown actor": (set_in("actions", "order", "actor", to="missing"), "actions.order"),
    "an unknown state": (
        set_in("states", "initial", "transitions", 0, "transition", to="missing"),
        "states.initial.transitions[0]",
    ),
    "an unknown member": (set_in("states", "initial", "surprise", to=1), "states.initial"),
    "a reference to a URL": (with_schema({"$ref": "http://attacker.example/schema.json"}), "actions.order"),
    "a reference to a file": (with_schema({"$ref": "file:///etc/passwd"}), "actions.order"),
    "a reference into nothing": (with_schema({"$ref": "#/definitions/missing"}), "actions.order"),
    "a pattern that looks back": (with_schema({"type": "string", "pattern": "(a)\\1"}), "actions.order"),
    "an operator there is not": (with_update({"text": {"<exec>": "id"}}), "actions.order"),
    "a query that is none": (with_update({"text": {"<eval>": "foo[?"}}), "actions.order"),
    "a template that does not end": (with_update({"text": {"<tpl>": "{{#a}}"}}), "actions.order"),
}
"""Each with the place its refusal names."""

_TEXT = {"<ref>": "current.response.data.text"}
_KEPT = {"<ref>": "assets.order.text"}
_EACH = "{{#current.response.data.list}}{{current.response.data.text}}{{/current.response.data.list}}"
_TRIPLED = "length(current.response.data.list" + "[].[@, @, @][]" * 12 + ")"


REFUSED_BOMBS: dict[str, Change] = {
    "a text joined a thousand times": with_update({"text": {"<join>": {"input": [_TEXT] * 1_000, "glue": ""}}}),
    "a template that repeats": with_update({"text": {"<tpl>": _EACH}}),
    "a query of many steps": with_update({"text": {"<eval>": "current.response.data" + ".*" * 400}}),
    "a list tripled again and again": with_update({"text": {"<eval>": _TRIPLED}}),
    "a query in a query": with_update({"text": {"<eval>": "to_string(" * 200 + "`1`" + ")" * 200}}),
    "a calculation that nests": with_update({"text": {"<math>": "(" * 500 + "1" + ")" * 500}}),
    "a power of a power": with_update({"text": {"<math>": "pow(" * 20 + "9" + ", 999)" * 20}}),
    "a pattern in a pattern": with_schema({"properties": {"text": {"pattern": "((a{1,99}){1,99}){1,99}"}}}),
    "a pattern that no text has": with_schema({"properties": {"text": {"pattern": "^(a|a)*(a|a)*(a|a)*b$"}}}),
    "choices in choices": with_schema({"properties": {"text": {"anyOf": [{"anyOf": [{"pattern": "b$"}] * 40}] * 40}}}),
    "data in data": with_update({"text": {"<merge>": [[{"a": 1}] * 2_000] * 3}}),
}
"""Scenarios that would cost much where nothing bounds them, each refused when it is read or when it is used."""

BOUNDED_BOMBS: dict[str, Change] = {
    "a pattern that goes back": with_update({"text": {"<match>": {"input": _TEXT, "regex": "^(a+)+$"}}}),
    "unique items": with_schema({"properties": {"list": {"uniqueItems": True}}}),
    "sections in sections": with_update({"text": {"<tpl>": "{{#assets}}" * 12 + "x" * 1_000 + "{{/assets}}" * 12}}),
}
"""Scenarios that look as if they would cost much: used or refused, but soon."""

GROWING = with_update({"text": {"<join>": {"input": [_KEPT, _KEPT, _TEXT], "glue": ""}}})
"""Doubles what is kept with every response."""

BOMB_DATA: Document = {"text": "a" * 20_000, "list": list(range(2_000))}


def changed(document: Document, change: Change) -> Document:
    """Return a changed copy."""
    copied = copy.deepcopy(document)
    change(copied)
    return copied
