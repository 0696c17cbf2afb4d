"""What the anchor service keeps in its store: blocks as they were signed, and the index (`waiting` has what waits).

A key block or microblock is one insert into `anchor_blocks`: the signed header as it is from then on, and the
transactions that came with it. Nothing there is ever changed; the newest row of a height is the block. Rows are
numbered without gaps, so of several copies that would continue the chain one succeeds. The index of hashes and
transactions is derived from the rows, written in the same batch, and completed for the newest height by whoever
continues the chain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anchor.block import Block, Header, anchors_of, encode_transactions, parse_header, parse_transactions
from anchor.transaction import AnyTransaction
from anchor.turn_lease import FORGER
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

BLOCKS = Collection(
    name="anchor_blocks",
    fields={"number": int, "signature": bytes, "height": int, "micro": int, "header": bytes, "transactions": bytes},
    key=("number",),
    unique=(("signature",),),
    indexes=(("height",),),
)
"""`micro` is 0 for a key block and 1 for a microblock; `transactions` is an attachment with what came in this row."""

POOL = Collection(
    name="anchor_pool",
    fields={"id": bytes, "number": int, "transaction": bytes},
    key=("id",),
    indexes=(("number",),),
)

POOL_TOP = Collection(name="anchor_pool_top", fields={"slot": int, "number": int}, key=("slot",))
"""One document: the highest number given to a waiting transaction; see `anchor.waiting`."""

TRANSACTIONS = Collection(
    name="anchor_transactions",
    fields={"id": bytes, "height": int, "position": int},
    key=("id",),
)

HASHES = Collection(
    name="anchor_hashes",
    fields={"hash": bytes, "transaction": bytes, "height": int, "position": int, "leaf": int},
    key=("hash",),
)

DAYS = Collection(
    name="anchor_days",
    fields={"day": int, "period": int, "root": bytes, "roots": bytes},
    key=("day",),
)
"""`roots` holds the anchor roots of the day's blocks, 32 bytes each, in order of height."""

SNAPSHOTS = Collection(
    name="anchor_snapshots",
    fields={"slot": int, "number": int, "snapshot": bytes},
    key=("slot",),
)
"""One document: the newest snapshot, and the number of the row it includes last."""

COLLECTIONS = (BLOCKS, POOL, POOL_TOP, TRANSACTIONS, HASHES, DAYS, SNAPSHOTS, FORGER)
"""What the store has to be made with."""

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A key block or microblock as it was stored."""

    number: int
    height: int
    is_microblock: bool
    header: Header
    transactions: tuple[AnyTransaction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a hash or transaction stands: heights count from 1, the position of a transaction in its block from 0.

    `leaf` is the place of a hash among all hashes of its block.
    """

    transaction_id: bytes
    height: int
    position: int
    leaf: int = 0


