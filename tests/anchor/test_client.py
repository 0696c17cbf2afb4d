"""The client against the served routes: the same answers as the service itself."""

import os
import threading
from collections.abc import Iterator

import flask
import pytest
import urllib3
from werkzeug.serving import make_server

from anchor import receipt as receipts
from anchor.client import AnchorClient
from anchor.errors import InvalidAnchorError
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.errors import InvalidError, UnavailableError
from tests.anchor.http_server import serve
from tests.anchor.strategies import KEYS
from tests.anchor.world import World, hash_of


@pytest.fixture
def world() -> World:
    world = World()
    world.turn_until_height(2)
    return world


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as http:
        yield http


@pytest.fixture
def client(world: World, http: urllib3.PoolManager) -> Iterator[AnchorClient]:
    with serve(world.service) as url:
        yield AnchorClient(url, http, KEYS[0], random=os.urandom, clock=lambda: world.now)


def test_client_answers_as_the_service(world: World, client: AnchorClient) -> None:
    hashes = [hash_of(f"{index}") for index in range(5)]
    assert client.find(hashes[0]) is None
    assert client.receipt(hashes[0]) is None
    assert client.submit(hashes) == world.service.submit(hashes)
    assert client.find(hashes[0]) == world.service.find(hashes[0])
    assert client.receipt(hashes[0]) is None
    world.final_receipt(hashes[0])
    assert client.find(hashes[3]) == world.service.find(hashes[3])
    assert client.receipt(hashes[3]) == world.service.receipt(hashes[3])
    assert client.receipts([*hashes, hash_of("unknown")]) == world.service.receipts(hashes)
    receipts.verify(client.receipts(hashes)[hashes[4]], base58.decode(hashes[4]))
    assert client.headers(1, 10_000) == world.service.headers(1, 10_000)
    assert client.headers(2, 2) == world.service.headers(2, 2)
    assert client.headers(500, 600) == []


def test_more_headers_than_one_answer_holds(world: World, client: AnchorClient) -> None:
    while world.service.chain.height < 1_205:
        world.now += 3_000
        world.service.step()
    assert client.headers(1, 1_200) == world.service.headers(1, 1_200)


def test_refusals_keep_their_family(client: AnchorClient) -> None:
    with pytest.raises(InvalidError) as caught:
        client.submit(["abc"])
    assert not isinstance(caught.value, InvalidAnchorError)
    assert caught.value.hint


def test_unreachable_service_is_unavailable(http: urllib3.PoolManager) -> None:
    client = AnchorClient("http://127.0.0.1:1", http, KEYS[0], random=os.urandom, clock=system_clock)
    with pytest.raises(UnavailableError):
        client.find(hash_of("a"))


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}", '{"block":7,"transaction":[],"final":1,"hash":1}'])
def test_answer_of_something_else_is_unavailable(http: urllib3.PoolManager, answer: str) -> None:
    app = flask.Flask("test")
    app.add_url_rule("/<path:path>", view_func=lambda path: answer, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        client = AnchorClient(
            f"http://127.0.0.1:{server.server_port}", http, KEYS[0], random=os.urandom, clock=system_clock
        )
        for call in (
            lambda: client.find(hash_of("a")),
            lambda: client.submit([hash_of("a")]),
            lambda: client.headers(1, 2),
        ):
            with pytest.raises(UnavailableError):
                call()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_signature_that_is_not_taken_says_nothing_of_the_hashes(world: World, http: urllib3.PoolManager) -> None:
    """A clock that is off is mended by its operator; what waits to be anchored is not to be given up for that."""
    with serve(world.service) as url:
        late = AnchorClient(url, http, KEYS[0], random=os.urandom, clock=lambda: world.now - 24 * 60 * 60 * 1000)
        with pytest.raises(UnavailableError):
            late.submit([hash_of("a")])
