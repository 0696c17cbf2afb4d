"""A running node over a real socket: every route of its API document, in every state of repair of the request."""

import base64
import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

import scenarios
from anchor import transaction_json
from anchor.account import address_of
from anchor.parameters import LTO
from anchor.payload import Transfer
from anchor.transaction import Transaction
from eventchain import event as events
from eventchain.chain import EventChain
from eventchain.core import base58, canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair
from livecontract import key_store, openapi
from tests.conftest import VECTORS
from tests.livecontract.running import (
    NEIGHBOUR,
    OWNER,
    PARTNER,
    PROCESS,
    STRANGER,
    Answer,
    Caller,
    World,
    part,
    running,
    settle,
    wait_for,
)
from workflow_engine.records import DEFERRED

DOCUMENT = openapi.load()
OPERATIONS = {
    item["operationId"]: (method.upper(), path, item)
    for path, methods in DOCUMENT["paths"].items()
    for method, item in methods.items()
}
SIGNED = [name for name, (_, _, item) in OPERATIONS.items() if item.get("security") != []]
OPEN = [name for name in OPERATIONS if name not in SIGNED]
STREAMS = {name for name, (_, _, item) in OPERATIONS.items() if "text/event-stream" in str(item["responses"])}
"""They have no end to wait for: see test_updates.py."""
HASH = sha256(b"something to anchor")
AGREEMENT = "agreement-1"
"""A process whose document is being signed."""
DEVIATION = {
    "$schema": "urn:livecontract:deviation:1",
    "process": PROCESS,
    "title": "Begin anew",
    "from": "initial",
    "to": "initial",
}


class Good(NamedTuple):
    """A request that succeeds: path parameters, query, body, who may send it, and headers of an unsigned one."""

    parameters: dict[str, str] = {}  # noqa: RUF012 (never changed)
    query: str = ""
    body: Any = None
    key: KeyPair = OWNER
    headers: dict[str, str] = {}  # noqa: RUF012 (never changed)


