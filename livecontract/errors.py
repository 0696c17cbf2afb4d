"""Errors of the node itself.

```
InvalidError
├── InvalidConfigError      the configuration cannot be used; the path names the setting
├── InvalidKeyFileError     a key file is not one, is open to others, or does not open with the passphrase
├── InvalidBackupError      a backup is damaged, cut off, or of a newer version
├── InvalidMailError        a mail cannot be sent as it is (address, header)
└── InvalidFileError        a file named on the command line cannot be read
ConflictError
├── StoreNotEmptyError      a backup should go where something is already
├── IncompleteRestoreError  a restore was broken off here
└── AlreadyAnsweredError    a proof was answered for another challenge
UnavailableError
├── NodeUnreachableError    a node does not answer, or nothing sensible
├── MailUnavailableError    the mail server does not take the mail now
├── OverloadedError         too much waits here already; says when to come back
├── ConverterMissingError   LibreOffice, which makes PDF, is not here or does not work
└── TooManyRequestsError
    └── TooFastError        the sender asks more often than it may; says when to come back
```
"""

from eventchain.core.errors import ConflictError, InvalidError, TooManyRequestsError, UnavailableError


class InvalidConfigError(InvalidError):
    """The configuration cannot be used."""


class InvalidKeyFileError(InvalidError):
    """A key file is not one, is open to others, or does not open with the passphrase."""


class InvalidBackupError(InvalidError):
    """A backup cannot be restored as it is."""


class StoreNotEmptyError(ConflictError):
    """The store that a backup should be put into holds something."""


class IncompleteRestoreError(ConflictError):
    """The store holds a part of a backup."""


class AlreadyAnsweredError(ConflictError):
    """A proof was answered for another challenge: a second answer would give the secret away."""


class InvalidMailError(InvalidError):
    """A mail cannot be sent as it is."""


class InvalidFileError(InvalidError):
    """A file named on the command line cannot be read."""


class NodeUnreachableError(UnavailableError):
    """A node does not answer, or nothing sensible."""


class ConverterMissingError(UnavailableError):
    """LibreOffice, which makes PDF, is not here or does not work."""


class MailUnavailableError(UnavailableError):
    """The mail server does not take the mail now."""


class OverloadedError(UnavailableError):
    """Too much waits here already.

    Attributes:
        retry_after: Seconds after which it may be better.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, hint=f"Send it again in {retry_after} seconds.")
        self.retry_after = retry_after


class TooFastError(TooManyRequestsError):
    """The sender asks more often than it may.

    Attributes:
        retry_after: Seconds after which the next request is taken.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, hint=f"Send it again in {retry_after} seconds.")
        self.retry_after = retry_after
