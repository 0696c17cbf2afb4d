"""The protocol every store implements: flat documents in declared collections.

A document is a mapping from declared field names to strings, integers, bytes or None; what has more structure is
encoded to bytes by its owner, so that the bytes that were signed come back unchanged from any engine. Field names hold
neither `.` nor `$`. Nothing here needs a transaction over several documents: an append is one insert, with its outbox
entry as a field of the same document.

Declared collections, rather than free ones, let SQLite make columns and MongoDB make indexes of them.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from eventchain.core.errors import ConflictError

Value: TypeAlias = str | int | bytes | None
Document: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A kind of documents.

    Attributes:
        name: Lower-case letters and underscores.
        fields: Every field with its type: `str`, `int` or `bytes`. Any field outside `key` may be None.
        key: The fields that name a document; none of them is None.
        unique: Combinations of fields that occur once, counted only where none of them is None.
        indexes: Combinations of fields that `find` asks for.
    """

    name: str
    fields: Mapping[str, type[str] | type[int] | type[bytes]]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


class DuplicateError(ConflictError):
    """A document with the same key or unique fields is there already.

    Attributes:
        collection: Name of the collection.
        fields: The combination that occurs already.
        index: Which of the given documents it was.
    """

    def __init__(self, collection: str, fields: tuple[str, ...], index: int) -> None:
        super().__init__(f"{collection}: a document with the same {', '.join(fields)} exists")
        self.collection = collection
        self.fields = fields
        self.index = index


class DocumentStore(Protocol):
    """Keeps documents durably. Safe to use from many threads and, where the engine allows, many processes."""

    @property
    def needs_leases(self) -> bool:
        """Whether who has to be alone on something takes a lease, as copies in other processes write meanwhile.

        False where a `batch` keeps all other writers out, or where there is one process only.
        """

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        """Store new documents, in order. When the call returns they are durable (but see `batch`).

        Raises:
            DuplicateError: One of them is there already; those before it are stored, it and those after it are not.
        """

    def put(self, collection: Collection, document: Document) -> None:
        """Store a document, replacing the one with the same key.

        Raises:
            DuplicateError: Another document has the same unique fields.
        """

    def update(
        self, collection: Collection, key: Document, changes: Document, *, expected: Document | None = None
    ) -> bool:
        """Change fields of one document, atomically, if it has the expected values.

        Args:
            collection: Where it is.
            key: The values of all key fields.
            changes: The new values; key fields cannot change.
            expected: What must hold before, or None for no condition. A None value means the field is None.

        Returns:
            Whether the document was there as expected, and was changed.
        """

    def get(self, collection: Collection, key: Document) -> Document | None:
        """Return the document with this key, with every declared field, or None."""

    def find(
        self,
        collection: Collection,
        where: Document | None = None,
        *,
        order_by: str | None = None,
        after: str | int | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Document]:
        """Return the documents whose fields equal `where` (None means the field is None).

        Args:
            collection: Where to look.
            where: Values to equal; None or empty for all.
            order_by: A str or int field to sort by (strings by code point); documents without it are left out.
                Without it the order is that of the key.
            after: Only documents whose `order_by` field is beyond this value (exclusive, in the direction asked).
            descending: Largest first.
            limit: At most so many.
        """

    def delete(self, collection: Collection, where: Document) -> int:
        """Remove the documents whose fields equal `where`, and return how many there were."""

    def batch(self) -> AbstractContextManager[None]:
        """Group the writes of this thread until the context ends into one durable write, where the engine can.

        Inside, the thread reads its own writes. If the body raises, the writes may be kept or dropped; callers rely on
        neither. Contexts may be nested; the outermost decides. An engine that cannot group makes each write durable.
        """

    def close(self) -> None:
        """Release files and connections. The store is not used afterwards."""
