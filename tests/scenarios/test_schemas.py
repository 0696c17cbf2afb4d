import json
from pathlib import Path

import jsonschema_rs
import pytest

import scenarios
from tests.workflow_engine.deviating import HAGGLE, TO_RENTAL
from tests.workflow_engine.test_checks import ERRORS, WARNINGS
from workflow_engine import schema
from workflow_engine.compiling import load
from workflow_engine.documents import TEXT_TYPE as ODT
from workflow_engine.documents.action import description
from workflow_engine.documents.embedding import template_definition
from workflow_engine.errors import InvalidDataError
from workflow_engine.forms import form_of
from workflow_engine.normalise import LTO_SCENARIO, OWN_SCENARIO, normalise

CHAINS = Path(__file__).parent.parent / "vectors" / "chains"
PARENT = {"process": "p", "action": "inspect", "event": "hash"}
LTO = "https://specs.livecontracts.io/v0.2.0"
KEY = "2KduZAmAKuXEL463udjCQkVfwJkBQhpciUC4gNiayjSJ"

GOOD = {
    "process": [
        {"$schema": "urn:livecontract:process:1", "scenario": "abc"},
        {"$schema": f"{LTO}/process/schema.json#", "id": "p", "scenario": {"id": "s"}, "actors": {"a": "identity"}},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "actors": [{"key": "a", "identity": {"id": "i"}}]},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "assets": {"price": 3}, "x-note": 1},
        {"$schema": "urn:livecontract:process:1", "id": "sub-process:1", "scenario": "s", "parent": PARENT},
    ],
    "response": [
        {"$schema": "urn:livecontract:response:1", "process": "p", "action": "sign"},
        {
            "$schema": f"{LTO}/response/schema.json#",
            "process": {"id": "p"},
            "action": {"key": "a"},
            "key": "ok",
            "data": 3,
        },
    ],
    "identity": [
        {
            "$schema": f"{LTO}/identity/schema.json#",
            "id": "acme",
            "node": "https://node.example",
            "signkeys": {"user": KEY},
        },
        {"$schema": f"{LTO}/identity/schema.json#", "id": "acme", "node": None, "signkeys": {}, "encryptkey": None},
        {"$schema": f"{LTO}/identity/schema.json#", "id": "acme", "signkeys": {}, "process": "p", "action": "remove"},
        {
            "$schema": f"{LTO}/identity/schema.json#",
            "id": "a",
            "privileges": [{"schema": "x", "only": ["id"]}],
            "name": "A",
        },
    ],
    "comment": [
        {"$schema": "urn:livecontract:comment:1", "content": "I disagree."},
        {"$schema": "urn:livecontract:comment:1", "url": "https://example.com/a.png", "hash": KEY},
    ],
    "deviation": [HAGGLE, TO_RENTAL],
    "consent": [
        {"$schema": "urn:livecontract:consent:1", "deviation": KEY, "answer": "agree"},
        {"$schema": "urn:livecontract:consent:1", "deviation": KEY, "answer": "refuse", "reason": "No.", "x-note": 1},
    ],
    "scenario": [
        {"$schema": OWN_SCENARIO},
        {
            "$schema": LTO_SCENARIO,
            "anything": {"goes": 1},
            "actors": [],
            "states": {"initial": {"transition": ":success"}},
        },
    ],
}
GOOD |= {
    "document": [
        {"$schema": "urn:livecontract:document:1", "media_type": ODT, "hash": KEY, "size": 1, "template": KEY},
        description(b"document", b"template"),
    ],
    "template": [template_definition(b"template"), template_definition(b"", "Title")],
    "form": [
        form_of(load(scenarios.load(name)), action, response)
        for name in scenarios.names()
        for action, item in scenarios.load(name)["actions"].items()
        for response in item.get("responses", ["ok"])
    ],
}
BAD = {
    "process": [
        {},
        {"$schema": "urn:livecontract:process:1"},
        {"$schema": "urn:livecontract:process:1", "scenario": ""},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "definitions": {}},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "actors": {"a": 3}},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "actors": {"a": {"identity": 3}}},
        {"$schema": "urn:livecontract:process:2", "scenario": "s"},
        {"$schema": "urn:livecontract:process:1", "id": "p", "scenario": "s", "parent": PARENT},
        {"$schema": "urn:livecontract:process:1", "scenario": "s", "parent": PARENT},
        {"$schema": "urn:livecontract:process:1", "id": "sub-process:1", "scenario": "s", "parent": {"process": "p"}},
        {
            "$schema": "urn:livecontract:process:1",
            "id": "sub-process:1",
            "scenario": "s",
            "parent": PARENT,
            "actors": {"a": "identity"},
        },
    ],
    "response": [
        {"$schema": "urn:livecontract:response:1", "process": "p"},
        {"$schema": "urn:livecontract:response:1", "process": "p", "action": {}},
        {"$schema": "urn:livecontract:response:1", "process": "p", "action": "a", "key": 3},
        [],
    ],
    "identity": [
        {"$schema": f"{LTO}/identity/schema.json#"},
        {"$schema": f"{LTO}/identity/schema.json#", "id": "a", "node": "file:///etc/passwd"},
        {"$schema": f"{LTO}/identity/schema.json#", "id": "a", "signkeys": {"user": "0OIl"}},
        {"$schema": f"{LTO}/identity/schema.json#", "id": "a", "privileges": [{"all": True}]},
    ],
    "comment": [
        {"$schema": "urn:livecontract:comment:1"},
        {"$schema": "urn:livecontract:comment:1", "content": "a", "url": "https://example.com", "hash": KEY},
        {"$schema": "urn:livecontract:comment:1", "url": "https://example.com"},
        {"content": "a"},
    ],
    "document": [
        {"$schema": "urn:livecontract:document:1", "media_type": ODT, "hash": KEY, "size": 0, "template": KEY},
        {"$schema": "urn:livecontract:document:1", "media_type": ODT, "hash": "0", "size": 1, "template": KEY},
        {"$schema": "urn:livecontract:document:1", "media_type": "text/html", "hash": KEY, "size": 1, "template": KEY},
    ],
    "template": [
        {**template_definition(b"x"), "content": "%"},
        {**template_definition(b"x"), "media_type": "text/html"},
    ],
    "form": [{}, {"$schema": "urn:livecontract:form:1", "action": "a", "response": "ok", "schema": True, "fields": []}],
    "deviation": [
        {},
        {**HAGGLE, "states": []},
        {**HAGGLE, "stats": {}},
        {**HAGGLE, "deadline": "tomorrow"},
        {**TO_RENTAL, "map": {"states": {}}},
        {name: value for name, value in HAGGLE.items() if name != "from"},
    ],
    "consent": [
        {"$schema": "urn:livecontract:consent:1", "deviation": KEY},
        {"$schema": "urn:livecontract:consent:1", "deviation": KEY, "answer": "maybe"},
        {"$schema": "urn:livecontract:consent:1", "deviation": "0", "answer": "agree"},
        {"$schema": "urn:livecontract:consent:1", "deviation": KEY, "answer": "agree", "force": True},
    ],
    "scenario": [
        {},
        {"$schema": OWN_SCENARIO, "stats": {}},
        {"$schema": OWN_SCENARIO, "actions": {"a": {"priority": "high"}}},
        {"$schema": OWN_SCENARIO, "states": {"initial": {"transitions": [{"action": "a"}]}}},
        {"$schema": OWN_SCENARIO, "scenarios": {"a": {"$schema": OWN_SCENARIO, "stats": {}}}},
        {"$schema": LTO_SCENARIO, "states": 3},
        {"$schema": "https://specs.livecontracts.io/v0.1.0/scenario/schema.json#"},
    ],
}


