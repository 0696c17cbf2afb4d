"""Lists in pages, and answers that are not sent again, from a running node."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest

import scenarios
from eventchain.chain import EventChain, read_chain
from eventchain.core import base58
from eventchain.core.hashing import sha256
from livecontract.agent import Agent
from tests.livecontract.running import OWNER, PROCESS, STRANGER, Answer, Caller, World, part, running, wait_for

CHAINS = 5


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("node"), block_time_ms=200) as node:
        found = World(node)
        for number in range(CHAINS - 1):
            chain = found.agent.create_chain({"name": f"Owner {number}"})
            found.agent.add(chain, {"$schema": "urn:example:note", "number": number})
        for name in ("quotation", "nda", "signing"):
            assert found.owner.post("/scenarios", scenarios.load(name)).status == 201
        yield found


def next_page(target: str, answer: Answer) -> str | None:
    link = answer.headers["Link"]
    if link is None:
        return None
    reference, _, relation = link.partition("; ")
    assert relation == 'rel="next"'
    return urljoin(target, reference.strip("<>"))


def pages(caller: Caller, target: str) -> list[Any]:
    """Follow the links from a first page to the last one."""
    found, here = [], target
    while True:
        answer = caller.get(here)
        assert answer.status == 200, answer.data
        found.append(answer.json)
        there = next_page(here, answer)
        if there is None:
            return found
        here = there


def joined(found: list[list[Any]]) -> list[Any]:
    return [item for page in found for item in page]


@pytest.mark.parametrize("target", ["/event-chains", "/identities", "/scenarios", "/processes"])
def test_the_pages_of_a_list_together_are_the_list(world: World, target: str) -> None:
    whole = world.owner.get(target)
    assert next_page(target, whole) is None
    found = pages(world.owner, f"{target}?limit=2")
    assert joined(found) == whole.json
    assert all(len(page) == 2 for page in found[:-1])


def test_a_list_of_one_chain_keeps_its_question_on_every_page(world: World) -> None:
    target = f"/identities?chain={world.chain}"
    whole = world.owner.get(target).json
    assert joined(pages(world.owner, f"{target}&limit=1")) == whole
    assert {item["chain"] for item in whole} == {world.chain}


def test_a_list_grows_while_it_is_read_and_nothing_is_missed_or_told_twice(world: World) -> None:
    caller = world.caller(STRANGER)
    agent = Agent("stranger", STRANGER, world.node.url)
    before = {agent.create_chain({"name": "Stranger"}) for _ in range(4)}
    target = "/event-chains?limit=2"
    first = caller.get(target)
    seen = [item["id"] for item in first.json]
    for _ in range(3):
        agent.create_chain({"name": "Stranger"})
    there = next_page(target, first)
    assert there is not None
    seen += [item["id"] for item in joined(pages(caller, there))]
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert seen == sorted(seen)


def test_the_pages_of_a_chain_are_parts_that_fit_together(world: World) -> None:
    target = f"/event-chains/{world.chain}"
    whole = read_chain(world.owner.get(target).json)
    parts = [read_chain(page) for page in pages(world.owner, f"{target}?limit=2")]
    assert len(parts) == -(-len(whole.events) // 2)
    events, end = [], whole.id.initial_hash
    for item in parts:
        assert item.base.hash == end
        events += item.events
        end = item.events[-1].hash
    assert EventChain(whole.id, tuple(events)) == whole


def test_pages_begin_after_a_known_event(world: World) -> None:
    events = world.owner.get(f"/event-chains/{world.chain}").json["events"]
    target = f"/event-chains/{world.chain}?limit=2&after={events[1]['hash']}"
    found = [event["hash"] for page in pages(world.owner, target) for event in page["events"][1:]]
    assert found == [event["hash"] for event in events[2:]]


def test_a_chain_is_answered_whole_to_who_does_not_ask_for_pages(world: World) -> None:
    answer = world.owner.get(f"/event-chains/{world.chain}")
    assert "Link" not in answer.headers
    assert len(answer.json["events"]) == world.node.node.eventchain.tip(world.chain).height


def test_the_pages_of_receipts_together_are_all(world: World) -> None:
    target = f"/event-chains/{world.chain}/receipts"
    whole = world.owner.get(target).json
    together: dict[str, Any] = {}
    for page in pages(world.owner, f"{target}?limit=2"):
        assert len(page) <= 2
        together |= page
    assert list(together) == list(whole)


def test_dead_letters_and_mails_come_in_pages_too(world: World) -> None:
    operator = world.caller(world.node.key)
    for number in range(3):
        document = world.agent.chain(world.chain)
        document["events"][-1]["hash"] = base58.encode(sha256(str(number).encode()))
        assert world.owner.post("/queue", document).status == 204
        world.agent.invite(
            world.chain, identity=f"guest{number}", email=f"g{number}@example.org", name="Guest", title="Contract"
        )
    invitations = f"/invitations?chain={world.chain}"
    for caller, target, limit in (
        (operator, "/queue/dead-letters", "?limit=2"),
        (operator, "/dev/mail", "?limit=2"),
        (world.owner, invitations, "&limit=2"),
    ):
        wait_for(lambda c=caller, t=target: len(c.get(t).json) == 3, target)
        whole = caller.get(target).json
        found = pages(caller, target + limit)
        assert joined(found) == whole
        assert [len(page) for page in found] == [2, 1]


@pytest.mark.parametrize("target", ["/event-chains", "/identities", "/scenarios", "/processes", "/event-chains/CHAIN"])
@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", "cursor=" + "A" * 2000])
def test_what_names_no_page_is_refused(world: World, target: str, query: str) -> None:
    answer = world.owner.get(f"{target.replace('CHAIN', world.chain)}?{query}")
    assert answer.status == 400
    assert answer.json["path"] in ("limit", "cursor")


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(world: World) -> None:
    target = "/event-chains?limit=2"
    there = next_page(target, world.owner.get(target))
    assert there is not None
    answer = world.caller(STRANGER).get(there)
    assert answer.status == 200
    own = {item["id"] for item in world.owner.get("/event-chains").json}
    assert own.isdisjoint(item["id"] for item in answer.json)


def conditional(caller: Caller, target: str, tag: str) -> Answer:
    return caller.send("GET", target, b"", {**caller.sign("GET", target, b""), "If-None-Match": tag})


def targets(world: World) -> dict[str, str]:
    return {
        "chain": f"/event-chains/{world.chain}",
        "part": f"/event-chains/{world.chain}?limit=2",
        "receipts": f"/event-chains/{world.chain}/receipts",
        "page of receipts": f"/event-chains/{world.chain}/receipts?limit=1",
        "process": f"/processes/{part(PROCESS)}",
        "processes": "/processes",
        "scenario": "/scenarios/quotation",
        "scenarios": "/scenarios",
    }


def all_proven(world: World) -> bool:
    return all(world.owner.get(f"/event-chains/{world.chain}/receipts").json.values())


@pytest.mark.parametrize(
    "name", ["chain", "part", "receipts", "page of receipts", "process", "processes", "scenario", "scenarios"]
)
def test_what_has_not_changed_is_not_sent_again(world: World, name: str) -> None:
    wait_for(lambda: all_proven(world), "the receipts")
    target = targets(world)[name]
    first = world.owner.get(target)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    again = conditional(world.owner, target, tag)
    assert (again.status, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert conditional(world.owner, target, '"other"').data == first.data
    stranger = conditional(world.caller(STRANGER), target, tag)
    assert stranger.status == {"processes": 200, "scenarios": 304, "scenario": 304}.get(name, 404)


def test_an_event_changes_the_tags_of_what_it_changes(world: World) -> None:
    wait_for(lambda: all_proven(world), "the receipts")
    before = {name: world.owner.get(target).headers["ETag"] for name, target in targets(world).items()}
    world.agent.respond(world.chain, PROCESS, "request", {"item": "Beam", "quantity": 4})
    after = {name: world.owner.get(target).headers["ETag"] for name, target in targets(world).items()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"chain", "part", "receipts", "page of receipts", "process", "processes"}


def test_a_receipt_changes_the_tag_of_the_receipts(world: World) -> None:
    world.agent.add(world.chain, {"$schema": "urn:example:note", "random": os.urandom(8).hex()})
    target = f"/event-chains/{world.chain}/receipts"
    answer = world.owner.get(target)
    assert not all(answer.json.values())
    wait_for(lambda: all_proven(world), "the receipts")
    later = conditional(world.owner, target, answer.headers["ETag"])
    assert later.status == 200
    assert all(later.json.values())
    assert Caller(world.node.url, OWNER).get(target).headers["ETag"] == later.headers["ETag"]
