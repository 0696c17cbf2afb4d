"""The ends of the chains that were worked on last: saves reading them again. The store decides whether they hold."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping

from eventchain.archive import Archive
from eventchain.core.ids import ChainId
from eventchain.tip import Tip

MAX_TIPS = 1024
"""Chains whose ends are remembered: some kilobytes each, so that memory does not grow with the chains a node has."""


class RecentTips:
    """A bounded memory of ends of chains, by id. Safe for many threads."""

    def __init__(self, archive: Archive, limit: int = MAX_TIPS) -> None:
        """Remember nothing yet, and `limit` ends at most."""
        self._archive = archive
        self._limit = limit
        self._tips: OrderedDict[str, Tip] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, chain: str) -> Tip | None:
        """Return what is remembered of a chain, or None."""
        with self._lock:
            if chain in self._tips:
                self._tips.move_to_end(chain)
            return self._tips.get(chain)

    def end_of(self, chain: ChainId) -> Tip:
        """Return the end of a chain: what is remembered of it, unless another copy of this service appended."""
        known = self.get(str(chain))
        return known if known and self._archive.is_end(known) else self._archive.load_tip(chain)

    def remember(self, tips: Mapping[str, Tip]) -> None:
        """Remember these; those not asked for longest are forgotten."""
        with self._lock:
            for chain, tip in tips.items():
                self._tips[chain] = tip
                self._tips.move_to_end(chain)
            while len(self._tips) > self._limit:
                self._tips.popitem(last=False)

    def forget(self, chain: ChainId, working: MutableMapping[str, Tip]) -> None:
        """Forget the end of a chain, here and among those of the work in hand."""
        working.pop(str(chain), None)
        with self._lock:
            self._tips.pop(str(chain), None)

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._tips)