def compiled(name):
    return schema.compile_schema(scenarios.schema(name))


def chain_files():
    for path in sorted(CHAINS.glob("v*.json")):
        document = json.loads(path.read_text())
        yield pytest.param(document.get("chain", document), id=path.stem)


def test_every_schema_is_there_and_accepted():
    names = {"scenario", "process", "response", "identity", "event", "event-chain", "comment", "deviation", "consent"}
    names |= {"document", "template", "form"}
    assert set(scenarios.schema_names()) == names
    for name in names:
        assert scenarios.schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        compiled(name)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_good_example_is_accepted(name, value):
    compiled(name).validate(value)
    jsonschema_rs.validator_for(scenarios.schema(name)).validate(value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_bad_example_is_refused(name, value):
    with pytest.raises(InvalidDataError):
        compiled(name).validate(value)
    assert not jsonschema_rs.validator_for(scenarios.schema(name)).is_valid(value)


@pytest.mark.parametrize("name", scenarios.names())
def test_library_fits_the_schema_in_short_and_full_form(name):
    document = scenarios.load(name)
    compiled("scenario").validate(document)
    compiled("scenario").validate(normalise(document))


@pytest.mark.parametrize("name", [*ERRORS, *WARNINGS])
def test_what_the_engine_reads_fits_the_schema(name):
    document = {**ERRORS, **WARNINGS}[name][0]
    compiled("scenario").validate(document)
    compiled("scenario").validate(normalise(document))
    lto = normalise({**document, "$schema": LTO_SCENARIO})
    compiled("scenario").validate(lto)


@pytest.mark.parametrize("chain", list(chain_files()))
def test_chain_as_lto_clients_write_it_fits(chain):
    compiled("event-chain").validate(chain)
    for event in chain["events"]:
        if "data" in event:
            compiled("event").validate(event)


@pytest.mark.parametrize(
    "change",
    [
        {"hash": "0"},
        {"timestamp": "now"},
        {"timestamp": -1},
        {"signKey": KEY},
        {"data": None},
        {"attachments": [{"name": "a"}]},
    ],
)
def test_event_of_another_form_is_refused(change):
    chain = json.loads((CHAINS / "v2-lto-0.16.15.json").read_text())
    event = chain.get("chain", chain)["events"][0]
    compiled("event").validate(event)
    with pytest.raises(InvalidDataError):
        compiled("event").validate({**event, **change})


def test_schema_of_events_is_the_same_inside_the_chain():
    assert scenarios.schema("event-chain")["$defs"]["event"]["properties"] == scenarios.schema("event")["properties"]
