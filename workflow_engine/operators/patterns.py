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
from workflow_engine.pattern_weight import COMPILED_BYTES, MAX_WEIGHT, REPEAT_LESS, pattern_weight

MAX_LENGTH = 1024
"""Characters of a pattern."""

FLAGS = "ims"

_CHARACTERS_PER_STEP = 4096
"""How many characters of text times the weight of the pattern make one step: a millionth of a second or two."""

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
        InvalidInstructionError: RE2 cannot read it (there is no look-around, no back reference), it is too long or too
            large, or a flag is unknown.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"a pattern is text of at most {MAX_LENGTH} characters")
    check_flags(flags)
    if pattern_weight(text) > MAX_WEIGHT:
        raise InvalidInstructionError("the pattern is too large with its repetitions written out", hint=REPEAT_LESS)
    return _compile(text, "".join(sorted(set(flags))))


@lru_cache(maxsize=64)
def _compile(text: str, flags: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = COMPILED_BYTES
    prefix = f"(?{flags})" if flags else ""
    try:
        return re2.compile(prefix + text, options)
    except re2.error as error:
        raise InvalidInstructionError(f"the pattern is not understood: {str(error)[:80]}") from None
    except UnicodeEncodeError:
        raise InvalidInstructionError("the pattern holds a lone surrogate") from None


def pay(pattern: str, budget: Budget) -> None:
    """Take the steps of compiling a pattern off the budget: each time, as what is kept must not change prices.

    Raises:
        BudgetExceededError: There are none left.
    """
    budget.spend(pattern_weight(pattern))


def fits(pattern: str, flags: str, text: str, budget: Budget) -> bool:
    """Tell whether a pattern fits a text somewhere. Raises what `pattern_of` raises, and BudgetExceededError."""
    compiled = pattern_of(pattern, flags)
    price = pattern_weight(pattern)
    budget.spend(1 + len(text) * price // _CHARACTERS_PER_STEP)
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
    price = pattern_weight(pattern)
    output: list[str] = []
    end = 0
    budget.spend(1 + len(text) * price // _CHARACTERS_PER_STEP)
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
