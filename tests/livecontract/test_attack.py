"""Bad input to a running node, over HTTP and over the command line: refused in words, nothing stored, nobody called."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventchain import event as events
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId, Generation
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from livecontract.agent import PROCESS_SCHEMA, RESPONSE_SCHEMA, Agent
from livecontract.cli import main
from tests.livecontract.bad_input import (
    BOMB_DATA,
    BOUNDED_BOMBS,
    BROKEN_SCENARIOS,
    GROWING,
    MALFORMED,
    ORDER,
    REFUSED_BOMBS,
    changed,
    lax_signature,
)
from tests.livecontract.running import (
    OWNER,
    PARTNER,
    PROCESS,
    STRANGER,
    Answer,
    Caller,
    no_other_connections,
    running,
    settle,
    stored,
)

Document = dict[str, Any]

LIMIT = 500_000
"""Bytes of a request."""

NOTE = {"$schema": "urn:example:note", "text": "a note"}
POST_ROUTES = [
    "/event-chains",
    "/queue",
    "/scenarios",
    "/responses",
    f"/processes/{PROCESS}/response",
    f"/processes/{PROCESS}/comments",
    f"/processes/{PROCESS}/deviations",
    "/invitations",
    "/hash",
    "/hash/verify",
    "/hash/receipts",
    "/transactions/broadcast",
]


class Target:
    """A node with a contract between its owner, the buyer, and a partner on the same node, the seller."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.owner = Caller(node.url, OWNER)
        self.partner = Caller(node.url, PARTNER)
        self.agent = Agent("owner", OWNER, node.url)
        self.chain = self.new_contract(ORDER)

    def new_contract(self, scenario: Document) -> str:
        """Return a new chain with both parties on it, this scenario, and the process `order-1`."""
        chain = self.agent.create_chain({})
        keys = {"user": str(PARTNER.public_key)}
        partner = {"$schema": IDENTITY_SCHEMA, "id": "partner", "node": None, "signkeys": keys}
        actors = {"buyer": {"identity": "owner"}, "seller": {"identity": "partner"}}
        process = {"$schema": PROCESS_SCHEMA, "id": PROCESS, "scenario": scenario["id"], "actors": actors}
        for body in (partner, scenario, process):
            self.agent.add(chain, body)
        return chain

    def part(self, body: Any, key: KeyPair = OWNER, chain: str = "", timestamp: int = 0) -> Document:
        """Return a partial chain: one event at the end of a chain."""
        tip = self.node.node.eventchain.tip(chain or self.chain)
        data = body if isinstance(body, bytes) else canonical_json.encode(body)
        event = events.sign(previous=tip.hash, key=key, timestamp=timestamp or system_clock(), data=data)
        return EventChain(tip.chain, (event,), Stub(tip.hash, tip.state)).to_dict()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("node"), max_request_bytes=LIMIT) as node:
        yield Target(node)


@pytest.fixture(autouse=True)
def nothing_else_happens(target: Target) -> Iterator[None]:
    """No test of this file makes the node call anybody."""
    with no_other_connections(target.node.url) as noticed:
        yield
    assert noticed == []


def check_refused(answer: Answer, status: int, *words: str) -> Document:
    """Check that an answer says what is wrong, where, and of which kind."""
    assert answer.status == status, answer.data
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: Document = answer.json
    assert document["status"] == status
    said = f"{document['detail']} {document.get('path')} {document.get('hint')}"
    for word in words:
        assert word in said
    return document


