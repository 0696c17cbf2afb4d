"""An agent acts for a person: it signs, trusts no node, and does everything once however often it has to try."""

import base64
import concurrent.futures
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import scenarios
from eventchain.chain import read_chain, verify
from eventchain.core import base58
from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnavailableError
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.invitation_mail import Invitation
from livecontract.invitations import read_invitation
from tests.livecontract.running import OWNER, PARTNER, PROCESS, STRANGER, Caller, running, settle, wait_for

NOTE = {"$schema": "urn:example:note", "text": "a note"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """The owner's and the partner's node."""
    path = tmp_path_factory.mktemp("nodes")
    with (
        running(path / "a", store="memory:", broker="memory:", users=[str(OWNER.public_key)]) as first,
        running(path / "b", store="memory:", broker="memory:", users=[str(PARTNER.public_key)]) as second,
    ):
        yield first, second


@pytest.fixture
def owner(nodes: tuple[RunningNode, RunningNode]) -> Agent:
    return Agent("owner", OWNER, nodes[0].url)


@pytest.fixture
def partner(nodes: tuple[RunningNode, RunningNode]) -> Agent:
    return Agent("partner", PARTNER, nodes[1].url)


def invite(node: RunningNode, owner: Agent, chain: str, identity: str = "partner") -> Invitation:
    """Invite somebody, and return what the mail holds."""
    address = f"{sha256(chain.encode()).hex()[:8]}-{identity}@partner.example"
    answer = owner.invite(chain, identity=identity, email=address, name="Partner", title="Title")
    assert (answer["identity"], answer["inviter"]) == (identity, "owner")
    operator = Caller(node.url, node.key)
    (mail,) = wait_for(lambda: operator.get(f"/dev/mail?to={address}").json, "the mail")
    return read_invitation(json.loads(base64.b64decode(mail["attachments"][0]["data"])))


def test_a_chain_begins_with_its_creator(owner: Agent, nodes: tuple[RunningNode, RunningNode]) -> None:
    chain = read_chain(owner.chain(owner.create_chain({"name": "Owner"})))
    verify(chain)
    (event,) = chain.events
    body = event.body()
    assert (body["id"], body["name"], body["node"]) == ("owner", "Owner", nodes[0].url)
    assert body["signkeys"] == {"user": str(OWNER.public_key), "system": str(nodes[0].key.public_key)}
    assert event.sign_key == OWNER.public_key


def test_no_two_chains_are_the_same(owner: Agent) -> None:
    assert owner.create_chain({}) != owner.create_chain({})


def test_an_agent_adds_at_the_end_and_reads_back(owner: Agent) -> None:
    chain = owner.create_chain({})
    event = owner.add(chain, NOTE)
    assert owner.tip(chain).hash == event.hash
    assert owner.chain(chain)["events"][-1]["hash"] == base58.encode(event.hash)
    assert owner.receipts(chain).keys() == {item["hash"] for item in owner.chain(chain)["events"]}


def test_a_process_is_started_and_answered(owner: Agent) -> None:
    chain = owner.create_chain({})
    owner.add(chain, scenarios.load("quotation"))
    owner.start(chain, PROCESS, "quotation", {"buyer": {"identity": "owner"}, "seller": {"identity": "owner"}})
    owner.respond(chain, PROCESS, "request", {"item": "Beam", "quantity": 4})
    assert owner.process(PROCESS)["current"]["key"] == "requested"
    terms = {"item": "Beam", "unit_price": 1, "currency": "EUR", "delivery": "2027-01-01"}
    with pytest.raises(InvalidError, match="quantity"):
        owner.respond(chain, PROCESS, "offer", {**terms, "quantity": "four"})
    assert owner.process(PROCESS)["current"]["key"] == "requested"


def test_an_invited_party_takes_part_with_keys_of_its_own(
    nodes: tuple[RunningNode, RunningNode], owner: Agent, partner: Agent
) -> None:
    chain = owner.create_chain({})
    owner.add(chain, NOTE)
    invitation = invite(nodes[0], owner, chain)
    partner.take(invitation, {"name": "Partner"})
    wait_for(lambda: any(item["id"] == chain for item in partner.client.get("/event-chains")), "the chain")
    assert partner.chain(chain) == owner.chain(chain)
    added = partner.add(chain, NOTE)
    wait_for(lambda: owner.tip(chain).hash == added.hash, "the partner's event")
    identity = next(item for item in partner.client.get("/identities", {"chain": chain}) if item["id"] == "partner")
    assert identity["signkeys"] == {"user": str(PARTNER.public_key), "system": str(nodes[1].key.public_key)}
    with pytest.raises((InvalidError, NotFoundError)):
        partner.take(invitation, {})
    with pytest.raises((NotFoundError, ForbiddenError)):
        Agent("partner", invitation.key, nodes[0].url).chain(chain)


def test_inviting_somebody_twice_invites_once(nodes: tuple[RunningNode, RunningNode], owner: Agent) -> None:
    chain = owner.create_chain({})
    first = owner.invite(chain, identity="partner", email="t@t.example", name="T", title="Title")
    settle(nodes[0])
    again = owner.invite(chain, identity="partner", email="t@t.example", name="T", title="Title")
    assert again["id"] == first["id"]
    with pytest.raises(ConflictError):
        owner.invite(chain, identity="owner", email="t@t.example", name="T", title="Title")
    mails = Caller(nodes[0].url, nodes[0].key).get("/dev/mail?to=t%40t.example").json
    assert len(mails) == 1


def test_an_invitation_sent_many_times_at_once_invites_once(
    nodes: tuple[RunningNode, RunningNode], owner: Agent
) -> None:
    chain = owner.create_chain({})
    request = {"chain": chain, "identity": "many", "email": "m@m.example", "name": "M", "title": "Title"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Caller(nodes[0].url, OWNER).post("/invitations", request), range(8)))
    settle(nodes[0])
    invited = [item for item in owner.client.get("/identities", {"chain": chain}) if item["id"] == "many"]
    assert len(invited) == 1
    known = owner.invite(chain, identity="many", email="m@m.example", name="M", title="Title")
    assert known["state"] == "sent"
    operator = Caller(nodes[0].url, nodes[0].key)
    assert len(operator.get("/dev/mail?to=m%40m.example").json) == 1
    letters = [item["id"] for item in operator.get("/queue/dead-letters").json]
    assert all(operator.send("DELETE", f"/queue/dead-letters/{letter}").status == 204 for letter in letters)


