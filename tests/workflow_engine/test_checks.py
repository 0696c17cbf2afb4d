"""One seeded fault each, found completely and named by its rule; and no alarm where there is none."""

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from eventchain.core.errors import LiveContractError
from tests.workflow_engine.documents.templates import field, template
from workflow_engine import simulate
from workflow_engine.action_kinds import ACTION_KINDS
from workflow_engine.checks import MAX_PROBLEMS, RULES, check, limits
from workflow_engine.compiling import load
from workflow_engine.documents.embedding import template_definition
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.normalise import LTO_SCENARIO, OWN_SCENARIO


def base():
    """A scenario without any finding, with one of everything."""
    return {
        "$schema": OWN_SCENARIO,
        "title": "Sale",
        "actors": {"buyer": {"title": "Buyer", "properties": {"name": {"type": "string"}}}, "seller": {}},
        "assets": {"offer": {"properties": {"price": {"type": "integer"}}}},
        "definitions": {"limit": 100},
        "actions": {
            "offer": {
                "actor": "seller",
                "context": ["assets.offer"],
                "responses": {
                    "ok": {
                        "schema": {"type": "object"},
                        "update": {"select": "assets.offer", "projection": "{price: price}"},
                    }
                },
            },
            "accept": {
                "actor": "buyer",
                "condition": {"<eval>": "assets.offer.price < definitions.limit"},
                "responses": {"yes": {}, "no": {}},
                "default_response": "yes",
            },
            "call": {
                "$schema": "urn:livecontract:action:http",
                "actor": "seller",
                "url": {"<tpl>": "https://example.com/{{id}}"},
                "responses": {"ok": {}, "error": {}},
            },
        },
        "states": {
            "initial": {
                "instructions": {"seller": "Make an offer."},
                "action": "offer",
                "timeout": "P14D",
                "transitions": [
                    {"action": "offer", "transition": "offered"},
                    {"action": ":timeout", "transition": ":cancelled"},
                ],
            },
            "offered": {
                "action": "accept",
                "transitions": [
                    {"action": "accept", "response": "yes", "transition": "calling"},
                    {"action": "accept", "response": "no", "transition": "initial"},
                ],
            },
            "calling": {
                "action": "call",
                "transitions": [
                    {"response": "ok", "transition": ":success"},
                    {"response": "error", "transition": "offered"},
                ],
            },
        },
    }


def put(*path_and_value, into=None):
    """Return the base scenario, or the one given, with one value put in or (`...`) taken out."""
    document = base() if into is None else into
    *path, last, value = path_and_value
    target = document
    for key in path:
        target = target[key]
    if value is ...:
        del target[last]
    elif isinstance(target, list) and last == "+":
        target.append(value)
    else:
        target[last] = value
    return document


def findings(document):
    return [(problem.rule, problem.severity, problem.path) for problem in check(document).problems]


DEFINED_TEMPLATE = ("actions", "call", "data", {"<tpl>": {"<ref>": "definitions.text"}})
CLOSED_OFFER = put("assets", "offer", "additionalProperties", False)
CLOSED_BUYER = put("actors", "buyer", "additionalProperties", False)
CLOSED_PRIZE = {"properties": {"prize": {"type": "integer"}}, "additionalProperties": False}
RUNNING = {
    "$schema": "urn:livecontract:action:sub-process",
    "actor": "seller",
    "scenario": "round",
    "roles": {"guest": "buyer", "host": "seller"},
    "responses": {"ok": {}, "error": {}},
}
VISITS = {
    "round": {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"guest": {}, "host": {}},
        "actions": {"come": {"actors": ["guest", "host"]}},
        "states": {"initial": {"action": "come", "transition": ":success"}},
    }
}
DEEP_VISITS = {"round": {**VISITS["round"], "scenarios": VISITS, "actions": {"come": {**RUNNING, "actor": "guest"}}}}
DEEP_VISITS["round"]["actions"]["come"]["roles"] = {"guest": "guest", "host": "host"}
WRITING = {
    "$schema": "urn:livecontract:action:document",
    "actor": "seller",
    "responses": {"ok": {}, "error": {}},
}


def with_document():
    """The base scenario, in which a document is made instead of a call."""
    document = put("actions", "call", {**WRITING, "template": "contract"})
    definition = template_definition(template(f"<text:p>{field('assets.offer.price')}</text:p>"))
    return put(
        "definitions",
        "contract",
        definition,
        into=put("assets", "offer", CLOSED_OFFER["assets"]["offer"], into=document),
    )


def changing(*path, **members):
    """The base scenario, in which the seller's node changes the identity of the buyer instead of a call."""
    action = {
        "$schema": "urn:livecontract:action:identity",
        "actor": "seller",
        "identity": {"<ref>": "actors.buyer.identity.id"},
        "responses": {"ok": {}, "error": {}},
        **members,
    }
    return put(*(path or ("definitions", "limit", 100)), into=put("actions", "call", action))


