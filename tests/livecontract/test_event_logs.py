"""Logs name request, chain and event all the way, so that one search finds what became of an event."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from eventchain.core import base58
from eventchain.core.hashing import sha256
from livecontract.metrics import STEPS
from tests.livecontract.running import STRANGER, World, running, settle, wait_for

pytestmark = pytest.mark.slow

Logs = list[Any]


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[tuple[World, Logs]]:
    with running(tmp_path, log_from=logging.DEBUG, block_time_ms=200, broker="memory:") as node:
        world = World(node)
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
            yield world, logs


def lines(logs: Logs, event: str, **fields: Any) -> Logs:
    return [line for line in logs if line["event"] == event and fields.items() <= line.items()]


def test_every_step_of_an_event_is_logged_with_chain_event_and_request(logged: tuple[World, Logs]) -> None:
    world, logs = logged
    document = world.agent.chain(world.chain)
    known = len(document["events"])
    world.agent.add(world.chain, {"$schema": "urn:example:note", "text": "a private note"})
    hash_ = world.agent.chain(world.chain)["events"][known]["hash"]
    steps = lines(logs, "step", chain=world.chain, event_hash=hash_)
    assert [line["step"] for line in steps] == list(STEPS)
    wait_for(lambda: lines(logs, "receipt", chain=world.chain, event_hash=hash_), "the receipt")
    request = next(line for line in lines(logs, "request") if line["method"] == "POST")
    assert {line["request_id"] for line in steps} == {request["request_id"]}
    assert "a private note" not in repr(logs)


@pytest.mark.parametrize("by_queue", [True, False])
def test_what_is_refused_is_logged_with_chain_event_and_reason(logged: tuple[World, Logs], by_queue: bool) -> None:
    world, logs = logged
    document = world.agent.chain(world.chain)
    document["events"][-1]["hash"] = base58.encode(sha256(b"another"))
    world.owner.post("/queue" if by_queue else "/event-chains", document)
    settle(world.node)
    (line,) = lines(logs, "not added", chain=world.chain)
    assert line["log_level"] == "info"
    assert line["event_hash"] == document["events"][-1]["hash"]
    assert "hash" in line["reason"]
    if by_queue:
        (dead,) = wait_for(lambda: lines(logs, "message is a dead letter", group=world.chain), "the dead letter")
        assert dead["log_level"] == "warning"


def test_who_is_turned_away_leaves_a_line_with_the_request(logged: tuple[World, Logs]) -> None:
    world, logs = logged
    answer = world.caller(STRANGER).post("/event-chains", world.agent.chain(world.chain))
    assert answer.status == 403
    (line,) = lines(logs, "not added")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["sender"] == str(STRANGER.public_key)
