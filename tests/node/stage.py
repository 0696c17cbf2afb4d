"""What the tests of several nodes share: a contract between people, played in a simulation."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

import scenarios
from dispatcher.broker import Broker
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.chain import EventChain, Stub
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId
from eventchain.store.document_store import DocumentStore
from eventchain.store.sqlite import SqliteStore
from eventchain.tip import entries_of
from livecontract import evidence
from livecontract.node import COLLECTIONS, Node
from livecontract.simulated_party import Party
from livecontract.simulation import Simulation
from workflow_engine.engine import replay

NOTE = "urn:example:note:1"
"""`$schema` of a body that no service knows: everybody may add it at any time."""

TERMS = {"item": "Oak chair", "quantity": 12, "unit_price": 89.95, "currency": "EUR", "delivery": "2026-12-01"}

WHOLE_RUN = "Offer, counter-offer, new offer, acceptance, approval"


class SqliteStorage:
    """Keeps every node's store and broker in files of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open_store(self, name: str) -> DocumentStore:
        return SqliteStore(self._folder / f"{name}.db", COLLECTIONS)

    def open_broker(self, name: str, clock: Clock) -> Broker:
        return SqliteBroker(self._folder / f"{name}-queue.db", clock)


@dataclass
class Stage:
    """A simulation with its parties, and the chain they share."""

    simulation: Simulation
    parties: Mapping[str, Party]
    chain: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, simulation: Simulation, names: Sequence[str] = ("buyer", "seller", "inspector")) -> "Stage":
        return cls(simulation, {name: Party(simulation, name) for name in names})

    @property
    def id(self) -> ChainId:
        return ChainId.parse(self.chain)

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    def node(self, name: str) -> Node:
        return self.simulation.nodes[name]

    def found(self, creator: str = "buyer", members: Sequence[str] = ("seller",)) -> "Stage":
        """Start a chain and add members, whose nodes then have it."""
        self.chain = self[creator].create_chain("contract")
        for member in members:
            self[creator].post(self.chain, self[member].identity)
        self.simulation.settle(receipts=False)
        return self

    def start(self, scenario: str, actors: Mapping[str, str], creator: str = "buyer") -> None:
        self[creator].post(self.chain, scenarios.load(scenario))
        self[creator].start_process(self.chain, "process", scenario, actors)
        self.simulation.settle(receipts=False)

    def start_quotation(self) -> "Stage":
        self.start("quotation", {"buyer": "buyer", "seller": "seller"})
        return self

    def note(self, text: str = "") -> dict[str, Any]:
        return {"$schema": NOTE, "text": text, "number": next(self._numbers)}

    def act(self, name: str, action: str, data: object = None) -> EventChain:
        return self[name].respond(self.chain, "process", action, data)

    def canonical(self, name: str) -> EventChain:
        return self.node(name).eventchain.archive.chain(self.id)

    def projection(self, name: str) -> dict[str, Any]:
        return self.node(name).workflow.projection(self.chain)

    def state(self, name: str) -> str:
        return self.node(name).workflow.process("process", self.chain).current.key

    def known(self, name: str) -> set[bytes]:
        """Return the hashes of all events a node keeps, canonical or not."""
        archive = self.node(name).eventchain.archive
        found = {event.hash for event in archive.chain(self.id).events}
        for conflict in archive.conflicts(self.id):
            tip = conflict["tip"]
            assert isinstance(tip, str)
            found |= {event.hash for event in archive.path(self.id, base58.decode(tip))}
        return found


def play_quotation(stage: Stage, *, first_signer: str = "seller") -> None:
    """Play the quotation of the library, as the demo does; everything settles between two acts."""
    simulation = stage.simulation
    buyer, seller, inspector = stage["buyer"], stage["seller"], stage["inspector"]
    stage.chain = buyer.create_chain("quotation")
    buyer.post(stage.chain, scenarios.load("quotation"))
    buyer.invite(stage.chain, "seller", "12 oak chairs")
    simulation.settle(receipts=False)
    seller.take_invitation()
    simulation.settle(receipts=False)
    buyer.start_process(stage.chain, "process", "quotation", {"buyer": "buyer", "seller": "seller"})
    simulation.settle(receipts=False)
    for step in whole_run(first_signer):
        if step["action"] == "appoint_inspector":
            buyer.invite(stage.chain, "inspector", "12 oak chairs")
            simulation.settle(receipts=False)
            inspector.take_invitation()
            simulation.settle(receipts=False)
        if step["action"] == "sign":
            wait_for_the_contract(stage, step["actor"])
        stage.act(step["actor"], step["action"], step.get("data"))
        simulation.settle(receipts=False)


def wait_for_the_contract(stage: Stage, name: str) -> None:
    """Wait until the seller's node has written the contract: one that was killed looks later what it left undone."""
    for _ in range(60):
        if any(event.body().get("action") == "write" for event in stage.canonical(name).events):
            return
        stage.simulation.wait(60_000)
    raise AssertionError("never written")


def whole_run(first_signer: str = "seller") -> list[dict[str, Any]]:
    """Return what people do in the run of the library that goes through everything; nodes write and notify."""
    run = scenarios.runs("quotation")[WHOLE_RUN]["responses"]
    steps = [step for step in run if step["action"] not in ("write", "notify")]
    signing = iter([first_signer, "buyer" if first_signer == "seller" else "seller"])
    for step in steps:
        if step["action"] == "sign":
            step["actor"] = next(signing)
        if step["action"] == "appoint_inspector":
            step["data"]["identity"] = "inspector"
    return steps


def check_equal(stage: Stage, names: Sequence[str] = ("buyer", "seller", "inspector")) -> None:
    """Check that chains are byte-identical, projections equal, and both those of a replay from the first event."""
    chains = [stage.canonical(name) for name in names]
    assert chains[0].events
    for chain in chains[1:]:
        assert chain.to_dict() == chains[0].to_dict()
    replayed = replay([entry for _, entry in entries_of(chains[0])])
    for name in names:
        assert stage.projection(name) == replayed


def make_evidence(stage: Stage, name: str) -> bytes:
    """Make the evidence file of the contract at one node."""
    node, anchor = stage.node(name), stage.simulation.anchor
    receipts = {hash_: receipt for hash_, receipt in node.receipts.of_chain(stage.id).items() if receipt}
    top = max(receipt["block"]["height"] for receipt in receipts.values())
    while len(anchor.headers(1, top + 1)) <= top:
        stage.simulation.run(1)
    return evidence.make(
        chain=stage.canonical(name),
        projection=stage.projection(name),
        found_receipts=receipts,
        headers=anchor.headers(1, top + 1),
        parameters=anchor.parameters,
        issuer=name,
        key=node.parts.key,
        created=stage.simulation.clock(),
    )


def part_of(chain: EventChain, start: int, end: int) -> dict[str, Any]:
    """Return some of a chain's events as the document of a chain."""
    base = chain.after(chain.events[start - 1].hash).base if start else None
    return EventChain(chain.id, chain.events[start:end], Stub(base.hash, base.state) if base else None).to_dict()


def refusal(work: Any, *arguments: Any) -> LiveContractError:
    """Return the error a call raises."""
    with pytest.raises(LiveContractError) as caught:
        work(*arguments)
    return caught.value


@contextmanager
def silence(level: int = 40) -> Iterator[None]:
    """Log nothing below errors, or another level: a simulation writes a line for every message."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    yield
    structlog.reset_defaults()
