"""Hints on how forms are shown."""

from collections.abc import Iterator

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.ui_schema import ui_faults


def ui_schema(view: View) -> Iterator[Finding]:
    """A hint that names a field that the form lacks, or a widget that nothing knows."""
    for key, action in view.actions.items():
        for name, response in action["responses"].items() if view.is_own else ():
            if response["ui_schema"] is not None:
                for place, message in ui_faults(response["schema"], response["ui_schema"]):
                    yield ("actions", key, "responses", name, "ui_schema", *place), message