ERRORS = {
    "identity action that changes nothing": (changing(), {("bad-identity-action", "$.actions.call")}),
    "identity action with an empty change": (changing(change={}), {("bad-identity-action", "$.actions.call.change")}),
    "identity action that changes and removes": (
        changing(change={"node": None}, remove=True),
        {("bad-identity-action", "$.actions.call")},
    ),
    "identity action that gives another id": (
        changing(change={"id": "seller", "node": None}),
        {("bad-identity-action", "$.actions.call.change.id")},
    ),
    "identity action with misspelt members": (
        changing(change={"signKeys": {}, "encrypt_key": None, "nodes": None, "name": "x", "notes": "x"}),
        {("bad-identity-action", f"$.actions.call.change.{name}") for name in ("signKeys", "encrypt_key", "nodes")},
    ),
    "identity action that names an identity as a whole": (
        changing(remove=True, identity={"<ref>": "actors.buyer.identity"}),
        {("bad-identity-action", "$.actions.call.identity")},
    ),
    "identity action that decides what was done": (
        changing(remove=True, determine_response="ok"),
        {("bad-identity-action", "$.actions.call.determine_response")},
    ),
    "invitation of somebody known without a response for it": (
        changing(
            *("states", "calling", "transitions", 0, "response", "done"),
            **{"$schema": "urn:livecontract:action:reinvite", "email": "a@example.com", "name": "A"},
            responses={"done": {}, "error": {}},
            default_response="done",
        ),
        {("bad-identity-action", "$.actions.call.responses")},
    ),
    "unknown action in a state": (
        put("states", "offered", "action", "acept"),
        {("unknown-action", "$.states.offered.action")},
    ),
    "unknown action allowed everywhere": (put("allow_actions", ["talk"]), {("unknown-action", "$.allow_actions[0]")}),
    "unknown action in a transition": (
        put("states", "initial", "transitions", "+", {"action": "talk", "transition": "offered"}),
        {("unknown-action", "$.states.initial.transitions[2].action")},
    ),
    "unknown response": (
        put(
            "states", "offered", "transitions", "+", {"action": "accept", "response": "maybe", "transition": "initial"}
        ),
        {("unknown-response", "$.states.offered.transitions[2].response")},
    ),
    "unknown actor": (put("actions", "offer", "actor", "sellor"), {("unknown-actor", "$.actions.offer.actor")}),
    "unknown actor in a list": (
        put("actions", "offer", "actor", ["seller", "x"]),
        {("unknown-actor", "$.actions.offer.actor[1]")},
    ),
    "unknown state": (
        put("states", "initial", "transitions", 0, "transition", "ofered"),
        {("unknown-state", "$.states.initial.transitions[0].transition")},
    ),
    "empty state": (
        put("states", "initial", "transitions", 0, "transition", ""),
        {("unknown-state", "$.states.initial.transitions[0].transition")},
    ),
    "property about nothing": (
        put("properties", [{"never": ":sucess"}]),
        {("unknown-in-property", "$.properties[0].never")},
    ),
    "empty target": (put("actions", "accept", "update", ""), {("update-target", "$.actions.accept.update")}),
    "unknown asset written": (
        put("actions", "accept", "responses", "yes", "update", "assets.price"),
        {("update-target", "$.actions.accept.responses.yes.update")},
    ),
    "unknown actor written": (
        put("actions", "accept", "responses", "yes", "update", [{"select": "actors.x.name"}]),
        {("update-target", "$.actions.accept.responses.yes.update[0].select")},
    ),
    "write outside": (put("actions", "accept", "update", "id"), {("update-target", "$.actions.accept.update")}),
    "write to the state": (
        put("actions", "accept", "update", "current.key"),
        {("update-target", "$.actions.accept.update")},
    ),
    "write to all assets": (
        put("actions", "accept", "update", "assets"),
        {("update-target", "$.actions.accept.update")},
    ),
    "write below the title": (
        put("actions", "accept", "update", "title.x"),
        {("update-target", "$.actions.accept.update")},
    ),
    "write to a broken path": (
        put("actions", "accept", "update", "assets..offer"),
        {("update-target", "$.actions.accept.update")},
    ),
    "unknown asset read by path": (
        put("states", "offered", "title", {"<ref>": "assets.price"}),
        {("unknown-path", '$.states.offered.title["<ref>"]')},
    ),
    "unknown actor read by expression": (
        put("actions", "offer", "condition", {"<eval>": "length(actors.x.name) > `1` || assets.offer.price"}),
        {("unknown-path", '$.actions.offer.condition["<eval>"]')},
    ),
    "unknown asset in a template": (
        put("actions", "call", "url", {"<tpl>": "https://example.com/{{# assets.ofer.id }}x{{/ assets.ofer.id }}"}),
        {("unknown-path", '$.actions.call.url["<tpl>"]')},
    ),
    "unknown asset in a template among the definitions": (
        put(*DEFINED_TEMPLATE, into=put("definitions", "text", "Dear {{actors.byer.name}}")),
        {("unknown-path", "$.definitions.text")},
    ),
    "broken template among the definitions": (
        put(*DEFINED_TEMPLATE, into=put("definitions", "text", "{{#a}}")),
        {("bad-template", "$.definitions.text")},
    ),
    "unknown asset shown": (
        put("actions", "offer", "context", ["assets.offer", "assets.price"]),
        {("shown-context", "$.actions.offer.context[1]")},
    ),
    "context outside": (
        put("actions", "offer", "context", ["previous"]),
        {("shown-context", "$.actions.offer.context[0]")},
    ),
    "reference to a URL": (
        put("assets", "offer", "properties", "price", {"$ref": "https://example.com/price"}),
        {("bad-schema", "$.assets.offer.properties.price.$ref")},
    ),
    "reference to a file": (
        put("actors", "buyer", "properties", "name", {"$ref": "file:///etc/passwd"}),
        {("bad-schema", "$.actors.buyer.properties.name.$ref")},
    ),
    "look-around": (
        put("actions", "offer", "responses", "ok", "schema", {"properties": {"a": {"pattern": "(?!a)b"}}}),
        {("bad-schema", "$.actions.offer.responses.ok.schema.properties.a.pattern")},
    ),
    "malformed schema": (put("assets", "offer", "type", "map"), {("bad-schema", "$.assets.offer.type")}),
    "actor that is no object": (put("actors", "seller", {"type": "string"}), {("actor-type", "$.actors.seller.type")}),
    "sequence of too many steps": (
        put(
            "actions",
            "call",
            {
                "$schema": "urn:livecontract:action:sequence",
                "actor": "seller",
                "steps": [{"$schema": "urn:livecontract:action:nop"}] * 17,
                "responses": {"ok": {}, "error": {}},
            },
        ),
        {("long-sequence", "$.actions.call.steps")},
    ),
    "projection of a step": (
        put(
            "actions",
            "call",
            {
                "$schema": "urn:livecontract:action:sequence",
                "actor": "seller",
                "steps": [{"$schema": "urn:livecontract:action:nop", "projection": "]"}],
                "responses": {"ok": {}, "error": {}},
            },
        ),
        {("bad-projection", "$.actions.call.steps[0].projection")},
    ),
    "what comes from another chain, given by a person": (
        put("actions", "offer", "accepts", {"chain": {"<ref>": "assets.offer.price"}}),
        {("bad-crossing", "$.actions.offer.accepts")},
    ),
    "schedule of a person": (
        put("actions", "offer", "schedule", {"after": "P1D"}),
        {("bad-schedule", "$.actions.offer.schedule")},
    ),
    "schedule that says nothing": (
        put("actions", "call", "schedule", {"max": 3}),
        {("bad-schedule", "$.actions.call.schedule")},
    ),
    "schedule in no known form": (
        put("actions", "call", "schedule", {"after": "tomorrow"}),
        {("bad-schedule", "$.actions.call.schedule.after")},
    ),
    "polling every second, a million times": (
        put("actions", "call", "schedule", {"every": "PT1S", "max": 1_000_000}),
        {
            ("bad-schedule", "$.actions.call.schedule.every"),
            ("bad-schedule", "$.actions.call.schedule.max"),
            ("bad-schedule", "$.states.calling"),
        },
    ),
    "polling until what cannot happen": (
        put("actions", "call", "schedule", {"every": "PT1H", "until": "done"}),
        {("bad-schedule", "$.actions.call.schedule.until")},
    ),
    "schedule with an until and no every": (
        put("actions", "call", "schedule", {"after": "PT1H", "until": ["ok"]}),
        {("bad-schedule", "$.actions.call.schedule.until[0]")},
    ),
    "timeouts that lead in a circle": (
        put(
            "states",
            "waiting",
            {
                "timeout": "PT0S",
                "transitions": [
                    {"action": ":timeout", "condition": {"<ref>": "assets.offer.on"}, "transition": "waiting"},
                    {"action": ":timeout", "transition": "calling"},
                ],
            },
            into=put("states", "initial", "transitions", 1, "transition", "waiting"),
        ),
        {("timeout-loop", "$.states.waiting.transitions[0]")},
    ),
    "bad duration": (put("states", "initial", "timeout", "2 weeks"), {("bad-duration", "$.states.initial.timeout")}),
    "endless duration": (
        put("states", "initial", "timeout", "P999999Y"),
        {("bad-duration", "$.states.initial.timeout")},
    ),
    "default response": (put("actions", "accept", "default_response", ...), {("default-response", "$.actions.accept")}),
    "source": (
        put("states", "offered", "title", {"<src>": "https://example.com"}),
        {("source-operator", '$.states.offered.title["<src>"]')},
    ),
    "unknown operator": (
        put("actions", "call", "data", {"a": [{"<now>": True}]}),
        {("unknown-operator", '$.actions.call.data.a[0]["<now>"]')},
    ),
    "operator of LTO's documents that its engine lacks": (
        put("actions", "call", "data", {"<dateFormat>": {"date": "2026-01-31"}}),
        {("unknown-operator", '$.actions.call.data["<dateFormat>"]')},
    ),
    "key in an instruction": (
        put("actions", "call", "data", {"<hash>": {"input": "a", "algo": "sha256", "hmac": "secret"}}),
        {("bad-argument", '$.actions.call.data["<hash>"].hmac')},
    ),
    "zone that laws change": (
        put("actions", "call", "data", {"<dateformat>": {"date": {"<ref>": "title"}, "timezone": "Europe/Amsterdam"}}),
        {("bad-argument", '$.actions.call.data["<dateformat>"].timezone')},
    ),
    "old operator": (
        put("actions", "call", "data", {"_ref": "id"}),
        {("unknown-operator", "$.actions.call.data._ref")},
    ),
    "broken expression": (
        put("actions", "offer", "condition", {"<eval>": "assets.offer["}),
        {("bad-argument", '$.actions.offer.condition["<eval>"]')},
    ),
    "broken expression in a transition": (
        put("states", "offered", "transitions", 0, "condition", {"<eval>": "=="}),
        {("bad-argument", '$.states.offered.transitions[0].condition["<eval>"]')},
    ),
    "unknown function": (
        put("actions", "offer", "condition", {"<eval>": "lenght(title) > `3`"}),
        {("bad-argument", '$.actions.offer.condition["<eval>"]')},
    ),
    "wrong number of arguments": (
        put("actions", "offer", "condition", {"<eval>": "contains(title)"}),
        {("bad-argument", '$.actions.offer.condition["<eval>"]')},
    ),
    "calculation with a name that has no value": (
        put("actions", "call", "data", {"<math>": "price * rate", "price": 2}),
        {("bad-argument", '$.actions.call.data["<math>"]')},
    ),
    "broken calculation": (
        put("actions", "call", "data", {"<math>": "1 +"}),
        {("bad-argument", '$.actions.call.data["<math>"]')},
    ),
    "date that needs a clock": (
        put("actions", "call", "data", {"<transformation>": "strtotime", "input": "tomorrow"}),
        {("bad-argument", '$.actions.call.data["<transformation>"]')},
    ),
    "constant that has no result": (
        put("actions", "call", "data", [{"<sum>": [1, "2"]}, {"<decode>": {"input": "Zg", "algo": "base64"}}]),
        {("bad-argument", '$.actions.call.data[0]["<sum>"]'), ("bad-argument", '$.actions.call.data[1]["<decode>"]')},
    ),
    "unknown asset read from the root": (
        put("actions", "offer", "condition", {"<eval>": "previous[?timestamp > $.assets.ofer.price]"}),
        {("unknown-path", '$.actions.offer.condition["<eval>"]')},
    ),
    "condition without a condition": (
        put("actions", "call", "data", {"<if>": {"cond": True, "then": 1}}),
        {("bad-argument", '$.actions.call.data["<if>"]'), ("bad-argument", '$.actions.call.data["<if>"].cond')},
    ),
    "comparison of three": (
        put("actions", "call", "data", {"<equal>": [1, 2, 3]}),
        {("bad-argument", '$.actions.call.data["<equal>"]')},
    ),
    "sum of no list": (
        put("actions", "call", "data", {"<sum>": 3}),
        {("bad-argument", '$.actions.call.data["<sum>"]')},
    ),
    "unknown determined response": (
        put("actions", "offer", "determine_response", "maybe"),
        {("unknown-response", "$.actions.offer.determine_response")},
    ),
    "write the key of an actor": (
        put("actions", "accept", "update", "current.actor.key"),
        {("update-target", "$.actions.accept.update")},
    ),
    "default that does not fit": (
        put("assets", "offer", "properties", "price", {"type": "integer", "default": "free"}),
        {("bad-default", "$.assets.offer.properties.price.default")},
    ),
    "broken query": (
        put("actions", "call", "data", {"<apply>": {"input": [], "query": "["}}),
        {("bad-argument", '$.actions.call.data["<apply>"].query')},
    ),
    "broken pattern": (
        put("actions", "call", "data", {"<match>": {"input": "a", "regex": "(?=a)"}}),
        {("bad-argument", '$.actions.call.data["<match>"].regex')},
    ),
    "broken template": (
        put("actions", "call", "url", {"<tpl>": "{{#a}}"}),
        {("bad-argument", '$.actions.call.url["<tpl>"]')},
    ),
    "broken path": (
        put("actions", "call", "data", {"<ref>": "a..b"}),
        {("bad-argument", '$.actions.call.data["<ref>"]')},
    ),
    "broken projection": (
        put("actions", "offer", "responses", "ok", "update", "projection", "{price"),
        {("bad-projection", "$.actions.offer.responses.ok.update.projection")},
    ),
    "broken projection of a call": (
        put("actions", "call", "projection", "["),
        {("bad-projection", "$.actions.call.projection")},
    ),
    "key with a dot": (
        put("definitions", "a.b", 1),
        {("bad-key", '$.definitions["a.b"]')},
    ),
    "empty key": (put("definitions", "", 1), {("bad-key", '$.definitions[""]')}),
    "reserved key": (put("definitions", ":x", 1), {("bad-key", '$.definitions[":x"]')}),
    "loop of one system action": (
        put("states", "calling", "transitions", 1, "transition", "calling"),
        {("system-loop", "$.states.calling.transitions[1]")},
    ),
    "fault in a sub-scenario": (
        put("scenarios", {"sub": put("actions", "offer", "actor", "x")}),
        {("unknown-actor", "$.scenarios.sub.actions.offer.actor")},
    ),
    "lock that is no list": (
        put("assets", "offer", "locked_in", "offered"),
        {("bad-lock", "$.assets.offer.locked_in")},
    ),
    "lock in an unknown state": (
        put("assets", "offer", "locked_in", ["offered", "signing", 3]),
        {("bad-lock", "$.assets.offer.locked_in[1]"), ("bad-lock", "$.assets.offer.locked_in[2]")},
    ),
    "link that is none": (
        put("definitions", "terms", {"deep": [{"$link": "somewhere"}]}),
        {("bad-link", "$.definitions.terms.deep[0].$link")},
    ),
    "document without a template": (
        put("actions", "call", WRITING),
        {("bad-document", "$.actions.call.template")},
    ),
    "document without an outcome": (
        put("actions", "call", "responses", {"done": {}, "error": {}}, into=with_document()),
        {("bad-document", "$.actions.call.responses"), ("default-response", "$.actions.call")},
    ),
    "template that is none": (
        put("actions", "call", {**WRITING, "template": "limit"}),
        {("bad-document", "$.definitions.limit")},
    ),
    "template that is refused": (
        put("definitions", "contract", template_definition(b"no document"), into=with_document()),
        {("bad-document", "$.definitions.contract")},
    ),
    "template that is not base64": (
        put("definitions", "contract", "content", "%", into=with_document()),
        {("bad-document", "$.definitions.contract.content")},
    ),
    "fault in a list": (
        put(
            "actions", [{**value, "key": key} for key, value in put("actions", "call", "actor", "x")["actions"].items()]
        ),
        {("unknown-actor", "$.actions[2].actor")},
    ),
}

