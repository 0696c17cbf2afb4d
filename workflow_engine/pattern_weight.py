r"""How large a pattern becomes when RE2 compiles it: a bound counted on its text, the same for every version of RE2.

RE2 writes repetitions out: `(a{10}){10}` becomes a hundred times `a`. Compiling takes time and memory in proportion to
that, and matching takes it for every character where nothing quicker works. The bound is the number of instructions, at
least: characters outside ASCII have up to four bytes, each of which is one, and classes of Unicode such as `\pL`
more than a thousand. So whoever takes patterns from strangers can refuse them by `MAX_WEIGHT` before compiling, and
charge for what they cost. Pure and consensus-critical.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

MAX_WEIGHT = 20_000
"""Of one pattern: 320 KiB compiled, in some ten milliseconds. Patterns of forms have a weight of some hundreds."""

REPEAT_LESS = "Repeat less in it: what is written {0,1000} has a thousand times the size of what stands before."

COMPILED_BYTES = 1024 * 1024
"""Memory that RE2 may use for a pattern of that weight and its search; more than it needs, so that it refuses none."""

_TOKEN = re.compile(
    r"""
      (?P<quoted>     \\Q .*? (?:\\E|\Z) )
    | (?P<unicode>    \\[pP] (?:\{[^}]*\}|.) )
    | (?P<escape>     \\(?: x\{[^}]*\} | x.. | [0-7]{1,3} | . ) )
    | (?P<set>        \[\^?\]? (?: \\. | \[:[^\]]*:\] | [^\]\\] )* \] )
    | (?P<open>       \( (?: \?P?<[^>]*> | \?[a-zA-Z]*(?:-[a-zA-Z]*)?:? )? )
    | (?P<close>      \) )
    | (?P<repeated>   \{[0-9]+(?:,[0-9]*)?\} )
    | (?P<quantity>   [*+?] )
    | (?P<branch>     \| )
    | (?P<character>  . )
    """,
    re.DOTALL | re.VERBOSE,
)

_UNICODE = 1_280
"""Instructions of the largest classes of Unicode (`\\pL` and `\\PL` have 1,200)."""

_CHARACTER = 16
"""Of `.`, a class of Perl, and one character outside ASCII, other cases of its letters included."""

_NEGATED = 32
"""Of a class of Perl that excludes something."""

_ASCII = 4
"""Of one character of ASCII: some letters have another case outside of it."""

_COSTS: Mapping[str, int] = {"unicode": _UNICODE, "branch": 1}


@lru_cache(maxsize=1024)
def pattern_weight(pattern: str) -> int:
    """Return the bound for a pattern; any number for a text that is none."""
    sums, atom = [2], 0
    for token in _TOKEN.finditer(pattern):
        kind, text = str(token.lastgroup), token.group()
        if kind == "repeated":
            written = (atom + 2) * max(1, *(int(number[:6]) for number in text[1:-1].split(",") if number))
            sums[-1] += written - atom
            atom = written
        elif kind == "quantity":
            sums[-1] += 2
            atom += 2
        elif kind == "open":
            sums.append(2)
            atom = 0
        elif kind == "close" and len(sums) > 1:
            atom = sums.pop()
            sums[-1] += atom
        else:
            atom = _weight(kind, text)
            sums[-1] += atom
    return sum(sums)


def _weight(kind: str, text: str) -> int:
    if kind == "set":
        foreign = sum(not character.isascii() for character in text)
        classes = _UNICODE * (text.count("\\p") + text.count("\\P"))
        return _CHARACTER * (1 + foreign) + _NEGATED * text.count("\\") + classes + len(text)
    if kind == "quoted":
        return _CHARACTER * len(text)
    if kind == "escape":
        return _NEGATED if text[1] in "DSW" else _CHARACTER if text[1].isalnum() else _ASCII
    if kind == "character":
        return _CHARACTER if text == "." or not text.isascii() else _ASCII
    return _COSTS.get(kind, 1)
