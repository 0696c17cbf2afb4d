import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain import event as events
from eventchain.chain import EventChain, read_chain
from eventchain.core import base58
from eventchain.core.entry import NEW, OTHER, OWN, Entry
from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId, Generation, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.errors import InvalidIdentityError, NotMemberError, PrivilegeError
from eventchain.identity import IDENTITY_SCHEMA, Identities, read_identity
from eventchain.privilege import find_member_problems, validate_event
from eventchain.tip import Tip
from tests.conftest import VECTORS

COMMENT = "https://specs.livecontracts.io/v0.2.0/comment/schema.json#"
RESPONSE = "https://specs.livecontracts.io/v0.2.0/response/schema.json#"


def key(name: str) -> KeyPair:
    return KeyPair.from_seed_phrase(name)


def text(name: str) -> str:
    return str(key(name).public_key)


def identity(id_: str, *, keys: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    keys = {"user": id_, "system": f"{id_} node"} if keys is None else keys
    return {
        "$schema": IDENTITY_SCHEMA,
        "id": id_,
        "node": f"https://{id_}.example",
        "signkeys": {name: text(seed) for name, seed in keys.items()},
        **members,
    }


def fold(*bodies: tuple[str, dict[str, Any]]) -> Identities:
    identities = Identities()
    for signer, body in bodies:
        _, identities = validate_event(identities, text(signer), body)
    return identities


BUYER = ("buyer", identity("buyer"))
INVITED = ("buyer", identity("seller", keys={"one-time": "a mail"}, node=None))


def test_creator_then_member_then_their_responses():
    identities = fold(BUYER, ("buyer", identity("seller")), ("seller", {"$schema": RESPONSE}))
    assert identities.members == {"buyer", "seller"}
    assert identities.nodes == {"https://buyer.example", "https://seller.example"}
    signer, _ = validate_event(identities, text("seller node"), {"$schema": RESPONSE})
    assert signer.id == "seller"


@pytest.mark.parametrize(
    ("signer", "body", "error"),
    [
        ("buyer", {"$schema": RESPONSE}, PrivilegeError),
        ("buyer", {}, PrivilegeError),
        ("somebody", identity("buyer"), NotMemberError),
        ("buyer", identity("buyer", keys={}), NotMemberError),
    ],
)
def test_first_event_that_is_not_its_signers_identity_is_refused(signer, body, error):
    with pytest.raises(error):
        fold((signer, body))


def test_event_of_a_stranger_is_refused():
    with pytest.raises(NotMemberError, match="no identity"):
        fold(BUYER, ("stranger", {"$schema": RESPONSE}))


def test_nobody_changes_another_identity():
    with pytest.raises(PrivilegeError, match="only seller itself"):
        fold(BUYER, ("buyer", identity("seller")), ("buyer", identity("seller", node="https://thief.example")))


DOING = {"process": "order-1", "action": "replace"}
"""An action of a process, as an identity event names it."""


def test_another_identity_is_changed_as_the_doing_of_an_action_alone():
    seller = ("buyer", identity("seller"))
    moved = fold(BUYER, seller, ("buyer", identity("seller", keys={"user": "new"}, node=None, **DOING)))
    assert moved.by_id["seller"].sign_keys == {"user": text("new")}
    assert moved.by_id["seller"].info == {}
    gone = {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}, "encryptkey": None, "node": None}
    removed = fold(BUYER, seller, ("buyer", {**gone, **DOING}))
    assert removed.members == {"buyer"}
    with pytest.raises(NotMemberError):
        validate_event(removed, text("seller"), {"$schema": RESPONSE})
    revived = fold(BUYER, seller, ("buyer", {**gone, **DOING}), ("buyer", identity("seller", **DOING)))
    assert revived.members == {"buyer", "seller"}


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"process": "order-1"},
        {"action": "replace"},
        {"process": "", "action": "replace"},
        {"process": "order-1", "action": None},
        {"process": {"id": "order-1"}, "action": "replace"},
        {"process": ["order-1"], "action": "replace"},
        {"Process": "order-1", "Action": "replace"},
    ],
)
def test_reference_to_an_action_that_is_not_whole_is_none(named):
    with pytest.raises(PrivilegeError, match="only seller itself"):
        fold(BUYER, ("buyer", identity("seller")), ("buyer", identity("seller", **named)))


def test_one_time_key_changes_nobody_else_with_an_action_either():
    with pytest.raises(PrivilegeError, match="one-time"):
        fold(BUYER, INVITED, ("a mail", identity("buyer", **DOING)))


def test_keys_of_a_third_party_are_not_given_away_by_an_action():
    with pytest.raises(InvalidIdentityError, match="belongs to the identity third"):
        fold(
            BUYER,
            ("buyer", identity("seller")),
            ("buyer", identity("third")),
            ("buyer", identity("seller", keys={"user": "third"}, **DOING)),
        )


