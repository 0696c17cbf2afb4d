"""Which of several copies of the anchor service forges: a lease in the store they share.

The lease saves work, it guards nothing. What keeps the chain whole is that every block is inserted under the next row
number, which only one copy can; a former holder that wakes up late finds its number taken and follows the others.

```
anchor_forger   one document: slot 0, owner (random name of a copy), expires (milliseconds since 1970)
```
"""

from eventchain.core.keys import Random
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

FORGER = Collection(name="anchor_forger", fields={"slot": int, "owner": str, "expires": int}, key=("slot",))

_KEY: Document = {"slot": 0}
_OWNER_BYTES = 16


class TurnLease:
    """One copy's view of the lease. Not safe for several threads: the service holds its lock."""

    def __init__(self, store: DocumentStore, duration: int, random: Random) -> None:
        """Take part, without taking the lease.

        Args:
            store: The store of all copies.
            duration: Milliseconds for which the lease is taken, and after which a silent holder counts as dead.
            random: Names this copy.
        """
        self._store = store
        self._duration = duration
        self._owner = random(_OWNER_BYTES).hex()
        self._expires: int | None = None
        self._seen: tuple[Document, int] | None = None

    def is_held(self, now: int) -> bool:
        """Whether this copy knows, without asking the store, that the lease is its own at `now`."""
        return self._expires is not None and now < self._expires <= now + self._duration

    def take(self, now: int) -> bool:
        """Take or keep the lease, and say whether this copy has it.

        It is written when half of its time is over, so a copy that is alone writes seldom, and only when it forges.
        """
        if self._expires is not None and now + self._duration // 2 < self._expires <= now + self._duration:
            return True
        expires, found = now + self._duration, self._store.get(FORGER, _KEY)
        if found is None:
            is_mine = self._begin(expires)
        elif found["owner"] == self._owner or self._is_over(found, now):
            expected = {"owner": found["owner"], "expires": found["expires"]}
            changes: Document = {"owner": self._owner, "expires": expires}
            is_mine = self._store.update(FORGER, _KEY, changes, expected=expected)
        else:
            is_mine = False
        self._expires = expires if is_mine else None
        return is_mine

    def lose(self) -> None:
        """Forget the lease: another copy forged, so it is another's, or will have to be taken again."""
        self._expires = None

    def release(self) -> None:
        """Give the lease up, so that another copy need not wait for its end."""
        if self._expires is not None:
            self._expires = None
            self._store.update(FORGER, _KEY, {"expires": 0}, expected={"owner": self._owner})

    def _begin(self, expires: int) -> bool:
        try:
            self._store.insert(FORGER, [{"slot": 0, "owner": self._owner, "expires": expires}])
        except DuplicateError:
            return False
        return True

    def _is_over(self, found: Document, now: int) -> bool:
        """Whether the holder is silent: past the end it wrote, or unchanged for a lease's time by the own clock.

        The second holds whatever the clocks of two machines are apart.
        """
        expires = found["expires"]
        if isinstance(expires, int) and expires <= now:
            return True
        if self._seen is None or self._seen[0] != found or now < self._seen[1]:
            self._seen = (found, now)
        return now - self._seen[1] >= self._duration
