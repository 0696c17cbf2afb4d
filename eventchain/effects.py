"""Steps 6 to 8: what follows from saved events, as messages for the queue.

Nothing is sent from here. What is to be done becomes messages; they are published together and durably, and only then
the events' outboxes are cleared. A node killed in between publishes them again: a message's id is made of its content,
and its handler's effect is keyed, so that the second time changes nothing.
"""

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from eventchain.archive import Archive, Effect
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId
from eventchain.identity import Identities
from eventchain.parts import encode, outgoing, partial_chain, position_of, rows, split
from eventchain.ports import Engine, Outgoing, Queue
from eventchain.steps import Steps
from eventchain.store.document_store import Document

_PENDING_AT_ONCE = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Saved:
    """Events of one chain, saved in a row.

    Attributes:
        chain: Their chain.
        documents: As the archive keeps them.
        before: The identities before the first of them.
        after: The identities after the last of them.
    """

    chain: ChainId
    documents: Sequence[Document]
    before: Identities
    after: Identities


class Effects:
    """Makes the messages of steps 6 to 8, and keeps the outbox."""

    def __init__(
        self,
        archive: Archive,
        engine: Engine,
        queue: Queue,
        system_key: str,
        node_uri: str | None,
        observe: Steps,
    ) -> None:
        self._archive = archive
        self._engine = engine
        self._queue = queue
        self._system_key = system_key
        self._node_uri = node_uri
        self._observe = observe
        self._done: list[Document] = []
        self._lock = threading.Lock()

    def anchor(self, saved: Sequence[Saved]) -> Iterator[Outgoing]:
        """Step 6: the hashes this node's own events ask to have anchored."""
        hashes = [str(item["hash"]) for run in saved for item in _with_effect(run, Effect.ANCHOR)]
        if hashes:
            yield outgoing("anchor", "anchor", json.dumps(hashes).encode("ascii"))
        self._tell("anchor", saved)

    def trigger(self, saved: Sequence[Saved]) -> Iterator[Outgoing]:
        """Step 7: the system actions of identities of this node that wait now."""
        for run in saved:
            identities = [item.id for item in run.after.of_node(self._system_key)]
            if identities and _with_effect(run, Effect.TRIGGER):
                for due in self._engine.due(str(run.chain), identities):
                    yield outgoing("triggers", str(run.chain), canonical_json.encode(dict(due)))
        self._tell("trigger", saved)

    def trigger_again(self, chain: str) -> None:
        """Publish what waits on a chain that was set right: who was to do it may have looked while it was half done."""
        identities = [item.id for item in self._archive.identities(ChainId.parse(chain)).of_node(self._system_key)]
        waiting = self._engine.due(chain, identities) if identities else ()
        self.publish([outgoing("triggers", chain, canonical_json.encode(dict(due))) for due in waiting], [])

    def remind(self, chain: str, identities: Collection[str]) -> Iterator[Outgoing]:
        """The timeouts that are over and that identities of this node have to tell of: no event brings them about."""
        for due in self._engine.overdue(chain, identities):
            yield outgoing("triggers", chain, canonical_json.encode(dict(due)))

    def forward(self, saved: Sequence[Saved]) -> Iterator[Outgoing]:
        """Step 8: new events to the nodes of all identities, the whole chain to nodes that just joined."""
        for run in saved:
            documents = _with_effect(run, Effect.FORWARD)
            if not documents:
                continue
            own = {self._node_uri} | {item.node for item in run.after.of_node(self._system_key)}
            old = run.before.nodes - own
            new = run.after.nodes - run.before.nodes - own
            if old:
                for row in split(documents):
                    part = encode(partial_chain(run.chain, row))
                    yield from (outgoing("relay", node, part) for node in sorted(old))
            if new:
                known = [encode(item) for item in self._whole(run.chain, documents[-1])]
                yield from (outgoing("relay", node, part) for node in sorted(new) for part in known)

    def _whole(self, chain: ChainId, last: Document) -> Iterator[EventChain]:
        """Yield what a node that just joined needs: the chain, and the branches beside it.

        Who joins by an event on a branch gets that branch, from the first event on.
        """
        if last["position"] is None:
            yield EventChain(chain, tuple(self._archive.path(chain, base58.decode(last["hash"]))))
            return
        yield self._archive.chain(chain)
        for conflict in sorted(self._archive.conflicts(chain), key=_found):
            path = self._archive.path(chain, base58.decode(conflict["tip"]))
            start = [base58.encode(event.hash) for event in path].index(str(conflict["root"]))
            yield EventChain(chain, tuple(path[start:]), Stub(path[start].previous, None))

    def publish(self, messages: Sequence[Outgoing], saved: Sequence[Saved]) -> None:
        """Hand messages to the queue; once they are durable, the outboxes of their events may be cleared."""
        try:
            if messages:
                self._queue.publish(messages)
        except LiveContractError as error:
            log.warning("effects wait", reason=error.message, messages=len(messages))
            return
        with self._lock:
            self._done += [item for run in saved for item in run.documents if item["outbox"]]
        self._tell("forward", saved)

    def flush(self) -> None:
        """Clear the outboxes of events whose messages are durable.

        Called within the durable write of the next events, so that clearing costs no write of its own. If it is lost
        in a crash, the same messages are published once more.
        """
        with self._lock:
            done, self._done = self._done, []
        self._archive.clear_outbox(done)

    def settle(self) -> None:
        """Clear them now."""
        with self._archive.batch():
            self.flush()

    def pending(self) -> dict[ChainId, list[Document]]:
        """Return events with effects still to be done, by chain."""
        chains: dict[str, list[Document]] = {}
        for document in self._archive.pending(_PENDING_AT_ONCE):
            chains.setdefault(str(document["chain"]), []).append(document)
        return {ChainId.parse(chain): documents for chain, documents in chains.items()}

    def rebuild(self, chain: ChainId, pending: Sequence[Document]) -> Iterator[Saved]:
        """Put events whose effects are still to be done back into rows, with the identities around them."""
        after = self._archive.identities(chain)
        canonical = sorted((item for item in pending if item["position"] is not None), key=position_of)
        for part in rows(canonical):
            yield Saved(chain, part, self._archive.identities(chain, before=position_of(part[0])), after)
        for document in pending:
            if document["position"] is None:
                yield Saved(chain, [document], after, after)

    def _tell(self, step: str, saved: Sequence[Saved]) -> None:
        for run in saved:
            self._observe(step, str(run.chain), str(run.documents[-1]["hash"]) if run.documents else None)


def joined(saved: Iterable[Saved]) -> list[Saved]:
    """Join what one chain was extended by several times, so that its effects are told of once."""
    result: list[Saved] = []
    places: dict[str, int] = {}
    for item in saved:
        chain = str(item.chain)
        if item.documents[0]["position"] is None:
            result.append(item)
        elif chain not in places:
            places[chain] = len(result)
            result.append(replace(item, documents=list(item.documents)))
        else:
            first = result[places[chain]]
            result[places[chain]] = replace(first, documents=[*first.documents, *item.documents], after=item.after)
    return result


def _with_effect(run: Saved, effect: Effect) -> list[Document]:
    return [item for item in run.documents if isinstance(item["outbox"], int) and item["outbox"] & effect]


def _found(conflict: Document) -> int:
    found = conflict["found"]
    return found if isinstance(found, int) else 0