class Stage(World):
    """The world, with something behind every route."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.operator = node.key
        self.letters = iter(self._make_dead_letters())
        self.agent.invite(self.chain, identity="partner", email="p@partner.example", name="Partner", title="Quotation")
        self.owner.post("/scenarios", scenarios.load("nda"))
        self.draft = self.owner.get("/scenarios").json[0]["id"]
        self.owner.post("/hash", {"hash": HASH.hex()})
        self.transfer = self._transfer(1)
        self.owner.post("/transactions/broadcast", self.transfer)
        self.waiting = ""
        said = {"$schema": "urn:livecontract:comment:1", "process": PROCESS, "content": "Soon?"}
        self.comment = base58.encode(self.agent.add(self.chain, said).hash)
        self.proposal = base58.encode(self.agent.add(self.chain, DEVIATION).hash)
        settle(node)
        wait_for(lambda: self.owner.get(f"/transactions/info/{self.transfer['id']}").status == 200, "the transfer")
        wait_for(lambda: self.owner.get(f"/hash/{HASH.hex()}/receipt").status == 200, "the receipt")
        self.block = self.owner.get("/blocks/first").json["signature"]
        self._sign_an_agreement()

    def _sign_an_agreement(self) -> None:
        """Agree with oneself: the node makes the document that is signed."""
        self.agent.add(self.chain, scenarios.load("nda"))
        self.agent.start(
            self.chain, AGREEMENT, "nda", {role: {"identity": "owner"} for role in ("discloser", "recipient")}
        )
        terms = {"discloser": "Owner", "recipient": "Owner", "purpose": "Beams", "years": 1, "law": "Norway"}
        self.agent.respond(self.chain, AGREEMENT, "propose", terms)
        self.agent.respond(self.chain, AGREEMENT, "agree")
        wait_for(lambda: self.agent.process(AGREEMENT)["assets"]["agreement"], "the document")

    def _make_dead_letters(self) -> list[str]:
        """Queue documents that are refused later: the hash of their event is wrong."""
        for number in range(2):
            document = self.next_part({"$schema": "urn:example:note", "number": number})
            document["events"][-1]["hash"] = base58.encode(sha256(b"another"))
            assert self.owner.post("/queue", document).status == 204
        operator = self.caller(self.operator)
        wait_for(lambda: len(operator.get("/queue/dead-letters").json) == 2, "the dead letters")
        return [item["id"] for item in operator.get("/queue/dead-letters").json]

    def next_part(self, body: dict[str, Any], key: KeyPair = OWNER) -> dict[str, Any]:
        """Return a partial chain with a new event at the end of the owner's chain."""
        tip = self.agent.tip(self.chain)
        data = canonical_json.encode(body)
        event = events.sign(previous=tip.hash, key=key, timestamp=system_clock(), data=data)
        return EventChain(self.node.node.eventchain.tip(self.chain).chain, (event,), tip).to_dict()

    def _transfer(self, amount: int) -> dict[str, Any]:
        recipient = address_of(OWNER.public_key, "T")
        item = Transaction(
            network="T",
            timestamp=system_clock(),
            sender=self.node.key.public_key,
            fee=LTO,
            payload=Transfer(recipient=recipient, amount=amount * LTO, attachment=b""),
        ).signed_by(self.node.key)
        return transaction_json.to_dict(item)

    def good(self, name: str) -> Good:
        """Return a request that succeeds."""
        chain, operator = {"chain": self.chain}, {"key": self.operator}
        address = {"address": base58.encode(address_of(self.node.key.public_key, "T"))}
        response = {"process": PROCESS, "action": "request", "data": {"item": "Beam", "quantity": 4}}
        text, encoded = {"text": HASH.hex()}, {"text": base58.encode(HASH), "encoding": "base58"}
        invitation = {"identity": "third", "email": "t@third.example", "name": "Third", "title": "Quotation"}
        hashes = {"hashes": [HASH.hex()], "encoding": "hex"}
        table: dict[str, Any] = {
            "addEvents": lambda: Good(body=self.next_part({"$schema": "urn:example:note", "text": "a note"})),
            "getChain": lambda: Good(chain),
            "getReceipts": lambda: Good(chain),
            "getConflicts": lambda: Good(chain),
            "followChain": lambda: Good(chain),
            "getEvidence": lambda: Good(self._proven()),
            "getIdentity": lambda: Good({"identity": "owner"}),
            "submit": lambda: Good(body=self.agent.chain(self.chain)),
            "ask": lambda: Good(body={"$schema": "urn:livecontract:ask:1", "chain": self.chain, "known": []}),
            "examine": lambda: Good(**operator),
            "askEverybody": lambda: Good(**operator),
            "measureChains": lambda: Good(**operator),
            "queueDepths": lambda: Good(**operator),
            "listDeadLetters": lambda: Good(query="queue=events", **operator),
            "discardDeadLetter": lambda: Good({"letter_id": next(self.letters)}, **operator),
            "requeueDeadLetter": lambda: Good({"letter_id": next(self.letters)}, **operator),
            "listMail": lambda: Good(query="to=p%40partner.example", **operator),
            "submitHash": lambda: Good(body=hashes),
            "verifyHashes": lambda: Good(query="encoding=hex", body=[HASH.hex()]),
            "getHashReceipts": lambda: Good(body=hashes),
            "findHash": lambda: Good(text),
            "getReceipt": lambda: Good(text),
            "findHashEncoded": lambda: Good(encoded),
            "getReceiptEncoded": lambda: Good(encoded),
            "broadcastTransaction": lambda: Good(body=self._transfer(2)),
            "getTransaction": lambda: Good({"transaction_id": self.transfer["id"]}),
            "getUnconfirmed": lambda: Good({"transaction_id": self._unconfirmed()}),
            "getHeightOf": lambda: Good({"signature": self.block}),
            "getBlock": lambda: Good({"height": "1"}),
            "getBlockBySignature": lambda: Good({"signature": self.block}),
            "listBlocks": lambda: Good({"first": "1", "last": "3"}),
            "getHeader": lambda: Good({"height": "1"}),
            "listHeaders": lambda: Good({"first": "1", "last": "3"}),
            "listSignedHeaders": lambda: Good({"first": "1", "last": "3"}),
            "getBalance": lambda: Good(address),
            "getBalanceDetails": lambda: Good(address),
            "validateAddress": lambda: Good(address),
            "listLeases": lambda: Good(address),
            "getSponsors": lambda: Good(address),
            "invite": lambda: Good(body={**invitation, "chain": self.chain}),
            "listInvitations": lambda: Good(query=f"chain={self.chain}"),
            "addScenario": lambda: Good(body=scenarios.load("signing")),
            "getScenario": lambda: Good({"scenario_id": self.draft}),
            "getDocument": lambda: Good({"process_id": AGREEMENT, "asset": "agreement"}),
            "getForm": lambda: Good({"process_id": PROCESS, "action": "request"}, query="response=ok"),
            "getProcess": lambda: Good({"process_id": PROCESS}),
            "listCommentsOfChain": lambda: Good(query=f"chain={self.chain}"),
            "listComments": lambda: Good({"process_id": PROCESS}),
            "getComment": lambda: Good({"process_id": PROCESS, "event": self.comment}),
            "prepareComment": lambda: Good({"process_id": PROCESS}, body={"content": "Yes."}),
            "listDeviations": lambda: Good({"process_id": PROCESS}),
            "getDeviation": lambda: Good({"process_id": PROCESS, "event": self.proposal}),
            "prepareDeviation": lambda: Good({"process_id": PROCESS}, body=DEVIATION),
            "prepareConsent": lambda: Good({"process_id": PROCESS, "event": self.proposal}, body={"answer": "agree"}),
            "prepareResponse": lambda: Good({"process_id": PROCESS}, query=f"chain={self.chain}", body=response),
            "answerDeferred": self._deferred,
            "prepareNamedResponse": lambda: Good(body=response),
        }
        return table.get(name, Good)()

    def _deferred(self) -> Good:
        """Start a process whose system action is left to others, and answer it."""
        action = {"system": True, "actor": "clerk", "responses": {"ok": {}, "error": {}}}
        scenario = {"$schema": "urn:livecontract:scenario:1", "id": "clerk", "actors": {"clerk": {}}}
        states = {"initial": {"action": "file", "transition": ":success"}}
        chain = self.agent.create_chain({})
        self.agent.add(chain, {**scenario, "actions": {"file": action}, "states": states})
        self.agent.start(chain, "files", "clerk", {"clerk": {"identity": self.agent.identity}})
        [row] = wait_for(lambda: self.node.node.parts.store.find(DEFERRED), "the deferred action")
        token = self.node.node.answering.token_of(row["id"])
        return Good({"answer_id": row["id"]}, body={"key": "ok"}, headers={"Livecontract-Answer-Token": token})

    def _proven(self) -> dict[str, str]:
        wait_for(lambda: self.owner.get(f"/event-chains/{self.chain}/evidence").status == 200, "evidence")
        return {"chain": self.chain}

    def _unconfirmed(self) -> str:
        """Broadcast a transaction: it waits for the next microblock, which may come at any moment."""
        transfer = self._transfer(3)
        self.owner.post("/transactions/broadcast", transfer)
        return str(transfer["id"])

    def request(self, name: str, good: Good | None = None) -> tuple[str, str, bytes, Good]:
        """Return method, target and body of a good request."""
        good = good or self.good(name)
        method, path, _ = OPERATIONS[name]
        target = re.sub(r"\{(\w+)\}", lambda match: part(good.parameters[match[1]]), path)
        body = b"" if good.body is None else json.dumps(good.body).encode()
        return method, target + (f"?{good.query}" if good.query else ""), body, good


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("node"), block_time_ms=200) as node:
        yield Stage(node)


