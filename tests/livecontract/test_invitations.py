"""Invitations: one key, one use, nothing lost on the way, and nothing of the key kept or shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.message import Message
from eventchain.chain import EventChain
from eventchain.core import strict_json
from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.errors import ForkError, NotAdmittedError, NotMemberError, PrivilegeError
from eventchain.identity import IDENTITY_SCHEMA, ONE_TIME_KEY, SYSTEM_KEY
from livecontract.errors import MailUnavailableError
from livecontract.invitations import INVITATIONS, identity_body, read_invitation
from livecontract.mail import Mail
from livecontract.simulation import Simulation
from tests.node.stage import SqliteStorage, Stage, check_equal, refusal, silence
from tests.node.web import Browser

THIEF = KeyPair.from_seed_phrase("thief")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(Simulation(1, names=("buyer", "seller")))
    stage.chain = stage["buyer"].create_chain("contract")
    return stage


@pytest.fixture
def invited(stage: Stage) -> Stage:
    stage["buyer"].invite(stage.chain, "seller")
    stage.simulation.settle(receipts=False)
    return stage


def request(**changes: Any) -> dict[str, Any]:
    return {"identity": "seller", "email": "seller@example.com", "name": "Seller", "title": "Chairs", **changes}


def signed(stage: Stage, body: Any, key: KeyPair) -> dict[str, Any]:
    """Sign with any key at the end of the buyer's chain."""
    party = stage["buyer"]
    kept, party.key = party.key, key
    try:
        return party.sign(stage.chain, body)
    finally:
        party.key = kept


def states(stage: Stage) -> list[str]:
    return [item["state"] for item in stage.node("buyer").invitations.find(stage.chain)]


def test_invited_party_takes_part_with_keys_of_its_own(invited: Stage) -> None:
    assert states(invited) == ["sent"]
    invited["seller"].take_invitation()
    invited.simulation.settle(receipts=False)
    check_equal(invited, ("buyer", "seller"))
    identity = invited.node("seller").eventchain.tip(invited.chain).identities.by_id["seller"]
    assert identity.node == "http://seller"
    assert identity.sign_keys == invited["seller"].identity["signkeys"]
    assert not identity.is_invited
    assert identity.info["name"] == "seller"


def test_key_is_in_the_mail_and_nowhere_else(invited: Stage) -> None:
    (mail,) = invited.simulation.world.mails
    secret = invited["seller"].read_invitation().key
    assert secret.private_key.encode() in mail.attachments[0].data
    shown = mail.text + mail.subject + str(invited.node("buyer").invitations.find(invited.chain)) + repr(mail)
    assert secret.private_key not in shown
    (document,) = invited.node("buyer").parts.store.find(INVITATIONS)
    assert document["sealed"] is None
    for value in document.values():
        assert secret.seed not in (value if isinstance(value, bytes) else str(value).encode())


def test_key_is_sealed_while_it_waits(stage: Stage) -> None:
    stage["buyer"].invite(stage.chain, "seller")
    (document,) = stage.node("buyer").parts.store.find(INVITATIONS)
    stage.simulation.settle(receipts=False)
    secret = stage["seller"].read_invitation().key
    assert isinstance(document["sealed"], bytes)
    assert secret.seed not in document["sealed"]


@pytest.mark.parametrize(
    "body",
    [
        {"$schema": "urn:example:note:1"},
        {"$schema": IDENTITY_SCHEMA, "id": "seller", "name": "me"},
        {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {"user": str(THIEF.public_key)}},
        {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {SYSTEM_KEY: str(THIEF.public_key)}},
        {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {}},
        {"$schema": IDENTITY_SCHEMA, "id": "friend", "signkeys": {"user": str(THIEF.public_key)}},
        {"$schema": IDENTITY_SCHEMA, "id": "buyer", "signkeys": {"user": str(THIEF.public_key)}},
    ],
)
def test_one_time_key_does_nothing_but_replace_itself(invited: Stage, body: dict[str, Any]) -> None:
    key = invited["seller"].read_invitation().key
    before = invited.canonical("buyer")
    error = refusal(invited.node("buyer").eventchain.add, signed(invited, body, key), str(key.public_key))
    assert isinstance(error, PrivilegeError)
    assert invited.canonical("buyer") == before


