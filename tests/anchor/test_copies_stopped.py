"""A copy that stops before any of its writes, for ever or until others have gone on, damages nothing.

The store groups nothing, as one without transactions: every write may be the last.
"""

import threading
from collections.abc import Callable, Sequence

import pytest

from anchor.index import COLLECTIONS
from anchor.service import LEASE
from eventchain.store.document_store import Collection, Document, DuplicateError
from eventchain.store.memory import MemoryStore
from tests.anchor.test_copies import Copies
from tests.anchor.world import hash_of


class StoppingStore(MemoryStore):
    """A memory store that lets so many writes pass, and then calls `stop` before the next one."""

    def __init__(self, shared: MemoryStore | None = None) -> None:
        super().__init__(COLLECTIONS)
        if shared is not None:
            self._tables = shared._tables
        self.writes_left = -1
        self.stop: Callable[[], None] = lambda: None

    def _pass(self) -> None:
        self.writes_left -= 1
        if self.writes_left == -1:
            self.stop()

    def insert(self, collection: Collection, documents: Sequence[Document]) -> None:
        for index, document in enumerate(documents):
            self._pass()
            try:
                super().insert(collection, [document])
            except DuplicateError as error:
                raise DuplicateError(collection.name, error.fields, index) from None

    def put(self, collection: Collection, document: Document) -> None:
        self._pass()
        super().put(collection, document)

    def update(
        self, collection: Collection, key: Document, changes: Document, *, expected: Document | None = None
    ) -> bool:
        self._pass()
        return super().update(collection, key, changes, expected=expected)

    def delete(self, collection: Collection, where: Document) -> int:
        self._pass()
        return super().delete(collection, where)


class Work:
    """One copy that submits and forges, and another over the same documents."""

    def __init__(self, stop_before: int) -> None:
        self.store = StoppingStore()
        self.copies = Copies([self.store, StoppingStore(self.store)])
        self.copies.turn(2_000, of=[0])
        self.acknowledged: list[str] = []
        self.store.writes_left = stop_before

    def do(self) -> None:
        """Submit and forge over the end of a day."""
        for index in range(4):
            texts = [hash_of(f"{index} {number}") for number in range(2)]
            self.copies.services[0].submit(texts)
            self.acknowledged += texts
            self.copies.turn(1_250, of=[0])

    def go_on(self) -> None:
        """Let the other copy work alone, until it has the lease."""
        texts = [hash_of("other"), hash_of("0 0")]
        self.copies.services[1].submit(texts)
        self.acknowledged += texts
        self.copies.turn(2 * LEASE, of=[1])


class DeadError(BaseException):
    """The copy is dead."""


def writes_of_work() -> int:
    """Return how many writes the work makes."""
    work = Work(1_000_000)
    work.do()
    return 1_000_000 - work.store.writes_left


@pytest.mark.slow
def test_copy_may_die_before_any_of_its_writes() -> None:
    for count in range(writes_of_work()):
        work = Work(count)

        def die() -> None:
            raise DeadError

        work.store.stop = die
        with pytest.raises(DeadError):
            work.do()
        work.go_on()
        work.copies.services[0] = work.copies._start(0)
        work.copies.check(sorted(set(work.acknowledged)))


@pytest.mark.slow
def test_copy_may_sleep_before_any_of_its_writes() -> None:
    for count in range(writes_of_work()):
        work = Work(count)
        asleep, awake = threading.Event(), threading.Event()

        def sleep(asleep: threading.Event = asleep, awake: threading.Event = awake) -> None:
            asleep.set()
            assert awake.wait(60)

        work.store.stop = sleep
        thread = threading.Thread(target=work.do)
        thread.start()
        assert asleep.wait(60)
        work.go_on()
        awake.set()
        thread.join()
        assert len(work.acknowledged) == 10
        work.copies.check(sorted(set(work.acknowledged)))