def check_problem(answer: Answer, status: int, words: str = "") -> dict[str, Any]:
    assert answer.status == status, answer.data
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    validator_of(DOCUMENT["components"]["schemas"]["Problem"]).validate(document)
    assert document["status"] == status
    assert words in f"{document['detail']} {document.get('hint')}"
    return document


def validator_of(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def check_described(name: str, answer: Answer) -> None:
    """Compare an answer with what the document says of it."""
    responses = OPERATIONS[name][2]["responses"]
    assert str(answer.status) in responses, answer.data
    content = responses[str(answer.status)].get("content")
    if content is None:
        assert answer.data == b""
        return
    (media_type,) = content
    assert answer.headers["Content-Type"].partition(";")[0] == media_type
    found = answer.json if media_type.endswith("json") else answer.data.decode(errors="replace")
    validator_of(content[media_type]["schema"]).validate(found)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in STREAMS])
def test_every_route_answers_a_good_request_as_described(stage: Stage, name: str) -> None:
    method, target, body, good = stage.request(name)
    item = OPERATIONS[name][2]
    named = DOCUMENT["components"]["parameters"]
    parameters = [named.get(found.get("$ref", "").rpartition("/")[2], found) for found in item.get("parameters", [])]
    described = {parameter["name"]: parameter["in"] for parameter in parameters}
    assert {key for key, place in described.items() if place == "path"} == set(good.parameters)
    assert set(re.findall(r"(\w+)=", good.query)) <= {key for key, place in described.items() if place == "query"}
    assert ("requestBody" in item) == bool(body)
    if body:
        validator_of(item["requestBody"]["content"]["application/json"]["schema"]).validate(good.body)
    caller = stage.caller(good.key if name in SIGNED else None)
    answer = caller.send(method, target, body, None if name in SIGNED else good.headers)
    if name == "getUnconfirmed" and answer.status == 404:  # a microblock took it in that moment
        return
    assert 200 <= answer.status < 300, answer.data
    check_described(name, answer)


