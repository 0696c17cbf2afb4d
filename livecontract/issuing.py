"""Making the evidence file of a chain from what the services of a node know (paper section 14)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from anchor.block import Header
from anchor.parameters import Parameters
from eventchain.archive import Archive
from eventchain.core.clock import Clock
from eventchain.core.errors import UnavailableError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from eventchain.receipts import Receipts
from livecontract import evidence


class Headers(Protocol):
    """Knows the headers of the public chain: the anchor service."""

    def headers(self, first: int, last: int) -> Sequence[Header]:
        """Return the headers of the blocks at these heights, as far as there are any."""


class Issuer:
    """Makes evidence files, where the event chain service runs."""

    def __init__(
        self,
        *,
        archive: Archive,
        receipts: Receipts,
        projection: Callable[[str], Mapping[str, Any]],
        headers: Headers,
        parameters: Callable[[], Parameters],
        key: KeyPair,
        clock: Clock,
    ) -> None:
        """Plug the parts together; `projection` and `parameters` may ask other services."""
        self._archive = archive
        self._receipts = receipts
        self._projection = projection
        self._headers = headers
        self._parameters = parameters
        self._key = key
        self._clock = clock

    def make(self, chain: str) -> bytes:
        """Return the evidence file of a chain.

        Raises:
            UnavailableError: An event has no receipt yet, or a receipt's block is not final yet.
        """
        id_ = ChainId.parse(chain)
        found = self._receipts.of_chain(id_)
        receipts = {name: receipt for name, receipt in found.items() if receipt}
        if missing := len(found) - len(receipts):
            raise UnavailableError(f"{missing} events have no receipt yet", hint="Ask again in a minute.")
        top = max(int(receipt["block"]["height"]) for receipt in receipts.values())
        headers = self._headers.headers(1, top + 1)
        if len(headers) <= top:
            raise UnavailableError("the last block is not final yet", hint="Ask again in a minute.")
        return evidence.make(
            chain=self._archive.chain(id_),
            projection=self._projection(chain),
            found_receipts=receipts,
            headers=headers,
            parameters=self._parameters(),
            issuer=str(self._archive.identity_of(chain, str(self._key.public_key))),
            key=self._key,
            created=self._clock(),
        )
