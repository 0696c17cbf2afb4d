"""A scenario whose nodes do everything that nodes do, for the tests of what they do in a feature."""

from typing import Any

import scenarios
from workflow_engine.documents.embedding import template_definition

TEMPLATE = template_definition(scenarios.template("nda"))

KIND = "urn:livecontract:action:"
BOTH: dict[str, Any] = {"ok": {}, "error": {}}

OUTSIDE: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "outside",
    "actors": {
        "buyer": {},
        "seller": {},
        "inspector": {"properties": {"name": {"type": "string"}}},
    },
    "assets": {"paper": {}, "order": {}, "report": {}},
    "actions": {
        "register": {
            "$schema": f"{KIND}sequence",
            "actor": "seller",
            "steps": [
                {"$schema": f"{KIND}event", "body": {"id": "clerk", "signkeys": {}}},
                {"$schema": f"{KIND}http", "url": "https://registry.example/numbers", "method": "POST"},
                {
                    "$schema": f"{KIND}http",
                    "projection": "{url: 'https://erp.example/orders', method: 'PUT', "
                    "data: {number: previous_response.data.number}}",
                },
            ],
            "responses": {"ok": {"update": "assets.order"}, "error": {"update": "assets.order"}},
        },
        "write": {
            "$schema": f"{KIND}document",
            "actor": "seller",
            "template": "nda",
            "data": {
                "title": "t",
                "actors": {},
                "assets": {"terms": {"discloser": "A", "recipient": "B", "purpose": "p", "years": 1, "law": "NL"}},
            },
            "responses": {"ok": {"update": "assets.paper"}, "error": {}},
        },
        "invite": {
            "$schema": f"{KIND}invite",
            "actor": "buyer",
            "identity": {"<tpl>": "{{id}}-inspector"},
            "email": "ines@example.com",
            "name": "Ines Inspector",
            "responses": {
                "ok": {"update": {"select": "actors.inspector.identity", "projection": "identity"}},
                "error": {},
            },
        },
        "judge": {"actor": "inspector", "responses": {"ok": {"update": "assets.report"}}},
        "poll": {
            "$schema": f"{KIND}http",
            "actor": "seller",
            "url": "https://registry.example/entries",
            "schedule": {"after": "P1D", "every": "PT6H", "until": ["error"], "max": 5},
            "responses": {"ok": {}, "404": {"display": "never"}, "error": {}},
        },
        "tick": {
            "$schema": f"{KIND}nop",
            "actor": "seller",
            "schedule": {"every": "P1D", "max": 3},
            "responses": BOTH,
        },
        "wait": {"actor": "buyer", "system": True},
    },
    "definitions": {"nda": TEMPLATE},
    "states": {
        "initial": {
            "actions": ["register"],
            "timeout": "P30D",
            "transitions": [
                {"action": "register", "response": "ok", "transition": "writing"},
                {"action": "register", "response": "error", "transition": ":failed"},
                {"action": ":timeout", "transition": ":cancelled"},
            ],
        },
        "writing": {
            "actions": ["write"],
            "transitions": [
                {"action": "write", "response": "ok", "transition": "inviting"},
                {"action": "write", "response": "error", "transition": ":failed"},
            ],
        },
        "inviting": {
            "actions": ["invite"],
            "transitions": [
                {"action": "invite", "response": "ok", "transition": "judging"},
                {"action": "invite", "response": "error", "transition": ":failed"},
            ],
        },
        "judging": {
            "actions": ["judge"],
            "timeout": "P7D",
            "transitions": [
                {"action": "judge", "transition": "polling"},
                {"action": ":timeout", "transition": ":cancelled"},
            ],
        },
        "polling": {
            "actions": ["poll", "tick", "wait"],
            "timeout": "P9D",
            "transitions": [
                {"action": "poll", "response": "ok", "transition": ":success"},
                {"action": "poll", "response": "error", "transition": ":failed"},
                {"action": ":timeout", "transition": ":cancelled"},
            ],
        },
    },
}

BEGIN_OUTSIDE = """
Given "Ann" creates the "main" process using the "outside" scenario
And "Ann" is the "buyer" actor
And "Bob" is the "seller" actor
"""

SERVICES = """
Given the service "https://registry.example/numbers" answers 200 with:
  | number | 118 |
And the service "https://erp.example/*" answers 201 with:
  | id | 7 |
"""

JUDGING = SERVICES + "When the nodes do what waits\n"

POLLING = (
    JUDGING
    + """
When "Ines" accepts the invitation sent to "ines@example.com"
And "Ines" runs the "judge" action with:
  | fit | true |
"""
)
