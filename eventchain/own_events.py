"""The events that this node signs itself, with its system key: once each for what they are signed for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eventchain import event as events
from eventchain.archive import Archive
from eventchain.chain import EventChain, Stub
from eventchain.chain_locks import ChainLocks
from eventchain.core import canonical_json
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.errors import ChainBusyError, NotAdmittedError, OvertakenError
from eventchain.event import Event
from eventchain.intake import Parcel
from eventchain.repair import Repair
from eventchain.tip import Tip

_ATTEMPTS = 5


class OwnEvents:
    """Signs events at the end of chains, and knows which it signed."""

    def __init__(
        self,
        archive: Archive,
        locks: ChainLocks,
        repair: Repair,
        key: KeyPair,
        clock: Clock,
        add_all: Callable[[Sequence[Parcel]], list[LiveContractError | None]],
    ) -> None:
        """Take what is needed; `add_all` is that of the event chain service."""
        self._archive = archive
        self._locks = locks
        self._repair = repair
        self._key = key
        self._clock = clock
        self._add_all = add_all

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None, seconds: float) -> Event:
        """Sign an event at the end of a chain, and add it; wait so many seconds at most for other copies.

        Raises:
            LiveContractError: It was refused; see `EventChainService.submit`.
        """
        with self._alone_on(chain, seconds):
            for _ in range(_ATTEMPTS):
                known = self._archive.find_submission(chain, submission) if submission else None
                if known:
                    return known
                tip = self.tip(chain)
                data = canonical_json.encode(dict(body))
                event = events.sign(previous=tip.hash, key=self._key, timestamp=self._clock(), data=data)
                part = EventChain(tip.chain, (event,), Stub(tip.hash, tip.state))
                (error,) = self._add_all([Parcel(part.to_dict(), submission=submission, at_end=True)])
                if error is None:
                    return event
                if not isinstance(error, OvertakenError):
                    raise error
        raise OvertakenError("the chain grows faster than this node can add to it")

    def submitted(self, chain: str, submission: str, seconds: float) -> Event | None:
        """Return the event that was signed for something, one that is just being added included, or None.

        Raises:
            ChainBusyError: Another copy works on the chain, and may be adding it.
        """
        if not self._archive.height(chain):
            return None
        with self._alone_on(chain, seconds):
            return self._archive.find_submission(chain, submission)

    @contextmanager
    def _alone_on(self, chain: str, seconds: float) -> Iterator[None]:
        """Hold a chain on which nothing is left half done."""
        with self._locks.hold([chain], seconds) as held:
            if not held.chains:
                raise ChainBusyError("another copy of the service works on the chain", hint="Try again.")
            for error in self._repair.set_right(held).values():
                raise error
            yield

    def tip(self, chain: str) -> Tip:
        """Return the end of a chain this node keeps.

        Raises:
            NotAdmittedError: It keeps no such chain.
        """
        tip = self._archive.load_tip(ChainId.parse(chain))
        if tip.height == 0:
            raise NotAdmittedError("this node takes no part in that chain")
        return tip
