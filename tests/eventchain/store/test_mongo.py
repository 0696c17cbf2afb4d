"""The MongoDB store keeps the contract, its database grows with the collections, and it says what it cannot do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymongo
import pytest

from eventchain.core.errors import InvalidError, TooLargeError
from eventchain.store import mongo_documents as documents
from eventchain.store.document_store import Collection, DocumentStore, DuplicateError
from eventchain.store.errors import IncompatibleStoreError, StoreUnavailableError
from eventchain.store.mongo import MongoStore
from livecontract.demo.mongodb_server import MongodbServer
from livecontract.node import COLLECTIONS as NODE_COLLECTIONS
from tests.contracts.document_store import COLLECTIONS, EVENTS, NOTES, DocumentStoreContract, event, key_of
from tests.servers.mongodb import NewDatabase, program

Client = pymongo.MongoClient[dict[str, Any]]


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture
def store(url: str) -> Iterator[DocumentStore]:
    store = MongoStore(url, None, COLLECTIONS)
    yield store
    store.close()


@pytest.mark.slow
class TestMongoStore(DocumentStoreContract):
    pass


# --- What lies in the database ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_documents_are_there_after_opening_again(url: str) -> None:
    for number in (1, 2):
        store = MongoStore(url, None, COLLECTIONS)
        store.insert(EVENTS, [event(number)])
        assert len(store.find(EVENTS)) == number
        store.close()


@pytest.mark.slow
def test_unique_fields_follow_an_update_of_one_of_them(url: str) -> None:
    pairs = Collection(
        name="pairs", fields={"id": str, "left": int, "right": int}, key=("id",), unique=(("left", "right"),)
    )
    store = MongoStore(url, None, [pairs])
    store.insert(pairs, [{"id": "a", "left": 1, "right": 1}, {"id": "b", "left": 2, "right": 1}])
    with pytest.raises(DuplicateError) as caught:
        store.update(pairs, {"id": "b"}, {"left": 1})
    assert caught.value.fields == ("left", "right")
    assert store.update(pairs, {"id": "a"}, {"right": None}, expected={"left": 1})
    assert not store.update(pairs, {"id": "a"}, {"right": 2}, expected={"left": 2})
    assert store.update(pairs, {"id": "b"}, {"left": 1})
    store.insert(pairs, [{"id": "c", "left": 2, "right": 1}])
    store.close()


@pytest.mark.slow
def test_names_hold_neither_dot_nor_dollar_and_bytes_and_integers_keep_their_type(
    url: str, store: DocumentStore
) -> None:
    store.insert(EVENTS, [event(1, outbox="x")])
    with Client(url) as client:
        (found,) = client.get_default_database()["events"].find()
    assert [name for name in found if "." in name or "$" in name] == []
    assert (found["body"], type(found["position"]).__name__, found["hash"]) == (b"{}", "Int64", "01")


@pytest.mark.parametrize("collection", [*NODE_COLLECTIONS, *COLLECTIONS], ids=lambda collection: collection.name)
def test_every_declared_question_has_an_index_that_begins_with_its_fields(collection: Collection) -> None:
    made = documents.indexes(collection)
    for fields in (collection.key, *collection.unique, *collection.indexes):
        assert [index for index in made if index[: len(fields)] == fields]


# --- Growing ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_database_gains_fields_indexes_and_unique_combinations(url: str, store: DocumentStore) -> None:
    store.insert(NOTES, [{"id": "a", "place": 1}, {"id": "b", "place": 2}])
    grown = replace(
        NOTES, fields={**NOTES.fields, "added": bytes}, unique=(*NOTES.unique, ("place",)), indexes=(("added",),)
    )
    newer = MongoStore(url, None, [grown])
    assert newer.get(grown, {"id": "a"}) == {"id": "a", "place": 1, "title": None, "added": None}
    with pytest.raises(DuplicateError):
        newer.put(grown, {"id": "c", "place": 2})
    newer.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"fields": {"id": str, "place": int}},
        {"fields": {"id": str, "place": str, "title": str}},
        {"key": ("id", "place")},
        {"unique": ()},
    ],
)
def test_database_of_another_version_is_refused(url: str, store: DocumentStore, changes: dict[str, Any]) -> None:
    unique = {"unique": ()} if "title" not in changes.get("fields", {"title": 1}) else {}
    with pytest.raises(IncompatibleStoreError):
        MongoStore(url, None, [replace(NOTES, **unique, **changes)])


@pytest.mark.slow
def test_database_of_a_newer_layout_is_refused(url: str, store: DocumentStore) -> None:
    with Client(url) as client:
        client.get_default_database()["store_layout"].update_one({"_id": "notes"}, {"$set": {"layout": 2}})
    with pytest.raises(IncompatibleStoreError, match="layout 2"):
        MongoStore(url, None, COLLECTIONS)


@pytest.mark.slow
def test_documents_that_a_new_unique_combination_forbids_are_refused(url: str, store: DocumentStore) -> None:
    store.insert(NOTES, [{"id": "a", "place": 1}, {"id": "b", "place": 1}])
    with pytest.raises(IncompatibleStoreError, match="allows once"):
        MongoStore(url, None, [replace(NOTES, unique=(*NOTES.unique, ("place",)))])


# --- What it cannot do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://127.0.0.1:1/",
        "mongodb://127.0.0.1:1",
        "http://127.0.0.1/name",
        "mongodb://127.0.0.1:99999/name",
        "mongodb://127.0.0.1:1/name?tls=perhaps",
        "mongodb://user:secret@/name",
    ],
)
@pytest.mark.filterwarnings("ignore:Unknown option")
@pytest.mark.filterwarnings("ignore:Wrong value")
def test_url_that_names_no_database_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidError) as caught:
        MongoStore(url, None, COLLECTIONS)
    assert "secret" not in str(caught.value)


def test_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(StoreUnavailableError):
        MongoStore("mongodb://127.0.0.1:1/name?serverSelectionTimeoutMS=50", None, COLLECTIONS)


@pytest.mark.slow
def test_store_works_on_after_its_server_was_killed_and_started_again(tmp_path: Any) -> None:
    server = MongodbServer(tmp_path, program())
    try:
        server.start()
        store = MongoStore(server.url("name") + "?serverSelectionTimeoutMS=300", None, COLLECTIONS)
        store.insert(EVENTS, [event(1)])
        server.kill()
        for act in (lambda: store.insert(EVENTS, [event(2)]), lambda: store.get(EVENTS, key_of(event(1)))):
            with pytest.raises(StoreUnavailableError):
                act()
        server.start()
        store.put(EVENTS, event(3))
        assert [found["position"] for found in store.find(EVENTS)] == [1, 3]
        store.close()
    finally:
        server.stop()


@pytest.mark.slow
def test_document_that_is_too_large_is_refused(store: DocumentStore) -> None:
    with pytest.raises(TooLargeError):
        store.put(EVENTS, event(1, body=bytes(17 * 1024 * 1024)))
    assert store.find(EVENTS) == []