def test_served_and_described_are_the_same_in_both_directions(stage: Stage) -> None:
    app = stage.node.app
    services = {tag for _, _, item in OPERATIONS.values() for tag in item["tags"]}
    assert services == set(app.blueprints)
    assert openapi.differences(app, openapi.load()) == []
    assert stage.owner.get("/openapi.json").json == json.loads(json.dumps(DOCUMENT))
    left_out = copy.deepcopy(openapi.load())
    del left_out["paths"]["/processes"]
    assert openapi.differences(app, left_out) == ["GET /processes is served and not described"]


@pytest.mark.parametrize("name", SIGNED)
def test_a_request_that_nobody_signed_for_this_node_now_is_refused(stage: Stage, name: str) -> None:
    good = Good({"letter_id": "x"}) if "letter_id" in OPERATIONS[name][1] else None
    method, target, body, good = stage.request(name, good)
    caller = stage.caller(good.key)
    other_body = b'{"other": true}' if body else b""
    stolen = {**caller.sign(method, target, body), "Signature": "sig=:" + base64.b64encode(b"x" * 64).decode() + ":"}
    bad = {
        "not signed": {},
        "does not fit": stolen,
        "expired": caller.sign(method, target, body, shift=-200),
        "future": caller.sign(method, target, body, shift=200),
        "at most": caller.sign(method, target, body, lifetime=100_000),
        stage.node.url: caller.sign(method, target, body, base="http://127.0.0.2:1"),
        f"{target} ": caller.sign(method, target + "x", body),
        "sign exactly": caller.sign("PUT", target, body),
        "not the one that was signed" if body else "fit": caller.sign(
            method, target + ("" if body else "?"), other_body
        ),
    }
    seen = set()
    for words, headers in bad.items():
        answer = caller.send(method, target, body, headers)
        document = check_problem(answer, 401, words.strip())
        assert answer.headers["WWW-Authenticate"].startswith("Signature")
        seen.add(document["detail"])
    assert len(seen) >= 5


@pytest.mark.parametrize("name", [name for name in SIGNED if name not in STREAMS])
def test_a_request_is_accepted_once(stage: Stage, name: str) -> None:
    good = Good({"letter_id": "x"}, key=stage.operator) if "letter_id" in OPERATIONS[name][1] else None
    method, target, body, good = stage.request(name, good)
    caller = stage.caller(good.key)
    headers = caller.sign(method, target, body)
    assert caller.send(method, target, body, headers).status != 401
    check_problem(caller.send(method, target, body, headers), 401, "sent before")


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_wrong_methods_are_refused_with_those_that_are_right(stage: Stage, path: str) -> None:
    target = re.sub(r"\{(\w+)\}", "1", path)
    wanted = {method.upper() for method in DOCUMENT["paths"][path]}
    if path in ("/hash/verify", "/hash/receipts"):
        wanted.add("GET")  # of a hash called `verify`: refused as one
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - wanted:
        answer = stage.owner.send(method, target)
        check_problem(answer, 405)
        assert wanted <= set(answer.headers["Allow"].split(", "))


SEEN_BY_MEMBERS = {
    "getChain": ("chain", "NAME"),
    "getReceipts": ("chain", "NAME"),
    "getConflicts": ("chain", "NAME"),
    "followChain": ("chain", "NAME"),
    "getEvidence": ("chain", "NAME"),
    "getIdentity": ("identity", "owner"),
    "getProcess": ("process_id", PROCESS),
    "prepareResponse": ("process_id", PROCESS),
}