WARNINGS = {
    "removal of who agrees to nothing": (
        changing("actions", "accept", "performative", False, remove=True),
        {("unsigned-change", "$.actions.call.identity")},
    ),
    "removal of who is waited for": (
        changing(
            *("states", "paying", {"action": "accept", "transition": ":success"}),
            remove=True,
        ),
        None,
    ),
    "invitation of somebody known that says nothing": (
        changing(**{"$schema": "urn:livecontract:action:reinvite"}),
        {("incomplete-call", "$.actions.call")},
    ),
    "unreachable": (
        put("states", "lost", {"action": "offer", "transition": ":success"}),
        {("unreachable-state", "$.states.lost")},
    ),
    "dead end": (
        put("states", "offered", "transitions", 1, "transition", "end"),
        None,
    ),
    "digest that binds nobody": (
        put("actions", "call", "data", {"<hash>": {"input": "a", "algo": "md5"}}),
        {("doubtful-argument", '$.actions.call.data["<hash>"].algo')},
    ),
    "digest of PHP that binds nobody": (
        put("actions", "call", "data", {"<transformation>": "hash:sha1", "input": "a"}),
        {("doubtful-argument", '$.actions.call.data["<transformation>"]')},
    ),
    "pattern with delimiters": (
        put("actions", "call", "data", {"<replace>": {"input": "a", "regex": "/^a/i", "replacement": "b"}}),
        {("doubtful-argument", '$.actions.call.data["<replace>"].regex')},
    ),
    "name that nothing has": (
        put("actions", "offer", "condition", {"<eval>": "asset.offer.price > `1`"}),
        {("reads-nothing", '$.actions.offer.condition["<eval>"]')},
    ),
    "name that is misspelt": (
        put("actions", "call", "data", {"<ref>": "assets.offer.prise"}),
        {("misspelt-read", '$.actions.call.data["<ref>"]')},
    ),
    "state that there is not": (
        put("actions", "offer", "condition", {"<eval>": "current.key == 'intial'"}),
        {("never-equal", '$.actions.offer.condition["<eval>"]')},
    ),
    "unused action": (put("actions", "talk", {"actor": "buyer"}), {("unused-action", "$.actions.talk")}),
    "unused actor": (put("actors", "notary", {}), {("unused-actor", "$.actors.notary")}),
    "unused asset": (put("assets", "receipt", {}), {("unused-asset", "$.assets.receipt")}),
    "instructions for nobody": (
        put("states", "offered", "instructions", {"notary": "x"}),
        {("instructions-actor", "$.states.offered.instructions.notary")},
    ),
    "nobody may": (put("actions", "offer", "actor", ...), {("action-without-actor", "$.actions.offer")}),
    "final state with actions": (
        put("states", ":success", {"action": "offer"}),
        {("final-with-moves", '$.states[":success"].action')},
    ),
    "timeout without transition": (
        put("states", "offered", "timeout", "P1D"),
        {("timeout-without-transition", "$.states.offered.timeout")},
    ),
    "invitation that says nothing": (
        put("actions", "call", {"$schema": "urn:livecontract:action:invite", "actor": "seller"}),
        {
            ("incomplete-call", "$.actions.call"),
            ("no-error-response", "$.actions.call.responses"),
            ("transition-never-taken", "$.states.calling.transitions[1]"),
        },
    ),
    "step that says nothing": (
        put(
            "actions",
            "call",
            {
                "$schema": "urn:livecontract:action:sequence",
                "actor": "seller",
                "steps": [{"$schema": "urn:livecontract:action:http"}],
                "responses": {"ok": {}, "error": {}},
            },
        ),
        {("incomplete-call", "$.actions.call.steps[0]")},
    ),
    "polling without timeout": (
        put("actions", "call", "schedule", {"every": "PT1H", "until": "ok", "max": 24}),
        {("polling-without-timeout", "$.states.calling")},
    ),
    "transition without timeout": (
        put("states", "initial", "timeout", ...),
        {("transition-without-timeout", "$.states.initial.transitions[1].action")},
    ),
    "transition never taken": (
        put("states", "offered", "transitions", "+", {"action": "offer", "transition": "initial"}),
        {("transition-never-taken", "$.states.offered.transitions[2]")},
    ),
    "transition never true": (
        put("states", "offered", "transitions", "+", {"condition": False, "transition": "initial"}),
        {("transition-never-taken", "$.states.offered.transitions[2]")},
    ),
    "system action without error": (
        put("actions", "call", "responses", {"ok": {}, "refused": {}}),
        None,
    ),
    "call of nothing": (put("actions", "call", "url", ...), {("incomplete-call", "$.actions.call")}),
    "property that cannot be": (
        put("actions", "call", "data", {"<ref>": "assets.offer.prise"}, into=CLOSED_OFFER),
        {("unknown-property", '$.actions.call.data["<ref>"]')},
    ),
    "written property that cannot be": (
        put("actions", "accept", "update", "actors.buyer.nam", into=CLOSED_BUYER),
        {("unknown-property", "$.actions.accept.update")},
    ),
    "unanswered response": (
        put("states", "calling", "transitions", 1, ...),
        {("unanswered-response", "$.states.calling.transitions")},
    ),
    "document without error": (
        put("actions", "call", "responses", {"ok": {}}, into=with_document()),
        None,
    ),
    "template with an unknown field": (
        put("assets", "offer", CLOSED_PRIZE, into=with_document()),
        {
            ("incomplete-document", "$.actions.call.template"),
            ("unknown-property", '$.actions.accept.condition["<eval>"]'),
        },
    ),
    "change of what is locked": (
        put("assets", "offer", "locked_in", ["initial", "offered"]),
        {("locked-update", "$.actions.offer")},
    ),
    "hint on no field": (
        put("actions", "offer", "responses", "ok", "ui_schema", {"order": ["price"], "x-own": 1}),
        {("ui-schema", "$.actions.offer.responses.ok.ui_schema.order[0]")},
    ),
    "misspelt keyword": (
        put("assets", "offer", "requird", ["price"]),
        {("misspelt-keyword", "$.assets.offer.requird")},
    ),
}
ERRORS["sub-process of nothing"] = (
    put("actions", "call", {**RUNNING, "scenario": "visit"}),
    {("bad-sub-process", "$.actions.call.scenario")},
)
ERRORS["too many sub-processes"] = (
    put("actions", "call", {**RUNNING, "schedule": {"every": "P1D", "max": 1000}}, into=put("scenarios", DEEP_VISITS)),
    {("many-sub-processes", "$.scenarios")},
)
WARNINGS["sub-process with a role for nobody"] = (
    put("actions", "call", {**RUNNING, "roles": {"guest": "buyer"}}, into=put("scenarios", VISITS)),
    {("incomplete-sub-process", "$.actions.call.roles")},
)
WARNINGS["scenario for nothing"] = (put("scenarios", VISITS), {("unused-scenario", "$.scenarios.round")})
WARNINGS["removal of who is waited for"][0]["states"]["calling"]["transitions"][0]["transition"] = "paying"
WARNINGS["removal of who is waited for"] = (
    WARNINGS["removal of who is waited for"][0],
    {("removed-actor", "$.states.paying")},
)
WARNINGS["dead end"][0]["states"]["end"] = {"action": "accept"}
WARNINGS["dead end"] = (WARNINGS["dead end"][0], {("dead-end", "$.states.end")})
WARNINGS["document without error"] = (
    WARNINGS["document without error"][0],
    {
        ("incomplete-document", "$.actions.call.responses"),
        ("transition-never-taken", "$.states.calling.transitions[1]"),
    },
)
WARNINGS["system action without error"] = (
    WARNINGS["system action without error"][0],
    {
        ("no-error-response", "$.actions.call.responses"),
        ("transition-never-taken", "$.states.calling.transitions[1]"),
        ("unanswered-response", "$.states.calling.transitions"),
    },
)


