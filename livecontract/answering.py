"""Where outside parties answer the system actions that they have taken on, and the tokens by which they are believed.

A token is a keyed hash of the action's idempotency key: nothing is kept of it, so that nothing can be read of it in a
store or a backup, and whoever is asked twice is given the same one.
"""

import hashlib
import hmac

from eventchain.core import base58
from eventchain.core.keys import KeyPair

_PURPOSE = b"urn:livecontract:answers:1"
"""Keeps the secret of the tokens apart from every other use of the node's key."""


class AnswerTokens:
    """Makes the tokens of a node; see `workflow_engine.ports.Answering`."""

    def __init__(self, key: KeyPair, url: str) -> None:
        """Take the node's system key, and its public URL without a slash at the end."""
        self._secret = hmac.digest(key.seed, _PURPOSE, hashlib.sha256)
        self._url = url

    def url_of(self, id_: str) -> str:
        """Return where an action is answered."""
        return f"{self._url}/answers/{id_}"

    def token_of(self, id_: str) -> str:
        """Return the token of an action."""
        return base58.encode(hmac.digest(self._secret, id_.encode("utf-8"), hashlib.sha256))

    def is_token(self, id_: str, token: str) -> bool:
        """Tell whether a text is the token of an action."""
        return hmac.compare_digest(self.token_of(id_).encode("ascii"), token.encode("utf-8"))