@pytest.mark.parametrize("key", [STRANGER, NEIGHBOUR], ids=["stranger", "member of another chain"])
@pytest.mark.parametrize("name", SEEN_BY_MEMBERS)
def test_what_somebody_takes_no_part_in_looks_as_if_it_were_not_there(stage: Stage, name: str, key: KeyPair) -> None:
    parameter, _ = SEEN_BY_MEMBERS[name]
    good = stage.good(name)
    if name == "prepareResponse":
        good = good._replace(query="", body={"action": "request"})
    method, target, body, _ = stage.request(name, good)
    unknown = good._replace(parameters={parameter: "nothing-of-this-name"})
    caller = stage.caller(key)
    answer = caller.send(method, target, body)
    document = check_problem(answer, 404)
    assert document == check_problem(caller.send(*stage.request(name, unknown)[:3]), 404)


@pytest.mark.parametrize("key", [STRANGER, NEIGHBOUR], ids=["stranger", "member of another chain"])
def test_lists_show_nothing_of_others(stage: Stage, key: KeyPair) -> None:
    caller = stage.caller(key)
    for target in ("/event-chains", "/identities", "/processes"):
        assert stage.chain not in caller.get(target).data.decode()
    for target in ("/identities?chain=", "/invitations?chain="):
        other = check_problem(caller.get(target + stage.chain), 404)
        assert other == check_problem(caller.get(target + "nothing"), 404)
    response = {"process": PROCESS, "action": "request"}
    refused = check_problem(caller.post("/responses", response), 404)
    assert refused == check_problem(caller.post("/responses", {**response, "process": "nothing"}), 404)
    invitation = stage.good("invite").body
    refused = check_problem(caller.post("/invitations", invitation), 404)
    assert refused == check_problem(caller.post("/invitations", {**invitation, "chain": "nothing"}), 404)
    check_problem(caller.get(f"/processes/{PROCESS}?chain={stage.chain}"), 404)
    for target in ("/queue", "/queue/dead-letters", "/dev/mail"):
        check_problem(caller.get(target), 403, "operator")
    for method, target in (("DELETE", "/queue/dead-letters/1"), ("POST", "/queue/dead-letters/1/requeue")):
        check_problem(caller.send(method, target), 403, "operator")


def test_a_scenario_of_a_chain_is_shown_to_its_members_only(stage: Stage) -> None:
    assert stage.owner.get("/scenarios/quotation").status == 200
    for key in (STRANGER, NEIGHBOUR):
        refused = check_problem(stage.caller(key).get("/scenarios/quotation"), 404)
        assert refused == check_problem(stage.caller(key).get("/scenarios/nothing"), 404)
    check_problem(stage.caller(STRANGER).post("/scenarios", scenarios.load("nda")), 403)


@pytest.mark.parametrize("key", [STRANGER, NEIGHBOUR, PARTNER])
def test_events_for_a_chain_come_from_its_members(stage: Stage, key: KeyPair) -> None:
    length = len(stage.agent.chain(stage.chain)["events"])
    document = stage.next_part({"$schema": "urn:example:note"}, key)
    check_problem(stage.caller(key).post("/event-chains", document), 403, "takes no part")
    check_problem(stage.caller(key).post("/queue", document), 403, "takes no part")
    check_problem(stage.owner.post("/event-chains", document), 403)
    assert len(stage.agent.chain(stage.chain)["events"]) == length


def test_a_chain_is_answered_from_where_it_is_known(stage: Stage) -> None:
    whole = stage.agent.chain(stage.chain)
    first, last = whole["events"][0]["hash"], whole["events"][-1]["hash"]
    target = f"/event-chains/{stage.chain}?after="
    after = stage.owner.get(target + first).json
    assert after["events"][0]["hash"] == first
    assert "signature" not in after["events"][0]
    assert [item["hash"] for item in after["events"]] == [item["hash"] for item in whole["events"]]
    assert len(stage.owner.get(target + last).json["events"]) == 1
    check_problem(stage.owner.get(target + base58.encode(HASH)), 404)
    check_problem(stage.owner.get(target + "0OIl"), 400)


@pytest.mark.parametrize("name", ["listScenarios", "getScenario", "listProcesses", "getProcess"])
def test_what_has_not_changed_is_not_sent_again(stage: Stage, name: str) -> None:
    method, target, body, _ = stage.request(name)
    etag = stage.owner.send(method, target, body).headers["ETag"]
    again = stage.owner.send(method, target, body, {**stage.owner.sign(method, target, body), "If-None-Match": etag})
    assert again.status == 304
    check_described(name, again)
    other = {**stage.owner.sign(method, target, body), "If-None-Match": 'W/"other"'}
    assert stage.owner.send(method, target, body, other).status == 200
    check_problem(stage.owner.send(method, target, body, {"If-None-Match": etag}), 401)


