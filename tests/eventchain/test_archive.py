"""How chains are kept: as a tree by hash, with the canonical chain numbered through it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventchain import event as events
from eventchain.archive import COLLECTIONS, Archive, Effect, read_event
from eventchain.chain import EventChain
from eventchain.core import base58, canonical_json
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.event import Attachment, Event
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from eventchain.store.document_store import DuplicateError
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from eventchain.tip import Tip
from tests.node.stage import NOTE

USER, NODE = KeyPair.from_seed_phrase("user"), KeyPair.from_seed_phrase("node")
CHAIN = ChainId.create(USER.public_key, nonce_from_text("x"))
IDENTITY = {
    "$schema": IDENTITY_SCHEMA,
    "id": "user",
    "signkeys": {"user": str(USER.public_key), SYSTEM_KEY: str(NODE.public_key)},
}


@pytest.fixture(params=["memory", "sqlite"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    store = MemoryStore(COLLECTIONS) if request.param == "memory" else SqliteStore(tmp_path / "x.db", COLLECTIONS)
    yield Archive(store)
    store.close()


def event(previous: bytes, body: Any = None, **more: Any) -> Event:
    data = canonical_json.encode(body or {"$schema": NOTE, "text": str(previous[:4])})
    return events.sign(previous=previous, key=USER, timestamp=7, data=data, **more)


def add(archive: Archive, tip: Tip, added: Event, *, canonical: bool = True, **more: Any) -> Tip:
    advanced, entry = tip.advance(added)
    identity = entry.body.get("$schema") == IDENTITY_SCHEMA
    archive.insert(
        tip, added, canonical=canonical, received=5, outbox=Effect.ANCHOR | Effect.FORWARD, identity=identity, **more
    )
    return advanced


def fill(archive: Archive, count: int = 4) -> list[Event]:
    """Store a chain of so many events, the first one an identity."""
    tip, made = Tip.empty(CHAIN), [event(CHAIN.initial_hash, IDENTITY)]
    tip = add(archive, tip, made[0])
    while len(made) < count:
        made.append(event(made[-1].hash))
        tip = add(archive, tip, made[-1])
    return made


def branch(archive: Archive, previous: list[Event], count: int) -> list[Event]:
    """Store a branch after these events."""
    tip = Tip.empty(CHAIN)
    for item in previous:
        tip, _ = tip.advance(item)
    made: list[Event] = []
    for number in range(count):
        after = [*previous, *made][-1].hash
        made.append(event(after, {"$schema": NOTE, "branch": number, "from": len(previous)}))
        tip = add(archive, tip, made[-1], canonical=False)
        archive.record_branch(CHAIN, made[-1].previous, [made[-1]], found=number)
    return made


def test_unknown_chain_is_an_empty_one(archive: Archive) -> None:
    assert archive.load_tip(CHAIN) == Tip.empty(CHAIN)
    assert archive.chain(CHAIN) == EventChain(CHAIN)
    assert archive.path(CHAIN, CHAIN.initial_hash) == []
    assert archive.find(CHAIN, bytes(32)) is None
    assert archive.fork_point(CHAIN, bytes(32)) is None


def test_events_come_back_byte_for_byte(archive: Archive) -> None:
    first = event(CHAIN.initial_hash, IDENTITY, attachments=[Attachment("ü\x00", "x/y", b"\xff\x00")])
    add(archive, Tip.empty(CHAIN), first)
    (found,) = archive.chain(CHAIN).events
    assert found == first


def test_tip_that_is_loaded_is_the_one_that_was_walked_to(archive: Archive) -> None:
    made, tip = fill(archive), Tip.empty(CHAIN)
    for item in made:
        assert tip.height < 4
        tip, _ = tip.advance(item)
    assert archive.load_tip(CHAIN) == tip
    assert archive.chain(CHAIN).state == tip.state


def test_part_after_an_event_continues_the_state(archive: Archive) -> None:
    made = fill(archive)
    document = archive.find(CHAIN, made[1].hash)
    part = archive.chain(CHAIN, after=document)
    assert part == EventChain(CHAIN, tuple(made)).after(made[1].hash)
    assert part.state == archive.load_tip(CHAIN).state


def test_place_on_the_chain_is_taken_once(archive: Archive) -> None:
    made = fill(archive, 2)
    tip = Tip.empty(CHAIN).advance(made[0])[0]
    other = event(made[0].hash, {"$schema": NOTE, "other": True})
    with pytest.raises(DuplicateError):
        add(archive, tip, other)
    with pytest.raises(DuplicateError):
        add(archive, tip, made[1], canonical=False)
    assert archive.chain(CHAIN).events == tuple(made)
    assert archive.is_end(archive.load_tip(CHAIN))
    assert not archive.is_end(tip)


def test_paths_lead_along_branches_and_branches_of_branches(archive: Archive) -> None:
    made = fill(archive)
    one = branch(archive, made[:2], 3)
    two = branch(archive, [*made[:2], one[0]], 2)
    assert archive.path(CHAIN, made[3].hash) == made
    assert archive.path(CHAIN, made[1].hash) == made[:2]
    assert archive.path(CHAIN, one[2].hash) == [*made[:2], *one]
    assert archive.path(CHAIN, two[1].hash) == [*made[:2], one[0], *two]
    point = base58.encode(made[1].hash)
    assert {archive.fork_point(CHAIN, item.hash) for item in (*one, *two)} == {point}
    assert archive.fork_point(CHAIN, made[3].hash) is None
    assert archive.chain(CHAIN).events == tuple(made)


def test_branches_are_listed_from_root_to_tip(archive: Archive) -> None:
    made = fill(archive)
    one = branch(archive, made[:2], 3)
    two = branch(archive, [*made[:2], one[0]], 1)
    found = {item["root"]: (item["fork_point"], item["tip"]) for item in archive.conflicts(CHAIN)}
    assert found == {
        base58.encode(one[0].hash): (base58.encode(made[1].hash), base58.encode(one[2].hash)),
        base58.encode(two[0].hash): (base58.encode(one[0].hash), base58.encode(two[0].hash)),
    }
    assert archive.children(CHAIN, made[1].hash) == 2
    assert archive.children(CHAIN, one[0].hash) == 2
    assert archive.children(CHAIN, made[3].hash) == 0


def test_fork_at_the_first_event_leads_back_to_the_initial_hash(archive: Archive) -> None:
    fill(archive)
    (other,) = branch_at_start(archive)
    assert archive.path(CHAIN, other.hash) == [other]
    assert archive.fork_point(CHAIN, other.hash) == base58.encode(CHAIN.initial_hash)


def branch_at_start(archive: Archive) -> list[Event]:
    other = event(CHAIN.initial_hash, {**IDENTITY, "name": "other"})
    add(archive, Tip.empty(CHAIN), other, canonical=False)
    return [other]


def test_members_are_those_with_keys(archive: Archive) -> None:
    fill(archive)
    archive.set_members(CHAIN, archive.identities(CHAIN))
    for key in (USER, NODE):
        assert archive.identity_of(str(CHAIN), str(key.public_key)) == "user"
        assert archive.chains_of(str(key.public_key)) == [str(CHAIN)]
    tip = archive.load_tip(CHAIN)
    new = KeyPair.from_seed_phrase("new")
    body = {"$schema": IDENTITY_SCHEMA, "id": "user", "signkeys": {"user": str(new.public_key)}}
    add(archive, tip, event(tip.hash, body))
    archive.set_members(CHAIN, archive.identities(CHAIN))
    assert archive.identity_of(str(CHAIN), str(NODE.public_key)) is None
    assert archive.chains_of(str(USER.public_key)) == []
    assert archive.identity_of(str(CHAIN), str(new.public_key)) == "user"
    assert archive.identities(CHAIN, before=tip.height).holder(str(USER.public_key)) is not None


def test_outbox_is_kept_with_the_event_until_it_is_cleared(archive: Archive) -> None:
    made = fill(archive)
    assert len(archive.pending(3)) == 3
    documents = archive.pending(10)
    assert {read_event(item).hash for item in documents} == {item.hash for item in made}
    archive.clear_outbox(documents[:3])
    assert archive.pending(10) == documents[3:]


def test_own_event_is_found_by_what_it_was_signed_for_and_signed_once(archive: Archive) -> None:
    made = fill(archive, 2)
    tip = archive.load_tip(CHAIN)
    mine = event(made[-1].hash)
    tip = add(archive, tip, mine, submission="once")
    assert archive.find_submission(str(CHAIN), "once") == mine
    assert archive.find_submission(str(CHAIN), "twice") is None
    assert archive.find_submission("other", "once") is None
    with pytest.raises(DuplicateError):
        add(archive, tip, event(mine.hash), submission="once")
