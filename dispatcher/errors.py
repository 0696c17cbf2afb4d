"""Errors of the dispatcher.

```
InvalidError
├── InvalidSubmissionError     what was handed in cannot be routed
└── InvalidDestinationError    a node URI to which nothing can be sent
NotFoundError
└── DeadLetterNotFoundError    no dead letter under that id
UnavailableError
├── BrokerClosedError          the queue was closed
├── PeerUnreachableError       the network, or the peer's side, failed
└── PeerNotReadyError          the peer refused for a reason that may pass
```
"""

from eventchain.core.errors import InvalidError, NotFoundError, UnavailableError


class InvalidSubmissionError(InvalidError):
    """A document handed to the queue has no readable chain id or events."""


class InvalidDestinationError(InvalidError):
    """The URI of a node is not one that messages can be sent to."""


class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter; it was perhaps put back or discarded already."""


class BrokerClosedError(UnavailableError):
    """The broker was closed while, or before, it was used."""


class PeerUnreachableError(UnavailableError):
    """Another node could not be reached, or answered nothing sensible."""


class PeerNotReadyError(UnavailableError):
    """Another node refused what it may accept later."""