class TestCorpus:
    def test_the_base_has_no_findings(self):
        assert findings(base()) == []

    @pytest.mark.parametrize("name", ERRORS)
    def test_error_is_found_and_named(self, name):
        document, wanted = ERRORS[name]
        found = findings(document)
        assert {(rule, path) for rule, severity, path in found if severity == "error"} == wanted
        assert not check(document).valid

    @pytest.mark.parametrize("name", WARNINGS)
    def test_warning_is_found_and_named(self, name):
        document, wanted = WARNINGS[name]
        assert {(rule, path) for rule, _, path in findings(document)} == wanted
        assert check(document).valid

    def test_every_rule_is_in_the_corpus(self):
        seen = {rule for document, _ in (*ERRORS.values(), *WARNINGS.values()) for rule, _, _ in findings(document)}
        elsewhere = {"limit", "no-initial-state", "no-reachable-end"}
        assert {rule.name for rule in RULES} == seen | elsewhere

    def test_identity_action_is_none_of_the_other_dialect(self):
        found = check({**changing(remove=True), "$schema": LTO_SCENARIO}).problems
        assert [(item.rule, item.path) for item in found if item.severity == "error"] == [
            ("bad-identity-action", "$.actions.call.$schema")
        ]

    @pytest.mark.parametrize("members", [{"change": "all"}, {"remove": "yes"}])
    def test_identity_action_of_another_form_is_refused(self, members):
        assert findings(changing(**members)) == [("form", "error", f"$.actions.call.{min(members)}")]

    def test_step_of_a_sequence_changes_no_identity(self):
        kinds = ("urn:livecontract:action:identity", "urn:livecontract:action:reinvite")
        steps = [{"$schema": kind, "identity": "buyer"} for kind in kinds]
        sequence = {"$schema": "urn:livecontract:action:sequence", "actor": "seller", "steps": steps}
        found = findings(put("actions", "call", {**sequence, "responses": {"ok": {}, "error": {}}}))
        assert found == [("form", "error", f"$.actions.call.steps[{index}].$schema") for index in (0, 1)]

    def test_messages_are_sentences(self):
        for document, _ in (*ERRORS.values(), *WARNINGS.values()):
            for problem in check(document).problems:
                assert problem.message.endswith((".", "?", ")")), problem.message
                assert len(problem.message) < 500

    @pytest.mark.parametrize("name", scenarios.names())
    def test_library_gives_no_false_alarm(self, name):
        assert findings(scenarios.load(name)) == []

    def test_costly_constant_is_left_to_the_evaluation(self):
        multiplying = {"<replace>": {"input": "x" * 400, "find": "x", "replacement": "x" * 400}}
        assert findings(put("actions", "call", "data", multiplying)) == []


