"""The values of steps: cells, tables of dot paths and values, doc strings, and `${…}`. Pure.

A cell is JSON where it reads as JSON (`12`, `true`, `null`, `"12"`, `[1, 2]`), and else the text as it stands
(`Oak chair`, `2026-12-01`); text that would read as something else stands in quotes. An empty cell is an empty text.
`${process.path}` is what stands at a path of a process, `${today}` the date and `${now}` the moment by the clock of the
test; a cell that is nothing else keeps its kind (a number stays a number).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import InvalidInstructionError, quote
from workflow_engine.operators import paths
from workflow_engine.operators.values import text_of
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.feature import Step

MAX_LEVELS = 32
"""Names in one dot path."""

MAX_TEXT = 256 * 1024
"""Characters of a text in which something was filled in: four times what an event carries."""

Lookup = Callable[[str], Any]
"""What stands for `${name}`; raises InvalidFeatureError for an unknown name."""

_REFERENCE = re.compile(r"\$\{([^{}]{1,512})\}")
_SAID = 200


def substitute(text: str, lookup: Lookup) -> str:
    """Return a text with every `${…}` replaced by what it stands for.

    Raises:
        InvalidFeatureError: Something in it is not known, or is a list or an object, or the text gets too long.
    """
    length = len(text)

    def written(match: re.Match[str]) -> str:
        nonlocal length
        try:
            found = text_of(lookup(match[1]))
            length += len(found)
            if length > MAX_TEXT:
                raise InvalidFeatureError(f"With what is filled in, a text has more than {MAX_TEXT} characters.")
            return found
        except InvalidInstructionError:
            raise InvalidFeatureError(f"{quote(match[0])} is a list or an object, which no text can hold.") from None

    return _REFERENCE.sub(written, text)


def read_cell(text: str, lookup: Lookup) -> Any:
    """Return the value that a cell means.

    Raises:
        InvalidFeatureError: It refers to something unknown.
    """
    alone = _REFERENCE.fullmatch(text)
    if alone:
        return lookup(alone[1])
    text = substitute(text, lookup)
    try:
        return strict_json.parse(text, max_depth=MAX_LEVELS)
    except InvalidError:
        return text


def write_cell(value: Any) -> str:
    """Return the cell that means a value, as it stands between the bars of a table."""
    text = value if isinstance(value, str) and not _reads_as_other(value) else _json(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\n")


def _json(value: Any) -> str:
    """Write JSON on one line without characters that cannot be seen, and without what would be substituted."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(value)
    return text.replace("${", "\\u0024{")


def _reads_as_other(text: str) -> bool:
    """Tell whether a text, written as it stands, would be read as something else."""
    if text != text.strip() or "${" in text or not text.replace("\n", "").isprintable():
        return True
    try:
        strict_json.parse(text, max_depth=MAX_LEVELS)
    except InvalidError:
        return False
    return True


def pairs_of(step: Step, lookup: Lookup) -> list[tuple[str, Any]]:
    """Return the dot paths and values of a step's table.

    Raises:
        InvalidFeatureError: There is no table, or it has other than two columns.
    """
    if step.table is None:
        raise InvalidFeatureError(
            "This step needs a table of paths and values.", hint="Write rows such as `| assets.offer.price | 12 |`."
        )
    for row in step.table:
        if len(row) != 2 or not row[0]:
            raise InvalidFeatureError("A row of this table should have two cells: a path and a value.")
    return [(substitute(path, lookup), read_cell(value, lookup)) for path, value in step.table]


def data_of(step: Step, lookup: Lookup) -> Any:
    """Return the data that a step gives with a table or a doc string; None where it has neither.

    Raises:
        InvalidFeatureError: The paths of the table contradict each other, or the doc string is not JSON.
    """
    if step.doc is not None:
        return _document(step.doc, step.doc_type, lookup)
    if step.table is None:
        return None
    pairs = pairs_of(step, lookup)
    if [path for path, _ in pairs] == ["$"]:
        return pairs[0][1]
    return build(pairs)


def _document(text: str, media_type: str | None, lookup: Lookup) -> Any:
    text = substitute(text, lookup)
    if media_type is not None and media_type.strip() in ("text", "text/plain"):
        return text
    try:
        return strict_json.parse(text, max_depth=MAX_LEVELS)
    except InvalidError as error:
        raise InvalidFeatureError(
            f"The doc string is not JSON: {error.message}.", hint='For plain text, open it with """text.'
        ) from None


def build(pairs: Iterable[tuple[str, Any]]) -> Any:
    """Return the object that dot paths and values describe; numbers in a path count the items of a list, from 0.

    Raises:
        InvalidFeatureError: A path is malformed, stands twice, or goes through a value that another one gives.
    """
    root: dict[str, Any] = {}
    for path, value in pairs:
        names = _names(path)
        place: Any = root
        for name, following in zip(names, [*names[1:], None], strict=True):
            inner: Any = value if following is None else ([] if paths.item_index(following) is not None else {})
            place = _put(place, name, inner, path, is_last=following is None)
    return root


def _names(path: str) -> tuple[str, ...]:
    try:
        names = paths.parse(path)
    except InvalidInstructionError as error:
        raise InvalidFeatureError(f"{error.message}.") from None
    if not 0 < len(names) <= MAX_LEVELS:
        raise InvalidFeatureError(f"The path {quote(path)} should have 1 to {MAX_LEVELS} names.")
    return names


def _put(place: Any, name: str, inner: Any, path: str, *, is_last: bool) -> Any:
    """Put a value below a place unless something stands there already, and return what stands there."""
    if isinstance(place, list):
        index = paths.item_index(name)
        if index is None or index > len(place):
            raise InvalidFeatureError(f"The items of the list at {quote(path)} should be counted 0, 1, 2 and so on.")
        if index == len(place):
            place.append(inner)
            return inner
        present = place[index]
    elif name in place:
        present = place[name]
    else:
        place[name] = inner
        return inner
    if is_last or type(present) is not type(inner):
        raise InvalidFeatureError(f"The path {quote(path)} stands twice, or goes through a value.")
    return present


def leaves(value: Any, place: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the dot paths and values that describe a value, for a table; names with dots are given as a whole."""
    plain = isinstance(value, Mapping) and value and all(key and "." not in key and key != "$" for key in value)
    if plain and place.count(".") < MAX_LEVELS - 2:
        for key, item in value.items():
            yield from leaves(item, f"{place}.{key}" if place else key)
    else:
        yield place or "$", value


# --- Comparing --------------------------------------------------------------------------------------------------------


def expect(pairs: Iterable[tuple[str, Any]], value: Any, what: str) -> None:
    """Compare what stands at each dot path of a value.

    Raises:
        UnmetError: Something else stands there.
        InvalidFeatureError: A path is malformed.
    """
    for path, wanted in pairs:
        try:
            found = paths.find(path, value)
        except InvalidInstructionError as error:
            raise InvalidFeatureError(f"{error.message}.") from None
        if not is_same(wanted, found):
            place = what if path == "$" else f"{path} of {what}"
            raise UnmetError(f"{place} to be {show(wanted)}", f"it is {show(found)}")


def is_same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same: numbers by their value, true and false not being numbers."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(is_same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def show(value: Any) -> str:
    """Return a value as people read it, at most 200 characters of it."""
    if value is None:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SAID else text[: _SAID - 1] + "…"
