"""The settings of limits and origins reach a running node."""

import time
from pathlib import Path

import pytest

from dispatcher.message import Depth
from tests.livecontract.running import NEIGHBOUR, OWNER, Caller, World, running, wait_for

pytestmark = pytest.mark.slow


def until_refused(caller: Caller, target: str) -> tuple[int, int]:
    """Return how many requests were let in, and the seconds that the refusal asks to wait."""
    for count in range(100):
        answer = caller.get(target)
        if answer.status == 429:
            return count, int(answer.headers["Retry-After"])
        assert answer.status == 200
    raise AssertionError("none was refused")


def test_a_node_takes_as_many_requests_of_a_key_as_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:", rate_by_key=1) as node:
        begun = time.monotonic()
        count, wait = until_refused(Caller(node.url, OWNER), "/event-chains")
        assert 10 <= count <= 11 + time.monotonic() - begun
        assert wait == 1
        assert Caller(node.url, NEIGHBOUR).get("/event-chains").status == 200


def test_a_node_takes_as_many_requests_of_an_address_as_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:", rate_by_address=1, trusted_proxies=1) as node:
        caller = Caller(node.url)
        until_refused(caller, "/")
        assert caller.get("/healthz").status == 200
        other = caller.send("GET", "/", b"", {"X-Forwarded-For": "198.51.100.7"})
        assert other.status == 200


def test_a_node_whose_queue_is_long_takes_no_events_and_is_read(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:", queue_limit=10) as node:
        world = World(node)
        document = world.agent.chain(world.chain)
        broker = node.node.parts.broker
        broker.depth = lambda _queue: Depth(waiting=11, leased=0, dead=0)  # type: ignore[method-assign]
        wait_for(lambda: world.owner.post("/queue", document).status == 503, "the depth to be asked again")
        for path in ("/event-chains", "/queue"):
            answer = world.owner.post(path, document)
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert world.owner.get(f"/event-chains/{world.chain}").status == 200


def test_a_page_of_a_named_origin_may_use_the_node(tmp_path: Path) -> None:
    with running(tmp_path, store="memory:", broker="memory:", cors_origins="https://app.example") as node:
        asked = {"Access-Control-Request-Method": "POST"}
        for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            answer = Caller(node.url).send("OPTIONS", "/event-chains", b"", {**asked, "Origin": origin})
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == allowed