class TestStructure:
    def test_no_initial_state(self):
        document = put("states", {":initial": {"action": "offer", "transition": ":success"}})
        assert ("no-initial-state", "error", "$.states") in findings(document)

    def test_no_reachable_end(self):
        document = put("states", {"initial": {"action": "offer", "transition": "initial"}})
        assert ("no-reachable-end", "error", "$.states.initial") in findings(document)

    def test_loop_of_two_system_actions_is_found_and_a_person_breaks_it(self):
        document = base()
        document["states"]["calling"]["transitions"][1]["transition"] = "again"
        document["states"]["again"] = {"action": "call", "transitions": [{"transition": "calling"}]}
        assert "system-loop" in {rule for rule, _, _ in findings(document)}
        document["states"]["again"] = {"action": "accept", "transitions": [{"transition": "calling"}]}
        assert "system-loop" not in {rule for rule, _, _ in findings(document)}

    def test_conditions_do_not_break_a_loop(self):
        document = put("states", "calling", "transitions", 1, "transition", "calling")
        document["states"]["calling"]["transitions"][1]["condition"] = {"<eval>": "assets.offer.price == `3`"}
        assert "system-loop" in {rule for rule, _, _ in findings(document)}

    @pytest.mark.parametrize(
        ("timeout", "after", "is_found"), [("PT59S", None, True), ("PT60S", None, False), ("PT59S", "PT60S", False)]
    )
    def test_loop_of_timeouts_and_system_actions_takes_a_minute_or_is_found(self, timeout, after, is_found):
        states = {
            "initial": {"timeout": timeout, "transitions": [{"action": ":timeout", "transition": "calling"}]},
            "calling": {"action": "call", "transitions": [{"response": "error", "transition": "initial"}, ":success"]},
        }
        document = put("states", states)
        if after:
            put("actions", "call", "schedule", {"after": after}, into=document)
        assert ("timeout-loop" in {rule for rule, _, _ in findings(document)}) is is_found

    def test_loop_with_an_action_for_all_states(self):
        document = put("allow_actions", ["call"])
        document["states"]["offered"]["transitions"][1] = {"transition": "offered"}
        assert "system-loop" in {rule for rule, _, _ in findings(document)}

    def test_lto_documents_are_checked_too(self):
        document = {
            "$schema": LTO_SCENARIO,
            "actors": {"a": {"$schema": "http://json-schema.org/schema#"}},
            "actions": {"go": {"actor": "b"}},
            "states": {"initial": {"action": "go", "transition": "nowhere"}},
        }
        assert {rule for rule, severity, _ in findings(document) if severity == "error"} == {
            "unknown-actor",
            "unknown-state",
            "no-reachable-end",
        }


