"""The error of zero-knowledge proofs.

```
InvalidError
└── InvalidProofError   a point, number, statement, announcement, challenge or answer is malformed, or does not hold
```
"""

from eventchain.core.errors import InvalidError


class InvalidProofError(InvalidError):
    """A part of a proof is malformed, or the proof does not show what it states."""
