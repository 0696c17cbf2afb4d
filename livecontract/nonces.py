"""Which nonces of signed requests were used: a request is accepted once, also after a restart of the node.

A nonce is kept until no clock within the skew would accept its signature any more. Expired ones go in slices of a
minute, with the requests that come later.
"""

import threading

from eventchain.core.clock import Clock
from eventchain.core.http_signatures import CLOCK_SKEW, MAX_LIFETIME
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError

NONCES = Collection(
    name="nonces",
    fields={"key": str, "nonce": str, "expires": int, "minute": int},
    key=("key", "nonce"),
    indexes=(("minute",), ("expires",)),
)
"""Used nonces: of a base58 key, with the second and the minute (since 1970) its signature expires."""

_SLICE = 60
_KEPT_LONGER = CLOCK_SKEW + MAX_LIFETIME
"""Seconds beyond the expiry: the skew that verification allows, and as much as a clock may be set back."""


class StoredNonces:
    """Remembers nonces in a document store. Safe from many threads and, where the store is, many processes."""

    def __init__(self, store: DocumentStore, clock: Clock) -> None:
        """Use a store that was opened with `NONCES` among its collections."""
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._pruned_at = 0

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        """See `eventchain.core.http_signatures.NonceMemory`."""
        self._prune()
        document: Document = {"key": key, "nonce": nonce, "expires": expires, "minute": expires // _SLICE}
        try:
            self._store.insert(NONCES, [document])
        except DuplicateError:
            return False
        return True

    def _prune(self) -> None:
        """Forget what expired long ago; at most once a minute."""
        now = self._clock() // 1000
        with self._lock:
            if abs(now - self._pruned_at) < _SLICE:
                return
            self._pruned_at = now
        while oldest := self._store.find(NONCES, order_by="expires", limit=1):
            minute = oldest[0]["minute"]
            if not isinstance(minute, int) or (minute + 1) * _SLICE + _KEPT_LONGER > now:
                return
            self._store.delete(NONCES, {"minute": minute})


class MemoryNonces:
    """Remembers nonces in memory, for simulations and nodes that keep nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._expiry: dict[tuple[str, str], int] = {}
        self._pruned_at = 0

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        """See `eventchain.core.http_signatures.NonceMemory`."""
        now = self._clock() // 1000
        with self._lock:
            if abs(now - self._pruned_at) >= _SLICE:
                self._pruned_at = now
                kept = {name: end for name, end in self._expiry.items() if end + _SLICE + _KEPT_LONGER > now}
                self._expiry = kept
            if (key, nonce) in self._expiry:
                return False
            self._expiry[key, nonce] = expires
            return True
