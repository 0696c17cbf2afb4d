"""Names that people gave, as keys of a scenario and as identifiers of other notations. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

MAX_KEY = 64
"""Characters of a key made from a text: half of what a scenario allows, so that a number and a second key fit."""

_ASCII_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def one_line(text: str) -> str:
    """Return text with every run of white space as one space."""
    return " ".join(text.split())


def plain(text: str, most: int = 200) -> str:
    """Return text for a drawing: one line, printable, cut where it is long."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one_line(text))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def key_of(text: str) -> str:
    """Return the key that a name gives: `Sign the contract!` is `sign_the_contract`; "" where nothing is left."""
    folded = unicodedata.normalize("NFKC", text).lower()
    words = re.sub(r"[^\w]+", "_", folded).strip("_")
    return re.sub(r"__+", "_", words)[:MAX_KEY].strip("_")


def unique(wanted: str, taken: Iterable[str]) -> str:
    """Return a name, with a number where it is taken."""
    known = set(taken)
    if wanted not in known:
        return wanted
    return next(name for number in range(2, len(known) + 3) if (name := f"{wanted}_{number}") not in known)


def identifiers(keys: Iterable[str], prefix: str = "") -> Mapping[str, str]:
    """Return for each key an ASCII name of letters, digits and `_` that no other key has, after a prefix.

    A key that is such a name keeps it. The others are named after what of them is one, with a number where needed.
    """
    listed = list(dict.fromkeys(keys))
    plain = {key: prefix + key for key in listed if _ASCII_NAME.fullmatch(key)}
    taken = set(plain.values())
    result: dict[str, str] = {}
    for key in listed:
        if key not in plain:
            rest = re.sub(r"[^A-Za-z0-9]+", "_", key, flags=re.ASCII).strip("_")[:MAX_KEY]
            name = unique(f"{prefix}{'' if prefix else '_'}{rest or 'x'}", taken)
            taken.add(name)
            result[key] = name
        else:
            result[key] = plain[key]
    return result
