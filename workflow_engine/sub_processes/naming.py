"""How the end of a sub-process is named in the scenario around it."""

from collections.abc import Iterable

OK, ERROR, SUCCESS = "ok", "error", ":success"


def response_key(responses: Iterable[str], state: str) -> str:
    """Return the response that a final state means, among those that an action has."""
    named = state.removeprefix(":")
    if named in responses:
        return named
    return OK if state == SUCCESS else ERROR