@pytest.mark.parametrize("name", [ONE_TIME_KEY, "user", SYSTEM_KEY, "more"])
def test_one_time_key_does_not_stay_under_any_name(invited: Stage, name: str) -> None:
    key = invited["seller"].read_invitation().key
    keys = {**invited["seller"].identity["signkeys"], name: str(key.public_key)}
    body = {**invited["seller"].identity, "signkeys": keys}
    error = refusal(invited.node("buyer").eventchain.add, signed(invited, body, key), str(key.public_key))
    assert isinstance(error, PrivilegeError)


def test_invitation_is_taken_once(invited: Stage) -> None:
    invitation = invited["seller"].read_invitation()
    invited["seller"].take_invitation(invitation)
    body = identity_body(
        invitation, user=THIEF.public_key, system=str(THIEF.public_key), encrypt_key=bytes(32), node="http://thief"
    )
    service, late = invited.node("buyer").eventchain, signed(invited, body, invitation.key)
    before = invited.canonical("buyer")
    assert isinstance(refusal(service.add, late, str(invitation.key.public_key)), NotAdmittedError)
    assert isinstance(refusal(service.add, late, str(invited["buyer"].key.public_key)), NotMemberError)
    assert isinstance(refusal(service.add, late, str(THIEF.public_key)), NotMemberError)
    assert invited.canonical("buyer") == before
    Browser(invited.node("buyer"), invitation.key.public_key).get(f"/event-chains/{invited.chain}", 404)


def test_second_taker_of_a_stolen_mail_only_makes_a_branch(invited: Stage) -> None:
    """Both sign on the same end of the chain; whoever comes first is the party."""
    invitation = invited["seller"].read_invitation()
    body = identity_body(
        invitation, user=THIEF.public_key, system=str(THIEF.public_key), encrypt_key=bytes(32), node="http://thief"
    )
    stolen = signed(invited, body, invitation.key)
    invited["seller"].take_invitation(invitation)
    error = refusal(invited.node("buyer").eventchain.add, stolen, str(THIEF.public_key))
    assert isinstance(error, ForkError)
    archive = invited.node("buyer").eventchain.archive
    assert archive.identity_of(invited.chain, str(THIEF.public_key)) is None
    Browser(invited.node("buyer"), THIEF.public_key).get(f"/event-chains/{invited.chain}", 404)


def test_taking_it_again_after_a_lost_answer_does_no_harm(invited: Stage) -> None:
    party, invitation = invited["seller"], invited["seller"].read_invitation()
    sent: list[Any] = []
    send = party.send

    def keep(document: Any, **where: Any) -> EventChain:
        sent.append(document)
        return send(document, **where)

    party.send = keep  # type: ignore[method-assign]  # listens in
    party.take_invitation(invitation)
    assert len(send(sent[0], to="buyer").events) == 3
    invited.simulation.settle(receipts=False)
    check_equal(invited, ("buyer", "seller"))


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": ""},
        {"identity": 3},
        {"identity": "x" * 201},
        {"identity": "a\nb"},
        {"email": "nobody"},
        {"email": "a@b.c, d@e.f"},
        {"email": "a@b.c\r\nBcc: d@e.f"},
        {"name": None},
        {"title": "a\r\nSubject: b"},
        {"title": ""},
    ],
)
def test_malformed_invitation_is_refused(stage: Stage, changes: dict[str, Any]) -> None:
    error = refusal(stage.node("buyer").invitations.invite, stage.chain, "buyer", request(**changes))
    assert isinstance(error, InvalidError)
    assert error.path == f"$.{next(iter(changes))}"
    stage.simulation.settle(receipts=False)
    assert not stage.simulation.world.mails
    assert len(stage.canonical("buyer").events) == 1


