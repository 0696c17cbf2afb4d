"""The client against a real server of ours, and against servers that answer nonsense."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Response, redirect, request

from eventchain.core.clock import system_clock
from eventchain.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from eventchain.core.keys import KeyPair
from livecontract import client as client_module
from livecontract import web_server
from livecontract.authentication import Authenticator
from livecontract.client import NodeClient, part
from livecontract.errors import NodeUnreachableError
from livecontract.nonces import MemoryNonces
from livecontract.serving import WebServer

KEY = KeyPair.from_seed(b"k" * 32)


def routes(answers: list[int]) -> Blueprint:
    blueprint = Blueprint("probe", __name__)

    @blueprint.post("/echo")
    def echo() -> dict[str, Any]:
        return {"body": web_server.read_json(), "args": request.args, "caller": str(web_server.caller())}

    @blueprint.get("/name/<name>")
    def name(name: str) -> dict[str, Any]:
        return {"name": name}

    @blueprint.delete("/thing")
    def remove() -> tuple[str, int]:
        return "", 204

    @blueprint.get("/conflict")
    def conflict() -> None:
        raise ConflictError("it contradicts", path="$.a", hint="Look again.")

    @blueprint.get("/numbers")
    def numbers() -> Any:
        first = int(request.args.get("cursor", "0"))
        link = {
            "next": f'<?cursor={first + 2}&of={request.args["of"]}>; rel="next"',
            "elsewhere": "<http://x/>; rel=next",
        }
        headers = {"Link": link[request.args["of"]]} if first < 4 else {}
        return [first, first + 1], 200, headers

    @blueprint.get("/everlasting")
    def everlasting() -> Any:
        return [], 200, {"Link": '<?cursor=again>; rel="next"'}

    @blueprint.get("/away")
    @web_server.public
    def away() -> Any:
        return Response("<h1>away</h1>", status=503, mimetype="text/html")

    @blueprint.get("/sometimes")
    def sometimes() -> Any:
        if answers:
            return Response("", status=answers.pop())
        return {"ok": True}

    @blueprint.get("/elsewhere")
    def elsewhere() -> Any:
        return redirect("/echo")

    add_nonsense(blueprint)
    return blueprint


def add_nonsense(blueprint: Blueprint) -> None:
    @blueprint.get("/page")
    def page() -> str:
        return "<html>"

    @blueprint.get("/broken")
    def broken() -> Response:
        return Response("{", mimetype="application/json")

    @blueprint.get("/endless")
    def endless() -> Response:
        return Response(itertools.repeat(b"x" * 1000), mimetype="application/json")

    @blueprint.get("/large")
    def large() -> Response:
        return Response(b"x" * 5000, mimetype="application/json")


@pytest.fixture
def answers() -> list[int]:
    return []


@pytest.fixture
def url(answers: list[int]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = web_server.create_app(
        [routes(answers)],
        about=web_server.About(name="Acme", url=url, network="T", system_key=str(KEY.public_key)),
        authenticate=Authenticator(url, system_clock, MemoryNonces(system_clock)),
    )
    server = WebServer(app, host="127.0.0.1", port=port, threads=2, max_request_bytes=10_000)
    server.start()
    yield url
    server.stop()


@pytest.fixture
def client(url: str) -> Iterator[NodeClient]:
    client = NodeClient(url + "/", KEY, max_answer=4000)
    yield client
    client.close()


def test_a_list_is_read_page_after_page(client: NodeClient) -> None:
    assert client.get_all("/numbers", {"of": "next"}) == [0, 1, 2, 3, 4, 5]


def test_a_link_to_elsewhere_is_not_followed(client: NodeClient) -> None:
    assert client.get_all("/numbers", {"of": "elsewhere"}) == [0, 1]


def test_what_is_no_list_or_has_no_end_is_no_answer(client: NodeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_MAX_PAGES", 3)
    with pytest.raises(NodeUnreachableError, match="no list"):
        client.get_all("/name/x")
    with pytest.raises(NodeUnreachableError, match="without end"):
        client.get_all("/everlasting")


def test_requests_are_signed_and_carry_json_both_ways(client: NodeClient) -> None:
    answer = client.post("/echo", {"z": "é", "a": [1]}, query={"to": "a b&c/é"})
    assert answer == {"body": {"z": "é", "a": [1]}, "args": {"to": "a b&c/é"}, "caller": str(KEY.public_key)}
    assert client.post("/echo", b'{"a": 1}')["body"] == {"a": 1}
    assert client.delete("/thing") is None


def test_parts_of_a_path_are_escaped(client: NodeClient) -> None:
    assert client.get(f"/name/{part('ä ?#%')}") == {"name": "ä ?#%"}


def test_errors_come_back_in_their_family(client: NodeClient) -> None:
    with pytest.raises(ConflictError) as caught:
        client.get("/conflict")
    assert (caught.value.message, caught.value.path, caught.value.hint) == ("it contradicts", "$.a", "Look again.")
    with pytest.raises(NotFoundError):
        client.get("/nothing")
    with pytest.raises(UnavailableError, match="answered 503"):
        client.get("/away")


def test_without_a_key_only_open_routes_answer(url: str) -> None:
    client = NodeClient(url)
    assert client.get("/")["signkey"] == str(KEY.public_key)
    with pytest.raises(UnauthenticatedError):
        client.get("/name/x")
    client.close()


def test_redirects_are_not_followed(client: NodeClient) -> None:
    with pytest.raises(NodeUnreachableError, match="redirect"):
        client.get("/elsewhere")


@pytest.mark.parametrize(
    ("path", "match"), [("/page", "is it a node"), ("/broken", "not JSON"), ("/large", "4000"), ("/endless", "4000")]
)
def test_nonsense_is_not_taken_for_an_answer(client: NodeClient, path: str, match: str) -> None:
    with pytest.raises(NodeUnreachableError, match=match):
        client.get(path)


class Pauses:
    """Notes pauses instead of making them, and turns the clock on."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.now = system_clock()
        self.slept: list[float] = []
        self.act = act

    def clock(self) -> int:
        return self.now

    def pause(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += int(seconds * 1000)
        self.act()


def test_waiting_tries_again_with_growing_pauses_and_a_new_nonce(url: str, answers: list[int]) -> None:
    answers += [503, 503, 503]
    pauses = Pauses()
    client = NodeClient(url, KEY, clock=pauses.clock, pause=pauses.pause)
    assert client.get("/sometimes", wait=10) == {"ok": True}
    assert pauses.slept == [0.05, 0.1, 0.2]
    client.close()


def test_without_waiting_nothing_is_repeated(url: str, answers: list[int]) -> None:
    answers += [503, 503]
    client = NodeClient(url, KEY)
    with pytest.raises(UnavailableError):
        client.get("/sometimes")
    assert answers == [503]
    client.close()


def test_waiting_ends(url: str, answers: list[int]) -> None:
    answers += [503] * 1000
    pauses = Pauses()
    client = NodeClient(url, KEY, clock=pauses.clock, pause=pauses.pause)
    with pytest.raises(UnavailableError):
        client.get("/sometimes", wait=10)
    assert sum(pauses.slept) <= 10
    client.close()


def test_a_refusal_of_the_sender_is_not_repeated(client: NodeClient) -> None:
    with pytest.raises(NotFoundError):
        client.get("/nothing", wait=100)


def test_an_unreachable_node_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
    with pytest.raises(NodeUnreachableError, match=f"{url} cannot be reached: the connection was refused"):
        NodeClient(url, KEY).get("/")


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_a_server_that_breaks_off_is_unreachable(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NodeUnreachableError):
            NodeClient(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY).get("/")
        thread.join()


def test_a_server_that_says_nothing_does_not_hold_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = NodeClient(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY, read_timeout=0.05)
        with pytest.raises(NodeUnreachableError, match="in time"):
            client.get("/")


@pytest.mark.parametrize(
    "url", ["", "node", "ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a:0", "http://["]
)
def test_what_is_no_url_of_a_node_is_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        NodeClient(url, KEY)


def test_an_answer_that_comes_drop_by_drop_ends() -> None:
    pauses = Pauses()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    pauses.now += 1000

        thread = threading.Thread(target=serve)
        thread.start()
        client = NodeClient(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY, clock=pauses.clock, max_answer=2**40)
        with pytest.raises(NodeUnreachableError, match="too long"):
            client.get("/")
        thread.join()
