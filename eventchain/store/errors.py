"""Errors of the stores, beside `DuplicateError` of the protocol.

```
UnavailableError
└── StoreUnavailableError    the engine is busy, full, away or damaged; nothing of the call was kept
ConflictError
└── IncompatibleStoreError   what is stored has another shape than this version of the node knows
```
"""

from eventchain.core.errors import ConflictError, UnavailableError


class StoreUnavailableError(UnavailableError):
    """The store could not do it now."""


class IncompatibleStoreError(ConflictError):
    """The stored data were written by a version of the node that this one does not understand."""