@pytest.mark.parametrize(("route", "most"), [("seq", 100), ("headers/seq", 100), ("headers/signed", 1_000)])
def test_spans_of_blocks_have_the_limit_that_is_described(stage: Stage, route: str, most: int) -> None:
    item = DOCUMENT["paths"][f"/blocks/{route}/{{first}}/{{last}}"]["get"]
    assert f"fewer than {most:,} further" in item["parameters"][1]["description"]
    assert stage.owner.get(f"/blocks/{route}/1/{most}").status == 200
    check_problem(stage.owner.get(f"/blocks/{route}/1/{most + 1}"), 400, "at most")


def test_a_fork_keeps_both_branches_for_inspection(stage: Stage) -> None:
    chain = stage.neighbour.create_chain({"name": "Neighbour"})
    tip = stage.neighbour.tip(chain)
    stage.neighbour.add(chain, {"$schema": "urn:example:note", "text": "first"})
    event = events.sign(
        previous=tip.hash,
        key=NEIGHBOUR,
        timestamp=system_clock(),
        data=canonical_json.encode({"$schema": "urn:example:note", "text": "second"}),
    )
    branch = EventChain(stage.node.node.eventchain.tip(chain).chain, (event,), tip).to_dict()
    caller = stage.caller(NEIGHBOUR)
    refused = check_problem(caller.post("/event-chains", branch), 409, "conflicts")
    assert base58.encode(tip.hash) in refused["detail"]
    answer = caller.get(f"/event-chains/{chain}/conflicts")
    check_described("getConflicts", answer)
    (conflict,) = answer.json
    assert [item["hash"] for item in conflict["branch"]["events"]] == [
        base58.encode(tip.hash),
        base58.encode(event.hash),
    ]
    assert len(conflict["canonical"]["events"]) == 2
    assert caller.get("/event-chains").json[-1]["conflicts"] + caller.get("/event-chains").json[0]["conflicts"] == 1


def test_the_mailbox_is_there_where_it_is_configured_only(tmp_path: Path) -> None:
    with running(tmp_path, mail="none", store="memory:", broker="memory:") as node:
        operator = Caller(node.url, node.key)
        check_problem(operator.get("/dev/mail"), 404)
        assert openapi.differences(node.app, openapi.load()) == []
        assert operator.get("/queue").status == 200


def test_an_operator_reads_mails_with_the_invitation_in_them(stage: Stage) -> None:
    (mail,) = stage.caller(stage.operator).get("/dev/mail?to=p%40partner.example").json
    invitation = json.loads(base64.b64decode(mail["attachments"][0]["data"]))
    assert (invitation["chain"], invitation["node"]) == (stage.chain, stage.node.url)
    assert invitation["one_time_key"]["private_key"] not in mail["text"]


NODE_PHRASE = (
    "lantern valley copper meadow pencil harbor cotton river hammer window forest ladder silver bucket orchard"
)
BUYER_PHRASE = (
    "orchard lantern copper violin marble harbor pepper saddle window thunder basket ribbon meadow anchor pilot"
)


def test_a_chain_that_a_published_client_wrote_is_taken_in_played_and_given_back(tmp_path: Path) -> None:
    text = (VECTORS / "chains" / "v2-lto-0.16.15-node.json").read_bytes()
    document = json.loads(text)
    key_store.save(tmp_path / "keys" / "system.json", KeyPair.from_seed_phrase(NODE_PHRASE), None, os.urandom)
    with running(tmp_path, broker="memory:") as node:
        buyer = Caller(node.url, KeyPair.from_seed_phrase(BUYER_PHRASE))
        assert buyer.post("/event-chains", text).json == document
        assert buyer.get(f"/event-chains/{document['id']}").json == document
        (process,) = buyer.get("/processes").json
        assert (process["chain"], process["current"]["key"]) == (document["id"], ":success")
        played = buyer.get(f"/processes/{process['id']}").json
        assert [item["action"]["key"] for item in played["previous"]] == ["offer", "accept"]
        assert played["previous"][0]["data"]["price"] == 1234.5
        assert buyer.post("/event-chains", text).json == document
        assert buyer.post("/queue", text).status == 204
        events = node.node.parts.broker.depth  # what goes to the seller waits: this node has no login at its broker
        wait_for(lambda: not (events("events").waiting or events("events").leased), "the events to be handled")
        assert len(buyer.get(f"/event-chains/{document['id']}").json["events"]) == len(document["events"])
