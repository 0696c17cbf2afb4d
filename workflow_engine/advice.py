"""Which name was probably meant, at a price that whoever chooses the names cannot raise. Pure.

Comparing two names costs the product of their lengths in the worst case, and a document of a stranger can hold
thousands of names that do not exist beside hundreds that almost fit. So names are compared as far as a typing error
needs, and with those of about their length alone.
"""

import difflib
from collections.abc import Iterable

MAX_LENGTH = 32
"""Characters of a name that are compared."""

MAX_COMPARED = 32
"""Names that one name is compared with: those whose length is nearest."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like a name, or None where none is much like it.

    Args:
        name: As it was written; it is none of the known ones.
        known: The names there are.
        cutoff: How much alike two names have to be, from 0 to 1.
    """
    alike = sorted(known, key=lambda item: abs(len(item) - len(name)))[:MAX_COMPARED]
    whole = {item[:MAX_LENGTH]: item for item in reversed(alike)}
    found = difflib.get_close_matches(name[:MAX_LENGTH], whole, n=1, cutoff=cutoff)
    return whole[found[0]] if found else None
