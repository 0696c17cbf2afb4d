"""The workflow engine over HTTP."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, Response, g, request
from flask.testing import FlaskClient

from eventchain.core import problem
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.store.memory import MemoryStore
from workflow_engine.process import LTO_RESPONSE
from workflow_engine.routes import create_blueprint
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers

from .deviating import HAGGLE, whole
from .documents.templates import text_in
from .documents.test_action import written
from .samples import ORDER, Chain, HashedChain, played

MEMBER = KeyPair.from_seed(bytes(32)).public_key
STRANGER = KeyPair.from_seed(bytes(31) + b"\1").public_key


class Members:
    """The member is on the chains a and b."""

    def identity_of(self, chain: str, key: str) -> str | None:
        return "acme" if key == str(MEMBER) and chain in "ab" else None

    def chains_of(self, key: str) -> list[str]:
        return ["b", "a"] if key == str(MEMBER) else []


class Prepared:
    """Gives back what was to be prepared."""

    def prepare(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> dict[str, Any]:
        return {"chain": chain, "body": dict(body), "key": str(key)}


class Client:
    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, caller: PublicKey | None = MEMBER, **headers: str) -> Any:
        return self._client.get(path, headers={**headers, "X-Test": "" if caller is None else str(caller)})

    def post(self, path: str, body: Any, caller: PublicKey | None = MEMBER) -> Any:
        data = body if isinstance(body, str) else json.dumps(body)
        return self._client.post(path, data=data, headers={"X-Test": "" if caller is None else str(caller)})


def only_started() -> list[Entry]:
    """The chain a, with a process that has just begun."""
    chain = Chain("a")
    chain.scenario()
    chain.process(id="only on a")
    return chain.entries


@pytest.fixture
def client() -> Client:
    service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
    for entry in [*only_started(), *played("b").entries, *played("c").entries]:
        service.apply(entry)
    return client_of(service)


def client_of(service: WorkflowService) -> Client:
    """A node that takes the word of a header for who asks."""
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(service, Members(), Prepared()))

    @app.before_request
    def authenticate() -> None:
        if request.headers["X-Test"]:
            g.caller = PublicKey.parse(request.headers["X-Test"])

    @app.errorhandler(LiveContractError)
    def explain(error: LiveContractError) -> Response:
        document = json.dumps(problem.to_dict(error))
        return Response(document, status=problem.status_of(error), content_type=problem.CONTENT_TYPE)

    return Client(app.test_client())


def test_processes_are_those_of_the_callers_chains(client: Client) -> None:
    found = client.get("/processes").json
    assert [(item["chain"], item["id"], item["current"]["key"]) for item in found] == [
        ("a", "only on a", "initial"),
        ("b", "p", ":success"),
    ]
    assert client.get("/processes", STRANGER).json == []


def test_process_is_shown_to_members_only(client: Client) -> None:
    assert client.get("/processes/p").json["chain"] == "b"
    assert client.get("/processes/p?chain=b").json["current"]["key"] == ":success"
    for path, caller in (("/processes/p", STRANGER), ("/processes/p?chain=c", MEMBER), ("/processes/q", MEMBER)):
        answer = client.get(path, caller)
        assert (answer.status_code, answer.json["detail"]) == (404, "There is no such process.")


def test_answer_that_the_caller_has_is_not_sent_again(client: Client) -> None:
    answer = client.get("/processes/p")
    assert answer.headers["ETag"].startswith('"')
    again = client.get("/processes/p", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_scenario_is_checked_kept_and_found(client: Client) -> None:
    assert client.get("/scenarios").json == []
    added = client.post("/scenarios", {**ORDER, "id": "mine"})
    assert added.status_code == 201
    assert client.get(added.headers["Location"]).json == added.json
    assert client.get("/scenarios/mine").json == added.json
    assert client.post("/scenarios", {**ORDER, "id": "mine"}).status_code == 204
    assert [item["name"] for item in client.get("/scenarios").json] == ["mine"]


def test_scenario_of_a_chain_is_shown_to_its_members(client: Client) -> None:
    assert client.get("/scenarios/order").json["id"] == "order"
    assert client.get("/scenarios/order", STRANGER).status_code == 404


def test_wrong_scenario_is_refused_with_its_place(client: Client) -> None:
    answer = client.post("/scenarios", {**ORDER, "states": {"initial": {"transition": "nowhere"}}})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["path"].startswith("$.states.initial")
    assert client.post("/scenarios", '{"a": 1, "a": 2}').status_code == 400
    assert client.post("/scenarios", "[" * 300).status_code == 413
    assert client.post("/scenarios", " " * 300_000).status_code == 413
    assert client.post("/scenarios", ORDER, STRANGER).status_code == 403


@pytest.mark.parametrize("path", ["/processes/p/response", "/processes/-/response", "/responses"])
def test_response_is_prepared_for_signing(client: Client, path: str) -> None:
    answer = client.post(path, {"process": {"id": "p"}, "action": "sign"})
    assert answer.status_code == 200
    body = {"$schema": LTO_RESPONSE, "process": "p", "action": "sign"}
    assert answer.json == {"chain": "b", "body": body, "key": str(MEMBER)}
    assert client.post(path, {"process": "p", "action": "sign"}, STRANGER).status_code == 404


def test_path_names_the_process_where_the_body_does_not(client: Client) -> None:
    assert client.post("/processes/p/response", {"action": "sign"}).json["body"]["process"] == "p"
    assert client.post("/responses", {"action": "sign"}).status_code == 400
    assert client.post("/processes/p/response", {"process": "q", "action": "sign"}).json["path"] == "$.process"
    assert client.post("/responses", "[]").status_code == 400


@pytest.mark.parametrize("schema", ["urn:livecontract:scenario:1", 7, None])
def test_only_a_response_is_prepared(client: Client, schema: Any) -> None:
    answer = client.post("/responses", {"$schema": schema, "process": "p", "action": "sign"})
    assert (answer.status_code, answer.json["path"]) == (400, "$.$schema")


@pytest.mark.parametrize("path", ["/scenarios", "/scenarios/x", "/processes", "/processes/p"])
def test_unsigned_request_is_refused(client: Client, path: str) -> None:
    assert client.get(path, None).status_code == 401


@pytest.fixture
def signing() -> Client:
    """A node with the process of the document tests, whose document has just been made."""
    _, chain = written("a")
    service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
    for entry in chain.entries:
        service.apply(entry)
    return client_of(service)


def test_document_is_given_to_members_and_opens(signing: Client) -> None:
    answer = signing.get("/processes/p/documents/contract")
    assert (answer.status_code, answer.content_type) == (200, "application/vnd.oasis.opendocument.text")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "3 EUR" in text_in(answer.data)
    assert (
        signing.get("/processes/p/documents/contract", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    )


def test_document_that_is_none_and_strangers_are_not_found(signing: Client) -> None:
    assert signing.get("/processes/p/documents/terms").status_code == 404
    assert signing.get("/processes/p/documents/contract", STRANGER).status_code == 404


def test_form_is_given_as_one_document(client: Client) -> None:
    form = client.get("/processes/only%20on%20a/forms/order").json
    assert [field["name"] for field in form["fields"]] == ["price"]
    assert client.get("/processes/only%20on%20a/forms/nothing").status_code == 404
    assert client.get("/processes/only%20on%20a/forms/order?response=nothing").status_code == 404


def commented(count: int, content: str = "I disagree.") -> Client:
    """The chain a with a process, and comments on it."""
    service, chain = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({})), HashedChain("a")
    chain.scenario()
    chain.process()
    for number in range(count):
        about = {"process": "p"} if number % 2 == 0 else {}
        chain.comment("beta", content=f"{number} {content}", **about)
    for entry in chain.entries:
        service.apply(entry)
    return client_of(service)


def test_comments_are_listed_in_pages_in_the_order_of_the_chain() -> None:
    client = commented(7)
    first = client.get("/processes/p/comments?limit=3")
    assert [item["content"] for item in first.get_json()] == [f"{number} I disagree." for number in (0, 2, 4)]
    rest = client.get("/processes/p/comments" + first.headers["Link"].partition("<")[2].partition(">")[0])
    assert [item["content"] for item in rest.get_json()] == ["6 I disagree."]
    assert "Link" not in rest.headers
    whole = client.get("/comments?chain=a")
    assert [item["content"][0] for item in whole.get_json()] == [str(number) for number in range(7)]


def test_long_content_is_asked_for_by_itself() -> None:
    client = commented(1, "x" * 4096)
    (listed,) = client.get("/processes/p/comments").get_json()
    assert listed["size"] == 4098
    assert "content" not in listed
    assert len(client.get(f"/processes/p/comments/{listed['event']}").get_json()["content"]) == 4098


@pytest.mark.parametrize(
    "path", ["/processes/p/comments", "/processes/p/comments/a", "/comments?chain=a", "/comments", "/comments?chain=c"]
)
def test_comments_are_nobody_elses_business(path: str) -> None:
    client = commented(1)
    assert client.get(path, STRANGER).status_code == 404
    assert client.get(path, None).status_code == 401


@pytest.mark.parametrize("cursor", ["99999999999999999999", "x", "-1", "1" * 5000])
def test_cursor_that_nobody_gave_is_no_mistake_of_the_node(cursor: str) -> None:
    client = commented(1)
    text = base64.urlsafe_b64encode(f"comments\n{cursor}".encode()).decode().rstrip("=")
    assert client.get(f"/processes/p/comments?cursor={text}").status_code == 200


def test_proposals_are_listed_with_what_became_of_them_and_shown_whole() -> None:
    service, chain = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({})), whole()
    for entry in chain.entries:
        service.apply(replace(entry, chain="a"))
    client = client_of(service)
    found = client.get("/processes/p/deviations").get_json()
    assert [(item["title"], item["state"]) for item in found] == [
        ("Haggle about the price", "refused"),
        ("Haggle about the price", "withdrawn"),
        ("Haggle about the price", "lapsed"),
        ("Haggle about the price", "over"),
        ("Rent instead of buying", "over"),
    ]
    assert [[answer["answer"] for answer in item["answers"]] for item in found] == [
        ["refuse"],
        ["withdraw"],
        [],
        ["come_into_force"],
        ["come_into_force"],
    ]
    assert found[3]["answers"][0]["author"] == "beta"
    assert found[3]["answers"][0]["reason"] == "Now."
    assert found[0]["asked"] == ["acme", "beta"]
    shown = client.get(f"/processes/p/deviations/{found[3]['event']}").get_json()
    assert shown["proposal"]["states"].keys() == {"haggling"}
    assert [item["path"] for item in shown["structure"]] == [
        "$.actions.give_up",
        "$.actions.lower",
        "$.assets.haggle",
        "$.states.haggling",
    ]
    update = client.get(f"/processes/p/deviations/{found[4]['event']}").get_json()
    assert {"kind": "changed", "path": "$.title", "old": "Order", "new": "Rental"} in update["structure"]
    assert client.get(f"/processes/p/deviations/{chain.entries[1].hash}").status_code == 404
    assert client.get("/processes/p/deviations", STRANGER).status_code == 404


def test_open_proposal_and_deviation_in_force_are_told_apart_and_change_the_tag_of_the_process() -> None:
    service, chain = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({})), HashedChain("a")
    client = client_of(service)
    tags: list[str | None] = []
    states: list[str] = []
    chain.scenario()
    chain.process()
    chain.response("order", data={"price": 1})
    proposed = chain.entry(HAGGLE)
    chain.entry({"$schema": "urn:livecontract:consent:1", "deviation": proposed.hash, "answer": "agree"}, "beta")
    for entry in chain.entries:
        service.apply(entry)
        tags.append(client.get("/processes/p").headers.get("ETag"))
        if tags[-1]:
            states += [item["state"] for item in client.get("/processes/p/deviations").get_json()]
    assert states == ["open", "in force"]
    assert len(set(tags[1:])) == 4


def test_comments_proposals_and_answers_are_prepared_for_the_person_to_sign() -> None:
    service, chain = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({})), HashedChain("a")
    chain.scenario()
    chain.process()
    chain.response("order", data={"price": 1})
    proposed = chain.entry(HAGGLE).hash
    for entry in chain.entries:
        service.apply(entry)
    client = client_of(service)
    said = client.post("/processes/p/comments", {"content": "Hm."})
    assert said.get_json()["body"] == {"$schema": "urn:livecontract:comment:1", "process": "p", "content": "Hm."}
    assert client.post("/processes/p/deviations", HAGGLE).get_json()["body"] == HAGGLE
    answer = client.post(f"/processes/p/deviations/{proposed}", {"answer": "agree"})
    assert answer.get_json()["body"] == {
        "$schema": "urn:livecontract:consent:1",
        "deviation": proposed,
        "answer": "agree",
    }
    assert client.post("/processes/p/comments", {"process": "q", "content": "Hm."}).status_code == 400
    assert client.post("/processes/p/comments", ["Hm."]).status_code == 400
    assert client.post("/processes/p/deviations", "{").status_code == 400
    assert client.post(f"/processes/p/deviations/{chain.entries[0].hash}", {"answer": "agree"}).status_code == 404
    assert client.post("/processes/p/comments", {"content": "Hm."}, STRANGER).status_code == 404
