"""What an evidence file shows of events on other chains that its chain cites, and what only files of those can. Pure.

Hash and signature of a cited event are verified with the event that cites it. That it stands on the chain that is
named, its links and its anchor, an evidence file of that chain shows.
"""

from collections.abc import Mapping, Sequence, Set

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError

_SHOWN = 8
"""Ids of chains that a message lists."""


def check_citations(entries: Sequence[Entry], others: Mapping[str, Set[str]]) -> str | None:
    """Check what entries cite, and return what was compared and what was not; None where nothing is cited.

    Args:
        entries: Of the whole chain, with the origins that were verified.
        others: Hashes (base58) of the events of other chains, by id, as far as files of them are at hand and verify.

    Raises:
        InvalidError: A cited event does not stand on the chain it is said to stand on.
    """
    cited = [(entry, entry.origin) for entry in entries if entry.origin is not None]
    if not cited:
        return None
    for entry, origin in cited:
        if origin.chain in others and origin.hash not in others[origin.chain]:
            raise InvalidError(
                f"event {entry.hash} cites {origin.hash}, which does not stand on the chain {origin.chain}",
                hint="Is the file of that chain older than what is cited?",
            )
    compared = [origin for _, origin in cited if origin.chain in others]
    open_ = sorted({origin.chain for _, origin in cited if origin.chain not in others})
    said = f"hash and signature of the {len(cited)} cited events of other chains are right"
    if compared:
        said += f"; {len(compared)} of them stand on the chains they are said to stand on"
    if open_:
        said += (
            f"; not compared: whether {len(cited) - len(compared)} of them stand on {', '.join(open_[:_SHOWN])}, which "
            "an evidence file of that chain shows (--other FILE)"
        )
    return said
