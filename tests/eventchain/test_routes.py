"""The routes: what a caller takes no part in does not exist for it, and errors are problems with the right status."""

from typing import Any

import pytest

from eventchain.core import base58
from eventchain.core.keys import KeyPair
from livecontract.simulation import Simulation
from tests.node.stage import Stage, silence
from tests.node.web import Browser

STRANGER = KeyPair.from_seed_phrase("stranger").public_key


@pytest.fixture
def stage() -> Any:
    with silence():
        yield Stage.of(Simulation(1, names=("buyer", "seller"))).found()


@pytest.fixture
def browser(stage: Stage) -> Browser:
    return Browser(stage.node("buyer"), stage["buyer"].key.public_key)


@pytest.fixture
def stranger(stage: Stage) -> Browser:
    return Browser(stage.node("buyer"), STRANGER)


def test_chain_is_answered_as_lto_writes_it(stage: Stage, browser: Browser) -> None:
    assert browser.get(f"/event-chains/{stage.chain}") == stage.canonical("buyer").to_dict()


def test_part_after_an_event_is_answered(stage: Stage, browser: Browser) -> None:
    chain = stage.canonical("buyer")
    for index, event in enumerate(chain.events, start=1):
        part = browser.get(f"/event-chains/{stage.chain}?after={base58.encode(event.hash)}")
        assert part == chain.after(event.hash).to_dict()
        assert len(part["events"]) == 1 + len(chain.events) - index
    initial = base58.encode(stage.id.initial_hash)
    assert browser.get(f"/event-chains/{stage.chain}?after={initial}") == chain.to_dict()


@pytest.mark.parametrize(("after", "status"), [("x!", 400), ("1", 400), (base58.encode(bytes(32)), 404)])
def test_part_after_nothing_is_refused(stage: Stage, browser: Browser, after: str, status: int) -> None:
    browser.get(f"/event-chains/{stage.chain}?after={after}", status)


def test_event_on_a_branch_is_no_place_to_read_on_from(stage: Stage, browser: Browser) -> None:
    first, second = (stage["buyer"].sign(stage.chain, stage.note()) for _ in range(2))
    browser.post("/event-chains", first)
    browser.post("/event-chains", second, 409)
    browser.get(f"/event-chains/{stage.chain}?after={second['events'][1]['hash']}", 404)


def test_added_event_is_answered_with_the_chain(stage: Stage, browser: Browser) -> None:
    document = stage["buyer"].sign(stage.chain, stage.note())
    for _ in range(2):
        answer = browser.post("/event-chains", document)
        assert answer == stage.canonical("buyer").to_dict()
        assert len(answer["events"]) == 3


def test_lists_hold_only_what_the_caller_takes_part_in(stage: Stage, browser: Browser, stranger: Browser) -> None:
    stage["buyer"].create_chain("other")
    assert {item["length"] for item in browser.get("/event-chains")} == {1, 2}
    seller = Browser(stage.node("buyer"), stage["seller"].key.public_key)
    (summary,) = seller.get("/event-chains")
    chain = stage.canonical("buyer")
    assert summary == {
        "id": stage.chain,
        "length": 2,
        "latest_hash": base58.encode(chain.latest_hash),
        "state": base58.encode(chain.state or b""),
        "identities": ["buyer", "seller"],
        "conflicts": 0,
    }
    assert stranger.get("/event-chains") == []
    assert stranger.get("/identities") == []


PATHS = (
    "/event-chains/{}",
    "/event-chains/{}/receipts",
    "/event-chains/{}/conflicts",
    "/event-chains/{}/evidence",
    "/identities?chain={}",
    "/invitations?chain={}",
)


@pytest.mark.parametrize("path", PATHS)
def test_what_a_stranger_asks_for_does_not_exist(stage: Stage, browser: Browser, stranger: Browser, path: str) -> None:
    real = stranger.get(path.format(stage.chain), 404)
    other = stage["seller"].create_chain("nobody else's")
    unknown = stranger.get(path.format(other), 404)
    assert {**real, "request_id": None, "instance": None} == {**unknown, "request_id": None, "instance": None}
    browser.get(path.format(other), 404)
    browser.get(path.format("junk"), 404)
    if "evidence" not in path:
        browser.get(path.format(stage.chain))


@pytest.mark.parametrize("path", [*(path.format("x") for path in PATHS), "/event-chains", "/identities/buyer"])
def test_unsigned_request_is_refused(stage: Stage, path: str) -> None:
    Browser(stage.node("buyer"), "").get(path, 401)


def test_identities_are_answered_as_lto_writes_them(stage: Stage, browser: Browser, stranger: Browser) -> None:
    both = browser.get("/identities")
    assert [item["id"] for item in both] == ["buyer", "seller"]
    assert browser.get(f"/identities?chain={stage.chain}") == both
    assert browser.get("/identities/seller") == both[1]
    assert both[1] == {"chain": stage.chain, **stage["seller"].identity}
    browser.get("/identities/nobody", 404)
    stranger.get("/identities/seller", 404)


def test_receipts_come_by_hash_and_in_order(stage: Stage, browser: Browser) -> None:
    hashes = [base58.encode(event.hash) for event in stage.canonical("buyer").events]
    stage.simulation.settle()
    stage["buyer"].post(stage.chain, stage.note())
    found = browser.get(f"/event-chains/{stage.chain}/receipts")
    assert [name for name, receipt in found.items() if receipt] == hashes
    assert list(found.values())[-1] is None


@pytest.mark.parametrize(
    ("document", "status"),
    [([], 400), ({}, 400), ({"id": "x", "events": []}, 400), ("text", 400), (None, 400), ({"id": 1, "events": 1}, 400)],
)
def test_posted_nonsense_is_a_problem(browser: Browser, document: Any, status: int) -> None:
    problem = browser.post("/event-chains", document, status)
    assert problem["status"] == status
    assert problem["title"]


def test_event_before_its_time_or_previous_can_be_sent_again_later(stage: Stage, browser: Browser) -> None:
    first = stage["buyer"].sign(stage.chain, stage.note())
    browser.post("/event-chains", first)
    second = stage["buyer"].sign(stage.chain, stage.note())
    seller = Browser(stage.node("seller"), stage["buyer"].key.public_key)
    seller.post("/event-chains", second, 503)
    seller.post("/event-chains", first)
    assert len(seller.post("/event-chains", second)["events"]) == 4
