"""RE2 patterns: compiling, searching and replacing, each with its price.

Patterns come from strangers, so they are RE2's: the time is linear in the text, and there is no look-around and no back
reference. They stand without delimiters; the flags are i (any case), m (`^` and `$` at lines), s (`.` fits a newline).
"""

import re
from functools import lru_cache
from typing import Any

import re2

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators.budget import Budget

MAX_LENGTH = 1024
"""Characters of a pattern."""

FLAGS = "ims"

_CHARACTERS_PER_STEP = 1024
"""How many characters of text times characters of pattern make one step."""

_REPETITION = re.compile(r"\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}", re.ASCII)

_REFERENCE = re.compile(r"\\([\\$])|\\([0-9]{1,2})|\$([0-9]{1,2})|\$\{([0-9]{1,2})\}", re.ASCII)
"""What has a meaning in a replacement, as in PHP: an escaped `\\` or `$`; a group as `\\1`, `$1` or `${1}`."""


def check_pattern(text: Any) -> None:
    """Check that a value is a pattern. Raises InvalidInstructionError where it is not."""
    pattern_of(text)


def check_flags(flags: Any) -> None:
    """Check the flags of a pattern.

    Raises:
        InvalidInstructionError: They are not text, or one of them is unknown.
    """
    if not isinstance(flags, str) or not set(flags) <= set(FLAGS):
        raise InvalidInstructionError("the flags of a pattern are i, m and s")


def pattern_of(text: Any, flags: Any = "") -> Any:
    """Compile an RE2 pattern.

    Raises:
        InvalidInstructionError: RE2 cannot read it (there is no look-around, no back reference), it is too long, or a
            flag is unknown.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"a pattern is text of at most {MAX_LENGTH} characters")
    check_flags(flags)
    return _compile(text, "".join(sorted(set(flags))))


@lru_cache(maxsize=256)
def _compile(text: str, flags: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    prefix = f"(?{flags})" if flags else ""
    try:
        return re2.compile(prefix + text, options)
    except re2.error as error:
        raise InvalidInstructionError(f"the pattern is not understood: {str(error)[:80]}") from None
    except UnicodeEncodeError:
        raise InvalidInstructionError("the pattern holds a lone surrogate") from None


def fits(pattern: str, flags: str, text: str, budget: Budget) -> bool:
    """Tell whether a pattern fits a text somewhere. Raises what `pattern_of` raises, and BudgetExceededError."""
    compiled = pattern_of(pattern, flags)
    price = weight(pattern)
    budget.spend(_compiling(price) + len(text) * price // _CHARACTERS_PER_STEP)
    try:
        return compiled.search(text) is not None
    except UnicodeEncodeError:
        raise InvalidInstructionError("the text holds a lone surrogate") from None


def replace(pattern: str, flags: str, text: str, replacement: str, budget: Budget) -> str:
    """Return a text with everything that a pattern fits replaced, from left to right.

    After an empty match the search goes on one character further. Every match pays for a search of the rest of the
    text, because a pattern can be such that finding each takes one.

    Raises:
        InvalidInstructionError: What `pattern_of` raises, or the replacement names a group that the pattern lacks.
        BudgetExceededError: It takes too long or makes too much.
    """
    compiled = pattern_of(pattern, flags)
    pieces = _pieces(replacement, compiled.groups)
    price = weight(pattern)
    output: list[str] = []
    end = 0
    budget.spend(_compiling(price) + len(text) * price // _CHARACTERS_PER_STEP)
    try:
        for match in compiled.finditer(text):
            budget.spend(1 + len(pieces) + (len(text) - match.end()) * price // _CHARACTERS_PER_STEP)
            found = [text[end : match.start()]]
            found.extend(piece if isinstance(piece, str) else match.group(piece) or "" for piece in pieces)
            budget.grow(sum(map(len, found)))
            output.extend(found)
            end = match.end()
    except UnicodeEncodeError:
        raise InvalidInstructionError("the text holds a lone surrogate") from None
    output.append(text[end:])
    return "".join(output)


def check_replacement(replacement: str, pattern: str) -> None:
    """Check that a replacement names only groups that the pattern has. Raises InvalidInstructionError where not."""
    _pieces(replacement, pattern_of(pattern).groups)


def _pieces(replacement: str, groups: int) -> list[str | int]:
    """Split a replacement into texts and numbers of groups."""
    pieces: list[str | int] = []
    end = 0
    for match in _REFERENCE.finditer(replacement):
        pieces.append(replacement[end : match.start()])
        escaped, *numbers = match.groups()
        number = next((number for number in numbers if number is not None), None)
        if number is None:
            pieces.append(escaped)
        elif int(number) > groups:
            raise InvalidInstructionError(
                f"the replacement names group {number}, and the pattern has {groups}", hint="Write \\$ for a dollar."
            )
        else:
            pieces.append(int(number))
        end = match.end()
    pieces.append(replacement[end:])
    return [piece for piece in pieces if piece != ""]


def _compiling(price: int) -> int:
    """Return the steps of compiling a pattern of this weight. Paid each time: what is kept must not change prices."""
    return 1 + price


def weight(pattern: str) -> int:
    """Return a bound of the work that a pattern is per character: its length times its largest repetition.

    Counted on its text, as the size of a compiled pattern depends on the library's version.
    """
    numbers = [int(number) for pair in _REPETITION.findall(pattern) for number in pair if number]
    return len(pattern) * max([1, *numbers])
