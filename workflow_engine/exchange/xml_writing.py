"""XML 1.0 as text, the same for the same tree. Names come from us, texts and attribute values from strangers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, escaped or not (production Char)."""

_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTE = {**_IN_TEXT, '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}


@dataclass(frozen=True, slots=True)
class Tag:
    """An element to be written: with children, or with text.

    Attributes:
        name: With its prefix.
        attributes: In the order in which they are written; those that are None are left out.
        content: Its children, or its text.
    """

    name: str
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    content: Sequence["Tag"] | str = ()


def is_carried(text: str) -> bool:
    """Tell whether XML can carry a text as it is."""
    return _FORBIDDEN.search(text) is None


def write_xml(root: Tag) -> str:
    """Return a document in UTF-8 with two spaces for each level.

    Characters that XML lacks become U+FFFD; those that cannot be printed are written as references.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write(root, "", lines)
    return "\n".join(lines) + "\n"


def _write(tag: Tag, indent: str, lines: list[str]) -> None:
    attributes = "".join(
        f' {name}="{_escape(value, _IN_ATTRIBUTE)}"' for name, value in tag.attributes.items() if value is not None
    )
    if not tag.content:
        lines.append(f"{indent}<{tag.name}{attributes}/>")
    elif isinstance(tag.content, str):
        lines.append(f"{indent}<{tag.name}{attributes}>{_escape(tag.content, _IN_TEXT)}</{tag.name}>")
    else:
        lines.append(f"{indent}<{tag.name}{attributes}>")
        for child in tag.content:
            _write(child, f"{indent}  ", lines)
        lines.append(f"{indent}</{tag.name}>")


def _escape(text: str, table: Mapping[str, str]) -> str:
    carried = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return "".join(table.get(c, c if c.isprintable() or c in "\n\t" else f"&#{ord(c)};") for c in carried)
