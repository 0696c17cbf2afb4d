"""Texts that would break out of one notation or another, and a scenario full of one of them."""

from typing import Any

NASTY = [
    '"; s0 -> evil; "', "\\", 'a\\"b', "-->", "]]>", "<!-- x --> <script>alert(1)</script>", "end", "state", "click",
    "%%{init: {}}%%", "#59;", "&amp;&lt;b&gt;", "a\n\rb\u2028c", "\u202eabc", "\x00\x07", "style: #a;;", "```", '"""',
    "note right of s0 : x", "{ }", "", "classDef x:#f; y", "한국어 ünï", "\\N\\G\\l\\", "'); DROP TABLE x; --",
    "s1", "start",
    "a.b.c", "__class__", "to_initial",
]  # fmt: skip


def nasty_scenario(text: str, *, in_keys: bool = True) -> dict[str, Any]:
    key = text if in_keys else "key"
    expression = "assets.x.f == '" + text.replace("\\", "").replace("'", "") + "'"
    return {
        "$schema": "urn:livecontract:scenario:1",
        "id": text,
        "title": text,
        "description": text,
        "actors": {"a": {"title": text}, "b": {"title": text + "2"}},
        "assets": {"x": {"properties": {"f": {"type": "boolean"}}}},
        "actions": {
            f"go{key}": {
                "title": text,
                "actor": "a",
                "responses": {
                    "ok": {"title": text, "update": {"select": "assets.x.f", "patch": False}},
                    f"no {key}": {"title": text},
                },
            },
            "two": {"title": text, "actors": ["b"]},
        },
        "states": {
            "initial": {
                "title": text,
                "description": text,
                "instructions": {"a": text},
                "actions": [f"go{key}", "two"],
                "timeout": "P1D",
                "transitions": [
                    {
                        "action": f"go{key}",
                        "response": "ok",
                        "condition": {"<eval>": expression},
                        "transition": f"s{key}",
                    },
                    {"action": f"go{key}", "response": "ok", "transition": f"s{key}"},
                    {"action": "two", "transition": ":failed"},
                    {"action": ":timeout", "transition": ":cancelled"},
                ],
            },
            f"s{key}": {"title": text, "action": "two", "transition": ":success"},
        },
    }
