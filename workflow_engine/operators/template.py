"""The templates of `<tpl>`: a small, strict Mustache that writes plain text.

```
{{ name }}  {{{ name }}}  {{& name }}     the value as text; all three the same, nothing is escaped
{{# name }} … {{/ name }}                 section: once per item of a list, else once if the value is true
{{^ name }} … {{/ name }}                 inverted section: if the value is not true (or an empty list)
{{! comment }}                            nothing
```

Names are dot paths (`actors.buyer.name`), looked up from the innermost section outwards; `.` is the value itself.
What is missing is an empty text. A section or comment tag that stands alone on its line takes the line with it.
What is true is what is true everywhere in a scenario: anything but false, null, "", [] and {}.

Contracts are text, so nothing is escaped for HTML; whoever shows a text in a page escapes it there. Partials and other
delimiters are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import plain
from workflow_engine.kept import kept
from workflow_engine.operators import paths, values
from workflow_engine.operators.budget import Budget

MAX_LENGTH = 65_536
"""Characters of a template: no event carries more."""

_CHARACTERS_PER_STEP = 16
"""How many characters are read for one step. Paid each time, as what is kept must not change prices."""

MAX_NESTING = 16
"""Sections within sections."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    inverted: bool
    parts: "tuple[_Part, ...]"


_Part = _Text | _Variable | _Section

_TAG = re.compile(r"\{\{(?:\{([^{}]*)\}|([#^/!&]?)([^{}]*))\}\}")
_NAME = re.compile(r"\.|[^\s.{}#^/!&>=]+(?:\.[^\s.{}#^/!&>=]+)*")


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: str
    name: str


def render(text: str, context: Any, budget: Budget) -> str:
    """Fill a template.

    Args:
        text: The template.
        context: The JSON value its names are looked up in.
        budget: Pays for the parts that are visited and the characters that are made.

    Raises:
        InvalidInstructionError: The template is malformed, or names a list or object where text should stand.
        BudgetExceededError: It takes too long or makes too much.
    """
    output: list[str] = []
    budget.spend(len(text) // _CHARACTERS_PER_STEP)
    _render(parse(text), (context,), budget, output)
    return "".join(output)


@kept(short=512, many=256)
def parse(text: str) -> tuple[_Part, ...]:
    """Parse a template.

    Raises:
        InvalidInstructionError: It is malformed or too long.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"a template has at most {MAX_LENGTH} characters, not {len(text)}")
    tokens = _tokens(text)
    parts = _parts(tokens, None, 0)
    return tuple(parts)


def _tokens(text: str) -> Iterator[_Tag | str]:
    """Yield texts and tags; lines that hold nothing but a section or comment tag vanish."""
    position = 0
    for match in _TAG.finditer(text):
        start, end = match.span()
        tag = _tag(match)
        if tag.kind in "#^/!" and tag.kind:
            start, end = _alone(text, start, end)
        yield from _plain(text[position:start])
        yield tag
        position = end
    yield from _plain(text[position:])


def _plain(text: str) -> Iterator[str]:
    if "{{" in text:
        shown = text[text.index("{{") :][:40]
        raise InvalidInstructionError(f"the template has a tag that is not closed or not understood: {shown}")
    if text:
        yield text


def _tag(match: re.Match[str]) -> _Tag:
    triple, kind, rest = match.groups()
    name = (rest if triple is None else triple).strip()
    if kind == "!":
        return _Tag("!", "")
    if not _NAME.fullmatch(name):
        raise InvalidInstructionError(f"the template tag {match.group()[:40]} is not understood")
    return _Tag("" if triple is not None or kind == "&" else kind, name)


def _alone(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen the span of a tag to its whole line, if nothing else stands on it."""
    line = text.rfind("\n", 0, start) + 1
    newline = text.find("\n", end)
    stop = len(text) if newline < 0 else newline + 1
    if text[line:start].strip(" \t") or text[end:stop].strip(" \t\r\n"):
        return start, end
    return line, stop


def _parts(tokens: Iterator[_Tag | str], section: str | None, depth: int) -> Iterator[_Part]:
    if depth > MAX_NESTING:
        raise InvalidInstructionError(f"the sections of a template nest at most {MAX_NESTING} deep")
    for token in tokens:
        if isinstance(token, str):
            yield _Text(token)
        elif token.kind == "":
            yield _Variable(token.name)
        elif token.kind == "/":
            if token.name != section:
                raise InvalidInstructionError(f"the template closes {token.name[:40]}, which is not open here")
            return
        elif token.kind != "!":
            yield _Section(token.name, token.kind == "^", tuple(_parts(tokens, token.name, depth + 1)))
    if section is not None:
        raise InvalidInstructionError(f"the template does not close the section {section[:40]}")


def _render(parts: tuple[_Part, ...], stack: tuple[Any, ...], budget: Budget, output: list[str]) -> None:
    for part in parts:
        budget.spend()
        if isinstance(part, _Text):
            budget.grow(len(part.text))
            output.append(part.text)
            continue
        value = _look_up(part.name, stack, budget)
        if isinstance(part, _Variable):
            text = values.text_of(value)
            budget.grow(len(text))
            output.append(text)
        elif part.inverted:
            if not values.is_truthy(value):
                _render(part.parts, stack, budget, output)
        elif isinstance(value, list):
            for item in value:
                _render(part.parts, (*stack, item), budget, output)
        elif values.is_truthy(value):
            _render(part.parts, (*stack, value), budget, output)


def _look_up(name: str, stack: tuple[Any, ...], budget: Budget) -> Any:
    """Return the value of a name: its first part decides which section it belongs to, as in Mustache."""
    if name == ".":
        return stack[-1]
    first, *rest = name.split(".")
    budget.spend(len(stack) + len(rest))
    for scope in reversed(stack):
        if isinstance(scope, dict) and first in scope:
            value = scope[first]
            for part in rest:
                value = paths.member(value, part)
            return plain(value)
    return None