class Index:
    """Reads and writes the collections of the anchor service."""

    def __init__(self, store: DocumentStore, network: str) -> None:
        self._store = store
        self._network = network

    def add_block(self, number: int, height: int, header: Header, before: Block | None, block: Block) -> None:
        """Store a row and index what came with it, in one durable write where the store can.

        Args:
            number: Of the row.
            height: Of the block.
            header: As it is with this row.
            before: The block as it was before a microblock; None for a key block.
            block: What came: the key block, or the microblock's transactions under the new header.

        Raises:
            DuplicateError: Another copy stored a row of this number; nothing was stored.
        """
        first = 0 if before is None else len(before.transactions)
        leaf = 0 if before is None else len(anchors_of(before.transactions))
        with self._store.batch():
            self._store.insert(
                BLOCKS,
                [
                    {
                        "number": number,
                        "signature": header.signature,
                        "height": height,
                        "micro": int(before is not None),
                        "header": header.encode(),
                        "transactions": encode_transactions(block.transactions),
                    }
                ],
            )
            self.index(height, block.transactions, position=first, leaf=leaf)

    def index(self, height: int, transactions: Sequence[AnyTransaction], *, position: int, leaf: int) -> None:
        """Index transactions and hashes; those that are indexed already, by any copy, stay where they are.

        A transaction comes after its hashes: once it is found here, nothing of it needs to wait any more.
        """
        places: list[Document] = []
        hashes: dict[bytes, Document] = {}
        for offset, transaction in enumerate(transactions):
            if self._store.get(TRANSACTIONS, {"id": transaction.id}) is None:
                places.append({"id": transaction.id, "height": height, "position": position + offset})
            for anchor in anchors_of([transaction]):
                if anchor not in hashes and self._store.get(HASHES, {"hash": anchor}) is None:
                    hashes[anchor] = {
                        "hash": anchor,
                        "transaction": transaction.id,
                        "height": height,
                        "position": position + offset,
                        "leaf": leaf,
                    }
                leaf += 1
        self._insert_missing(HASHES, list(hashes.values()))
        self._insert_missing(TRANSACTIONS, places)

    def index_all(self) -> None:
        """Index every row, where the index was lost."""
        at, position, leaf = 0, 0, 0
        for row in self.rows():
            if row.height != at:
                at, position, leaf = row.height, 0, 0
            self.index(row.height, row.transactions, position=position, leaf=leaf)
            position += len(row.transactions)
            leaf += len(anchors_of(row.transactions))

    def _insert_missing(self, collection: Collection, documents: Sequence[Document]) -> None:
        """Insert documents but for those that are there."""
        while documents:
            try:
                self._store.insert(collection, documents)
            except DuplicateError as error:
                documents = documents[error.index + 1 :]
            else:
                return

    def has_row(self, number: int) -> bool:
        """Whether a row has this number."""
        return self._store.get(BLOCKS, {"number": number}) is not None

    def rows(self, *, after: int = -1) -> Iterator[Row]:
        """Yield all rows beyond a number, in the order in which they were stored."""
        while page := self._store.find(BLOCKS, order_by="number", after=after, limit=_PAGE):
            for document in page:
                row = self._row(document)
                after = row.number
                yield row

    def rows_at(self, height: int) -> list[Row]:
        """Return the rows of one height, key block first."""
        return [self._row(document) for document in self._store.find(BLOCKS, {"height": height}, order_by="number")]

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the newest headers of the heights from `first` to `last`, as far as there are any."""
        start = self._store.find(BLOCKS, {"height": first}, order_by="number", limit=1)
        found: dict[int, Header] = {}
        after = _int(start[0], "number") - 1 if start else None
        while after is not None and (page := self._store.find(BLOCKS, order_by="number", after=after, limit=_PAGE)):
            for document in page:
                after, height = _int(document, "number"), _int(document, "height")
                if height > last:
                    return list(found.values())
                found[height] = parse_header(_bytes(document, "header"))
        return list(found.values())

    def block_at(self, height: int) -> Block | None:
        """Return the block at a height, with all its transactions, or None."""
        return _joined(self.rows_at(height))

    def block_by_signature(self, signature: bytes) -> tuple[int, Block] | None:
        """Return height and block that have this signature, as far as the block was known under it; or None."""
        found = self._store.find(BLOCKS, {"signature": signature}, limit=1)
        if not found:
            return None
        newest = self._row(found[0])
        block = _joined([row for row in self.rows_at(newest.height) if row.number <= newest.number])
        return None if block is None else (newest.height, block)

    def find_hash(self, anchor: bytes) -> Place | None:
        """Return where a hash was anchored first, or None."""
        document = self._store.get(HASHES, {"hash": anchor})
        if document is None:
            return None
        return Place(
            transaction_id=_bytes(document, "transaction"),
            height=_int(document, "height"),
            position=_int(document, "position"),
            leaf=_int(document, "leaf"),
        )

    def find_transaction(self, transaction_id: bytes) -> Place | None:
        """Return where a transaction stands, or None."""
        document = self._store.get(TRANSACTIONS, {"id": transaction_id})
        if document is None:
            return None
        return Place(
            transaction_id=transaction_id, height=_int(document, "height"), position=_int(document, "position")
        )

    def add_day(self, day: int, period: int, root: bytes, roots: Sequence[bytes]) -> None:
        """Keep a day's root and the anchor roots under it; keeping it twice is keeping it once."""
        self._store.put(DAYS, {"day": day, "period": period, "root": root, "roots": b"".join(roots)})

    def day(self, day: int) -> tuple[bytes, list[bytes]] | None:
        """Return a day's root and the anchor roots under it, or None if the day is not complete."""
        document = self._store.get(DAYS, {"day": day})
        if document is None:
            return None
        roots = _bytes(document, "roots")
        return _bytes(document, "root"), [roots[start : start + 32] for start in range(0, len(roots), 32)]

    def put_snapshot(self, number: int, snapshot: bytes) -> None:
        """Keep a snapshot that includes all rows up to a number, in the place of the one before."""
        self._store.put(SNAPSHOTS, {"slot": 0, "number": number, "snapshot": snapshot})

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return the newest snapshot and the number of the row it includes last, or None."""
        document = self._store.get(SNAPSHOTS, {"slot": 0})
        return None if document is None else (_int(document, "number"), _bytes(document, "snapshot"))

    def _row(self, document: Document) -> Row:
        return Row(
            number=_int(document, "number"),
            height=_int(document, "height"),
            is_microblock=bool(_int(document, "micro")),
            header=parse_header(_bytes(document, "header")),
            transactions=parse_transactions(_bytes(document, "transactions"), self._network),
        )


def _joined(rows: Sequence[Row]) -> Block | None:
    if not rows:
        return None
    transactions = tuple(transaction for row in rows for transaction in row.transactions)
    return Block(header=rows[-1].header, transactions=transactions)


def _bytes(document: Document, name: str) -> bytes:
    value = document[name]
    if not isinstance(value, bytes):
        raise TypeError(f"{name} should be bytes")
    return value


def _int(document: Document, name: str) -> int:
    value = document[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} should be an integer")
    return value
