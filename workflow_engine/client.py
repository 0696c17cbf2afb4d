"""The workflow engine of another process of the same node: the methods of `workflow_engine.engine.EngineAccess`.

The other end is `workflow_engine.routes_internal`; what crosses is drawn there.
"""

import json
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eventchain.core import problem
from eventchain.core.call import Call
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError, UnavailableError

MAX_PART = 4 * 1024 * 1024
"""Bytes of JSON in one request to apply entries, unless a single one is larger: the other side reads it as a whole."""


class EngineClient:
    """Asks a workflow engine. Every method raises what the service raises, in its family and with its code."""

    def __init__(self, call: Call) -> None:
        """Ask through `call`."""
        self._call = call
        self._thread = threading.local()

    def head(self, chain: str) -> str | None:
        """See `EngineAccess.head`."""
        known = self._ahead.get(chain)
        if known is not None:
            return known.head
        head = self._call("/internal/engine/head", {"chain": chain})["head"]
        return None if head is None else str(head)

    def apply(self, entry: Entry) -> None:
        """See `EngineAccess.apply`."""
        if self._was_applied(entry):
            return
        (outcome,) = self.apply_all([entry])
        if outcome:
            raise outcome

    def apply_all(self, entries: Sequence[Entry]) -> Sequence[LiveContractError | None]:
        """See `EngineAccess.apply_all`. Many go in few requests."""
        outcomes: list[LiveContractError | None] = []
        refused: dict[str, LiveContractError] = {}
        for part in _parts(entries):
            sent = [entry for entry in part if entry.chain not in refused]
            answer = self._call("/internal/engine/apply", {"entries": [entry.to_dict() for entry in sent]})
            found = {
                entry.hash: _read_outcome(outcome) for entry, outcome in zip(sent, answer["outcomes"], strict=True)
            }
            refused |= {entry.chain: error for entry in sent if (error := found[entry.hash])}
            outcomes += [found.get(entry.hash, refused.get(entry.chain)) for entry in part]
        return outcomes

    @contextmanager
    def ahead(self, entries: Iterable[Entry]) -> Iterator[None]:
        """See `EngineAccess.ahead`. Where the engine cannot be asked now, each entry finds that out by itself."""
        try:
            self._look_ahead(list(entries))
        except UnavailableError:
            self._ahead.clear()
        try:
            yield
        finally:
            self._ahead.clear()

    def check(self, entry: Entry) -> None:
        """See `EngineAccess.check`."""
        self._call("/internal/engine/check", {"entry": entry.to_dict()})

    def forget(self, chain: str) -> None:
        """See `EngineAccess.forget`."""
        self._ahead.pop(chain, None)
        self._call("/internal/engine/forget", {"chain": chain})

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """See `EngineAccess.rehearse`. The branch goes in one request: it is tried as a whole."""
        self._call("/internal/engine/rehearse", {"entries": [entry.to_dict() for entry in entries]})

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `EngineAccess.due`."""
        return list(self._call("/internal/engine/due", {"chain": chain, "identities": sorted(identities)})["due"])

    def overdue(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `EngineAccess.overdue`."""
        return list(self._call("/internal/engine/overdue", {"chain": chain, "identities": sorted(identities)})["due"])

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See `EngineAccess.perform`."""
        body: Mapping[str, Any] | None = self._call("/internal/engine/perform", {"due": dict(due)})["body"]
        return body

    def standings(self, chain: str) -> Sequence[tuple[str, str, str]]:
        """See `EngineAccess.standings`."""
        found = self._call("/internal/engine/standings", {"chain": chain})["standings"]
        return [(process, state, event) for process, state, event in found]

    def projection(self, chain: str) -> Mapping[str, Any]:
        """See `EngineAccess.projection`."""
        return dict(self._call("/internal/engine/projection", {"chain": chain})["projection"])

    @property
    def _ahead(self) -> "dict[str, _Ahead]":
        """What this thread was told of ahead, by chain."""
        found: dict[str, _Ahead] | None = getattr(self._thread, "ahead", None)
        if found is None:
            found = self._thread.ahead = {}
        return found

    def _look_ahead(self, entries: Sequence[Entry]) -> None:
        """Have entries applied, and remember what came of them, up to the first of a chain that was refused."""
        refused: set[str] = set()
        for entry, outcome in zip(entries, self.apply_all(entries), strict=True):
            if entry.chain in refused:
                continue
            if outcome is not None:
                refused.add(entry.chain)
            if not isinstance(outcome, UnavailableError):  # the engine is elsewhere, or away: asked again in its turn
                known = self._ahead.setdefault(entry.chain, _Ahead(entry.previous))
                known.waiting.append((entry.hash, outcome))

    def _was_applied(self, entry: Entry) -> bool:
        """Whether an entry was applied ahead; what came of others is forgotten where it comes out of turn.

        Raises:
            LiveContractError: It was refused.
        """
        known = self._ahead.get(entry.chain)
        if known is None:
            return False
        if not known.waiting or known.waiting[0][0] != entry.hash:
            del self._ahead[entry.chain]
            return False
        known.head, outcome = known.waiting.popleft()
        if outcome is not None:
            del self._ahead[entry.chain]
            raise outcome
        return True


@dataclass(slots=True)
class _Ahead:
    """Entries of one chain that were applied ahead.

    Attributes:
        head: Hash of the last one whose turn has come.
        waiting: Hash and outcome of those that follow.
    """

    head: str
    waiting: deque[tuple[str, LiveContractError | None]] = field(default_factory=deque)


def _parts(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    room = MAX_PART
    for entry in entries:
        size = len(json.dumps(entry.to_dict()))
        if part and size > room:
            yield part
            part, room = [], MAX_PART
        part.append(entry)
        room -= size
    if part:
        yield part


def _read_outcome(answer: Any) -> LiveContractError | None:
    return None if answer is None else problem.from_response(answer["status"], answer, "the workflow engine")
