"""Three organisations with nodes of their own on real servers, and contracts that people keep working on."""

import functools
import os
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import samples
from eventchain import event as events
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import NONCE_LENGTH, ChainId
from eventchain.core.keys import KeyPair
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from livecontract.client import NodeClient
from livecontract.demo.private_server import HOST
from livecontract.demo.processes import NodeProcess, Supervisor
from livecontract.demo.servers import Servers

ROLES = ("acme", "borealis", "certus")
CHAINS = 4

PAUSE = 0.25
"""Seconds between two events of a person: the test servers read whole collections for most questions."""

ASK_AGAIN = 1.0
"""Seconds between two looks at whether everything has arrived."""

PATIENCE = 120.0
"""Seconds somebody goes on trying while a server is away: nothing is asserted of how long that takes."""

SETTLE = 300.0
"""Seconds after the last fault until everything has to be everywhere; back-off may wait for a minute or two."""


@dataclass
class Organisation:
    """A node, and the key of a person it serves."""

    role: str
    key: KeyPair
    node: NodeProcess
    about: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def client(self) -> NodeClient:
        return NodeClient(self.node.url, self.key)

    def identity(self) -> dict[str, Any]:
        return {
            "$schema": IDENTITY_SCHEMA,
            "id": self.role,
            "node": self.about["node"],
            "signkeys": {"user": str(self.key.public_key), SYSTEM_KEY: self.about["signkey"]},
        }


class Contract:
    """A chain on which one person acts, as fast as the node acknowledges.

    Attributes:
        acknowledged: The events the node took, in order.
        error: What ended the work, if anything did.
    """

    def __init__(self, owner: Organisation, number: int, *, over_queue: bool) -> None:
        self.owner = owner
        self.id = ChainId.create(owner.key.public_key, os.urandom(NONCE_LENGTH))
        self.process = f"counting-{number}"
        self.acknowledged: list[Event] = []
        self.error: BaseException | None = None
        self._path = "/queue" if over_queue else "/event-chains"
        self._tip = Stub(self.id.initial_hash, None)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.process, daemon=True)

    def begin(self, parties: list[Organisation]) -> None:
        """Found the chain with these parties, and start its process."""
        others = [party for party in parties if party is not self.owner]
        process = {
            "$schema": "urn:livecontract:process:1",
            "id": self.process,
            "scenario": samples.SCENARIO["id"],
            "actors": {"user": {"identity": self.owner.role}, "peer": {"identity": others[0].role}},
        }
        bodies = [self.owner.identity(), *(party.identity() for party in others), samples.SCENARIO, process]
        signed = []
        for body in bodies:
            signed.append(self._sign(body))
            self._tip = Stub(signed[-1].hash, None)
        document = EventChain(self.id, tuple(signed)).to_dict()
        self.owner.client.post("/event-chains", document, wait=PATIENCE)
        self.acknowledged += signed

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE + 60)
        if self.error:
            raise self.error
        assert not self._thread.is_alive()

    def part(self, event: Event) -> dict[str, Any]:
        """Return the chain document that holds one event alone."""
        return EventChain(self.id, (event,), Stub(event.previous, None)).to_dict()

    def _work(self) -> None:
        number = 0
        try:
            while not self._stop.wait(PAUSE):
                body = {**samples.response(number), "process": self.process}
                event = self._sign(body)
                self.owner.client.post(self._path, self.part(event), wait=PATIENCE)
                self.acknowledged.append(event)
                self._tip = Stub(event.hash, None)
                number += 1
        except BaseException as error:  # noqa: BLE001 - told by the test that joins
            self.error = error

    def _sign(self, body: Mapping[str, Any]) -> Event:
        data = canonical_json.encode(dict(body))
        return events.sign(previous=self._tip.hash, key=self.owner.key, timestamp=system_clock(), data=data)


class World:
    """Everything that runs during the test."""

    def __init__(self, directory: Path, servers: Servers) -> None:
        self.servers = servers
        self.told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.public_chain = NodeProcess(
            "the public chain",
            directory / "public-chain",
            {"anchor": "embedded", "block_time_ms": "1000", "mail": "none", "log_level": "warning"},
        )
        self.organisations = [self._organisation(directory, role) for role in ROLES]
        self._supervisor = Supervisor([self.public_chain, *(item.node for item in self.organisations)], self.told.put)
        self.contracts: list[Contract] = []

    def _organisation(self, directory: Path, role: str) -> Organisation:
        key = KeyPair.generate(os.urandom)
        settings = {
            "users": str(key.public_key),
            "operators": str(key.public_key),
            "anchor": self.public_chain.url,
            "mail": "none",
            "http_allow": HOST,
            "rate_by_key": "0",
            "rate_by_address": "0",
            **self.servers.settings(role, ROLES),
        }
        return Organisation(role, key, NodeProcess(role, directory / role, settings))

    def start(self) -> None:
        self.servers.start(ROLES)
        self._supervisor.start()
        for organisation in self.organisations:
            organisation.about = organisation.client.get("/", wait=PATIENCE)
        for number in range(CHAINS):
            owner = self.organisations[number % len(ROLES)]
            contract = Contract(owner, number, over_queue=number % 2 == 1)
            contract.begin(self.organisations)
            self.contracts.append(contract)
        for contract in self.contracts:
            contract.start()

    def finish(self) -> None:
        """Let people stop, and wait until every node has everything."""
        for contract in self.contracts:
            contract.stop()
        for contract in self.contracts:
            for organisation in self.organisations:
                self._wait_for_all(contract, organisation)

    def stop(self) -> None:
        self._supervisor.stop()
        self.servers.stop()

    def _wait_for_all(self, contract: Contract, organisation: Organisation) -> None:
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            try:
                found = organisation.client.get("/event-chains", wait=PATIENCE)
            except LiveContractError:
                found = []
            ends = {item["id"]: (item["latest_hash"], item["length"]) for item in found}
            if ends.get(str(contract.id)) == (
                base58.encode(contract.acknowledged[-1].hash),
                len(contract.acknowledged),
            ):
                return
            time.sleep(ASK_AGAIN)
        raise AssertionError(f"{contract.process} is not whole at {organisation.role}")
