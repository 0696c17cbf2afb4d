"""What can go wrong with a chain.

```
InvalidError
├── InvalidEventError        an event is malformed, or its hash or signature is wrong
├── InvalidChainError        a chain document is malformed, broken, or not its creator's
├── InvalidIdentityError     the body of an identity event is wrong
└── InvalidAskError          a request for missing events is malformed
ForbiddenError
├── NotMemberError           the signer has no key on the chain (at that place)
├── PrivilegeError           the signer is a member and may not add this event
└── NotAdmittedError         the sender of a request, or this node, takes no part in the chain
NotFoundError
└── ChainNotFoundError       no such chain, or none the caller takes part in
ConflictError
└── ForkError                the event is valid and contradicts another one; both are kept
UnavailableError
├── UnknownPreviousError     the event before it has not arrived yet
├── OvertakenError           others append faster than it can be added
├── ChainBusyError           another copy of the service works on the chain
└── FutureEventError         its timestamp lies ahead of this node's clock
```
"""

from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)


class InvalidEventError(InvalidError):
    """An event is malformed, or its hash or signature is wrong.

    Attributes:
        check: The name of the check that failed, as `livecontract chain verify` reports it.
    """

    def __init__(self, message: str, *, check: str = "form", path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, path=path, hint=hint)
        self.check = check


class InvalidChainError(InvalidEventError):
    """A chain document is malformed, broken, or not its creator's."""


class InvalidIdentityError(InvalidError):
    """The body of an identity event is wrong."""


class InvalidAskError(InvalidError):
    """A request for missing events is malformed."""


class NotMemberError(ForbiddenError):
    """The signer has no key on the chain at that place."""


class PrivilegeError(ForbiddenError):
    """The signer is a member and may not add this event."""


class NotAdmittedError(ForbiddenError):
    """The sender of a request, or this node, takes no part in the chain."""


class ChainNotFoundError(NotFoundError):
    """No such chain, or none the caller takes part in."""


class ForkError(ConflictError):
    """Valid events contradict the canonical chain. Both branches are kept.

    Attributes:
        chain: Id of the chain.
        fork_point: Hash of the last event both branches share.
        branch: Hash of the last event of the branch that is not canonical.
    """

    def __init__(self, chain: str, fork_point: str, branch: str) -> None:
        super().__init__(
            f"the event does not follow the end of the chain: it forks after {fork_point}",
            hint=f"Both branches are kept; see /event-chains/{chain}/conflicts. To act anyway, sign a new event "
            "on the present end of the chain.",
        )
        self.chain = chain
        self.fork_point = fork_point
        self.branch = branch


class UnknownPreviousError(UnavailableError):
    """The event before it has not arrived yet."""


class ChainBusyError(UnavailableError):
    """Another copy of the service works on the chain, or worked on it until it was killed."""


class OvertakenError(UnavailableError):
    """Others append to the chain faster than the event can be added."""


class FutureEventError(UnavailableError):
    """Its timestamp lies ahead of this node's clock."""