def test_nobody_is_invited_under_the_name_of_another(stage: Stage) -> None:
    error = refusal(stage.node("buyer").invitations.invite, stage.chain, "buyer", request(identity="buyer"))
    assert isinstance(error, ConflictError)


def test_routes_are_for_those_who_take_part(stage: Stage) -> None:
    document = {"chain": stage.chain, **request()}
    Browser(stage.node("buyer"), THIEF.public_key).post("/invitations", document, 404)
    Browser(stage.node("buyer"), "").post("/invitations", document, 401)
    browser = Browser(stage.node("buyer"), stage["buyer"].key.public_key)
    for wrong in ([], {}, {"chain": 7}, {"chain": stage.chain}):
        browser.post("/invitations", wrong, 400)
    answer = browser.post("/invitations", document, 202)
    assert answer["state"] == "requested"
    stage.simulation.settle(receipts=False)
    (found,) = browser.get(f"/invitations?chain={stage.chain}")
    assert found == {**answer, "state": "sent"}
    Browser(stage.node("buyer"), THIEF.public_key).get(f"/invitations?chain={stage.chain}", 404)


def test_mail_that_cannot_go_now_goes_later(stage: Stage) -> None:
    failures = [3]

    def hear(mail: Mail) -> None:
        if failures[0]:
            failures[0] -= 1
            stage.simulation.world.mails.remove(mail)
            raise MailUnavailableError("the mail server is away")

    stage.simulation.world.hear = hear
    stage["buyer"].invite(stage.chain, "seller")
    stage.simulation.settle(receipts=False)
    assert failures == [0]
    assert states(stage) == ["sent"]
    assert len(stage.simulation.world.mails) == 1
    assert len(stage.canonical("buyer").events) == 2


@pytest.mark.parametrize("state", ["requested", "added"])
def test_invitation_a_killed_node_left_goes_on(tmp_path: Path, state: str) -> None:
    """The queue has lost the message; what the store says is enough."""
    stage = Stage.of(Simulation(1, names=("buyer", "seller"), storage=SqliteStorage(tmp_path)))
    stage.chain = stage["buyer"].create_chain("contract")
    stage["buyer"].invite(stage.chain, "seller")
    broker = stage.node("buyer").parts.broker
    broker.ack(broker.receive("invitations", 10))
    if state == "added":
        (document,) = stage.node("buyer").parts.store.find(INVITATIONS)
        body = {"$schema": IDENTITY_SCHEMA, "id": "seller", "signkeys": {ONE_TIME_KEY: document["public_key"]}}
        stage.node("buyer").eventchain.submit(stage.chain, body, f"invitation {document['id']!s}")
        stage.node("buyer").parts.store.update(INVITATIONS, {"id": document["id"]}, {"state": "added"})
    stage.simulation.kill("buyer")
    stage.simulation.settle(receipts=False)
    assert states(stage) == ["sent"]
    assert len(stage.canonical("buyer").events) == 2
    stage["seller"].take_invitation()
    stage.simulation.settle(receipts=False)
    check_equal(stage, ("buyer", "seller"))
    stage.simulation.close()


