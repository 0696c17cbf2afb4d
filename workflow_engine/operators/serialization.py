"""`<serialize>` and `<unserialize>`: values as JSON, and as the query of a web address.

json writes canonical JSON (RFC 8785) and reads strict JSON. url writes and reads `a=1&b%5B0%5D=x` (`b[0]=x`): names in
brackets say where in an object or a list a text stands.

```
query = "" | pair { "&" pair }
pair  = name { "[" [ name ] "]" } "=" text        each part URL-encoded; without "=" the text is empty
```

Members go by sorted names; nulls and what is empty leave nothing. Read again, everything is text; names 0, 1, 2 … are
those of a list, and `[]` is the next item of one. A name that stands twice is refused, as readers disagree on which
counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import InvalidInstructionError, quote
from workflow_engine.operators import codecs, octets, values
from workflow_engine.operators.budget import MAX_DEPTH, MAX_SIZE, Budget

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")

_Level = dict[str, Any] | list[Any]


def _to_json(value: Any, budget: Budget) -> str:
    values.measure(value, budget)
    return canonical_json.encode(value).decode("utf-8")


def _from_json(text: str, budget: Budget) -> Any:
    budget.spend(1 + len(text) // octets.BYTES_PER_STEP)
    try:
        return strict_json.parse(text, max_bytes=4 * MAX_SIZE, max_depth=MAX_DEPTH)
    except InvalidError as error:
        raise InvalidInstructionError(f"this is not JSON that every node reads alike: {error.message}") from None


def _to_query(value: Any, budget: Budget) -> str:
    if not isinstance(value, (dict, list)):
        raise InvalidInstructionError("a query is made of an object or a list")
    values.measure(value, budget)
    pairs = []
    for name, text in _leaves(value, "", budget):
        pair = f"{codecs.encode(name, 'url', budget)}={codecs.encode(text, 'url', budget)}"
        budget.grow(len(pair))
        pairs.append(pair)
    return "&".join(pairs)


def _leaves(value: Any, name: str, budget: Budget) -> Iterator[tuple[str, str]]:
    """Yield the texts of a value with their names, which grow with every level."""
    if isinstance(value, list):
        members = [(str(index), item) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        members = [(key, value[key]) for key in sorted(value)]
    else:
        if value is not None:
            yield name, values.text_of(value)
        return
    for key, item in members:
        if not key or "[" in key or "]" in key:
            raise InvalidInstructionError(
                f"the name {quote(key)} cannot stand in a query: it is empty or has a bracket"
            )
        budget.grow(len(name) + len(key))
        yield from _leaves(item, f"{name}[{key}]" if name else key, budget)


def _from_query(text: str, budget: Budget) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for pair in text.split("&") if text else ():
        name, _, written = pair.partition("=")
        parts = _parts(codecs.decode(name, "url", budget))
        budget.spend(len(parts))
        _put(root, parts, codecs.decode(written, "url", budget))
    return {name: _with_lists(value) for name, value in root.items()}


def _parts(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidInstructionError(f"the name {quote(name)} of a query is not understood")
    parts = [match.group(1), *_PART.findall(match.group(2))]
    if len(parts) > MAX_DEPTH:
        raise InvalidInstructionError(f"the names of a query nest at most {MAX_DEPTH} deep")
    return parts


def _put(level: _Level, parts: list[str], text: str) -> None:
    """Put a text at its place; an empty name is the next item of a list."""
    for part, following in pairwise(parts):
        inner: _Level = {} if following else []
        if isinstance(level, list):
            level.append(inner)
        else:
            inner = level.setdefault(part, inner)
        if not isinstance(inner, list if not following else dict):
            raise InvalidInstructionError(f"the query gives {quote(part)} in two ways")
        level = inner
    if isinstance(level, list):
        level.append(text)
    elif parts[-1] in level:
        raise InvalidInstructionError(f"the query gives {quote(parts[-1])} twice")
    else:
        level[parts[-1]] = text


def _with_lists(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_lists(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(item) for name, item in value.items()}
    numbers = [str(index) for index in range(len(inner))]
    return [inner[name] for name in numbers] if inner.keys() == set(numbers) else inner


_FORMATS: Mapping[str, tuple[Callable[[Any, Budget], str], Callable[[str, Budget], Any]]] = {
    "json": (_to_json, _from_json),
    "url": (_to_query, _from_query),
}

FORMATS = tuple(_FORMATS)


def serialize(value: Any, form: str, budget: Budget) -> str:
    """Return a JSON value as text; `form` is one of `FORMATS`.

    Raises:
        InvalidInstructionError: It cannot be written so.
        BudgetExceededError: It is too large.
    """
    return _FORMATS[form][0](value, budget)


def unserialize(text: str, form: str, budget: Budget) -> Any:
    """Return the JSON value that a text stands for.

    Raises:
        InvalidInstructionError: It is not of this form.
        BudgetExceededError: It is too large.
    """
    return _FORMATS[form][1](text, budget)
