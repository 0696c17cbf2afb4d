"""The memory store keeps the contract of every store."""

import pytest

from eventchain.store.document_store import DocumentStore
from eventchain.store.memory import MemoryStore
from tests.contracts.document_store import COLLECTIONS, EVENTS, DocumentStoreContract, event


class TestMemoryStore(DocumentStoreContract):
    @pytest.fixture
    def store(self) -> DocumentStore:
        return MemoryStore(COLLECTIONS)


def test_documents_outlive_close_so_that_a_simulated_node_can_restart() -> None:
    store = MemoryStore(COLLECTIONS)
    store.insert(EVENTS, [event(1)])
    store.close()
    assert store.find(EVENTS) == [event(1)]
