"""What the event chain needs of others. The node plugs in the other services, or their clients."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from eventchain.core.entry import Entry


class Engine(Protocol):
    """Derives projections from events: the workflow engine."""

    def head(self, chain: str) -> str | None:
        """Return the hash of the last event applied to a chain's projection, or None."""

    def apply(self, entry: Entry) -> None:
        """Validate what an event does to the projection and save the result; by event hash, once.

        Raises:
            LiveContractError: The event is refused; nothing is saved.
        """

    def ahead(self, entries: Iterable[Entry]) -> AbstractContextManager[None]:
        """Be told of entries that this thread applies within the context, one after the other, and may apply them now.

        An engine that is asked over a network applies them in one request, and answers `head` and `apply` from what
        came of it. Entries that are not applied after all are found by `head` after the context. An engine in this
        process does not even look at them.
        """

    def check(self, entry: Entry) -> None:
        """Check that `apply` would take an entry. Nothing is saved.

        Raises:
            LiveContractError: It would be refused.
        """

    def forget(self, chain: str) -> None:
        """Drop a chain's projection, to be derived again from its first event."""

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """Check a whole branch, from the first event, without saving anything.

        Raises:
            LiveContractError: An event of it is refused.
        """

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """Return the system actions of these identities that wait to be performed now, as JSON objects."""

    def overdue(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """Return those of them that became due by time alone: timeouts of states, and scheduled actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a queue.

    Attributes:
        queue: `anchor`, `triggers` or `relay`.
        group: Messages of a group are handled one after the other: a chain's id, or the URI of a destination.
        id: Names the message; publishing it twice is publishing it once.
        body: JSON.
        kind: What a message for another node is: `chain`, or `ask`.
    """

    queue: str
    group: str
    id: str
    body: bytes
    kind: str = "chain"


class Queue(Protocol):
    """Takes messages durably: the dispatcher."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Store messages; they are durable when the call returns."""


class Anchor(Protocol):
    """Knows what is on the public chain."""

    def receipts(self, hashes: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return the final receipts there are for these event hashes (base58)."""

    def submit(self, hashes: Sequence[str]) -> object:
        """Ask for hashes (base58) to be anchored; those that are already, are not anchored twice."""


Observer = Callable[[str, str], None]
"""Is told (step, chain id) after each of the eight steps: for metrics, and for tests that kill the node there."""
