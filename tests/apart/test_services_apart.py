"""Two processes of every service run a whole contract, and one of each is killed in the middle."""

import base64
import contextlib
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

import scenarios
from eventchain.chain import EventChain, Stub, read_chain, verify
from eventchain.core import base58
from eventchain.core.errors import ForbiddenError, NotFoundError, UnavailableError
from eventchain.core.http_signatures import sign_request
from eventchain.core.keys import KeyPair
from eventchain.tip import entries_of
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.client import NodeClient
from livecontract.demo import play
from livecontract.demo.stage import NoticeBoard
from livecontract.invitation_mail import Invitation
from livecontract.invitations import read_invitation
from tests.apart.cluster import SERVICES, Cluster, cluster, wait_until
from tests.livecontract.running import running
from tests.node.stage import NOTE
from tests.servers.mongodb import NewDatabase
from tests.servers.rabbitmq import NewVhost, Vhost
from workflow_engine.engine import replay

PATIENCE = 90.0
"""Seconds a person's software goes on trying: a machine of tests is slow, and copies are killed."""

ON_THE_WAY = 20
"""Notes that a crowd hands in before it waits for them: what is sent must be on the chain before the test is over."""

OTHERS = ("seller", "inspector")


def settings(store: str, vhost: Vhost) -> dict[str, str]:
    return {
        "store": store,
        "broker": vhost.url,
        "broker_password": vhost.password,
        "block_time_ms": "500",
        "mail": "mailbox",
        "http_allow": "127.0.0.1",
        "log_level": "info",
        "threads": "8",
    }