class Unchanged:
    """Checks that a node keeps afterwards what it kept before."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __enter__(self) -> None:
        settle(self._target.node)
        self._before = stored(self._target.node)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            settle(self._target.node)
            assert stored(self._target.node) == self._before


@pytest.mark.parametrize("route", POST_ROUTES)
def test_malformed_json_is_refused_at_every_route(target: Target, route: str) -> None:
    with Unchanged(target):
        for body, status, words in MALFORMED.values():
            check_refused(target.owner.post(route, body), status, words)
        check_refused(target.owner.post(route, b'"' + b"x" * LIMIT + b'"'), 413)
        for document in ([], {}, "text", 1, None, True, [None], {"id": None}, {"hash": {}}, {"hashes": [1]}):
            answer = target.owner.post(route, document)
            if not (route == "/hash/verify" and document == []):
                check_refused(answer, 400)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_refused_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    body, status, words = MALFORMED[name]
    path = tmp_path / "file.json"
    path.write_bytes(body)
    for command in (
        ["chain", "verify"],
        ["chain", "show"],
        ["scenario", "check"],
        ["scenario", "normalise"],
        ["verify"],
    ):
        assert main([*command, str(path), "--json"]) == 3
        document = json.loads(capsys.readouterr().out)
        assert document["status"] in (400, status)
        assert words in document["detail"]


def change_signature(document: Document) -> None:
    event = document["events"][-1]
    event["signature"] = base58.encode(STRANGER.sign(b"something else"))


def change_to_lax_signature(document: Document) -> None:
    document["events"][-1]["signature"] = lax_signature(document["events"][-1]["signature"])


def change_signature_text(document: Document) -> None:
    document["events"][-1]["signature"] = "1" + document["events"][-1]["signature"]


def change_sign_key(document: Document) -> None:
    document["events"][-1]["signKey"]["publicKey"] = str(STRANGER.public_key)


def change_hash(document: Document) -> None:
    document["events"][-1]["hash"] = base58.encode(sha256(b"another"))


def change_data(document: Document) -> None:
    document["events"][-1]["data"] = "base64:e30="


def change_timestamp(document: Document) -> None:
    document["events"][-1]["timestamp"] += 1


def change_previous(document: Document) -> None:
    document["events"][-1]["previous"] = base58.encode(sha256(b"another"))


def repeat_event(document: Document) -> None:
    document["events"].append(document["events"][-1])


def forget_data(document: Document) -> None:
    del document["events"][-1]["data"]


def change_id(document: Document) -> None:
    text = document["id"]
    document["id"] = text[:-1] + ("2" if text[-1] != "2" else "3")


def change_generation(document: Document) -> None:
    document["id"] = str(ChainId.create(OWNER.public_key, b"n" * 20, network="T", generation=Generation.V1))


def forget_events(document: Document) -> None:
    document["events"] = []


def add_member(document: Document) -> None:
    document["events"][-1]["surprise"] = 1


BROKEN_PARTS: dict[str, tuple[Any, int, str]] = {
    "a forged signature": (change_signature, 400, "signature"),
    "the second form of a signature": (change_to_lax_signature, 400, "signature"),
    "a signature written otherwise": (change_signature_text, 400, "signature"),
    "the key of somebody else": (change_sign_key, 400, "hash"),
    "a wrong hash": (change_hash, 400, "hash"),
    "other data": (change_data, 400, "hash"),
    "another time": (change_timestamp, 400, "hash"),
    "a broken link": (change_previous, 400, "broken before"),
    "an event after itself": (repeat_event, 400, "broken before"),
    "an event without data": (forget_data, 400, "$.events"),
    "an id with a wrong checksum": (change_id, 400, "id"),
    "a chain of another generation": (change_generation, 400, "generation"),
    "no events": (forget_events, 400, "$.events"),
}


@pytest.mark.parametrize("name", BROKEN_PARTS)
def test_a_broken_chain_is_refused_and_nothing_of_it_is_stored(target: Target, name: str) -> None:
    change, status, words = BROKEN_PARTS[name]
    with Unchanged(target):
        check_refused(target.owner.post("/event-chains", changed(target.part(NOTE), change)), status, words)


@pytest.mark.parametrize("name", BROKEN_PARTS)
def test_a_broken_chain_in_the_queue_is_refused_or_dies_with_the_reason(target: Target, name: str) -> None:
    change, _, words = BROKEN_PARTS[name]
    operator = Caller(target.node.url, target.node.key)
    before = stored(target.node)
    answer = target.owner.post("/queue", changed(target.part(NOTE), change))
    if answer.status != 204:
        check_refused(answer, answer.status)
        assert answer.status in (400, 403, 503)
        return
    settle(target.node)
    (letter,) = operator.get("/queue/dead-letters").json
    assert words.removeprefix("$.") in letter["reason"]
    assert operator.send("DELETE", f"/queue/dead-letters/{letter['id']}").status == 204
    assert stored(target.node) == before


@pytest.mark.parametrize("name", BROKEN_PARTS)
def test_a_broken_chain_does_not_verify_on_the_command_line(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change = BROKEN_PARTS[name][0]
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(changed(target.part(NOTE), change)))
    code = main(["chain", "verify", str(path), "--json"])
    document = json.loads(capsys.readouterr().out)
    if name == "no events":
        assert (code, document["events"]) == (0, 0)
        return
    assert code in (1, 3)
    assert document["valid"] is False if code == 1 else document["status"] == 400
    assert document["errors"][0]["message"] if code == 1 else document["detail"]


def test_members_that_nobody_signed_are_not_kept(target: Target) -> None:
    document = changed(target.part(NOTE), add_member)
    answer = target.owner.post("/event-chains", document)
    if answer.status == 200:
        assert "surprise" not in target.agent.chain(target.chain)["events"][-1]
    else:
        check_refused(answer, 400, "surprise")


def test_an_event_of_nobody_on_the_chain_is_refused(target: Target) -> None:
    with Unchanged(target):
        check_refused(target.owner.post("/event-chains", target.part(NOTE, STRANGER)), 403)


def test_an_event_from_the_future_waits_outside(target: Target) -> None:
    later = target.part(NOTE, timestamp=system_clock() + 3_600_000)
    with Unchanged(target):
        check_refused(target.owner.post("/event-chains", later), 503, "clock")


def test_a_chain_of_somebody_elses_making_is_refused(target: Target) -> None:
    chain = ChainId.create(STRANGER.public_key, b"n" * 20, network="T")
    body = {"$schema": IDENTITY_SCHEMA, "id": "owner", "signkeys": {"user": str(OWNER.public_key)}}
    event = events.sign(
        previous=chain.initial_hash, key=OWNER, timestamp=system_clock(), data=canonical_json.encode(body)
    )
    with Unchanged(target):
        check_refused(
            target.owner.post("/event-chains", EventChain(chain, (event,)).to_dict()), 400, "belongs to another key"
        )


def test_a_chain_that_lives_elsewhere_is_not_taken_in(target: Target) -> None:
    chain = ChainId.create(OWNER.public_key, b"n" * 20, network="T")
    keys = {"user": str(OWNER.public_key), SYSTEM_KEY: str(STRANGER.public_key)}
    body = {"$schema": IDENTITY_SCHEMA, "id": "owner", "node": "http://other.example", "signkeys": keys}
    event = events.sign(
        previous=chain.initial_hash, key=OWNER, timestamp=system_clock(), data=canonical_json.encode(body)
    )
    with Unchanged(target):
        document = EventChain(chain, (event,)).to_dict()
        check_refused(target.owner.post("/event-chains", document), 403, str(target.node.key.public_key))


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"$schema": 1}', b'{"a":1,"a":2}', b"[NaN]", b"[]", b"\xff" * 100, b"[" * 5_000]
)
def test_signed_data_that_is_no_object_does_no_harm(target: Target, data: bytes) -> None:
    answer = target.owner.post("/event-chains", target.part(data))
    assert answer.status in (200, 400, 413), answer.data
    assert target.owner.get(f"/processes/{PROCESS}?chain={target.chain}").status == 200


RESPONSE = {"$schema": RESPONSE_SCHEMA, "process": PROCESS, "action": "order", "key": "ok", "data": {"text": "x"}}
BAD_RESPONSES: dict[str, tuple[Document, KeyPair, set[int], str]] = {
    "of the wrong actor": ({}, PARTNER, {400, 403}, "order"),
    "in the wrong state": ({"action": "deliver"}, PARTNER, {400, 409}, "deliver"),
    "to no action": ({"action": "missing"}, OWNER, {400, 404, 409}, "missing"),
    "of no such key": ({"key": "maybe"}, OWNER, {400}, "maybe"),
    "to no process": ({"process": "missing"}, OWNER, {400, 404}, "process"),
    "as somebody else": ({"actor": "seller"}, OWNER, {400, 403}, "seller"),
    "with data of the wrong type": ({"data": "text"}, OWNER, {400}, "$.data"),
    "without the data it needs": ({"data": {}}, OWNER, {400}, "text"),
    "with data an asset cannot hold": ({"data": {"text": 1}}, OWNER, {400}, "text"),
}


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_a_response_that_is_not_due_is_refused_in_the_same_words_everywhere(target: Target, name: str) -> None:
    change, key, statuses, words = BAD_RESPONSES[name]
    caller = Caller(target.node.url, key)
    body = {**RESPONSE, **change}
    with Unchanged(target):
        added = caller.post("/event-chains", target.part(body, key))
        assert added.status in statuses, added.data
        prepared = caller.post(f"/responses?chain={target.chain}", body)
        assert prepared.status in statuses, prepared.data
        for answer in (added, prepared):
            check_refused(answer, answer.status, words)


@pytest.mark.parametrize("name", sorted(BAD_RESPONSES.keys() - {"to no process", "as somebody else"}))
def test_a_response_that_is_not_due_is_refused_by_a_simulation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change, key, _, words = BAD_RESPONSES[name]
    body = {"action": "order", "data": {"text": "x"}, **change, "actor": "buyer" if key is OWNER else "seller"}
    body["response"] = body.pop("key", "ok")
    (tmp_path / "s.json").write_text(json.dumps(ORDER))
    (tmp_path / "r.json").write_text(json.dumps([body]))
    code = main(["scenario", "simulate", str(tmp_path / "s.json"), "--responses", str(tmp_path / "r.json"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code in (1, 3, 5)
    assert words.removeprefix("$.") in f"{document['detail']} {document.get('path')}"


@pytest.mark.parametrize("name", BROKEN_SCENARIOS)
def test_a_broken_scenario_is_refused_with_its_place(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change, place = BROKEN_SCENARIOS[name]
    scenario = changed(ORDER, change)
    scenario["id"] = "another"
    with Unchanged(target):
        check_refused(target.owner.post("/scenarios", scenario), 400, place)
    if place != "$schema":  # as an event, it is then no scenario to this node
        with Unchanged(target):
            check_refused(target.owner.post("/event-chains", target.part(scenario)), 400, place)
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(scenario))
    assert main(["scenario", "check", str(path), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any(place in item["path"] and item["severity"] == "error" for item in problems)


@pytest.mark.parametrize("name", REFUSED_BOMBS | BOUNDED_BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(target: Target, name: str) -> None:
    scenario = changed(ORDER, (REFUSED_BOMBS | BOUNDED_BOMBS)[name])
    answer = target.owner.post("/scenarios", scenario)
    if answer.status not in (201, 204):
        assert name in REFUSED_BOMBS
        check_refused(answer, 400)
        check_refused(target.owner.post("/event-chains", target.part({**scenario, "id": "bomb"})), 400)
        return
    chain = target.new_contract(scenario)
    document = target.part({**RESPONSE, "data": BOMB_DATA}, chain=chain)
    settle(target.node)
    before = stored(target.node)
    answer = target.owner.post("/event-chains", document)
    if answer.status != 200:
        check_refused(answer, 400)
        settle(target.node)
        assert stored(target.node) == before
    else:
        assert name in BOUNDED_BOMBS
    assert target.owner.get("/healthz").status == 200


@pytest.mark.parametrize("name", REFUSED_BOMBS | BOUNDED_BOMBS)
def test_a_bomb_does_not_go_off_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    scenario, responses = tmp_path / "scenario.json", tmp_path / "responses.json"
    scenario.write_text(json.dumps(changed(ORDER, (REFUSED_BOMBS | BOUNDED_BOMBS)[name])))
    responses.write_text(json.dumps([{"actor": "buyer", "action": "order", "data": BOMB_DATA}]))
    assert main(["scenario", "check", str(scenario), "--json"]) in (0, 1)
    capsys.readouterr()
    code = main(["scenario", "simulate", str(scenario), "--responses", str(responses), "--json"])
    document = json.loads(capsys.readouterr().out)
    if code == 0:
        assert name in BOUNDED_BOMBS
    else:
        assert code == 3
        assert document["detail"]
        assert document["path"].startswith("$")


def test_what_nobody_signed_or_what_comes_again_leaves_nothing(target: Target) -> None:
    document = target.part(NOTE)
    body = json.dumps(document).encode()
    headers = target.owner.sign("POST", "/event-chains", body)
    with Unchanged(target):
        check_refused(target.owner.send("POST", "/event-chains", body, {}), 401, "not signed")
        check_refused(target.owner.send("POST", "/queue", body, headers), 401, "does not fit")
    assert target.owner.send("POST", "/event-chains", body, headers).status == 200
    with Unchanged(target):
        check_refused(target.owner.send("POST", "/event-chains", body, headers), 401, "sent before")
        assert target.owner.send("POST", "/event-chains", body).status == 200  # signed anew, and known already


def test_what_grows_with_every_response_is_refused_in_the_end(target: Target) -> None:
    scenario = changed(ORDER, GROWING)
    scenario["states"]["initial"]["transitions"].append({"action": "deliver", "transition": ":success"})
    scenario["states"]["initial"]["transitions"][0]["transition"] = "initial"
    scenario["states"].pop("ordered")
    scenario["states"]["initial"]["actions"].append("deliver")
    chain = target.new_contract(scenario)
    for _ in range(30):
        before = stored(target.node)
        answer = target.owner.post(
            "/event-chains", target.part({**RESPONSE, "data": {"text": "x" * 20_000}}, chain=chain)
        )
        settle(target.node)
        if answer.status != 200:
            break
    check_refused(answer, 400, "too large")
    assert stored(target.node) == before
