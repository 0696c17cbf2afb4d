"""A text that fits a regular expression: the shortest that simple means find, or None.

Only for making up examples: whoever asks checks the answer with the real engine (RE2). Understood are literals,
classes, escapes, groups, alternatives (the first one is taken) and repetitions (as few as allowed); anchors are passed
over.
"""

from dataclasses import dataclass

MAX_LENGTH = 10_000
"""Characters of a text made up; a pattern that wants more is given up."""

_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t", "r": "\r"}
_ANCHORS = frozenset("bBAzZ")
_SAMPLE = "aA0 -_.,:/@#"
"""Characters tried for a class that excludes some."""


class _NotUnderstoodError(Exception):
    """The pattern uses what is not understood here."""


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        found = self.peek()
        if not found:
            raise _NotUnderstoodError
        self.at += 1
        return found

    def skip(self, text: str) -> bool:
        found = self.text.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found


def fitting(pattern: str) -> str | None:
    """Return a text that probably fits a pattern somewhere in it, or None."""
    reader = _Reader(pattern)
    try:
        found = _alternatives(reader, 0)
        return found if reader.at == len(pattern) and len(found) <= MAX_LENGTH else None
    except (_NotUnderstoodError, ValueError):
        return None


def _alternatives(reader: _Reader, depth: int) -> str:
    if depth > 20:
        raise _NotUnderstoodError
    first = _sequence(reader, depth)
    while reader.skip("|"):
        _sequence(reader, depth)
    return first


def _sequence(reader: _Reader, depth: int) -> str:
    parts: list[str] = []
    length = 0
    while reader.peek() not in ("", "|", ")"):
        part = _repeated(reader, _item(reader, depth))
        length += len(part)
        if length > MAX_LENGTH:
            raise _NotUnderstoodError
        parts.append(part)
    return "".join(parts)


def _item(reader: _Reader, depth: int) -> str:
    char = reader.take()
    if char in "^$":
        return ""
    if char == ".":
        return "a"
    if char == "[":
        return _class(reader)
    if char == "(":
        if reader.skip("?") and not (reader.skip(":") or _is_name(reader)):
            raise _NotUnderstoodError
        inner = _alternatives(reader, depth + 1)
        if reader.take() != ")":
            raise _NotUnderstoodError
        return inner
    if char == "\\":
        return _escape(reader)
    if char in "*+?{":
        raise _NotUnderstoodError
    return char


def _is_name(reader: _Reader) -> bool:
    if not (reader.skip("P<") or reader.skip("<")):
        return False
    while reader.take() != ">":
        pass
    return True


def _escape(reader: _Reader) -> str:
    char = reader.take()
    if char in _ANCHORS:
        return ""
    if char in _CLASSES:
        return _CLASSES[char]
    if char in "pPQx" or char.isdigit():
        raise _NotUnderstoodError
    return char


def _class(reader: _Reader) -> str:
    """Return a member of a class; the opening bracket is taken already."""
    excluded = reader.skip("^")
    members: list[tuple[str, str]] = []
    while not (reader.peek() == "]" and members):
        if reader.skip("[:"):
            raise _NotUnderstoodError
        char = reader.take()
        low = _escape(reader) if char == "\\" else char
        high = low
        if reader.peek() == "-" and reader.text[reader.at + 1 : reader.at + 2] != "]":
            reader.take()
            char = reader.take()
            high = _escape(reader) if char == "\\" else char
        members.append((low, high))
    reader.take()
    if not excluded:
        return members[0][0]
    found = next((char for char in _SAMPLE if not any(low <= char <= high for low, high in members)), None)
    if found is None:
        raise _NotUnderstoodError
    return found


def _repeated(reader: _Reader, item: str) -> str:
    least = 1
    if reader.skip("*") or reader.skip("?"):
        least = 0
    elif reader.skip("+"):
        least = 1
    elif reader.skip("{"):
        end = reader.text.index("}", reader.at)
        least = int(reader.text[reader.at : end].partition(",")[0])
        reader.at = end + 1
    else:
        return item
    reader.skip("?")
    if least * max(1, len(item)) > MAX_LENGTH:
        raise _NotUnderstoodError
    return item * least
