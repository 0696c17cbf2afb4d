"""Two nodes, each a process in a network of its own, and the people who act at them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import scenarios
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA
from livecontract.agent import Agent
from livecontract.config import environment_of
from tests.network.namespaces import Namespace

PORT = 8080
NOTE = "urn:example:note:1"
"""`$schema` of a body that no service knows: everybody may add it at any time."""

SCENARIO = "quotation"
PROCESS = "order-1"
PATIENCE = 180.0
"""Seconds that something may take: with back-off and lost packets, on a machine that does other things as well."""

_LOOK_AGAIN = 0.1
_Found = TypeVar("_Found")


class Party:
    """A person with a node in one namespace: SQLite files, embedded queue, plain HTTP, unless settings say otherwise.

    Attributes:
        name: Of the person, and of the identity.
        url: Where people reach the node.
        uri: Where other nodes send events.
    """

    def __init__(self, name: str, space: Namespace, address: str, folder: Path, settings: Mapping[str, str]) -> None:
        """Start the node."""
        self.name = name
        self.url = f"http://{address}:{PORT}"
        self.uri = settings.get("node_uri", self.url)
        self._space = space
        self._log = folder / f"{name}.log"
        self._key = KeyPair.from_seed(name.encode().ljust(32, b"."))
        given = {
            "data": str(folder / name),
            "host": address,
            "port": str(PORT),
            "name": name,
            "mail": "none",
            "operators": str(self._key.public_key),
            "block_time_ms": "500",
            **settings,
        }
        with self._log.open("wb") as log, space.inside():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "livecontract", "run", "--config", os.devnull],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment_of(given),
            )
        self._agent = Agent(name, self._key, self.url, patience=PATIENCE)
        try:
            self.system_key = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> str:
        """Return the node's public key, once it answers."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                return str(self.act(lambda agent: agent.client.get("/"))["signkey"])
            except UnavailableError:
                time.sleep(_LOOK_AGAIN)
        raise AssertionError(f"the node of {self.name} did not start:\n{self.log()}")

    def act(self, action: Callable[[Agent], _Found]) -> _Found:
        """Do something as this person, from the network of the own node."""
        with self._space.inside():
            return action(self._agent)

    def identity(self) -> dict[str, Any]:
        """Return the body of the event that makes this person a member of a chain."""
        keys = {"user": str(self._key.public_key), "system": self.system_key}
        return {"$schema": IDENTITY_SCHEMA, "id": self.name, "node": self.uri, "signkeys": keys}

    def note(self, chain: str, text: str) -> None:
        """Add an event to a chain."""
        self.act(lambda agent: agent.add(chain, {"$schema": NOTE, "text": text}))

    def respond(self, chain: str, action: str, data: Any = None) -> None:
        """Give a response in the process."""
        self.act(lambda agent: agent.respond(chain, PROCESS, action, data))

    def knows(self, chain: str) -> bool:
        """Whether the node has a chain."""
        return any(item["id"] == chain for item in self.act(lambda agent: agent.client.get("/event-chains")))

    def chain(self, chain: str) -> dict[str, Any]:
        """Return a chain as the own node has it."""
        return self.act(lambda agent: agent.chain(chain))

    def notes(self, chain: str) -> list[str]:
        """Return the texts of the notes on a chain, in its order."""
        return self.act(lambda agent: _notes(agent, chain))

    def state(self) -> str:
        """Return the state of the process, as the own node sees it."""
        return str(self.act(lambda agent: agent.process(PROCESS))["current"]["key"])

    def process(self) -> dict[str, Any]:
        """Return the process, as the own node sees it."""
        return self.act(lambda agent: agent.process(PROCESS))

    def has_all_receipts(self, chain: str) -> bool:
        """Whether every event of a chain has its receipt."""
        return all(self.act(lambda agent: agent.receipts(chain)).values())

    def waiting(self) -> dict[str, dict[str, int]]:
        """Return what is in each queue of the node: waiting, leased, dead."""
        return dict(self.act(lambda agent: agent.client.get("/queue")))

    def log(self) -> str:
        """Return what the node printed."""
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        """End the node's process, by its id."""
        self._process.terminate()
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Contract:
    """Two parties with a contract, and a second chain, so that both can act at once without making a fork.

    Attributes:
        buyer: Made the contract's chain and may add to it while the link is cut.
        seller: Made the other chain and may add to that.
        chain: The contract: a quotation, started.
        other: The chain of the seller, on which the buyer is.
    """

    def __init__(self, buyer: Party, seller: Party) -> None:
        self.buyer, self.seller = buyer, seller
        self.chain = buyer.act(lambda agent: agent.create_chain({"name": "Buyer"}))
        buyer.act(lambda agent: agent.add(self.chain, scenarios.load(SCENARIO)))
        buyer.act(lambda agent: agent.add(self.chain, seller.identity()))
        actors = {name: {"identity": name, "name": name.title()} for name in ("buyer", "seller")}
        buyer.act(lambda agent: agent.start(self.chain, PROCESS, SCENARIO, actors))
        self.other = seller.act(lambda agent: agent.create_chain({"name": "Seller"}))
        seller.act(lambda agent: agent.add(self.other, buyer.identity()))
        self.converge()

    def converge(self) -> None:
        """Wait until both nodes have the same chains and processes, every receipt, and empty queues."""
        self.wait_for(self._is_equal, "both nodes to agree")
        assert self.buyer.chain(self.chain) == self.seller.chain(self.chain)
        assert self.buyer.chain(self.other) == self.seller.chain(self.other)
        assert self.buyer.process() == self.seller.process()
        for party in (self.buyer, self.seller):
            assert "Traceback" not in party.log(), party.log()

    def wait_for(self, holds: Callable[[], object], what: str) -> None:
        """Look again and again; a node that cannot answer now is asked again."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except LiveContractError:
                pass  # asked again
            time.sleep(_LOOK_AGAIN)
        logs = "\n".join(
            f"{party.name}: {party.waiting()}\n{party.log()[-3000:]}" for party in (self.buyer, self.seller)
        )
        raise AssertionError(f"waited {PATIENCE} s for {what}\n{logs}")

    def _is_equal(self) -> bool:
        parties = (self.buyer, self.seller)
        for chain in (self.chain, self.other):
            if not all(party.knows(chain) and party.has_all_receipts(chain) for party in parties):
                return False
            if self.buyer.chain(chain) != self.seller.chain(chain):
                return False
        return all(_is_empty(party.waiting()) for party in parties) and self.buyer.state() == self.seller.state()


def _notes(agent: Agent, chain: str) -> list[str]:
    from eventchain.chain import read_chain

    bodies = (event.body() for event in read_chain(agent.chain(chain)).events)
    return [str(body["text"]) for body in bodies if body.get("$schema") == NOTE]


def _is_empty(queues: Mapping[str, Mapping[str, int]]) -> bool:
    return not any(count for depth in queues.values() for count in depth.values())
