"""System actions that do nothing but answer: `trigger_response` (or the default response) with `data`."""

from workflow_engine.triggers import Call, Outcome


def nop(call: Call) -> Outcome:
    """Answer at once."""
    properties = call.properties()
    key = properties.get("trigger_response") or call.instance["default_response"]
    return Outcome(key=str(key), data=properties.get("data"))
