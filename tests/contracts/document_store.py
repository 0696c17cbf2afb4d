"""What every `DocumentStore` does: inherit from `DocumentStoreContract` and give it a `store` fixture.

The collections come as they are declared in `COLLECTIONS`; the store starts empty.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

EVENTS = Collection(
    name="events",
    fields={"chain": str, "hash": bytes, "position": int, "body": bytes, "outbox": str},
    key=("chain", "hash"),
    unique=(("chain", "position"),),
    indexes=(("outbox",), ("chain", "outbox")),
)
NOTES = Collection(name="notes", fields={"id": str, "place": int, "title": str}, key=("id",), unique=(("title",),))
MEMBERS = Collection(name="members", fields={"chain": str, "number": int}, key=("chain", "number"))
COLLECTIONS = (EVENTS, NOTES, MEMBERS)


def event(number: int, chain: str = "a", **changes: Any) -> dict[str, Any]:
    """Return an event whose position and hash are `number`."""
    document = {"chain": chain, "hash": bytes([number]), "position": number, "body": b"{}", "outbox": None}
    return {**document, **changes}


def key_of(document: Document) -> dict[str, Any]:
    return {"chain": document["chain"], "hash": document["hash"]}


class DocumentStoreContract:
    """Every sentence of the protocol's docstrings, as tests."""

    # insert

    def test_inserted_documents_are_found_with_every_declared_field(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1), {"chain": "a", "hash": b"\2"}])
        assert store.get(EVENTS, {"chain": "a", "hash": b"\1"}) == event(1)
        assert store.get(EVENTS, {"chain": "a", "hash": b"\2"}) == {
            "chain": "a",
            "hash": b"\2",
            "position": None,
            "body": None,
            "outbox": None,
        }

    def test_inserting_nothing_does_nothing(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [])
        assert store.find(EVENTS) == []

    @pytest.mark.parametrize(
        "document",
        [
            event(1, body=b""),
            event(1, body=bytes(range(256)) * 300),
            event(1, outbox=""),
            event(1, outbox="nul \0 inside, é, 日本, 🜁, '\"; DROP TABLE events --"),
            event(1, position=0),
            event(1, position=-1),
            event(1, position=2**63 - 1),
            event(1, position=-(2**63)),
            event(1, chain=""),
            event(1, hash=b""),
        ],
    )
    def test_values_come_back_unchanged(self, store: DocumentStore, document: dict[str, Any]) -> None:
        store.insert(EVENTS, [document])
        found = store.get(EVENTS, key_of(document))
        assert found == document
        assert found is not None
        assert {name: type(value) for name, value in found.items()} == {
            name: type(value) for name, value in document.items()
        }

    def test_second_document_with_the_key_is_refused(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        with pytest.raises(DuplicateError) as caught:
            store.insert(EVENTS, [event(1, position=7, body=b"other")])
        assert (caught.value.collection, caught.value.fields, caught.value.index) == ("events", ("chain", "hash"), 0)
        assert store.find(EVENTS) == [event(1)]

    def test_duplicate_names_the_fields_and_the_document_and_keeps_those_before_it(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(5)])
        with pytest.raises(DuplicateError) as caught:
            store.insert(EVENTS, [event(1), event(2), event(9, position=5), event(3)])
        assert (caught.value.fields, caught.value.index) == (("chain", "position"), 2)
        assert [found["position"] for found in store.find(EVENTS)] == [1, 2, 5]

    def test_duplicate_within_one_call_is_refused(self, store: DocumentStore) -> None:
        with pytest.raises(DuplicateError) as caught:
            store.insert(EVENTS, [event(1), event(1)])
        assert caught.value.index == 1
        assert store.find(EVENTS) == [event(1)]

    def test_unique_fields_count_only_where_none_is_none(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1, position=None), event(2, position=None), event(3), event(3, chain="b")])
        assert len(store.find(EVENTS)) == 4

    # put

    def test_put_stores_and_replaces_the_whole_document(self, store: DocumentStore) -> None:
        store.put(EVENTS, event(1, outbox="x"))
        store.put(EVENTS, {"chain": "a", "hash": b"\1", "position": 8})
        assert store.find(EVENTS) == [event(1, position=8, body=None)]

    def test_put_of_a_document_that_is_all_key_is_idempotent(self, store: DocumentStore) -> None:
        store.put(MEMBERS, {"chain": "a", "number": 1})
        store.put(MEMBERS, {"chain": "a", "number": 1})
        assert store.find(MEMBERS) == [{"chain": "a", "number": 1}]

    def test_put_with_the_unique_fields_of_another_is_refused(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1), event(2)])
        with pytest.raises(DuplicateError) as caught:
            store.put(EVENTS, event(2, position=1))
        assert (caught.value.fields, caught.value.index) == (("chain", "position"), 0)
        assert store.find(EVENTS) == [event(1), event(2)]

    def test_put_frees_the_unique_fields_it_replaces(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        store.put(EVENTS, event(1, position=2))
        store.insert(EVENTS, [event(9, position=1)])
        assert len(store.find(EVENTS)) == 2

    # update

    def test_update_changes_the_given_fields_only(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1), event(2)])
        assert store.update(EVENTS, key_of(event(1)), {"outbox": "sent", "body": None})
        assert store.find(EVENTS) == [event(1, outbox="sent", body=None), event(2)]

    def test_update_of_what_is_not_there_says_so(self, store: DocumentStore) -> None:
        assert not store.update(EVENTS, key_of(event(1)), {"outbox": "sent"})
        assert store.find(EVENTS) == []

    def test_update_to_the_same_values_counts_as_a_change(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        assert store.update(EVENTS, key_of(event(1)), {"position": 1})

    def test_update_without_changes_tells_whether_it_is_as_expected(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        assert store.update(EVENTS, key_of(event(1)), {}, expected={"position": 1})
        assert not store.update(EVENTS, key_of(event(1)), {}, expected={"position": 2})
        assert store.find(EVENTS) == [event(1)]

    @pytest.mark.parametrize(
        ("expected", "holds"),
        [
            ({"position": 1}, True),
            ({"position": 2}, False),
            ({"outbox": None}, True),
            ({"outbox": ""}, False),
            ({"body": None}, False),
            ({"position": 1, "outbox": None, "body": b"{}"}, True),
            ({"position": 1, "outbox": "x"}, False),
            ({"chain": "a"}, True),
            ({}, True),
        ],
    )
    def test_update_happens_only_if_all_is_as_expected(
        self, store: DocumentStore, expected: Document, holds: bool
    ) -> None:
        store.insert(EVENTS, [event(1)])
        assert store.update(EVENTS, key_of(event(1)), {"outbox": "new"}, expected=expected) is holds
        assert store.find(EVENTS) == [event(1, outbox="new" if holds else None)]

    def test_update_to_the_unique_fields_of_another_is_refused(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1), event(2)])
        with pytest.raises(DuplicateError) as caught:
            store.update(EVENTS, key_of(event(2)), {"position": 1})
        assert caught.value.fields == ("chain", "position")
        assert store.find(EVENTS) == [event(1), event(2)]

    def test_update_cannot_change_the_key(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        with pytest.raises(ValueError, match="chain"):
            store.update(EVENTS, key_of(event(1)), {"chain": "b"})

    # get

    def test_get_of_what_is_not_there_is_none(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1)])
        assert store.get(EVENTS, {"chain": "b", "hash": b"\1"}) is None

    def test_found_documents_are_copies(self, store: DocumentStore) -> None:
        document = event(1)
        store.insert(EVENTS, [document])
        document["body"] = b"changed"
        found: Any = store.get(EVENTS, key_of(event(1)))
        found["body"] = b"changed"
        store.find(EVENTS)[0]["body"] = b"changed"  # type: ignore[index]  # somebody may try
        assert store.find(EVENTS) == [event(1)]

    # find

    def test_find_without_conditions_gives_all_in_order_of_the_key(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(2, "b"), event(3), event(1), event(1, "b")])
        assert store.find(EVENTS) == [event(1), event(3), event(1, "b"), event(2, "b")]
        assert store.find(EVENTS, {}) == store.find(EVENTS)
        assert store.find(EVENTS, descending=True) == store.find(EVENTS)[::-1]

    def test_integer_keys_sort_by_value(self, store: DocumentStore) -> None:
        numbers = [10, 9, -1, 100, 0]
        store.insert(MEMBERS, [{"chain": "a", "number": number} for number in numbers])
        assert [found["number"] for found in store.find(MEMBERS)] == sorted(numbers)

    @pytest.mark.parametrize(
        ("where", "numbers"),
        [
            ({"chain": "a"}, [1, 2, 3]),
            ({"chain": "a", "outbox": "x"}, [2]),
            ({"outbox": None, "chain": "a"}, [1, 3]),
            ({"body": None}, [3]),
            ({"chain": "a", "position": 2}, [2]),
            ({"chain": "c"}, []),
            ({"outbox": ""}, []),
            ({"hash": b"\1"}, [1]),
        ],
    )
    def test_find_gives_the_documents_that_equal(
        self, store: DocumentStore, where: Document, numbers: list[int]
    ) -> None:
        store.insert(EVENTS, [event(1), event(2, outbox="x"), event(3, body=None), event(4, "b", outbox="x")])
        assert [found["position"] for found in store.find(EVENTS, where)] == numbers

    def test_order_leaves_out_documents_without_the_field(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1, position=30), event(2, position=None), event(3, position=-10)])
        assert [found["position"] for found in store.find(EVENTS, order_by="position")] == [-10, 30]
        found = store.find(EVENTS, order_by="position", descending=True)
        assert [document["position"] for document in found] == [30, -10]
        assert store.find(EVENTS, {"position": None}, order_by="position") == []

    def test_equal_documents_are_ordered_by_key_in_the_direction_asked(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1, "b"), event(1, "c"), event(1, "a")])
        assert [found["chain"] for found in store.find(EVENTS, order_by="position")] == ["a", "b", "c"]
        found = store.find(EVENTS, order_by="position", descending=True)
        assert [document["chain"] for document in found] == ["c", "b", "a"]

    def test_strings_sort_by_code_point(self, store: DocumentStore) -> None:
        titles = ["a", "B", "", "é", "z", "￿", "🜁", "a ", "ab", "a\0"]
        store.insert(NOTES, [{"id": str(index), "title": title} for index, title in enumerate(titles)])
        assert [found["title"] for found in store.find(NOTES, order_by="title")] == sorted(titles)

    def test_after_is_exclusive_in_the_direction_asked(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(number) for number in range(1, 6)] + [event(9, position=None)])

        def positions(**arguments: Any) -> list[Any]:
            return [found["position"] for found in store.find(EVENTS, {"chain": "a"}, **arguments)]

        assert positions(order_by="position", after=3) == [4, 5]
        assert positions(order_by="position", after=3, descending=True) == [2, 1]
        assert positions(order_by="position", after=0, limit=2) == [1, 2]
        assert positions(order_by="position", after=5) == []
        assert positions(order_by="position", descending=True, limit=1) == [5]

    def test_after_works_for_strings(self, store: DocumentStore) -> None:
        store.insert(NOTES, [{"id": name} for name in "abc"])
        assert [found["id"] for found in store.find(NOTES, order_by="id", after="a")] == ["b", "c"]

    def test_limit_gives_at_most_so_many(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(number) for number in range(1, 6)])
        assert [found["position"] for found in store.find(EVENTS, limit=2)] == [1, 2]
        assert store.find(EVENTS, limit=0) == []
        assert len(store.find(EVENTS, limit=99)) == 5

    # delete

    def test_delete_removes_what_equals_and_counts_it(self, store: DocumentStore) -> None:
        store.insert(EVENTS, [event(1), event(2, outbox="x"), event(3), event(1, "b")])
        assert store.delete(EVENTS, {"chain": "a", "outbox": None}) == 2
        assert store.delete(EVENTS, {"chain": "a", "outbox": None}) == 0
        assert store.find(EVENTS) == [event(2, outbox="x"), event(1, "b")]
        store.insert(EVENTS, [event(1)])
        assert store.delete(EVENTS, {}) == 3

    # mistakes of the calling code

    @pytest.mark.parametrize(
        "act",
        [
            lambda store: store.insert(EVENTS, [event(1), event(2, position="2")]),
            lambda store: store.insert(EVENTS, [event(1), event(2, position=True)]),
            lambda store: store.insert(EVENTS, [event(1), event(2, body="text")]),
            lambda store: store.insert(EVENTS, [event(1), event(2, body=bytearray(b"x"))]),
            lambda store: store.put(EVENTS, event(1, position=1.0)),
            lambda store: store.find(EVENTS, {"position": "1"}),
            lambda store: store.find(EVENTS, order_by="position", after="1"),
        ],
    )
    def test_values_of_the_wrong_type_are_refused(
        self, store: DocumentStore, act: Callable[[DocumentStore], object]
    ) -> None:
        with pytest.raises(TypeError, match=r"events\.(position|body)"):
            act(store)
        assert store.find(EVENTS) == []

    @pytest.mark.parametrize(
        "act",
        [
            lambda store: store.insert(EVENTS, [event(1), event(2, unknown="x")]),
            lambda store: store.insert(EVENTS, [event(1), event(2, position=2**63)]),
            lambda store: store.insert(EVENTS, [event(1), event(2, outbox="\ud800")]),
            lambda store: store.insert(EVENTS, [event(1), {**event(2), "chain": None}]),
            lambda store: store.put(EVENTS, {"chain": "a"}),
            lambda store: store.get(EVENTS, {"chain": "a"}),
            lambda store: store.get(EVENTS, {"chain": "a", "hash": None}),
            lambda store: store.get(EVENTS, event(1)),
            lambda store: store.update(EVENTS, {"chain": "a"}, {}),
            lambda store: store.find(EVENTS, {"unknown": 1}),
            lambda store: store.find(EVENTS, order_by="unknown"),
            lambda store: store.find(EVENTS, order_by="body"),
            lambda store: store.find(EVENTS, after=1),
            lambda store: store.find(EVENTS, limit=-1),
            lambda store: store.delete(EVENTS, {"unknown": 1}),
            lambda store: store.find(Collection(name="other", fields={"id": str}, key=("id",))),
        ],
    )
    def test_undeclared_or_impossible_requests_are_refused(
        self, store: DocumentStore, act: Callable[[DocumentStore], object]
    ) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            act(store)
        assert store.find(EVENTS) == []

    # batch

    def test_thread_reads_its_own_writes_in_a_batch(self, store: DocumentStore) -> None:
        with store.batch():
            store.insert(EVENTS, [event(1), event(2)])
            store.put(EVENTS, event(3))
            assert store.update(EVENTS, key_of(event(1)), {"outbox": "x"}, expected={"outbox": None})
            assert store.delete(EVENTS, {"position": 2}) == 1
            assert store.get(EVENTS, key_of(event(3))) == event(3)
            assert store.find(EVENTS) == [event(1, outbox="x"), event(3)]
        assert store.find(EVENTS) == [event(1, outbox="x"), event(3)]

    def test_batches_may_be_nested(self, store: DocumentStore) -> None:
        with store.batch():
            store.insert(EVENTS, [event(1)])
            with store.batch(), store.batch():
                store.insert(EVENTS, [event(2)])
            assert len(store.find(EVENTS)) == 2
            store.insert(EVENTS, [event(3)])
        assert len(store.find(EVENTS)) == 3

    def test_duplicate_caught_inside_a_batch_leaves_the_rest(self, store: DocumentStore) -> None:
        with store.batch():
            store.insert(EVENTS, [event(1)])
            with pytest.raises(DuplicateError):
                store.insert(EVENTS, [event(2), event(1), event(3)])
            store.insert(EVENTS, [event(4)])
        assert [found["position"] for found in store.find(EVENTS)] == [1, 2, 4]

    def test_store_works_on_after_the_body_of_a_batch_raised(self, store: DocumentStore) -> None:
        def write_and_raise() -> None:
            with store.batch():
                store.insert(EVENTS, [event(1)])
                raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            write_and_raise()
        store.put(EVENTS, event(2))
        assert event(2) in store.find(EVENTS)

    # many threads

    def test_one_of_many_threads_wins_each_position(self, store: DocumentStore) -> None:
        threads, length = 6, 15
        ready = threading.Barrier(threads)
        lost: set[tuple[str, ...]] = set()

        def append(thread: int) -> list[int]:
            ready.wait()
            won: list[int] = []
            while len(store.find(EVENTS, {"chain": "a"})) < length:
                tip = store.find(EVENTS, {"chain": "a"}, order_by="position", descending=True, limit=1)
                position = int(tip[0]["position"] or 0) + 1 if tip else 0
                try:
                    store.insert(EVENTS, [event(position, hash=bytes([thread, position]))])
                except DuplicateError as error:
                    lost.add(error.fields)
                else:
                    won.append(position)
            return won

        with ThreadPoolExecutor(threads) as pool:
            won = [position for result in pool.map(append, range(threads)) for position in result]
        stored = [found["position"] for found in store.find(EVENTS, order_by="position")]
        assert sorted(won) == stored == list(range(len(stored)))
        assert lost <= {("chain", "position")}

    def test_only_one_thread_meets_the_expected_value(self, store: DocumentStore) -> None:
        store.insert(NOTES, [{"id": "counter", "place": 0}])

        def count(_: int) -> None:
            while True:
                place = int((store.get(NOTES, {"id": "counter"}) or {})["place"] or 0)
                if store.update(NOTES, {"id": "counter"}, {"place": place + 1}, expected={"place": place}):
                    return

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(count, range(40)))
        assert store.get(NOTES, {"id": "counter"}) == {"id": "counter", "place": 40, "title": None}

    def test_batches_of_many_threads_all_stand(self, store: DocumentStore) -> None:
        def write(thread: int) -> None:
            for turn in range(8):
                with store.batch():
                    for step in range(3):
                        number = thread * 100 + turn * 3 + step
                        store.insert(MEMBERS, [{"chain": str(thread), "number": number}])
                        assert store.get(MEMBERS, {"chain": str(thread), "number": number}) is not None

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))
        found: list[Mapping[str, Any]] = store.find(MEMBERS)
        assert [document["number"] for document in found] == [
            thread * 100 + number for thread in range(6) for number in range(24)
        ]