def test_invitation_that_waits_is_woken_more_and_more_rarely(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the mail server is away for a day: RabbitMQ keeps every message that it is given."""
    node, published = stage.node("buyer"), list[Message]()
    monkeypatch.setattr(node.parts.broker, "publish", published.extend)
    stage["buyer"].invite(stage.chain, "seller")
    for _ in range(24 * 60 * 60 // 5):
        node.invitations.resume()
        stage.simulation.clock.now += 5_000
    assert 20 < len(published) < 50


def test_copy_that_was_overtaken_neither_brings_the_key_back_nor_sends_it_again(stage: Stage) -> None:
    node = stage.node("buyer")
    overtaking: list[Message] = []

    def overtake(_name: str, step: str, _chain: str) -> None:
        if overtaking and step == "save":
            node.invitations.handle(overtaking.pop())

    stage.simulation.observe = overtake
    id_ = node.invitations.invite(stage.chain, "buyer", request())["id"]
    overtaking.append(Message(queue="invitations", id=id_, group=stage.chain, body=id_.encode("ascii")))
    stage.simulation.settle(receipts=False)
    assert not overtaking
    assert states(stage) == ["sent"]
    (document,) = node.parts.store.find(INVITATIONS)
    assert document["sealed"] is None
    assert len(stage.simulation.world.mails) == 1


def test_two_invitations_under_one_name_give_one_identity(stage: Stage) -> None:
    for _ in range(2):
        stage["buyer"].invite(stage.chain, "seller")
    stage.simulation.settle(receipts=False)
    assert sorted(states(stage)) == ["failed", "sent"]
    (letter,) = stage.node("buyer").parts.broker.dead_letters()
    assert "only seller itself" in letter.reason
    stage.node("buyer").parts.broker.requeue(letter.id)
    stage.simulation.settle(receipts=False)
    assert sorted(states(stage)) == ["failed", "sent"]
    assert all(item["sealed"] is None for item in stage.node("buyer").parts.store.find(INVITATIONS))
    assert len(stage.simulation.world.mails) == 1
    assert len(stage.canonical("buyer").events) == 2


@pytest.mark.parametrize("change", ["$schema", "chain", "identity", "node", "inviter", "title", "one_time_key"])
def test_damaged_invitation_is_not_read(invited: Stage, change: str) -> None:
    document = strict_json.parse(invited.simulation.world.mails[0].attachments[0].data)
    for wrong in ({**document, change: 7}, {name: value for name, value in document.items() if name != change}):
        assert isinstance(refusal(read_invitation, wrong), InvalidError)
    assert isinstance(refusal(read_invitation, [document]), InvalidError)


def test_half_a_key_is_not_read(invited: Stage) -> None:
    document = strict_json.parse(invited.simulation.world.mails[0].attachments[0].data)
    for private in ("", "x!", "1", document["one_time_key"]["private_key"][:-4], 7, None):
        wrong = {**document, "one_time_key": {"private_key": private}}
        assert isinstance(refusal(read_invitation, wrong), InvalidError)


def test_unknown_invitation_is_not_handled(stage: Stage) -> None:
    stage["buyer"].invite(stage.chain, "seller")
    (delivery,) = stage.node("buyer").parts.broker.receive("invitations", 10)
    stage.node("buyer").parts.store.delete(INVITATIONS, {"id": delivery.message.id})
    assert isinstance(refusal(stage.node("buyer").invitations.handle, delivery.message), NotFoundError)


def test_inviting_needs_no_mail_server_at_once(stage: Stage) -> None:
    """The request is answered before the mail goes: only queue and store have to be there."""
    stage.simulation.world.hear = _away
    stage["buyer"].invite(stage.chain, "seller")
    assert states(stage) == ["requested"]


def _away(_mail: Mail) -> None:
    raise UnavailableError("away")


def test_restricted_node_cannot_invite_with_more_than_it_has(stage: Stage) -> None:
    clerk = KeyPair.from_seed_phrase("clerk")
    body = {
        "$schema": IDENTITY_SCHEMA,
        "id": "clerk",
        "signkeys": {"user": str(clerk.public_key)},
        "privileges": [{"schema": "urn:example:note:1"}],
    }
    stage["buyer"].post(stage.chain, body)
    document = signed(stage, {"$schema": IDENTITY_SCHEMA, "id": "friend", "signkeys": {}}, clerk)
    error = refusal(stage.node("buyer").eventchain.add, document, str(clerk.public_key))
    assert isinstance(error, ForbiddenError)
