"""Asking another node for events that have not arrived here: the document, and what is missing there. Pure.

Every party pushes its events to all others (paper section 10). What a node misses all the same, because a node died
before it had sent, or because it was restored from an old copy, it asks for:

```json
{"$schema": "urn:livecontract:ask:1",
 "chain": id or null,      null: chains of which the sender has nothing yet
 "known": [hash, ...],     base58, what the sender has: the ends of chain and branches, then events of the chain at
                           growing distance from its end; with a null chain, the first events of its chains
 "back": false}            true: caused by an ask of the receiver, who does not ask back again
```

The answer is no document of its own, but the missing events as they are relayed anyway, to the node that the asker's
identity names on the chain. So an ask tells nobody anything that is not theirs, wherever it comes from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventchain.core import base58
from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.ids import ChainId
from eventchain.errors import InvalidAskError

ASK_SCHEMA = "urn:livecontract:ask:1"

MAX_KNOWN = 1_000
"""Hashes an ask may name: about 46 kB of JSON, and as many look-ups for the node that is asked."""

MAX_ENDS = 100
"""Ends that an ask names; of branches beyond it some events may come once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one node asks another one.

    Attributes:
        chain: The chain it is about; None for all those of which the asker has nothing.
        known: Hashes of events the asker has. It has all events before them as well.
        back: Whether it was caused by an ask of the receiver.
    """

    chain: ChainId | None
    known: tuple[bytes, ...] = ()
    back: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "$schema": ASK_SCHEMA,
            "chain": None if self.chain is None else str(self.chain),
            "known": [base58.encode(hash_) for hash_ in self.known],
            "back": self.back,
        }


def read_ask(document: object) -> Ask:
    """Read the JSON form of an ask.

    Raises:
        InvalidAskError: It is none, or names too many hashes.
        InvalidIdError: The chain's id cannot be one.
        InvalidEncodingError: A hash is not base58 of 32 bytes.
    """
    if not isinstance(document, Mapping) or document.get("$schema") != ASK_SCHEMA:
        raise InvalidAskError(f"an ask should be a JSON object with the $schema {ASK_SCHEMA}", path="$")
    chain, known, back = document.get("chain"), document.get("known", []), document.get("back", False)
    if not isinstance(known, list) or len(known) > MAX_KNOWN:
        raise InvalidAskError(f"known should be a list of at most {MAX_KNOWN} hashes", path="$.known")
    if not isinstance(back, bool):
        raise InvalidAskError("back should be true or false", path="$.back")
    return Ask(
        chain=None if chain is None else ChainId.parse(chain, path="$.chain"),
        known=tuple(
            base58.decode(text, length=HASH_LENGTH, name="hash", path=f"$.known[{index}]")
            for index, text in enumerate(known)
        ),
        back=back,
    )


def sample(height: int) -> Iterator[int]:
    """Yield positions before the last event of a chain of so many, at doubling distance, and the first one.

    However far two chains have grown apart, the newest of these that both have is at most as far from the place where
    they part as that place is from the end.
    """
    distance = 1
    while (position := height - 1 - distance) > 0:
        yield position
        distance *= 2
    if height > 1:
        yield 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What an ask comes to.

    Attributes:
        after: Place on the canonical chain after which its events are missing at the asker; -1: all of them.
        is_new: Whether the asker has nothing of the chain.
        has_more: Whether the asker has events that are not here.
    """

    after: int
    is_new: bool
    has_more: bool


def decide(places: Sequence[int | None]) -> Missing:
    """Say what an asker lacks, and whether it has more.

    Args:
        places: For each hash it knows, the place on the canonical chain here: its own, or the one its branch leaves
            (-1 before the first event); None where it is not known here.
    """
    found = [place for place in places if place is not None]
    return Missing(after=max(found, default=-1), is_new=not found, has_more=len(found) < len(places))
