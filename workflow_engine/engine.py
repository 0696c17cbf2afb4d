"""The workflow engine as the other services of a node see it: in entries and plain JSON, here or elsewhere.

The event chain hands it entries, the dispatcher lets it perform system actions, evidence asks for projections. In
another process the same methods are those of `workflow_engine.client`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.store.memory import MemoryStore
from workflow_engine.due import DueAction
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers


class EngineAccess(Protocol):
    """What the others ask of the engine. All of it raises LiveContractError where the service does."""

    def head(self, chain: str) -> str | None:
        """Return the hash of the last entry applied to a chain, or None."""

    def apply(self, entry: Entry) -> None:
        """Apply an entry, once; see `WorkflowService.apply`."""

    def apply_all(self, entries: Sequence[Entry]) -> Sequence[LiveContractError | None]:
        """Apply entries one after the other, and say of each why it was refused, if it was.

        Of a chain, nothing is applied after what was refused.
        """

    def ahead(self, entries: Iterable[Entry]) -> AbstractContextManager[None]:
        """Be told of entries that are applied within the context; see `eventchain.ports.Engine.ahead`."""

    def check(self, entry: Entry) -> None:
        """Check that `apply` would take an entry."""

    def forget(self, chain: str) -> None:
        """Drop what was computed of a chain."""

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """Check a whole branch, from the first event, without saving anything."""

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """Return the system actions of these identities that wait to be performed now."""

    def overdue(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """Return those of them that time brought about: timeouts, and scheduled actions."""

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Run a system action and return its response body, or None; see `WorkflowService.perform`."""

    def standings(self, chain: str) -> Sequence[tuple[str, str, str]]:
        """Return (id, key of the state, hash of the last event that concerned it) of every process of a chain."""

    def projection(self, chain: str) -> Mapping[str, Any]:
        """Return everything that was computed of a chain."""


def rehearsing_engine(clock: Clock) -> WorkflowService:
    """Return an engine of its own, in memory, that runs no system actions: to try or verify a chain."""
    return WorkflowService(MemoryStore(COLLECTIONS), clock, Triggers({}))


def replay(entries: Sequence[Entry]) -> Mapping[str, Any]:
    """Return the projection that these entries, from a chain's first one, come to.

    Raises:
        LiveContractError: An entry is refused.
    """
    engine = rehearsing_engine(lambda: entries[-1].timestamp)
    for entry in entries:
        engine.apply(entry)
    return engine.projection(entries[0].chain)


class OwnEngine:
    """The engine of this process."""

    def __init__(self, service: WorkflowService, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def head(self, chain: str) -> str | None:
        """See `EngineAccess.head`."""
        return self._service.head(chain)

    def apply(self, entry: Entry) -> None:
        """See `EngineAccess.apply`."""
        self._service.apply(entry)

    def apply_all(self, entries: Sequence[Entry]) -> Sequence[LiveContractError | None]:
        """See `EngineAccess.apply_all`."""
        return self._service.apply_all(entries)

    def ahead(self, entries: Iterable[Entry]) -> AbstractContextManager[None]:  # noqa: ARG002 (asked one by one)
        """See `EngineAccess.ahead`."""
        return nullcontext()

    def check(self, entry: Entry) -> None:
        """See `EngineAccess.check`."""
        self._service.check(entry)

    def forget(self, chain: str) -> None:
        """See `EngineAccess.forget`."""
        self._service.forget(chain)

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """See `EngineAccess.rehearse`."""
        engine = rehearsing_engine(self._clock)
        for entry in entries:
            engine.apply(entry)

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `EngineAccess.due`."""
        return [due.to_dict() for due in self._service.due(chain, identities)]

    def overdue(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `EngineAccess.overdue`."""
        return [due.to_dict() for due in self._service.overdue(chain, identities)]

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See `EngineAccess.perform`."""
        return self._service.perform(DueAction(**due))

    def standings(self, chain: str) -> Sequence[tuple[str, str, str]]:
        """See `EngineAccess.standings`."""
        return [(item.id, item.current.key, item.last_event) for item in self._service.processes(chain)]

    def projection(self, chain: str) -> Mapping[str, Any]:
        """See `EngineAccess.projection`."""
        return self._service.projection(chain)
