"""What stands where in the text of a document: the part of OpenDocument 1.3 that is let in.

Programs differ in what they do with elements and texts in places where they do not belong; some show them, some do not.
So only what belongs is let in, and nothing is shown to one reader and hidden from another that way.
"""

from collections.abc import Iterable, Mapping

FIELDS = frozenset({"text:user-field-get", "text:user-field-input"})
CONDITIONAL = frozenset({"text:conditional-text", "text:hidden-text", "text:hidden-paragraph"})
COUNTERS = frozenset({"text:page-number", "text:page-count"})

BODY = "office:text"
HEADERS = frozenset(f"style:{kind}{which}" for kind in ("header", "footer") for which in ("", "-left", "-first"))

_INLINE = (
    frozenset({"text:span", "text:s", "text:tab", "text:line-break", "text:note", "draw:frame"})
    | FIELDS
    | CONDITIONAL
    | COUNTERS
)
_BLOCKS = frozenset(
    {"text:p", "text:h", "text:list", "text:section", "text:numbered-paragraph", "table:table", "draw:frame"}
)
_ITEM = frozenset({"text:p", "text:h", "text:list"})
_COLUMNS = frozenset(
    {"table:table-column", "table:table-columns", "table:table-header-columns", "table:table-column-group"}
)
_ROWS = frozenset({"table:table-row", "table:table-rows", "table:table-header-rows", "table:table-row-group"})
_NOTHING: frozenset[str] = frozenset()


def _each(names: Iterable[str], children: frozenset[str]) -> dict[str, frozenset[str]]:
    return dict.fromkeys(names, children)


CHILDREN: Mapping[str, frozenset[str]] = {
    BODY: _BLOCKS,
    **_each(sorted(HEADERS), _BLOCKS),
    **_each(("text:section", "text:note-body", "draw:text-box", "table:table-cell"), _BLOCKS),
    "table:covered-table-cell": _BLOCKS,
    **_each(("text:p", "text:h", "text:span"), _INLINE),
    "text:list": frozenset({"text:list-header", "text:list-item"}),
    **_each(("text:list-header", "text:list-item", "text:numbered-paragraph"), _ITEM),
    "text:note": frozenset({"text:note-citation", "text:note-body"}),
    "table:table": _COLUMNS | _ROWS,
    **_each(("table:table-columns", "table:table-header-columns", "table:table-column-group"), _COLUMNS),
    **_each(("table:table-rows", "table:table-header-rows", "table:table-row-group"), _ROWS),
    "table:table-row": frozenset({"table:table-cell", "table:covered-table-cell"}),
    "draw:frame": frozenset({"draw:image", "draw:text-box", "svg:title", "svg:desc"}),
    **_each(sorted(FIELDS | CONDITIONAL | COUNTERS), _NOTHING),
    **_each(("text:s", "text:tab", "text:line-break", "text:note-citation", "table:table-column"), _NOTHING),
    **_each(("draw:image", "svg:title", "svg:desc"), _NOTHING),
}
"""Every element that is let in, with those that may stand directly in it."""

WITH_TEXT = frozenset(
    {"text:p", "text:h", "text:span", "text:note-citation", "svg:title", "svg:desc"}
) | FIELDS | CONDITIONAL | COUNTERS  # fmt: skip
"""The elements that hold text of their own."""
