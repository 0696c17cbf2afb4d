"""The root of every error of this project, and the families that say whose fault it is.

```
LiveContractError
├── InvalidError            the sender's document or request is wrong; sending it again will not help
│   └── TooLargeError       it is over a limit
├── UnauthenticatedError    nobody knows who sent it (unsigned, forged, replayed, expired)
├── ForbiddenError          the sender is known and may not do this
├── NotFoundError           what was asked for is not here
├── ConflictError           right in itself, but contradicts what is stored
└── UnavailableError        our side, or a peer, could not do it now; trying again may help
    └── TooManyRequestsError    the sender should slow down
```

Each service derives its own errors from one of these families. Dispatch decides from the family alone whether to
acknowledge, retry or dead-letter a message, and the web server maps the family to an HTTP status.
"""


class LiveContractError(Exception):
    """Root of the project's errors.

    Attributes:
        message: What is wrong, in a sentence.
        path: JSON path of the offending value (``$.states.initial.actions[0]``), or None.
        hint: What to do next, or None.
        code: The error's own name without `Error`; kept where another process tells of it, which knows the family only.
    """

    def __init__(self, message: str, *, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint
        self.code = type(self).__name__.removesuffix("Error")

    def __str__(self) -> str:
        place = f" (at {self.path})" if self.path else ""
        said = f"{self.message}{place}"
        if not self.hint:
            return said
        return f"{said} {self.hint}" if place or said.endswith((".", "!", "?", ":")) else f"{said}. {self.hint}"


class InvalidError(LiveContractError):
    """The document or request is wrong in itself."""


class TooLargeError(InvalidError):
    """The document is larger or deeper than this node accepts."""


class UnauthenticatedError(LiveContractError):
    """The sender of a request is not proven."""


class ForbiddenError(LiveContractError):
    """The sender is known, and may not do this."""


class NotFoundError(LiveContractError):
    """There is nothing under that name, or the sender may not know of it."""


class ConflictError(LiveContractError):
    """The request contradicts what is stored."""


class UnavailableError(LiveContractError):
    """It could not be done now; the same request may succeed later."""


class TooManyRequestsError(UnavailableError):
    """The sender should slow down."""


class InvalidEncodingError(InvalidError):
    """Text is not the base58 or base64 it should be, or of the wrong length."""


class InvalidJsonError(InvalidError):
    """Bytes are not the strict JSON this project reads."""


class InvalidKeyError(InvalidError):
    """A key has the wrong type, length or form."""


class InvalidSignatureError(InvalidError):
    """A signature was not made by this key over these bytes."""


class InvalidIdError(InvalidError):
    """A chain or resource id has the wrong type, length, checksum or owner."""


class InvalidAddressError(InvalidError):
    """An account address has the wrong version, network, length or checksum."""
