"""What the event chain service does by itself now and then: what was left undone, what waits, and what time brings."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog

from eventchain.archive import Archive
from eventchain.asking import Asking
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId
from eventchain.early import Early
from eventchain.effects import Effects
from eventchain.pace import Pace
from eventchain.ports import Outgoing
from eventchain.store.document_store import Document
from eventchain.store.errors import StoreUnavailableError

REMIND_MS, LONGEST_REMIND_MS = 10_000, 60 * 60 * 1000
"""Milliseconds after which the same timeout is told of again, at first and at most."""

log = structlog.get_logger(__name__)


class Upkeep:
    """Looks through all chains for what is to be done."""

    def __init__(
        self, archive: Archive, effects: Effects, early: Early, asking: Asking, system_key: str, clock: Clock
    ) -> None:
        """Take what is needed."""
        self._archive = archive
        self._effects = effects
        self._early = early
        self._asking = asking
        self._system_key = system_key
        self._clock = clock
        self._reminded = Pace(REMIND_MS, LONGEST_REMIND_MS)

    def resume(
        self,
        left_behind: Iterable[str],
        look_at: Callable[[str], int],
        redo: Callable[[ChainId, Sequence[Document]], int],
    ) -> int:
        """Do what a stopped or killed node left undone, and look again at what waits for missing events.

        Args:
            left_behind: Ids of chains on which something may be half done.
            look_at: Sets a chain (by id) right, and takes what was early there.
            redo: Does the effects of events of a chain; returns for how many.

        Returns:
            For how many events effects were done.
        """
        self._effects.settle()
        for name in left_behind:
            _try(name, partial(look_at, name))
        for name, senders in self._early.due().items():
            _try(name, partial(look_at, name))
            if self._early.waits_for(name):
                self._ask(ChainId.parse(name), senders)
        done = sum(
            _try(str(chain), partial(redo, chain, documents)) for chain, documents in self._effects.pending().items()
        )
        self._effects.settle()
        return done

    def _ask(self, chain: ChainId, senders: Iterable[str | None]) -> None:
        """Ask once more for what is missing: all nodes, as the one it came from did not give it."""
        for sender in [None] if self._archive.height(str(chain)) else senders:
            self._asking.seek(chain, sender)

    def remind(self) -> int:
        """Look at every chain of this node for timeouts that are over; return how many are told of.

        Each is told of at growing intervals: a queue that keeps every message would fill up while one cannot be
        performed.
        """
        messages: list[Outgoing] = []
        for chain in self._archive.chains_of(self._system_key):
            identity = self._archive.identity_of(chain, self._system_key)
            messages += self._effects.remind(chain, [identity] if identity else [])
        now = self._clock()
        messages = [message for message in messages if self._reminded.allows(message.id, now)]
        self._effects.publish(messages, [])
        return len(messages)


def _try(chain: str, work: Callable[[], int]) -> int:
    """Do something for one chain; the others need not wait where that is not possible now."""
    try:
        return work()
    except StoreUnavailableError:
        raise
    except LiveContractError as error:
        log.warning("chain cannot be looked after now", chain=chain, reason=error.message)
        return 0