@pytest.fixture(params=["sqlite", "mongodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the setting of a store that several processes share."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'node.db'}"
    new_database: NewDatabase = request.getfixturevalue("new_database")
    return new_database()


@pytest.fixture
def services(tmp_path: Path, store: str, new_vhost: NewVhost) -> Iterator[Cluster]:
    with cluster(tmp_path, settings(store, new_vhost())) as made:
        yield made


@pytest.fixture
def others(tmp_path: Path, services: Cluster) -> Iterator[dict[str, RunningNode]]:
    """Nodes of the other parties, whose hashes the public chain of the node apart takes."""
    with contextlib.ExitStack() as stack:
        yield {
            role: stack.enter_context(
                running(tmp_path / role, broker="memory:", anchor=services.url, mail="none", http_allow="127.0.0.1")
            )
            for role in OTHERS
        }


class Players:
    """The people of the quotation: the buyer at the node whose services run apart, the others each at a whole one."""

    def __init__(self, services: Cluster, others: Mapping[str, RunningNode]) -> None:
        urls = {"buyer": services.url, **{role: node.url for role, node in others.items()}}
        self.agents = {
            role: Agent(role, KeyPair.generate(os.urandom), url, patience=PATIENCE) for role, url in urls.items()
        }
        self.operator = NodeClient(services.url, services.key)
        self.board = NoticeBoard()
        self.chain = ""

    def invite(self, role: str) -> None:
        email = f"{role}@example.com"
        self.agents["buyer"].invite(self.chain, identity=role, email=email, name=role.title(), title="Order")
        self.agents[role].take(self.mail_to(email), {"name": role.title()})

    def mail_to(self, email: str) -> Invitation:
        (mail,) = wait_until(
            lambda: self.operator.get("/dev/mail", {"to": email}, wait=PATIENCE), f"one mail to {email}", PATIENCE
        )
        return read_invitation(json.loads(base64.b64decode(mail["attachments"][0]["data"])))

    def begin(self) -> None:
        self.chain = self.agents["buyer"].create_chain({"name": "Buyer"})
        self.agents["buyer"].add(self.chain, scenarios.load("quotation"))
        self.invite("seller")
        actors = {role: {"identity": role, "name": role.title()} for role in ("buyer", "seller")}
        self.agents["buyer"].start(self.chain, play.PROCESS, "quotation", actors)

    def act(self, role: str, action: str, data: Any = None) -> None:
        """Respond where the chain has come to, at the actor's own node."""
        self.settle(role)
        self.agents[role].respond(self.chain, play.PROCESS, action, data)
        self.settle("buyer", self.agents[role])

    def settle(self, role: str, source: Agent | None = None) -> None:
        """Wait until the node of a role has the chain as far as another one has."""
        wanted = (source or self.agents["buyer"]).tip(self.chain).hash
        agent = self.agents[role]
        wait_until(lambda: self.has(agent, wanted), f"the node of {role} to have the chain", PATIENCE)

    def has(self, agent: Agent, hash_: bytes) -> bool:
        try:
            return hash_ in {event.hash for event in read_chain(agent.chain(self.chain)).events}
        except NotFoundError:
            return False

    def wait_for(self, state: str) -> dict[str, Any]:
        agent = self.agents["buyer"]

        def found() -> dict[str, Any] | None:
            try:
                process = agent.process(play.PROCESS)
            except UnavailableError:
                return None
            return process if process["current"]["key"] == state else None

        known: dict[str, Any] = wait_until(found, f"the state {state}", PATIENCE)
        return known

    def canonical(self) -> EventChain:
        return read_chain(self.agents["buyer"].chain(self.chain))

    def projection_is_that_of_a_replay(self) -> None:
        chain = self.canonical()
        verify(chain)
        replayed = replay([entry for _, entry in entries_of(chain)])
        shown = self.agents["buyer"].process(play.PROCESS)
        assert shown == next(item for item in replayed["processes"] if item["id"] == play.PROCESS)


class Crowd:
    """Hands notes on a chain of its own to the queue, again and again, for as long as it is not stopped."""

    def __init__(self, services: Cluster, number: int) -> None:
        self.agent = Agent("crowd", KeyPair.generate(os.urandom), services.url, patience=PATIENCE)
        self.chain = self.agent.create_chain({"name": f"Crowd {number}"})
        self.sent: list[bytes] = []
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> EventChain:
        """Stop, and return the chain once everything that was sent is on it."""
        self._stop.set()
        self._thread.join(PATIENCE)
        assert self.failure is None, self.failure
        return self._arrived()

    def _arrived(self) -> EventChain:
        """Return the chain once everything that was sent is on it."""

        def look() -> EventChain | None:
            chain = read_chain(self.agent.chain(self.chain))
            return chain if chain.events[-1].hash == self.sent[-1] else None

        found: EventChain = wait_until(look, "the notes that were sent to be on the chain", PATIENCE)
        return found

    def _run(self) -> None:
        try:
            tip = self.agent.tip(self.chain)
            id_ = read_chain(self.agent.chain(self.chain)).id
            while not self._stop.is_set():
                event = self.agent._sign(tip.hash, {"$schema": NOTE, "number": len(self.sent)}, self.agent.key)
                self.agent.client.post("/queue", EventChain(id_, (event,), tip).to_dict(), wait=PATIENCE)
                self.sent.append(event.hash)
                tip = Stub(event.hash, None)
                if len(self.sent) % ON_THE_WAY == 0:
                    self._arrived()
        except BaseException as error:  # told to the test  # noqa: BLE001
            self.failure = error


@pytest.mark.slow
def test_a_contract_is_played_while_a_copy_of_each_service_is_killed(
    services: Cluster, others: Mapping[str, RunningNode]
) -> None:
    players = Players(services, others)
    crowds = [Crowd(services, number) for number in range(2)]
    players.begin()
    for crowd in crowds:
        crowd.start()
    killed = itertools.count()

    def kill_next() -> None:
        services.copies[SERVICES[::-1][next(killed)]][0].kill()

    kill_next()
    players.act("buyer", "request", {**play.REQUEST, "notify_url": players.board.url})
    kill_next()
    players.act("seller", "offer", play.OFFER)
    kill_next()
    players.act("buyer", "counter_offer", play.COUNTER_OFFER)
    kill_next()
    players.act("seller", "offer", play.NEW_OFFER)
    kill_next()
    players.act("buyer", "accept")
    players.wait_for("signing")
    players.act("seller", "sign")
    players.act("buyer", "sign")
    players.wait_for("appointing")
    players.invite("inspector")
    players.act("buyer", "appoint_inspector", {"identity": "inspector", "name": "Inspector"})
    players.act("inspector", "approve")
    players.wait_for(":success")

    players.projection_is_that_of_a_replay()
    assert len({key for key, _ in players.board.notices}) == 1, "the buyer's system was told of one thing"
    for crowd in crowds:
        events = [event.hash for event in crowd.finish().events]
        assert events[1:] == crowd.sent, "every note once, in order"
    conflicts = players.agents["buyer"].client.get(f"/event-chains/{players.chain}/conflicts", wait=PATIENCE)
    assert conflicts == []
    receipts = wait_until(
        lambda: (
            (found := players.agents["buyer"].client.get(f"/event-chains/{players.chain}/receipts", wait=PATIENCE))
            and all(found.values())
            and found
        ),
        "all receipts",
        PATIENCE,
    )
    assert len(receipts) == len(players.canonical().events)
    assert players.operator.get("/queue/dead-letters", wait=PATIENCE) == []
    web_passes_on_what_a_whole_node_answers(services, players)
    for service, balancer in services.balancers.items():
        assert min(balancer.taken.values()) > 0, f"one copy of {service} was never asked"
    players.board.close()


def web_passes_on_what_a_whole_node_answers(services: Cluster, players: Players) -> None:
    """Check what an operator and a browser see through the web server alone."""
    facts = players.operator.get("/doctor", wait=PATIENCE)
    assert (facts["forks"], len(facts["peers"])) == ([], len(OTHERS))
    with pytest.raises(ForbiddenError):
        players.agents["buyer"].client.get("/doctor", wait=PATIENCE)

    client, path = players.agents["buyer"].client, f"/event-chains/{players.chain}"
    page = signed(client, f"{path}?limit=2")
    assert len(page.json()["events"]) == 2
    assert 'rel="next"' in page.headers["Link"]
    whole = signed(client, path)
    assert signed(client, path, {"If-None-Match": whole.headers["ETag"]}).status == 304

    stream = signed(client, f"{path}/updates", preload=False)
    lines = iter(stream)
    assert any(line.startswith(b"event: end") for line in lines)
    added = players.agents["buyer"].add(players.chain, {"$schema": NOTE, "number": 0})
    next(line for line in lines if line.startswith(b"event: event"))
    told = next(line for line in lines if line.startswith(b"data:"))
    assert json.loads(told.removeprefix(b"data:"))["event"] == base58.encode(added.hash)
    stream.close()


def signed(
    client: NodeClient, path: str, headers: Mapping[str, str] | None = None, *, preload: bool = True
) -> urllib3.BaseHTTPResponse:
    url = client.base_url + path
    assert client.key is not None
    signature = sign_request("GET", url, b"", client.key, now=int(time.time()), random=os.urandom)
    return urllib3.request(
        "GET", url, headers={**signature, **(headers or {})}, preload_content=preload, retries=False, timeout=PATIENCE
    )
