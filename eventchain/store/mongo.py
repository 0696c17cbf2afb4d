"""A store in a MongoDB database (pymongo), for nodes of which several copies of a service run at once.

Every write is one operation on one document, which MongoDB does atomically; nothing needs a transaction over several.
When a call returns, a majority of the replica set has written it to disk. Reads see what a majority has, at the
primary. `batch` groups nothing and keeps nobody out: who has to be alone on a chain takes a lease.

When the connection breaks in the middle of a write, whether it was kept is not known here: the caller gets
`StoreUnavailableError` and does the whole again, which for everything this project writes is the same as doing it once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import pymongo
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from eventchain.core.errors import InvalidError, TooLargeError
from eventchain.store import mongo_documents as documents
from eventchain.store import mongo_layout, validation
from eventchain.store.document_store import Collection, Document, DuplicateError, Value
from eventchain.store.errors import OutdatedStoreError, StoreUnavailableError

TIMEOUTS = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "socketTimeoutMS": 30_000}
"""Milliseconds, unless the URL says otherwise: long enough for another primary to be elected, which takes seconds."""

WRITE_MS = 10_000
"""How long a write waits for the majority."""

_ATTEMPTS = 5
_Stored: TypeAlias = "MongoCollection[dict[str, Any]]"


class MongoStore:
    """Keeps each collection in the collection of the same name of one database."""

    needs_leases = True

    def __init__(
        self, url: str, password: str | None, collections: Iterable[Collection], *, may_change: bool = True
    ) -> None:
        """Connect, and bring the database to the declared collections.

        Args:
            url: `mongodb://user@host:port/database?options`, or `mongodb+srv://`; TLS is among the options.
            password: Of the user, or None.
            collections: What is kept.
            may_change: Whether collections that are there may gain fields and unique combinations. New ones may come
                in any case: an older version leaves them alone.

        Raises:
            InvalidError: The URL is not one, or names no database.
            StoreUnavailableError: The server does not answer, or does not let the user in.
            IncompatibleStoreError: The database is one of a version this node does not understand.
            OutdatedStoreError: It is one of an older version, and may not be changed.
            ValueError: A declaration is unsound.
        """
        self._collections = validation.validate_collections(collections)
        self._client, name = _connect(url, password)
        self._database = self._client.get_database(
            name,
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern(w="majority", j=True, wtimeout=WRITE_MS),
        )
        try:
            with _translated_errors():
                if not may_change:
                    self._check_up_to_date()
                mongo_layout.migrate(self._database, self._collections.values())
        except BaseException:
            self._client.close()
            raise

    @classmethod
    def as_written(cls, url: str, password: str | None) -> "tuple[MongoStore, list[Collection]]":
        """Connect to a database as who wrote it last declared it, and return the store and these declarations.

        Raises:
            LiveContractError: As above.
        """
        client, name = _connect(url, password)
        try:
            with _translated_errors():
                declared = mongo_layout.declarations(client.get_database(name))
        finally:
            client.close()
        return cls(url, password, declared, may_change=False), declared

    def _check_up_to_date(self) -> None:
        if names := mongo_layout.outdated(self._database, self._collections.values()):
            raise OutdatedStoreError(
                f"an older version of the node wrote the store ({', '.join(names)})",
                hint="Stop all nodes that use it, and run: livecontract backup FILE --upgrade",
            )

    def insert(self, collection: Collection, documents_: Sequence[Document]) -> None:
        """See `DocumentStore.insert`."""
        stored = self._stored(collection)
        complete = [validation.complete_document(collection, document) for document in documents_]
        rows = [documents.to_stored(collection, document) for document in complete]
        start = 0
        for _ in range(_ATTEMPTS):
            if start == len(rows):
                return
            try:
                with _translated_errors():
                    stored.insert_many(rows[start:], ordered=True)
            except _RefusedError as refusal:
                start += refusal.index
                if fields := _conflict(stored, collection, complete[start], replacing=False):
                    raise DuplicateError(collection.name, fields, start) from None
            else:
                return
        raise _nothing_against(collection)

    def put(self, collection: Collection, document: Document) -> None:
        """See `DocumentStore.put`."""
        stored = self._stored(collection)
        complete = validation.complete_document(collection, document)
        row = documents.to_stored(collection, complete)
        for _ in range(_ATTEMPTS):
            try:
                with _translated_errors():
                    stored.replace_one({"_id": row["_id"]}, row, upsert=True)
            except _RefusedError:  # by a unique combination, or because another thread inserted the key meanwhile
                if fields := _conflict(stored, collection, complete, replacing=True):
                    raise DuplicateError(collection.name, fields, 0) from None
            else:
                return
        raise _nothing_against(collection)

    def update(
        self, collection: Collection, key: Document, changes: Document, *, expected: Document | None = None
    ) -> bool:
        """See `DocumentStore.update`."""
        stored = self._stored(collection)
        validation.key_values(collection, key)
        validation.validate_changes(collection, changes)
        validation.validate_values(collection, expected or {})
        own = {"_id": documents.identifier(collection, key)}
        condition = {**documents.to_filter(collection, expected or {}), **own}
        read = _needed_for_unique(collection, changes)
        for _ in range(_ATTEMPTS):
            with _translated_errors():
                known = stored.find_one(condition) if read or not changes else {}
            if known is None or not changes:
                return known is not None
            before = {name: documents.from_stored(collection, known)[name] for name in read}
            changed = {**before, **changes, **key}
            whole = {**documents.to_filter(collection, before), **condition}
            try:
                with _translated_errors():
                    result = stored.update_one(whole, documents.to_changes(collection, changes, changed))
            except _RefusedError:
                with _translated_errors():
                    present = stored.find_one(own) or {}
                everything = {**documents.from_stored(collection, present), **changed}
                if fields := _conflict(stored, collection, everything, replacing=True):
                    raise DuplicateError(collection.name, fields, 0) from None
                continue
            if result.matched_count or not read:
                return bool(result.matched_count)
        raise _nothing_against(collection)

    def get(self, collection: Collection, key: Document) -> Document | None:
        """See `DocumentStore.get`."""
        stored = self._stored(collection)
        validation.key_values(collection, key)
        with _translated_errors():
            found = stored.find_one({"_id": documents.identifier(collection, key)})
        return None if found is None else documents.from_stored(collection, found)

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
        """See `DocumentStore.find`."""
        stored = self._stored(collection)
        validation.validate_values(collection, where or {})
        validation.validate_order(collection, order_by, after, limit)
        if limit == 0:
            return []
        condition = documents.to_filter(collection, where or {})
        if order_by is not None:
            condition = {"$and": [condition, _beyond(collection, order_by, after, descending)]}
        fields = documents.order(collection, where or {}, order_by)
        direction = pymongo.DESCENDING if descending else pymongo.ASCENDING
        with _translated_errors():
            cursor = stored.find(condition, limit=limit or 0)
            if fields:
                cursor = cursor.sort([(name, direction) for name in fields])
            return [documents.from_stored(collection, found) for found in cursor]

    def delete(self, collection: Collection, where: Document) -> int:
        """See `DocumentStore.delete`. If the server fails in the middle, some of the documents may be gone."""
        stored = self._stored(collection)
        validation.validate_values(collection, where)
        condition = documents.to_filter(collection, where)
        if set(where) == set(collection.key) and None not in where.values():
            condition = {"_id": documents.identifier(collection, where)}
        with _translated_errors():
            return stored.delete_many(condition).deleted_count

    def batch(self) -> AbstractContextManager[None]:
        """See `DocumentStore.batch`. Each write is durable by itself."""
        return nullcontext()

    def close(self) -> None:
        """See `DocumentStore.close`."""
        self._client.close()

    def _stored(self, collection: Collection) -> _Stored:
        validation.validate_known(self._collections, collection)
        return self._database[collection.name]


class _RefusedError(Exception):
    """The server has a document with the same key or unique combination."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def _connect(url: str, password: str | None) -> "tuple[pymongo.MongoClient[dict[str, Any]], str]":
    try:
        parsed: Mapping[str, Any] = parse_uri(url)
        options: dict[str, Any] = {name: value for name, value in TIMEOUTS.items() if name not in parsed["options"]}
        if password is not None:
            options |= {"username": parsed["username"], "password": password}
        name = parsed["database"]
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url, appname="livecontract", **options)
    except (ConfigurationError, InvalidURI, ValueError) as error:  # the reason may repeat the URL, with a password
        kind = type(error).__name__
        raise InvalidError(
            f"the URL of the store cannot be used ({kind})", hint="It is like mongodb://user@host:27017/database."
        ) from None
    if not name:
        client.close()
        raise InvalidError("the URL of the store names no database", hint="Add it: mongodb://host:27017/livecontract.")
    return client, str(name)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn the library's errors into those of the stores."""
    try:
        yield
    except BulkWriteError as error:
        for failure in error.details.get("writeErrors", ()):
            if mongo_layout.is_duplicate(OperationFailure(str(failure.get("errmsg")), failure.get("code"))):
                raise _RefusedError(int(failure["index"])) from None
        raise StoreUnavailableError("the store did not write everything", hint="See the log of the server.") from error
    except DocumentTooLarge:
        raise TooLargeError("the document is larger than the store takes (16 MiB in MongoDB)") from None
    except OperationFailure as error:
        if mongo_layout.is_duplicate(error):
            raise _RefusedError(0) from None
        name = (error.details or {}).get("codeName") or error.code
        raise StoreUnavailableError(
            f"the store did not do it ({name})",
            hint="Check user, password (store_password) and rights; the server's log says more.",
        ) from error
    except AutoReconnect as error:
        raise StoreUnavailableError(
            "the store does not answer", hint="Does its server run, at the host and port that store names?"
        ) from error
    except PyMongoError as error:
        raise StoreUnavailableError(f"the store failed: {type(error).__name__}") from error


