"""Asking as an attack: from strangers, forged, sent again, too large, by the hundred. Nothing is learned or kept."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.enqueue import MAX_ASK
from eventchain.ask import MAX_KNOWN, Ask
from eventchain.core import base58
from eventchain.core.ids import ChainId, nonce_from_text
from livecontract.node import QUEUES
from tests.livecontract.running import NEIGHBOUR, OWNER, STRANGER, Caller, World, running, settle, stored


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("node")) as node:
        yield World(node)


PATH = "/queue/asks"


def ask(world: World, chain: str | None = "", **members: Any) -> bytes:
    id_ = world.chain if chain == "" else chain
    return json.dumps({**Ask(chain=ChainId.parse(id_) if id_ else None).to_dict(), **members}).encode()


def waiting(world: World) -> int:
    depths = [world.node.node.parts.broker.depth(queue) for queue in QUEUES]
    return sum(depth.waiting + depth.leased + depth.dead for depth in depths)


def test_strangers_and_members_of_other_chains_hear_what_everybody_hears(world: World) -> None:
    before = stored(world.node)
    nowhere = str(ChainId.create(STRANGER.public_key, nonce_from_text("nowhere")))
    answers = [
        world.caller(key).send("POST", PATH, ask(world, chain))
        for key in (STRANGER, NEIGHBOUR)
        for chain in (world.chain, nowhere, None)
    ]
    settle(world.node)
    assert {(answer.status, answer.data) for answer in answers} == {(204, b"")}
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1
    assert stored(world.node) == before


def test_member_who_is_no_node_gets_nothing(world: World) -> None:
    assert world.owner.send("POST", PATH, ask(world)).status == 204
    settle(world.node)
    assert waiting(world) == 0


def test_unsigned_forged_and_repeated_requests_are_refused(world: World) -> None:
    body = ask(world)
    assert Caller(world.node.url).send("POST", PATH, body).status == 401
    headers = world.owner.sign("POST", PATH, body)
    assert world.owner.send("POST", PATH, body.replace(b"false", b"true "), headers).status == 401
    headers = world.owner.sign("POST", PATH, body)
    assert [world.owner.send("POST", PATH, body, headers).status for _ in range(2)] == [204, 401]
    other = world.owner.sign("POST", PATH, body, base="http://elsewhere.example")
    assert world.owner.send("POST", PATH, body, other).status == 401


@pytest.mark.parametrize(
    "members",
    [
        {"known": [base58.encode(bytes(32))] * (MAX_KNOWN + 1)},
        {"known": ["x" * MAX_ASK]},
        {"known": [[[]]]},
        {"known": "all"},
        {"chain": 7},
        {"chain": "x" * 100},
        {"back": "no"},
        {"$schema": "urn:livecontract:ask:2"},
    ],
)
def test_what_is_no_ask_is_refused_and_not_kept(world: World, members: Any) -> None:
    body = json.dumps({**json.loads(ask(world)), **members}).encode()
    assert world.owner.send("POST", PATH, body).status in (400, 413)
    settle(world.node)
    assert waiting(world) == 0


@pytest.mark.slow
def test_hundreds_of_asks_leave_nothing_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("node"), rate_by_key=0, rate_by_address=0) as node:
        world = World(node)
        before = stored(node)
        for number in range(300):
            known = [base58.encode(number.to_bytes(32, "big"))] * MAX_KNOWN
            assert Caller(node.url, OWNER).send("POST", PATH, ask(world, known=known)).status == 204
        settle(node)
        assert stored(node) == before


def test_too_many_asks_of_one_key_are_put_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("node"), rate_by_key=1) as node:
        world = World(node)
        statuses = {world.caller(STRANGER).send("POST", PATH, ask(world)).status for _ in range(15)}
    assert statuses == {204, 429}
