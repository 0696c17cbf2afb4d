"""Receipts: the proof from the public chain that an event existed, kept beside the event.

They come later than the event (paper section 14), so they are asked for again and again, those longest without first.
An event whose receipt does not come although its own node should have anchored it is anchored by this node too.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import structlog

from eventchain.archive import Archive
from eventchain.core.clock import Clock
from eventchain.core.ids import ChainId
from eventchain.ports import Anchor

GRACE = 10 * 60 * 1000
"""Milliseconds after which this node anchors the hashes of other parties' events itself."""

_AT_ONCE = 200

log = structlog.get_logger(__name__)


class Receipts:
    """Collects and gives the anchor receipts of events."""

    def __init__(self, archive: Archive, anchor: Anchor, clock: Clock) -> None:
        self._archive = archive
        self._anchor = anchor
        self._clock = clock

    def collect(self) -> int:
        """Ask for receipts of events that have none; return how many came.

        Raises:
            UnavailableError: The anchor service does not answer.
        """
        waiting = self._archive.awaiting(_AT_ONCE)
        if not waiting:
            return 0
        found = self._anchor.receipts([str(item["hash"]) for item in waiting])
        now = self._clock()
        overdue = []
        with self._archive.batch():
            for document in waiting:
                if receipt := found.get(str(document["hash"])):
                    self._archive.save_receipt(document, receipt)
                    log.debug("receipt", chain=document["chain"], event_hash=document["hash"])
                    continue
                if now - cast("int", document["received"]) > GRACE:
                    overdue.append(str(document["hash"]))
                if len(waiting) == _AT_ONCE:
                    self._archive.postpone(document, now)
        if overdue:
            self._anchor.submit(overdue)
        return len(found)

    def of_chain(
        self, chain: ChainId, *, after: int | None = None, limit: int | None = None
    ) -> dict[str, Mapping[str, Any] | None]:
        """Return the receipt, or None, of events of the canonical chain, by hash and in order.

        Args:
            chain: Which.
            after: Only of events after this position.
            limit: Of so many events at most.
        """
        return {
            str(item["hash"]): json.loads(cast("bytes", item["receipt"])) if item["receipt"] else None
            for item in self._archive.canonical(chain, after=after, limit=limit)
        }