def test_restricted_identity_gives_by_an_action_no_more_than_it_has():
    may = [{"schema": IDENTITY_SCHEMA}]
    identities = observer(*may)
    node = {"$schema": IDENTITY_SCHEMA, "id": "buyer", "node": None, **DOING}
    gone = {**node, "signkeys": {}, "encryptkey": None}
    for body in (node, gone):
        validate_event(identities, text("observer"), body)
    for body in (
        {**node, "signkeys": {"user": text("mine")}},
        {**node, "privileges": []},
        {**gone, "privileges": None},
    ):
        with pytest.raises(PrivilegeError, match="its own privileges"):
            validate_event(identities, text("observer"), body)
    validate_event(identities, text("observer"), {**node, "privileges": may, "signkeys": {"user": text("mine")}})


def test_restricted_identity_needs_the_privilege_for_the_members_that_name_an_action():
    identities = observer({"schema": IDENTITY_SCHEMA, "only": ["node"]})
    with pytest.raises(PrivilegeError, match="may not set action, process"):
        validate_event(identities, text("observer"), {"$schema": IDENTITY_SCHEMA, "id": "buyer", "node": None, **DOING})


def test_information_that_names_no_action_stays_information():
    identities = fold(BUYER, ("buyer", identity("buyer", process="order-1")))
    assert identities.by_id["buyer"].info == {"process": "order-1"}


@pytest.mark.parametrize(
    ("body", "change", "does_action"),
    [
        ({"$schema": RESPONSE, **DOING}, None, False),
        (identity("buyer"), OWN, False),
        (identity("buyer", **DOING), OWN, True),
        (identity("third"), NEW, False),
        (identity("third", **DOING), NEW, True),
        (identity("seller", **DOING), OTHER, True),
    ],
)
def test_entry_says_what_an_event_changes(body, change, does_action):
    tip = Tip.empty(ChainId.create(key("buyer").public_key, nonce_from_text("x")))
    for signer, said in (BUYER, ("buyer", identity("seller")), ("buyer", body)):
        data = json.dumps(said).encode()
        event = events.sign(previous=tip.hash, key=key(signer), timestamp=0, data=data)
        tip, entry = tip.advance(event)
    assert (entry.identity_change, entry.does_action) == (change, does_action)
    assert Entry.from_dict(json.loads(json.dumps(entry.to_dict()))) == entry


def test_own_keys_and_node_may_change_and_the_old_key_is_worth_nothing():
    moved = identity("buyer", keys={"user": "new", "system": "new node"}, node="https://elsewhere.example")
    identities = fold(BUYER, ("buyer", moved))
    assert identities.nodes == {"https://elsewhere.example"}
    with pytest.raises(NotMemberError):
        validate_event(identities, text("buyer"), {"$schema": RESPONSE})


def test_members_not_given_stay_as_they_are():
    identities = fold(BUYER, ("buyer", {"$schema": IDENTITY_SCHEMA, "id": "buyer", "name": "Acme"}))
    assert identities.by_id["buyer"].sign_keys == {"user": text("buyer"), "system": text("buyer node")}
    assert identities.by_id["buyer"].to_dict()["name"] == "Acme"


def test_removed_identity_is_no_member():
    gone = {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}, "encryptkey": None, "node": None}
    identities = fold(BUYER, ("buyer", identity("seller")), ("seller", gone))
    assert identities.members == {"buyer"}
    assert identities.nodes == {"https://buyer.example"}


@pytest.mark.parametrize(
    "body",
    [
        {"$schema": RESPONSE},
        {"$schema": COMMENT},
        identity("third"),
        {"$schema": IDENTITY_SCHEMA, "id": "seller", "name": "only a name"},
        identity("seller", keys={"user": "seller"}),
        identity("seller", keys={"system": "seller node"}),
        identity("seller", keys={"user": "seller", "system": "seller node", "one-time": "a mail"}),
        identity("seller", keys={"user": "a mail", "system": "seller node"}),
    ],
)
def test_one_time_key_can_only_replace_itself(body):
    with pytest.raises(PrivilegeError, match="one-time"):
        fold(BUYER, INVITED, ("a mail", body))


def test_invitee_replaces_the_one_time_key_and_is_a_full_member():
    identities = fold(BUYER, INVITED)
    assert identities.by_id["seller"].is_invited
    identities = fold(BUYER, INVITED, ("a mail", identity("seller")), ("seller", {"$schema": RESPONSE}))
    assert not identities.by_id["seller"].is_invited
    with pytest.raises(NotMemberError):
        validate_event(identities, text("a mail"), identity("seller"))


def test_key_of_another_identity_cannot_be_claimed():
    with pytest.raises(InvalidIdentityError, match="belongs to the identity buyer"):
        fold(BUYER, ("buyer", identity("seller", keys={"user": "buyer"})))


