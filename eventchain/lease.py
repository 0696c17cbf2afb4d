"""Leases: which copy of the event chain service works on a chain now, where copies share a store that cannot group.

A lease is one document per chain, inserted when the work begins and deleted when it is done. What a copy that died
leaves behind expires; who takes it over then knows that something may be half done, and sets it right (`repair`).

```
{ chain: "2bGC…", holder: "<copy>/<number of the hold>", expires: <milliseconds since 1970> }
```

A lease keeps copies from wasting each other's work; it does not guard the data. A copy that was so slow that its lease
expired may wake up and go on: what guards the chain then is that (chain, position) is unique, in the chain and in the
engine's journal. So clocks of copies need to agree to within seconds for speed, and not for correctness. There is one
lease per chain and never one for all.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count

from eventchain.core.clock import Clock
from eventchain.core.keys import Random
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

LEASES = Collection(
    name="leases",
    fields={"chain": str, "holder": str, "expires": int},
    key=("chain",),
    indexes=(("holder",), ("expires",)),
)

LEASE_MS = 10_000
"""Milliseconds after which a silent holder counts as dead: many times what the work on one chain takes, and as long as
a chain waits at most after the copy that worked on it was killed.
"""

MAX_SKEW_MS = 60_000
"""Milliseconds by which the clocks of copies may differ. A lease taken by a clock further ahead binds nobody: it might
last for years.
"""

_COPY_BYTES = 12
_ATTEMPTS = 3


class Leases:
    """The leases as one copy sees them. Safe for many threads."""

    def __init__(self, store: DocumentStore, clock: Clock, random: Random, duration: int) -> None:
        """Take part, without taking anything.

        Args:
            store: The store of all copies, made with `LEASES`.
            clock: Milliseconds since 1970.
            random: Names this copy.
            duration: Milliseconds for which a lease is taken.
        """
        self.duration = duration
        self._store = store
        self._clock = clock
        self._copy = random(_COPY_BYTES).hex()
        self._numbers = count(1)

    def new_holder(self) -> str:
        """Return a name for somebody who is to hold leases."""
        return f"{self._copy}/{next(self._numbers)}"

    def take(self, chains: Sequence[str], holder: str) -> Mapping[str, bool]:
        """Take the leases that can be had now.

        Returns:
            The chains that are the holder's now, each with whether the lease was left behind by another holder.
        """
        taken: dict[str, bool] = {}
        start = attempts = 0
        while start < len(chains):
            expires = self._clock() + self.duration
            documents: list[Document] = [
                {"chain": chain, "holder": holder, "expires": expires} for chain in chains[start:]
            ]
            try:
                self._store.insert(LEASES, documents)
            except DuplicateError as duplicate:
                taken |= dict.fromkeys(chains[start : start + duplicate.index], False)
                start += duplicate.index
                found = self._store.get(LEASES, {"chain": chains[start]})
                attempts += 1
                if found is None and attempts % _ATTEMPTS:  # given back in between
                    continue
                if found is not None and self._take_over(found, holder, expires):
                    taken[chains[start]] = True
                start += 1
            else:
                return taken | dict.fromkeys(chains[start:], False)
        return taken

    def renew(self, chains: Sequence[str], holder: str) -> bool:
        """Hold leases for their whole duration from now on; return whether all of them were still the holder's."""
        changes: Document = {"expires": self._clock() + self.duration}
        return all(
            self._store.update(LEASES, {"chain": chain}, changes, expected={"holder": holder}) for chain in chains
        )

    def give_back(self, holder: str) -> None:
        """Give back what a holder has."""
        self._store.delete(LEASES, {"holder": holder})

    def leave(self, chain: str, holder: str) -> None:
        """Leave a lease behind: the chain is free, and who takes it next knows that something may be half done.

        So it is too where the lease was lost before: its successor may have been done before the holder did its half.
        """
        free: Document = {"holder": "", "expires": 0}
        if not self._store.update(LEASES, {"chain": chain}, free, expected={"holder": holder}):
            with suppress(DuplicateError):  # its successor works on it
                self._store.insert(LEASES, [{"chain": chain, **free}])

    def left_behind(self, limit: int) -> list[str]:
        """Return chains whose leases were left behind, those longest ago first."""
        now = self._clock()
        found = self._store.find(LEASES, order_by="expires", limit=limit)
        return [str(document["chain"]) for document in found if _is_over(document, now)]

    def _take_over(self, found: Document, holder: str, expires: int) -> bool:
        if not _is_over(found, self._clock()) and not self._is_absurd(found):
            return False
        expected = {"holder": found["holder"], "expires": found["expires"]}
        changes: Document = {"holder": holder, "expires": expires}
        return self._store.update(LEASES, {"chain": found["chain"]}, changes, expected=expected)

    def _is_absurd(self, document: Document) -> bool:
        """Whether a lease ends later than one that was taken now could: the clock of who took it was far ahead."""
        expires = document["expires"]
        return isinstance(expires, int) and expires > self._clock() + self.duration + MAX_SKEW_MS


def _is_over(document: Document, now: int) -> bool:
    expires = document["expires"]
    return not isinstance(expires, int) or expires <= now
