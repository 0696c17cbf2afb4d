"""What can be asked about the chain in the store: blocks, headers, transactions and receipts. Nothing changes here."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from anchor import merkle
from anchor import receipt as receipts
from anchor.anchoring import parse_hash
from anchor.block import Block, Header, anchors_of
from anchor.chain import Chain
from anchor.errors import UnknownBlockError
from anchor.index import Index, Place
from anchor.parameters import Parameters
from anchor.receipt import Receipt
from anchor.transaction import AnyTransaction


class ChainReader(ABC):
    """Answers from the stored rows and their index. Safe for several threads, as the store is."""

    def __init__(self, index: Index, parameters: Parameters) -> None:
        self._index = index
        self._parameters = parameters

    @property
    def parameters(self) -> Parameters:
        """The rules of the chain."""
        return self._parameters

    @property
    @abstractmethod
    def chain(self) -> Chain:
        """The chain as it is now."""

    def receipt(self, hash_text: str) -> Receipt | None:
        """Return the final receipt of a hash (base58); None if it is unknown, or no key block follows its block yet.

        Raises:
            InvalidAnchorError: It is no hash.
        """
        anchor = parse_hash(hash_text)
        place, height = self._index.find_hash(anchor), self.chain.height
        if place is None or place.height >= height:
            return None
        return self._prover(place.height)(anchor, place)

    def receipts(self, hashes: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the final receipts there are for these hashes (base58), as JSON objects.

        Raises:
            InvalidAnchorError: One of them is no hash.
        """
        anchors = {text: parse_hash(text) for text in hashes}
        top = self.chain.height
        by_height: dict[int, dict[str, Place]] = defaultdict(dict)
        for text, anchor in anchors.items():
            place = self._index.find_hash(anchor)
            if place is not None and place.height < top:
                by_height[place.height][text] = place
        found: dict[str, dict[str, Any]] = {}
        for height, places in by_height.items():
            prove = self._prover(height)
            found |= {text: prove(anchors[text], place).to_dict() for text, place in places.items()}
        return found

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the headers of the final blocks at heights `first` to `last` (inclusive, as far as there are any)."""
        first, last = max(first, 1), min(last, self.chain.height - 1)
        return self._index.headers(first, last) if first <= last else []

    def block_at(self, height: int) -> Block:
        """Return the block at a height; the newest one may still grow.

        Raises:
            UnknownBlockError: There is none.
        """
        block = self._index.block_at(height) if 0 < height <= self.chain.height else None
        if block is None:
            raise UnknownBlockError(f"there is no block at height {height}")
        return block

    def block_by_signature(self, signature: bytes) -> tuple[int, Block]:
        """Return the height and the block that has this signature.

        Raises:
            UnknownBlockError: There is none.
        """
        found = self._index.block_by_signature(signature)
        if found is None:
            raise UnknownBlockError("there is no block with this signature")
        return found

    def find_transaction(self, transaction_id: bytes) -> tuple[AnyTransaction, Place] | None:
        """Return a transaction on the chain and its place, or None."""
        place = self._index.find_transaction(transaction_id)
        block = None if place is None else self._index.block_at(place.height)
        return None if place is None or block is None else (block.transactions[place.position], place)

    def _prover(self, height: int) -> Callable[[bytes, Place], Receipt]:
        """Return what makes receipts for the hashes of one block: block, tree and day are read once."""
        block = self.block_at(height)
        leaves = anchors_of(block.transactions)
        tree = merkle.levels(leaves)
        number, period = (height - 1) // self._parameters.period, self._parameters.period
        day = self._index.day(number)
        day_path = receipts.make_day_path(number, period, height, *day) if day else None

        def prove(anchor: bytes, place: Place) -> Receipt:
            return Receipt(
                hash=anchor,
                transaction_id=place.transaction_id,
                position=place.position,
                height=height,
                header=block.header,
                leaf=place.leaf,
                size=len(leaves),
                path=merkle.path_in(tree, place.leaf),
                day=day_path,
            )

        return prove
