"""Who may bring what, and which chains concern this node."""

from typing import Any

import pytest

from eventchain import event as events
from eventchain.archive import COLLECTIONS, Archive, Effect
from eventchain.core import canonical_json
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.door import Door
from eventchain.errors import ChainNotFoundError, NotAdmittedError, UnknownPreviousError
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from eventchain.store.memory import MemoryStore
from eventchain.tip import Tip
from tests.node.stage import refusal

NODE, USER, PEER, PEER_NODE, STRANGER = (
    KeyPair.from_seed_phrase(name) for name in ("node", "user", "peer", "peer node", "stranger")
)
CHAIN = ChainId.create(USER.public_key, nonce_from_text("x"))


def event(body: Any, key: KeyPair = USER, previous: bytes = CHAIN.initial_hash) -> Event:
    data = body if isinstance(body, bytes) else canonical_json.encode(body)
    return events.sign(previous=previous, key=key, timestamp=1, data=data)


def identity(id_: str, user: KeyPair, system: KeyPair) -> dict[str, Any]:
    keys = {"user": str(user.public_key), SYSTEM_KEY: str(system.public_key)}
    return {"$schema": IDENTITY_SCHEMA, "id": id_, "signkeys": keys}


GENESIS = event(identity("user", USER, NODE))


def archive(*, members: bool = True) -> Archive:
    found = Archive(MemoryStore(COLLECTIONS))
    if members:
        tip = Tip.empty(CHAIN)
        after, _ = tip.advance(GENESIS)
        found.insert(tip, GENESIS, canonical=True, received=1, outbox=Effect(0), identity=True)
        found.set_members(CHAIN, after.identities)
    return found


def door(*, members: bool = True, users: frozenset[str] = frozenset(), key: KeyPair = NODE) -> Door:
    return Door(archive(members=members), str(key.public_key), users)


@pytest.mark.parametrize("caller", [USER, NODE])
def test_members_and_the_node_itself_are_admitted(caller: KeyPair) -> None:
    door().admit(caller.public_key, CHAIN, [event({}, previous=bytes(32))])


def test_member_is_admitted_from_the_moment_its_event_is_saved() -> None:
    """Members are written after the event that makes them such: what comes in between is no stranger's."""
    kept, tip = archive(), Tip.empty(CHAIN).advance(GENESIS)[0]
    joins = event(identity("peer", PEER, PEER_NODE), previous=GENESIS.hash)
    kept.insert(tip, joins, canonical=True, received=1, outbox=Effect(0), identity=True)
    guarded, note = Door(kept, str(NODE.public_key), frozenset()), event({}, PEER, previous=joins.hash)
    for key in (PEER, PEER_NODE):
        guarded.admit(key.public_key, CHAIN, [note])
    assert isinstance(refusal(guarded.admit, STRANGER.public_key, CHAIN, [note]), NotAdmittedError)


def test_stranger_is_not_admitted() -> None:
    assert isinstance(
        refusal(door().admit, STRANGER.public_key, CHAIN, [event({}, previous=GENESIS.hash)]), NotAdmittedError
    )
    assert isinstance(refusal(door().admit, STRANGER.public_key, CHAIN, []), NotAdmittedError)


def test_sender_whom_the_events_themselves_introduce_is_admitted() -> None:
    joining = event(identity("peer", PEER, PEER_NODE), previous=GENESIS.hash)
    for caller in (PEER, PEER_NODE):
        door().admit(caller.public_key, CHAIN, [joining])


def test_sender_who_may_be_introduced_by_what_has_not_come_is_told_to_wait() -> None:
    error = refusal(door().admit, PEER.public_key, CHAIN, [event({}, previous=bytes(32))])
    assert isinstance(error, UnknownPreviousError)


@pytest.mark.parametrize("body", [b"{", b"[]", {"$schema": IDENTITY_SCHEMA}, {"$schema": 7}, {"$schema": None}])
def test_malformed_events_introduce_nobody(body: Any) -> None:
    error = refusal(door().admit, PEER.public_key, CHAIN, [event(body, previous=GENESIS.hash)])
    assert isinstance(error, NotAdmittedError)


def test_member_of_a_chain_is_named() -> None:
    assert door().member_of(USER.public_key, str(CHAIN)) == "user"
    for caller, chain in ((STRANGER, str(CHAIN)), (USER, "x"), (USER, "")):
        assert isinstance(refusal(door().member_of, caller.public_key, chain), ChainNotFoundError)


def test_new_chain_concerns_a_node_that_an_identity_names() -> None:
    door(members=False).check_new_chain(CHAIN, [GENESIS])
    joining = event(identity("peer", PEER, PEER_NODE), previous=GENESIS.hash)
    door(members=False, key=PEER_NODE).check_new_chain(CHAIN, [GENESIS, joining])


def test_new_chain_that_names_the_node_no_more_is_refused() -> None:
    joining = event(identity("peer", PEER, PEER_NODE), previous=GENESIS.hash)
    leaving = event({"$schema": IDENTITY_SCHEMA, "id": "peer", "signkeys": {}}, PEER, joining.hash)
    error = refusal(door(members=False, key=PEER_NODE).check_new_chain, CHAIN, [GENESIS, joining, leaving])
    assert isinstance(error, NotAdmittedError)


def test_new_chain_does_not_start_in_its_middle() -> None:
    later = event({}, previous=GENESIS.hash)
    assert isinstance(refusal(door(members=False).check_new_chain, CHAIN, [later]), UnknownPreviousError)


def test_identity_added_by_a_stranger_does_not_make_the_chain_ours() -> None:
    forged = event(identity("peer", PEER, PEER_NODE), STRANGER, GENESIS.hash)
    error = refusal(door(members=False, key=PEER_NODE).check_new_chain, CHAIN, [GENESIS, forged])
    assert isinstance(error, NotAdmittedError)


def test_node_serves_its_users_only() -> None:
    door(members=False, users=frozenset({str(USER.public_key)})).check_new_chain(CHAIN, [GENESIS])
    error = refusal(door(members=False, users=frozenset({str(PEER.public_key)})).check_new_chain, CHAIN, [GENESIS])
    assert isinstance(error, NotAdmittedError)


def test_peer_is_known_by_the_identity_it_sends() -> None:
    joining = event(identity("peer", PEER, PEER_NODE), previous=GENESIS.hash)
    assert door().is_peer(str(PEER_NODE.public_key), [joining])
    assert not door().is_peer(str(PEER.public_key), [joining])
    assert not door().is_peer(None, [joining])
    assert not door().is_peer(str(NODE.public_key), [GENESIS])
