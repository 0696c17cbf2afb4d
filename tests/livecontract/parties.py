"""Real nodes of several organisations, in this process, that share one contract and the public chain of the first."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scenarios
from eventchain.core import base58
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from livecontract.agent import Agent
from livecontract.bootstrap import RunningNode
from livecontract.config import Config
from tests.livecontract.running import running, wait_for

NOTE = "urn:example:note:1"


@dataclass
class Parties:
    """Organisations with a node and a person each.

    Attributes:
        nodes: Those that run, by name.
        chain: Of their contract.
    """

    directory: Path
    stack: dict[str, contextlib.ExitStack]
    nodes: dict[str, RunningNode] = field(default_factory=dict)
    chain: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, name: str, **settings: Any) -> RunningNode:
        """Run a node, or run it again where it was."""
        known = self.nodes.get(name)
        if known:
            settings = {"port": known.config.port, **settings}
        if first := next(iter(self.nodes.values()), None):
            settings = {"anchor": first.url, **settings} if known is not first else settings
        stack = self.stack[name] = contextlib.ExitStack()
        self.nodes[name] = stack.enter_context(running(self.directory / name, block_time_ms=100, **settings))
        return self.nodes[name]

    def stop(self, name: str) -> Config:
        """Stop a node and return its configuration."""
        self.stack[name].close()
        return self.nodes[name].config

    def agent(self, name: str) -> Agent:
        return Agent(name, self.user(name), self.nodes[name].url, patience=5.0)

    def user(self, name: str) -> KeyPair:
        return KeyPair.from_seed_phrase(f"{name} user")

    def identity(self, name: str) -> dict[str, Any]:
        node = self.nodes[name]
        return {
            "$schema": IDENTITY_SCHEMA,
            "id": name,
            "node": node.url,
            "signkeys": {"user": str(self.user(name).public_key), SYSTEM_KEY: str(node.key.public_key)},
            "encryptkey": base58.encode(self.user(name).encrypt_key),
        }

    def found(self, creator: str, others: Sequence[str]) -> None:
        """Make a contract with a process on it, and wait until all have it."""
        agent = self.agent(creator)
        self.chain = agent.create_chain({"name": creator})
        for name in others:
            agent.add(self.chain, self.identity(name))
        agent.add(self.chain, scenarios.load("quotation"))
        actors = {"buyer": {"identity": creator}, "seller": {"identity": others[0]}}
        agent.start(self.chain, "order-1", "quotation", actors)
        self.wait_until_equal()

    def note(self, name: str) -> None:
        """Add an event that no service knows."""
        self.agent(name).add(self.chain, {"$schema": NOTE, "number": next(self._numbers)})

    def end(self, name: str) -> tuple[int, bytes]:
        tip = self.nodes[name].node.eventchain.archive.load_tip(ChainId.parse(self.chain))
        return tip.height, tip.hash

    def wait_until_equal(self, names: Sequence[str] = ()) -> None:
        wait_for(lambda: len({self.end(name) for name in names or self.nodes}) == 1, "the chains to be equal")

    def wait_for_receipts(self, name: str) -> None:
        archive = self.nodes[name].node.eventchain.archive
        wait_for(lambda: not archive.awaiting(1), "the receipts")

    def projection(self, name: str) -> Any:
        return self.nodes[name].node.workflow.projection(self.chain)

    def close(self) -> None:
        for stack in self.stack.values():
            stack.close()


@contextlib.contextmanager
def parties(directory: Path, *names: str) -> Iterator[Parties]:
    """Run nodes of these names; the first has the public chain."""
    found = Parties(directory, {})
    try:
        for name in names:
            found.start(name)
        yield found
    finally:
        found.close()