def _conflict(
    stored: _Stored, collection: Collection, document: Document, *, replacing: bool
) -> tuple[str, ...] | None:
    """Return the combination that another document occupies, the key first; None if there is none any more."""
    own = documents.identifier(collection, document)
    unique = dict(documents.unique_values(collection, document))
    with _translated_errors():
        if not replacing and stored.find_one({"_id": own}) is not None:
            return collection.key
        for fields in collection.unique:
            name = documents.unique_field(fields)
            other = stored.find_one({name: unique[name]}) if name in unique else None
            if other is not None and other["_id"] != own:
                return fields
    return None


def _needed_for_unique(collection: Collection, changes: Document) -> set[str]:
    """Return the fields whose present values an update needs: those beside the changed ones in a combination."""
    touched = [fields for fields in collection.unique if not set(fields).isdisjoint(changes)]
    return {name for fields in touched for name in fields if name not in changes and name not in collection.key}


def _beyond(collection: Collection, order_by: str, after: Value, descending: bool) -> dict[str, Any]:
    if after is not None:
        return {order_by: {"$lt" if descending else "$gt": documents.to_value(collection, order_by, after)}}
    return {order_by: {"$gte": "" if collection.fields[order_by] is str else documents.SMALLEST}}


def _nothing_against(collection: Collection) -> StoreUnavailableError:
    return StoreUnavailableError(f"{collection.name}: others change the same document all the time")
