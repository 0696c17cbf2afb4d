"""Being alone on chains: among the threads of this process by locks, among copies by leases where the store needs them.

Locks are taken in the order of the chains' ids by everybody. A lease that another copy holds is waited for a bounded
time; who did not get it does something else. What is kept here in memory is as much as is held now, and, without
leases, the names of chains on which work broke off.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog

from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.errors import ChainBusyError
from eventchain.lease import Leases

_POLL_SECONDS = 0.01
_LONGEST_POLL_SECONDS = 0.1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody holds.

    Attributes:
        chains: Ids of the chains that nobody else works on now; those of others are missing.
        left_behind: Those of them on which another copy may have left something half done.
    """

    chains: frozenset[str]
    left_behind: frozenset[str]


class _Entry:
    """One chain that somebody of this process holds or waits for."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.lock = threading.RLock()
        self.depth = 0
        self.is_half_done = False


@dataclass(slots=True)
class _Hold:
    """The leases that one thread took together."""

    holder: str
    chains: Sequence[str]
    renew_at: int


class ChainLocks:
    """Locks of chains. The same thread may take a lock again."""

    def __init__(self, leases: Leases | None, clock: Clock, wait: Callable[[float], object] | None = None) -> None:
        """Hold nothing yet.

        Args:
            leases: Those of this copy, or None where the store keeps copies apart by itself.
            clock: Milliseconds since 1970.
            wait: Waits for so many seconds.
        """
        self._leases = leases
        self._clock = clock
        self._wait = wait or threading.Event().wait
        self._entries: WeakValueDictionary[str, _Entry] = WeakValueDictionary()
        self._broken_off: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.local()

    @contextmanager
    def hold(self, chains: Iterable[str], seconds: float = 0.0) -> Iterator[Held]:
        """Hold chains until the context ends: all of this process's, and those whose lease can be had in time.

        If the body raises something that is no refusal, the chains are left behind like those of a copy that died.
        """
        entries = self._entries_of(chains)
        with ExitStack() as stack:
            for entry in entries:
                stack.enter_context(entry.lock)
            free = [entry for entry in entries if entry.depth == 0]
            hold, taken = self._take([entry.chain for entry in free], seconds)
            mine = [entry for entry in entries if entry.depth or entry.chain in taken]
            for entry in mine:
                entry.depth += 1
            try:
                names = frozenset(entry.chain for entry in mine)
                yield Held(names, frozenset(chain for chain, left_behind in taken.items() if left_behind))
            except BaseException as error:
                if not isinstance(error, LiveContractError) or isinstance(error, UnavailableError):
                    for entry in mine:  # nobody knows how far it came
                        entry.is_half_done = True
                raise
            finally:
                for entry in mine:
                    entry.depth -= 1
                self._give_back(hold, [entry for entry in free if entry.chain in taken])

    def begin(self, chain: str) -> None:
        """Note that something on a held chain is half done until `finish`. Left like that, another copy looks at it."""
        self._entry(chain).is_half_done = True

    def finish(self, chain: str) -> None:
        """Note that nothing on a held chain is half done any more."""
        self._entry(chain).is_half_done = False

    def is_half_done(self, chain: str) -> bool:
        """Whether something on a held chain is half done."""
        return self._entry(chain).is_half_done

    def keep(self) -> None:
        """Hold on to what this thread holds; to be called now and then in long work.

        Raises:
            ChainBusyError: It took too long, and another copy has taken a chain over.
        """
        for hold in self._holds:
            if self._leases is None or self._clock() < hold.renew_at:
                continue
            if not self._leases.renew(hold.chains, hold.holder):
                raise ChainBusyError("another copy of the service took the chain over", hint="Send it again.")
            hold.renew_at = self._clock() + self._leases.duration // 2

    def left_behind(self, limit: int) -> list[str]:
        """Return chains on which a copy that is gone, or this one, may have left something half done."""
        if self._leases:
            return self._leases.left_behind(limit)
        with self._lock:
            return sorted(self._broken_off)[:limit]

    @property
    def _holds(self) -> list[_Hold]:
        found: list[_Hold] | None = getattr(self._thread, "holds", None)
        if found is None:
            found = self._thread.holds = []
        return found

    def _entry(self, chain: str) -> _Entry:
        with self._lock:
            return self._entries.setdefault(chain, _Entry(chain))

    def _entries_of(self, chains: Iterable[str]) -> list[_Entry]:
        return [self._entry(chain) for chain in sorted(set(chains))]

    def _take(self, chains: Sequence[str], seconds: float) -> tuple[_Hold | None, Mapping[str, bool]]:
        """Take the leases of chains, and wait for those of others as long as allowed."""
        if self._leases is None or not chains:
            with self._lock:
                return None, {chain: chain in self._broken_off for chain in chains}
        hold = _Hold(self._leases.new_holder(), (), self._clock() + self._leases.duration // 2)
        taken: dict[str, bool] = {}
        waited, pause = 0.0, _POLL_SECONDS
        try:
            while True:
                taken |= self._leases.take([chain for chain in chains if chain not in taken], hold.holder)
                if len(taken) == len(chains) or waited >= seconds:
                    break
                self._wait(pause)
                waited, pause = waited + pause, min(2 * pause, _LONGEST_POLL_SECONDS)
        except BaseException:
            self._give_back(hold, [])
            raise
        hold.chains = tuple(taken)
        self._holds.append(hold)
        return hold, taken

    def _give_back(self, hold: _Hold | None, entries: Sequence[_Entry]) -> None:
        """Give leases back; what cannot be given back now expires."""
        half_done = [entry for entry in entries if entry.is_half_done]
        for entry in half_done:
            entry.is_half_done = False
        if hold is None or self._leases is None:
            with self._lock:
                self._broken_off.difference_update(entry.chain for entry in entries)
                self._broken_off.update(entry.chain for entry in half_done)
            return
        if hold in self._holds:
            self._holds.remove(hold)
        try:
            for entry in half_done:
                self._leases.leave(entry.chain, hold.holder)
            if len(half_done) < len(hold.chains) or not entries:
                self._leases.give_back(hold.holder)
        except UnavailableError as error:
            log.warning("leases expire by themselves", chains=len(hold.chains), reason=error.message)
