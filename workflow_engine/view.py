"""The complete view of a process: what is shown of it, and what nodes compare."""

from typing import Any

from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process


def complete(process: Process) -> dict[str, Any]:
    """Return a process as JSON with everything: its definitions, its history and the golden flow as well."""
    return {
        **process.state(),
        "definitions": dict(process.scenario.definitions),
        "previous": list(process.previous),
        "next": golden_flow(process),
    }