class TestLimits:
    def test_scenario_that_no_event_can_carry(self):
        report = check(put("description", "x" * 65_536))
        assert [problem.rule for problem in report.problems] == ["limit"]
        assert "65535" in report.problems[0].message
        assert report.id is None

    def test_largest_scenario_that_an_event_can_carry(self):
        document = base()
        size = len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())
        assert findings(put("description", "x" * (limits.MAX_BYTES - size - len(',"description":""')))) == []
        assert findings(put("description", "x" * (limits.MAX_BYTES - size - len(',"description":""') + 1))) != []

    @pytest.mark.parametrize(
        ("name", "count"),
        [("states", limits.MAX_STATES), ("actions", limits.MAX_ACTIONS), ("actors", limits.MAX_ACTORS)],
    )
    def test_too_many(self, name, count):
        document = put(name, {**base()[name], **{f"k{i}": {} for i in range(count)}})
        assert ("limit", "error", f"$.{name}") in findings(document)

    def test_too_many_responses(self):
        document = put("actions", "offer", "responses", {f"r{i}": {} for i in range(40)})
        assert ("limit", "error", "$.actions.offer.responses") in findings(document)

    def test_findings_are_limited(self):
        document = put("states", "initial", "actions", [f"x{i}" for i in range(1000)])
        del document["states"]["initial"]["action"]
        assert len(check(document).problems) == MAX_PROBLEMS