def test_a_stranger_finds_nothing(nodes: tuple[RunningNode, RunningNode], owner: Agent) -> None:
    stranger = Agent("owner", STRANGER, nodes[0].url)
    chain = owner.create_chain({})
    with pytest.raises(InvalidError, match="no such chain"):
        stranger.tip(chain)
    with pytest.raises(NotFoundError):
        stranger.chain(chain)
    with pytest.raises(ForbiddenError):
        stranger.create_chain({})


class LyingNode:
    """Shows an invitee whatever chain it likes."""

    def __init__(self, document: Callable[[], Any]) -> None:
        shown = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(document())

            def do_POST(self) -> None:
                shown.posted += 1
                self._answer({})

            def _answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.posted = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_an_invitee_signs_nothing_on_a_chain_that_does_not_verify(
    nodes: tuple[RunningNode, RunningNode], owner: Agent, partner: Agent
) -> None:
    chain = owner.create_chain({})
    real = invite(nodes[0], owner, chain)
    whole = owner.chain(chain)
    other = owner.chain(owner.create_chain({}))
    forged = json.loads(json.dumps(whole))
    forged["events"][0]["timestamp"] += 1
    cut = {**whole, "events": whole["events"][:1]}
    partial = owner.client.get(f"/event-chains/{chain}", {"after": whole["events"][0]["hash"]})
    answers = iter([forged, other, cut, partial, [], {"id": chain}])
    lying = LyingNode(lambda: next(answers))
    told = Invitation(
        chain=chain, identity="partner", node=lying.url, key=real.key, inviter=real.inviter, title=real.title
    )
    try:
        for _ in range(6):
            with pytest.raises(InvalidError):
                partner.take(told, {})
        assert lying.posted == 0
    finally:
        lying.close()


def test_an_agent_waits_for_a_node_that_is_away(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        port = node.config.port
        chain = Agent("owner", OWNER, node.url).create_chain({})
    agent = Agent("owner", OWNER, f"http://127.0.0.1:{port}", patience=60)
    added: list[bytes] = []
    adding = threading.Thread(target=lambda: added.append(agent.add(chain, NOTE).hash))
    adding.start()
    with running(tmp_path, port=port) as node:
        adding.join(60)
        assert [agent.tip(chain).hash] == added
    impatient = Agent("owner", OWNER, f"http://127.0.0.1:{port}", patience=0)
    with pytest.raises(UnavailableError):
        impatient.add(chain, NOTE)


def test_what_is_sent_twice_is_added_once(owner: Agent) -> None:
    chain = owner.create_chain({})
    event = owner.add(chain, NOTE)
    document = owner.chain(chain)
    for _ in range(3):
        assert owner.client.post("/event-chains", document) == document
    assert owner.tip(chain).hash == event.hash


def test_a_key_of_another_kind_of_randomness_makes_the_same_agent(nodes: tuple[RunningNode, RunningNode]) -> None:
    taken: list[int] = []

    def random(length: int) -> bytes:
        taken.append(length)
        return os.urandom(length)

    agent = Agent("owner", OWNER, nodes[0].url, clock=lambda: 1_000_000, random=random)
    with pytest.raises(Exception, match="expired"):
        agent.create_chain({})
    assert taken
    assert agent.key == KeyPair.from_seed(b"o" * 32)
