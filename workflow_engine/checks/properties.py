"""The names in the properties of a scenario: each has to exist, and to mean one thing."""

from collections.abc import Iterator

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import TIMEOUT, View
from workflow_engine.errors import Path, quote
from workflow_engine.property_form import KINDS, Happening, read_happening


def unknown_in_property(view: View) -> Iterator[Finding]:
    """A property names what the scenario does not have."""
    for index, item in enumerate(view.form.get("properties", ()) if view.is_own else ()):
        for name in (*KINDS, "after"):
            if isinstance(item.get(name), str):
                message = _fault(view, read_happening(item[name]))
                if message is not None:
                    place: Path = ("properties", index, name)
                    yield place, message
        if item.get("for") is not None and item["for"] not in view.form["actors"]:
            yield ("properties", index, "for"), f"The scenario has no actor {quote(item['for'])}."


def _fault(view: View, named: Happening) -> str | None:
    is_state = named.state in view.states
    is_action = named.action in view.actions or named.action == TIMEOUT
    if is_state and is_action:
        return (
            f"{quote(named.name)} is a state and an action; the property can mean either. For the action, name its "
            f"response as well ({quote(named.name + '.ok')}), or call one of the two something else."
        )
    if named.actor is not None and named.actor not in view.form["actors"]:
        return f"The scenario has no actor {quote(named.actor)}."
    if not is_state and not is_action:
        kind = "state and no action" if named.state is not None else "action"
        return f"The scenario has no {kind} {quote(named.state or named.action or '')}."
    action = view.actions.get(named.action or "")
    known = action["responses"] if action else {"ok": {}}
    if named.response is not None and named.response not in known:
        return f"The action {quote(named.action or '')} has no response {quote(named.response)}."
    return None