def nested(depth, wrap):
    value = {"<ref>": "id"}
    for _ in range(depth):
        value = wrap(value)
    return value


BOMBS = {
    "deep lists": nested(50_000, lambda value: [value]),
    "deep objects": put("definitions", nested(1000, lambda value: {"a": value})),
    "deep conditions": put(
        "actions", "offer", "condition", nested(20, lambda value: {"<if>": {"condition": value, "then": value}})
    ),
    "wide": put("definitions", {f"k{i}": 0 for i in range(30_000)}),
    "long key": put("states", "k" * 60_000, {}),
    "many unknown members": put("states", "initial", {f"member{i}": 0 for i in range(3500)}),
    "many unknown names": put("states", "initial", "actions", [f"state{i}" for i in range(5000)]),
    "update copied into many responses": put(
        "actions",
        "offer",
        {
            "actor": "seller",
            "update": [{"select": "title", "data": "x" * 30_000}],
            "responses": {str(i): {} for i in range(32)},
        },
    ),
    "many transitions": put("states", "initial", "transitions", ["offered"] * 6000),
    "many actions allowed everywhere": put("allow_actions", ["offer"] * 7000),
    "many misspelt keywords": put("assets", "offer", {f"propertys{i}": 0 for i in range(3000)}),
    "many schemas": put("assets", {f"a{i}": {"properties": {"a": {"type": "string"}}} for i in range(250)}),
    "large schema": put("assets", "offer", {"allOf": [{}] * 15_000}),
    "schema in a circle": put("assets", "offer", {"$ref": "#"}),
    "pattern": put("assets", "offer", {"pattern": "(((a{0,99}){0,99}){0,99})"}),
    "long expression": put("actions", "offer", "condition", {"<eval>": "a." * 20_000 + "a"}),
    "deep expression": put("actions", "offer", "condition", {"<eval>": "(" * 2000 + "a" + ")" * 2000}),
    "long template": put("actions", "call", "url", {"<tpl>": "{{#a}}" * 5000}),
    "one long template used often": put(
        "actions",
        "call",
        "data",
        [{"<tpl>": {"<ref>": "definitions.text"}}] * 900,
        into=put("definitions", "text", "{{assets.offer}}" * 1500),
    ),
    "nan": put("definitions", "limit", float("nan")),
    "huge number": put("definitions", "limit", 2**70),
    "lone surrogate": put("title", "\ud800"),
    "nested scenarios": put("scenarios", {"a": put("scenarios", {"b": put("scenarios", {"c": base()})})}),
}


