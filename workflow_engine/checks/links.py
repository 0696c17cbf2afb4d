"""Links to data objects."""

from collections.abc import Iterator

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.data_objects import LINK, InvalidObjectError, linked_id
from workflow_engine.errors import Path


def bad_link(view: View) -> Iterator[Finding]:
    """A link among the definitions that cannot be the name of a data object."""
    if not view.is_own:
        return
    todo: list[tuple[Path, object]] = [(("definitions",), view.form["definitions"])]
    while todo:
        place, part = todo.pop()
        if isinstance(part, dict):
            try:
                linked_id(part if place != ("definitions",) else {})
            except InvalidObjectError as error:
                yield (*place, LINK), error.message
            todo.extend(((*place, key), item) for key, item in part.items())
        elif isinstance(part, list):
            todo.extend(((*place, index), item) for index, item in enumerate(part))
