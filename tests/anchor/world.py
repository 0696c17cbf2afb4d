"""A public chain on a clock that the test turns."""

import hashlib
from dataclasses import dataclass, field

from anchor.index import COLLECTIONS
from anchor.parameters import Parameters, development
from anchor.receipt import Receipt
from anchor.service import AnchorService
from eventchain.core import base58
from eventchain.core.keys import KeyPair
from eventchain.store.document_store import DocumentStore
from eventchain.store.memory import MemoryStore

START = 1_700_000_000_000
ACCOUNT = KeyPair.from_seed_phrase("development chain")


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text in base58."""
    return base58.encode(hashlib.sha256(text.encode()).digest())


@dataclass
class World:
    """A service, its store and its clock."""

    parameters: Parameters = field(default_factory=lambda: development(period=4))
    store: DocumentStore = field(default_factory=lambda: MemoryStore(COLLECTIONS))
    now: int = START

    def __post_init__(self) -> None:
        self.service = self.restart()

    def restart(self) -> AnchorService:
        """Open the store again, as a new process would."""
        self.service = AnchorService(self.store, ACCOUNT, self.parameters, clock=lambda: self.now)
        return self.service

    def turn(self, milliseconds: int) -> None:
        """Let time pass in steps of 50 ms."""
        for _ in range(0, milliseconds, 50):
            self.now += 50
            self.service.step()

    def turn_until_height(self, height: int) -> None:
        """Let time pass until the chain has this height."""
        while self.service.chain.height < height:
            self.turn(50)

    def final_receipt(self, hash_text: str) -> Receipt:
        """Let time pass until there is a receipt."""
        for _ in range(200):
            receipt = self.service.receipt(hash_text)
            if receipt is not None:
                return receipt
            self.turn(50)
        raise AssertionError("no receipt in ten seconds of the test's clock")
