"""Setting right what somebody left half done on a chain: a node that was killed, or a copy that came too late.

The stored events are the truth; everything here makes what follows from them agree with them again. Whoever calls is
alone on the chain.
"""

from collections.abc import Mapping

import structlog

from eventchain.archive import Archive, Effect, read_event
from eventchain.branch import complete_branches
from eventchain.chain_locks import ChainLocks, Held
from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.core.ids import ChainId
from eventchain.ports import Engine
from eventchain.tip import Tip

log = structlog.get_logger(__name__)


class Repair:
    """Makes projection, members and branches of a chain agree with its stored events."""

    def __init__(self, archive: Archive, engine: Engine, locks: ChainLocks) -> None:
        """Take what is needed."""
        self._archive = archive
        self._engine = engine
        self._locks = locks

    def chain(self, chain: ChainId) -> Tip:
        """Set everything right, and return the end of the chain."""
        tip = self._archive.load_tip(chain)
        self.catch_up(tip)
        if tip.height:
            self._archive.set_members(chain, tip.identities)
            complete_branches(self._archive, chain)
        return tip

    def set_right(self, held: Held) -> Mapping[str, LiveContractError]:
        """Set right what copies that are gone left on held chains; return why that was not possible, by chain."""
        failed: dict[str, LiveContractError] = {}
        for chain in held.left_behind:
            self._locks.begin(chain)
            try:
                self.chain(ChainId.parse(chain))
            except LiveContractError as error:
                failed[chain] = error
                log.warning("chain cannot be set right now", chain=chain, reason=error.message)
            else:
                self._locks.finish(chain)
        return failed

    def apply(self, tip: Tip, entry: Entry) -> None:
        """Let the engine apply an entry at the end of a chain; if another copy led it elsewhere, set it right first.

        From here until the event is saved, the chain is half done.

        Raises:
            LiveContractError: The entry is refused, or the engine is away.
        """
        self._locks.begin(entry.chain)
        try:
            self._engine.apply(entry)
        except UnavailableError:
            if _is_at(tip, self._engine.head(entry.chain)):  # it did not answer, for a reason of its own
                raise
            self.catch_up(tip)
            self._engine.apply(entry)
        except LiveContractError:
            self._locks.finish(entry.chain)  # nothing changed
            raise

    def catch_up(self, tip: Tip, coming: bytes | None = None) -> None:
        """Derive the projection again where the engine's differs from the stored chain, as after a crash.

        Args:
            tip: The end of the stored chain.
            coming: Hash of the event that is about to be applied there. If the engine has it already, since whoever
                applied it was killed before it was saved, that is as well.

        Raises:
            UnavailableError: It cannot be derived, or not now.
        """
        chain, head = str(tip.chain), self._engine.head(str(tip.chain))
        if _is_at(tip, head) or (coming is not None and head == base58.encode(coming)):
            return
        log.info("projection derived again", chain=chain, head=head)
        self._locks.keep()
        was_half_done = self._locks.is_half_done(chain)
        self._locks.begin(chain)
        self._engine.forget(chain)
        replayed = Tip.empty(tip.chain)
        for document in self._archive.canonical(tip.chain):
            self._locks.keep()
            replayed, entry = replayed.advance(read_event(document))
            self._apply_again(entry)
        self._archive.owe(tip.chain, tip.hash, Effect.TRIGGER)  # who looked meanwhile saw nothing that is due
        if not was_half_done:
            self._locks.finish(chain)

    def _apply_again(self, entry: Entry) -> None:
        """Apply an entry that was taken before. If it is refused now, that says nothing of the event that waits."""
        try:
            self._engine.apply(entry)
        except UnavailableError:
            raise
        except LiveContractError as error:
            raise UnavailableError(
                f"the projection of the chain cannot be derived, at event {entry.hash}: {error.message}",
                hint="Does another version of the workflow engine run here?",
            ) from error


def _is_at(tip: Tip, head: str | None) -> bool:
    return head == base58.encode(tip.hash) or (head is None and tip.height == 0)
