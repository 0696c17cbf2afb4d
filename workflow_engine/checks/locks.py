"""Assets that are locked in some states (`locked_in`)."""

from collections.abc import Iterator
from typing import Any

from workflow_engine.checks.references import missing
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import quote
from workflow_engine.normalise import LOCKED_IN
from workflow_engine.reading import describe


def bad_lock(view: View) -> Iterator[Finding]:
    """A lock that is no list of states, or names a state that does not exist."""
    for key, asset in view.form["assets"].items() if view.is_own else ():
        states: Any = asset.get(LOCKED_IN, [])
        place = ("assets", key, LOCKED_IN)
        if not isinstance(states, list):
            yield (
                place,
                f'The states in which an asset is locked should be a list (["signing"]), not {describe(states)}.',
            )
            continue
        for index, state in enumerate(states):
            if not isinstance(state, str):
                yield (*place, index), f"This should be the key of a state, not {describe(state)}."
            elif state not in view.states:
                yield (*place, index), missing("state", state, view.states)


def locked_update(view: View) -> Iterator[Finding]:
    """An action that is offered in a state in which what it changes is locked: its responses would be refused."""
    for action, form in view.actions.items() if view.is_own else ():
        targets = {
            update["select"].split(".")[1]
            for response in form["responses"].values()
            for update in response["update"]
            if update["select"].startswith("assets.")
        }
        for asset in sorted(targets & view.form["assets"].keys()):
            for state in _locking(view, asset):
                if action in view.available(state):
                    yield (
                        ("actions", action),
                        (
                            f"The action {quote(action)} is offered in the state {quote(state)}, where the asset "
                            f"{quote(asset)}, which it changes, is locked."
                        ),
                    )


def _locking(view: View, asset: str) -> list[str]:
    states = view.form["assets"][asset].get(LOCKED_IN)
    known = states if isinstance(states, list) else []
    return [state for state in known if isinstance(state, str) and state in view.states]
