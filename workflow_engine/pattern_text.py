"""Texts that match a pattern, for example data. Pure.

What people write in schemas is understood: literals, classes, groups, alternatives and repetition; anchors and word
boundaries are passed over. A pattern that asks for more (Unicode classes, flags) gives no text, and whoever asks checks
what comes out anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass

MAX_LENGTH = 4_096
_MAX_DEPTH = 32
_MAX_PATTERN = 1_024
_MAX_WORK = 20_000
_MANY = 1_000
"""Repetitions that are written out at most."""

_CLASSES = {"d": "0123456789", "w": "aA0_", "s": " ", "D": "a", "W": "-", "S": "a"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_ANY = "aA0 -_.,"
"""What `.` and classes that exclude something are tried with."""


class _UnreadableError(Exception):
    """The pattern asks for more than is understood here."""


Piece = Callable[[int], str]
"""Gives the text of one part of a pattern; the number chooses among characters and lengths."""


def text_for(pattern: str, choice: int = 0) -> str | None:
    """Return a text that a pattern matches, or None where the pattern is not understood.

    Args:
        pattern: In the syntax of RE2.
        choice: 0 for the shortest text; larger numbers for longer ones with other characters.
    """
    if len(pattern) > _MAX_PATTERN:
        return None
    try:
        reader = _Reader(pattern)
        piece = reader.alternatives(0)
        if not reader.is_at_end:
            return None
        return piece(choice)
    except _UnreadableError:
        return None


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right; methods read one part each and return what gives its text."""

    pattern: str
    place: int = 0
    written: int = 0

    @property
    def is_at_end(self) -> bool:
        return self.place >= len(self.pattern)

    def peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        if self.is_at_end:
            raise _UnreadableError
        self.place += 1
        return self.pattern[self.place - 1]

    def alternatives(self, depth: int) -> Piece:
        if depth > _MAX_DEPTH:
            raise _UnreadableError
        branches = [self.sequence(depth)]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence(depth))
        return lambda choice: branches[choice % len(branches)](choice)

    def sequence(self, depth: int) -> Piece:
        pieces: list[Piece] = []
        while not self.is_at_end and self.peek() not in "|)":
            atom = self.atom(depth)
            pieces.append(self.repeated(atom))

        def joined(choice: int) -> str:
            text = ""
            for piece in pieces:
                text += piece(choice)
                if len(text) > MAX_LENGTH:
                    raise _UnreadableError
            return text

        return joined

    def atom(self, depth: int) -> Piece:
        character = self.take()
        if character in "^$":
            return _of("")
        if character == ".":
            return _of(_ANY)
        if character == "[":
            return _of(self.characters())
        if character == "(":
            return self.group(depth)
        if character == "\\":
            return self.escape()
        if character in "*+?{":
            raise _UnreadableError
        return _of(character)

    def group(self, depth: int) -> Piece:
        if self.peek() == "?":
            self.take()
            mark = self.take()
            if mark in "P<":
                while self.take() != ">":
                    pass
            elif mark != ":":
                raise _UnreadableError
        inner = self.alternatives(depth + 1)
        if self.take() != ")":
            raise _UnreadableError
        return inner

    def escape(self) -> Piece:
        character = self.take()
        if character in "AzbB":
            return _of("")
        if character in _CLASSES or character in _CONTROLS:
            return _of(_CLASSES.get(character) or _CONTROLS[character])
        if character.isalnum():
            raise _UnreadableError
        return _of(character)

    def characters(self) -> str:
        excluded = self.peek() == "^"
        if excluded:
            self.take()
        found = ""
        while self.peek() != "]" or not found:
            found += self.range()
        self.take()
        if not excluded:
            return found
        return "".join(character for character in _ANY + "bB1xyz" if character not in found)

    def range(self) -> str:
        first = self.take()
        if first == "[" and self.peek() == ":":
            raise _UnreadableError
        if first == "\\":
            escaped = self.take()
            if escaped in _CLASSES:
                return "".join(_CLASSES[escaped])
            first = _CONTROLS.get(escaped, escaped)
        if self.peek() != "-" or self.pattern[self.place + 1 : self.place + 2] == "]":
            return first
        self.take()
        last = self.take()
        if last == "\\":
            last = self.take()
        if ord(last) - ord(first) > 0x1000:
            return first + last
        return "".join(chr(code) for code in range(ord(first), ord(last) + 1))

    def repeated(self, atom: Piece) -> Piece:
        least, most = self.quantity()
        if self.peek() == "?" and (least, most) != (1, 1):
            self.take()

        def text(choice: int) -> str:
            count = min(least + choice, most)
            self.written += 1 + count
            if self.written > _MAX_WORK:
                raise _UnreadableError
            return "".join(atom(choice + place if choice else 0) for place in range(count))

        return text

    def quantity(self) -> tuple[int, int]:
        mark = self.peek()
        if mark in ("*", "+", "?") and mark:
            self.take()
            return {"*": (0, _MANY), "+": (1, _MANY), "?": (0, 1)}[mark]
        if mark != "{":
            return 1, 1
        end = self.pattern.find("}", self.place)
        least, comma, most = self.pattern[self.place + 1 : end].partition(",")
        if end < 0 or not least.isdecimal() or (most and not most.isdecimal()) or len(least + most) > 8:
            raise _UnreadableError
        self.place = end + 1
        upper = (int(most) if most else _MANY) if comma else int(least)
        if int(least) > MAX_LENGTH:
            raise _UnreadableError
        return int(least), upper


def _of(characters: str) -> Piece:
    return lambda choice: characters[choice % len(characters)] if characters else ""
