"""Memory, SQLite and MongoDB give the same answers to any sequence of operations."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from eventchain.store.document_store import DocumentStore, DuplicateError
from eventchain.store.memory import MemoryStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from tests.contracts.document_store import COLLECTIONS, EVENTS
from tests.servers.mongodb import NewDatabase

KEYS = st.fixed_dictionaries({"chain": st.sampled_from("ab"), "hash": st.sampled_from([b"", b"\1", b"\1\0", b"\2"])})
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "position": st.sampled_from([None, -1, 0, 1, 2]),
    "body": st.sampled_from([None, b"", b"x"]),
    "outbox": st.sampled_from([None, "", "x", "é"]),
}
REST = st.fixed_dictionaries({}, optional=FIELDS)
DOCUMENTS = st.builds(lambda key, rest: {**key, **rest}, KEYS, REST)
WHERE = st.fixed_dictionaries(
    {}, optional={"chain": st.sampled_from("ab"), "hash": st.sampled_from([b"\1", b"\2"]), **FIELDS}
)
ORDERS = st.one_of(
    st.just((None, None)),
    st.tuples(st.just("position"), st.sampled_from([None, -1, 0, 1])),
    st.tuples(st.just("outbox"), st.sampled_from([None, "", "x"])),
    st.tuples(st.just("chain"), st.sampled_from([None, "a"])),
)


class EqualAnswers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name, "store.sqlite")
        self.memory = MemoryStore(COLLECTIONS)
        self.durable = self.open()

    def open(self) -> DocumentStore:
        return SqliteStore(self.path, COLLECTIONS)

    def both(self, act: Callable[[DocumentStore], object]) -> None:
        assert answer(act, self.memory) == answer(act, self.durable)

    @rule(documents=st.lists(DOCUMENTS, max_size=4))
    def insert(self, documents: list[dict[str, Any]]) -> None:
        self.both(lambda store: store.insert(EVENTS, documents))

    @rule(document=DOCUMENTS)
    def put(self, document: dict[str, Any]) -> None:
        self.both(lambda store: store.put(EVENTS, document))

    @rule(key=KEYS, changes=REST, expected=st.none() | WHERE)
    def update(self, key: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any] | None) -> None:
        self.both(lambda store: store.update(EVENTS, key, changes, expected=expected))

    @rule(key=KEYS)
    def get(self, key: dict[str, Any]) -> None:
        self.both(lambda store: store.get(EVENTS, key))

    @rule(where=st.none() | WHERE, order=ORDERS, descending=st.booleans(), limit=st.none() | st.integers(0, 5))
    def find(self, where: Any, order: tuple[Any, Any], descending: bool, limit: int | None) -> None:
        order_by, after = order
        self.both(
            lambda store: store.find(EVENTS, where, order_by=order_by, after=after, descending=descending, limit=limit)
        )

    @rule(where=WHERE)
    def delete(self, where: dict[str, Any]) -> None:
        self.both(lambda store: store.delete(EVENTS, where))

    @rule(documents=st.lists(DOCUMENTS, max_size=4), where=WHERE)
    def batch(self, documents: list[dict[str, Any]], where: dict[str, Any]) -> None:
        def act(store: DocumentStore) -> object:
            with store.batch():
                inserted = [answer(lambda store: store.insert(EVENTS, documents), store)]
                return [*inserted, store.delete(EVENTS, where), store.find(EVENTS)]

        self.both(act)

    @rule()
    def open_again(self) -> None:
        self.durable.close()
        self.durable = self.open()
        self.both(lambda store: store.find(EVENTS))

    def teardown(self) -> None:
        self.both(lambda store: store.find(EVENTS))
        self.durable.close()
        self.directory.cleanup()


def answer(act: Callable[[DocumentStore], object], store: DocumentStore) -> object:
    """Return what an operation gives, or how it was refused."""
    try:
        return act(store)
    except DuplicateError as error:
        return error.fields, error.index


class EqualAnswersOfMongodb(EqualAnswers):
    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__()
        self.durable.delete(EVENTS, {})

    def open(self) -> DocumentStore:
        return MongoStore(self.url, None, COLLECTIONS)


@pytest.mark.slow
def test_mongodb_gives_the_answers_of_memory(new_database: NewDatabase) -> None:
    url = new_database()
    few = settings(max_examples=25, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(lambda: EqualAnswersOfMongodb(url), settings=few)


TestEqualAnswers = pytest.mark.slow(EqualAnswers.TestCase)
TestEqualAnswers.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
