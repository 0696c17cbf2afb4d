"""Errors of the stores, beside `DuplicateError` of the protocol.

```
UnavailableError
└── StoreUnavailableError    the engine is busy, full, away or damaged; nothing of the call was kept
ConflictError
├── IncompatibleStoreError   what is stored has another shape than this version of the node knows
└── OutdatedStoreError       an older version wrote it; it may be changed after a backup
```
"""

from eventchain.core.errors import ConflictError, UnavailableError


class StoreUnavailableError(UnavailableError):
    """The store could not do it now."""


class IncompatibleStoreError(ConflictError):
    """The stored data were written by a version of the node that this one does not understand."""


class OutdatedStoreError(ConflictError):
    """The stored data were written by an older version of the node, and nobody said that they may be changed."""
