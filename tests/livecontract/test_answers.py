"""An outside party answers a running node later: what it is told, what it may say, and who else may."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.keys import KeyPair
from livecontract.agent import Agent
from livecontract.answering import AnswerTokens
from livecontract.bootstrap import RunningNode
from tests.livecontract.running import OWNER, Answer, Caller, running, settle, wait_for

TOKENS = AnswerTokens(KeyPair.from_seed(b"n" * 32), "https://node.example")


class Court(BaseHTTPRequestHandler):
    """Takes every request on, to answer it later."""

    def do_POST(self) -> None:  # name of the library
        self.server.asked.append(dict(self.headers))  # type: ignore[attr-defined]
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # names of the library
        """Say nothing."""


@pytest.fixture(scope="module")
def court() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Court) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    directory: Path = tmp_path_factory.mktemp("answers") / "data"
    with running(directory, http_allow="127.0.0.1") as found:
        yield found


def asked(node: RunningNode, court: ThreadingHTTPServer, process: str) -> dict[str, str]:
    """Have a node ask the court something; return the headers it did it with."""
    url = f"http://127.0.0.1:{court.server_port}/cases"
    scenario = {
        "$schema": "urn:livecontract:scenario:1",
        "actors": {"plaintiff": {}},
        "assets": {"ruling": {"type": "string"}},
        "actions": {
            "ask": {
                "$schema": "urn:livecontract:action:http",
                "actor": "plaintiff",
                "url": url,
                "method": "POST",
                "responses": {"ok": {"update": "assets.ruling"}, "error": {}},
            }
        },
        "states": {
            "initial": {
                "action": "ask",
                "transitions": [
                    {"action": "ask", "response": "ok", "transition": ":success"},
                    {"action": "ask", "response": "error", "transition": ":failed"},
                ],
            }
        },
    }
    court.asked.clear()  # type: ignore[attr-defined]
    agent = Agent("acme", OWNER, node.url)
    chain = agent.create_chain({})
    agent.add(chain, {**scenario, "id": "case"})
    agent.start(chain, process, "case", {"plaintiff": {"identity": "acme"}})
    found: list[dict[str, str]] = wait_for(lambda: court.asked, "the court to be asked")  # type: ignore[attr-defined]
    settle(node)
    return found[0]


def post(headers: dict[str, str], body: bytes, token: str | None = None) -> Answer:
    base, _, id_ = headers["Livecontract-Answer-To"].partition("/answers/")
    given = {"Livecontract-Answer-Token": headers["Livecontract-Answer-Token"] if token is None else token}
    return Caller(base).send("POST", f"/answers/{id_}", body, given)


def test_outside_party_answers_without_a_key_of_its_own(node: RunningNode, court: ThreadingHTTPServer) -> None:
    headers = asked(node, court, "case-1")
    for _ in range(2):
        answer = post(headers, b'{"data": "granted"}')
        assert (answer.status, answer.json) == (202, {"process": "case-1", "action": "ask"})
    assert post(headers, b'{"data": "refused"}').status == 409
    node.node.eventchain.remind()
    process = wait_for(lambda: _finished(node, "case-1"), "the answer to be on the chain")
    assert process.assets == {"ruling": "granted"}
    assert post(headers, b'{"data": "granted"}').status == 409


def _finished(node: RunningNode, name: str) -> Any:
    process = node.node.workflow.process(name)
    return process if process.is_finished else None


def test_others_are_told_nothing(node: RunningNode, court: ThreadingHTTPServer) -> None:
    headers = asked(node, court, "case-2")
    unknown = {**headers, "Livecontract-Answer-To": headers["Livecontract-Answer-To"][:-1] + "1"}
    answers = [post(headers, b"{}", token=""), post(headers, b"{}", token="guess"), post(unknown, b"{}")]
    assert [answer.status for answer in answers] == [403] * 3
    assert len({answer.json["detail"] for answer in answers}) == 1
    bare = Caller(node.url).send("POST", f"/answers/{headers['Idempotency-Key']}", b"{}", {})
    assert bare.status == 403


def test_answer_that_is_none_is_refused(node: RunningNode, court: ThreadingHTTPServer) -> None:
    headers = asked(node, court, "case-3")
    for body in (b"", b"[]", b'{"a": 1}', b'{"key": "found"}'):
        assert post(headers, body).status == 400
    assert post(headers, b'{"data": "%s"}' % (b"x" * 65_536)).status == 413
    assert post(headers, b'{"data": "granted"}').status == 202


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_but_its_own_token_is_the_token_of_an_action(id_: str, other: str) -> None:
    token = TOKENS.token_of(id_)
    assert TOKENS.is_token(id_, token)
    assert not TOKENS.is_token(id_, other)
    assert other == id_ or not TOKENS.is_token(other, token)


def test_nodes_have_tokens_of_their_own_that_tell_nothing_of_their_keys() -> None:
    other = AnswerTokens(KeyPair.from_seed(b"o" * 32), "https://node.example")
    assert TOKENS.token_of("1") != other.token_of("1")
    assert TOKENS.url_of("1") == "https://node.example/answers/1"
    assert b"n" * 32 not in repr(TOKENS).encode()
