"""What can go wrong at the anchor service and on the public chain.

```
InvalidError
├── InvalidTransactionError     a transaction is malformed or breaks a rule that needs no chain to see
│   └── RejectedTransactionError    the chain's state does not allow it (balance, lease, used id)
├── InvalidBlockError           a block or microblock is malformed or does not follow from its parent
├── InvalidProofError           an inclusion or consistency proof does not lead to the root
├── InvalidReceiptError         a receipt, or the headers that support it, fail a named check
├── InvalidParametersError      what should be the rules of a public chain is not
└── InvalidAnchorError          what should be anchored is no hash
NotFoundError
├── UnknownTransactionError · UnknownBlockError · UnknownHashError
ConflictError
└── OutpacedError               another copy of the service continued the chain first
UnavailableError
├── PoolFullError               the mempool takes nothing more for now
└── OutOfFundsError             the service's account cannot pay the anchor fee
```
"""

from eventchain.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    TooManyRequestsError,
    UnavailableError,
)


class InvalidTransactionError(InvalidError):
    """The transaction is malformed or against a rule."""


class RejectedTransactionError(InvalidTransactionError):
    """The transaction is well-formed, and the state of the chain does not allow it."""


class InvalidBlockError(InvalidError):
    """The block is malformed or does not follow from its parent.

    Attributes:
        check: Short name of the check that failed.
    """

    def __init__(self, message: str, *, check: str = "format") -> None:
        super().__init__(message)
        self.check = check


class InvalidParametersError(InvalidError):
    """These are not the rules of a public chain."""


class InvalidProofError(InvalidError):
    """A Merkle proof does not lead from the leaf, or from the older root, to the root."""


class InvalidReceiptError(InvalidError):
    """A receipt or a chain of headers proves nothing.

    Attributes:
        check: Short name of the check that failed, one of those listed in `anchor.receipt`.
    """

    def __init__(self, message: str, *, check: str, path: str | None = None) -> None:
        super().__init__(message, path=path)
        self.check = check


class InvalidAnchorError(InvalidError):
    """What should be anchored is not a hash this service takes."""


class UnknownTransactionError(NotFoundError):
    """There is no transaction with this id."""


class UnknownBlockError(NotFoundError):
    """There is no block at this height or with this signature."""


class UnknownHashError(NotFoundError):
    """The hash was not anchored here, or its receipt is not final yet."""


class OutpacedError(ConflictError):
    """Another copy of the service stored the next row of the chain; this one has to follow it first."""


class PoolFullError(TooManyRequestsError):
    """The mempool is full."""


class OutOfFundsError(UnavailableError):
    """The account of the anchor service cannot pay for an anchor transaction."""
