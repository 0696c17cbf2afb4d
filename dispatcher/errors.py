"""Errors of the dispatcher.

```
InvalidError
├── InvalidSubmissionError     what was handed in cannot be routed
└── InvalidDestinationError    a node URI to which nothing can be sent
UnauthenticatedError
└── InvalidSealError           a message from another node does not prove who sent it
ForbiddenError
└── ManagementRefusedError     the broker's management API does not let this node's user do that
NotFoundError
└── DeadLetterNotFoundError    no dead letter under that id
ConflictError
└── QueueTakenError            another process has the queue, which only one can have
UnavailableError
├── BrokerClosedError          the queue was closed
├── BrokerUnreachableError     the broker is away, or does not answer
├── QueueFullError             the broker did not take a message
├── QueueMissingError          the broker has no queue of that name any more
├── IncompatibleQueueError     a queue was made with other arguments
├── PeerUnreachableError       the network, or the peer's side, failed
├── PeerNotReadyError          the peer refused for a reason that may pass, or we have no login there
└── ManagementUnavailableError the broker's management API does not answer, or nothing sensible
```
"""

from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)


class InvalidSubmissionError(InvalidError):
    """A document handed to the queue has no readable chain id or events."""


class InvalidDestinationError(InvalidError):
    """The URI of a node is not one that messages can be sent to."""


class InvalidSealError(UnauthenticatedError):
    """A message from another node is unsealed, forged, changed, or sealed for somebody else."""


class ManagementRefusedError(ForbiddenError):
    """The broker's management API does not let this node's user do what it asked for."""


class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter; it was perhaps put back or discarded already."""


class QueueTakenError(ConflictError):
    """Another process has the file of the queue open."""


class BrokerClosedError(UnavailableError):
    """The broker was closed while, or before, it was used."""


class BrokerUnreachableError(UnavailableError):
    """The broker is away, refuses, or does not answer in time."""


class QueueFullError(UnavailableError):
    """The broker did not take a message: its queue is full, or it is short of memory or disk."""


class QueueMissingError(UnavailableError):
    """A queue is gone, and with it what waited there; it is made again when it is used the next time."""


class IncompatibleQueueError(UnavailableError):
    """A queue of that name exists, with other arguments than this version of the node gives it."""


class PeerUnreachableError(UnavailableError):
    """Another node could not be reached, or answered nothing sensible."""


class PeerNotReadyError(UnavailableError):
    """Another node refused what it may accept later."""


class ManagementUnavailableError(UnavailableError):
    """The broker's management API does not answer, or nothing sensible."""
