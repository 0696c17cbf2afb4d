"""Errors of the node itself.

```
InvalidError
├── InvalidConfigError      the configuration cannot be used; the path names the setting
├── InvalidKeyFileError     a key file is not one, is open to others, or does not open with the passphrase
├── InvalidMailError        a mail cannot be sent as it is (address, header)
└── InvalidFileError        a file named on the command line cannot be read
UnavailableError
├── NodeUnreachableError    a node does not answer, or nothing sensible
└── MailUnavailableError    the mail server does not take the mail now
```
"""

from eventchain.core.errors import InvalidError, UnavailableError


class InvalidConfigError(InvalidError):
    """The configuration cannot be used."""


class InvalidKeyFileError(InvalidError):
    """A key file is not one, is open to others, or does not open with the passphrase."""


class InvalidMailError(InvalidError):
    """A mail cannot be sent as it is."""


class InvalidFileError(InvalidError):
    """A file named on the command line cannot be read."""


class NodeUnreachableError(UnavailableError):
    """A node does not answer, or nothing sensible."""


class MailUnavailableError(UnavailableError):
    """The mail server does not take the mail now."""