class TestHostileInput:
    @pytest.mark.parametrize("name", BOMBS)
    def test_bomb_gives_a_report(self, name):
        report = check(BOMBS[name])
        assert len(report.problems) <= MAX_PROBLEMS
        assert all(len(problem.path) < 1000 and len(problem.message) < 1000 for problem in report.problems)
        json.dumps(report.to_dict())


WORDS = st.sampled_from(
    [
        *("initial", "offer", ":success", ":timeout", "assets.offer", "P1D", "PT1S", "<eval>", OWN_SCENARIO),
        *(f"urn:livecontract:action:{kind}" for kind in ACTION_KINDS),
    ]
)
KEYS = st.sampled_from(
    [
        "key", "action", "actions", "transition", "update", "select", "<eval>", "<ref>", "<tpl>", "$ref", "responses",
        "condition", "timeout", "schema", "properties", "$schema", "title", "system", "context", "priority",
        "schedule", "after", "every", "until", "max", "steps",
    ]
)  # fmt: skip
COLLECTIONS = st.sampled_from(
    ["actors", "actions", "states", "assets", "definitions", "scenarios", "allow_actions", "title"]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | KEYS, inner, max_size=5),
    max_leaves=15,
)


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def check_and_use(document):
    """What the check lets pass, loads and starts, or is refused with an error of ours."""
    report = check(document)
    json.dumps(report.to_dict())
    if report.valid:
        assert load(document).id == report.id
        with contextlib.suppress(LiveContractError):
            simulate.run(document, [])
    else:
        with pytest.raises(InvalidScenarioError):
            load(document)


class TestAnyJson:
    @pytest.mark.slow
    @settings(max_examples=300, deadline=None)
    @given(st.dictionaries(COLLECTIONS, JUNK), st.sampled_from([OWN_SCENARIO, LTO_SCENARIO]))
    def test_junk_in_a_scenario_gives_a_report(self, members, dialect):
        check_and_use({**members, "$schema": dialect})

    @pytest.mark.slow
    @settings(max_examples=500, deadline=None)
    @given(st.data(), st.sampled_from([OWN_SCENARIO, LTO_SCENARIO]))
    def test_junk_anywhere_in_a_good_scenario_gives_a_report_and_what_is_valid_can_be_used(self, data, dialect):
        document = {**copy.deepcopy(base()), "$schema": dialect}
        path = data.draw(st.sampled_from([place for place in places(document) if place]))
        target = document
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = data.draw(JUNK)
        check_and_use(document)


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("<evla>", 'Did you mean "<eval>"?'),
        ("<dateFormat>", 'Did you mean "<dateformat>"?'),
        ("<now>", "read no clock, network or chance"),
        ("<random>", "read no clock, network or chance"),
    ],
)
def test_operator_that_does_not_exist_is_refused_with_what_was_meant_or_why(operator, says):
    document = base()
    document["states"]["initial"]["title"] = {operator: True}
    (problem,) = [item for item in check(document).problems if item.rule == "unknown-operator"]
    assert says in problem.message