def observer(*privileges: dict[str, Any]) -> Identities:
    return fold(BUYER, ("buyer", identity("observer", privileges=list(privileges))))


def test_restricted_identity_adds_only_what_its_privileges_cover():
    identities = observer({"schema": COMMENT, "not": ["secret"]})
    validate_event(identities, text("observer"), {"$schema": COMMENT, "content": "hello"})
    with pytest.raises(PrivilegeError, match="no privilege"):
        validate_event(identities, text("observer"), {"$schema": RESPONSE})
    with pytest.raises(PrivilegeError, match="may not set secret"):
        validate_event(identities, text("observer"), {"$schema": COMMENT, "secret": 1})


def test_privileges_for_one_id_one_key_and_some_members():
    identities = observer({"schema": COMMENT, "id": "1", "only": ["content"], "signkey": "user"})
    validate_event(identities, text("observer"), {"$schema": COMMENT, "id": "1", "content": "hello"})
    for signer, body in (
        ("observer", {"$schema": COMMENT, "id": "2", "content": "hello"}),
        ("observer", {"$schema": COMMENT, "id": "1", "other": "hello"}),
        ("observer node", {"$schema": COMMENT, "id": "1", "content": "hello"}),
    ):
        with pytest.raises(PrivilegeError):
            validate_event(identities, text(signer), body)


def test_privileges_add_up():
    identities = observer({"schema": COMMENT, "only": ["content"]}, {"schema": COMMENT, "only": ["reply"]})
    validate_event(identities, text("observer"), {"$schema": COMMENT, "content": "hello", "reply": "1"})


def test_restricted_identity_cannot_free_itself_or_an_accomplice():
    identities = observer({"schema": COMMENT}, {"schema": IDENTITY_SCHEMA})
    for body in (
        identity("observer", privileges=None),
        identity("observer", privileges=[{}]),
        identity("accomplice"),
        identity("accomplice", privileges=[{}]),
    ):
        with pytest.raises(PrivilegeError, match="privileges"):
            validate_event(identities, text("observer"), body)


def test_identity_without_any_privilege_may_still_change_its_own_keys():
    identities = observer()
    moved = {"$schema": IDENTITY_SCHEMA, "id": "observer", "signkeys": {"user": text("new")}}
    _, after = validate_event(identities, text("observer"), moved)
    assert after.holder(text("new")) is not None
    assert after.by_id["observer"].privileges == ()


bodies = st.fixed_dictionaries(
    {"id": st.text(max_size=3)},
    optional={
        "node": st.none() | st.text(max_size=20) | st.just("https://[bad") | st.integers(),
        "signkeys": st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=50), max_size=3),
        "encryptkey": st.none() | st.text(max_size=50) | st.lists(st.integers()),
        "privileges": st.none() | st.text() | st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=3))),
    },
)


@given(bodies)
def test_malformed_identities_are_refused_by_name(body):
    try:
        read_identity(body)
    except InvalidError:
        return
    assert body["id"]


def contract(*steps: tuple[str, dict[str, Any]]) -> EventChain:
    chain = EventChain(ChainId.create(key("buyer").public_key, nonce_from_text("x")))
    for number, (signer, body) in enumerate(steps):
        data = json.dumps(body).encode()
        chain = chain.append(events.sign(previous=chain.latest_hash, key=key(signer), timestamp=number, data=data))
    return chain


def test_whole_chain_is_checked_for_members():
    good = contract(BUYER, ("buyer", identity("seller")), ("seller", {"$schema": RESPONSE}))
    assert not list(find_member_problems(good))
    bad = contract(BUYER, ("stranger", {"$schema": RESPONSE}), ("buyer", {"$schema": RESPONSE}))
    (problem,) = find_member_problems(bad)
    assert (problem.check, problem.event) == ("membership", base58.encode(bad.events[1].hash))


@pytest.mark.parametrize("file", sorted((VECTORS / "chains").glob("[gv][12]-*.json")), ids=lambda file: file.stem)
def test_members_of_published_chains_were_allowed_what_they_did(file):
    assert not list(find_member_problems(read_chain(json.loads(file.read_text()))))


def test_chain_that_starts_with_something_else_has_no_members():
    chain = contract(("buyer", {}), ("stranger", {}))
    assert not list(find_member_problems(chain))


def test_member_check_of_older_chains_ignores_what_their_nodes_did_not_enforce():
    chain = contract(BUYER, ("buyer", identity("seller")), ("seller", identity("buyer", node="https://x.example")))
    assert list(find_member_problems(chain))
    old = ChainId.create(key("buyer").public_key, nonce_from_text("x"), generation=Generation.V1)
    assert not list(find_member_problems(replace(chain, id=old)))
