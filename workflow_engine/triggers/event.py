"""System actions that append events to the chain: `body` is one event's body, or a list of them.

Several processes on one chain signal each other this way (paper section 2.3), and identities are invited (6.1).
"""

from typing import Any

from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from workflow_engine.ports import Submitter
from workflow_engine.triggers import ERROR, OK, Call, Outcome

MAX_EVENTS = 32
"""Events that one action may append."""


class EventTrigger:
    """Runs actions of kind event.

    Args:
        submitter: Signs and appends the events.
    """

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    def __call__(self, call: Call) -> Outcome:
        """Append the events; the response carries them.

        Raises:
            UnavailableError: They could not be appended now.
        """
        body: Any = call.properties().get("body")
        bodies = body if isinstance(body, list) else [body]
        if not all(isinstance(item, dict) and item for item in bodies) or not 0 < len(bodies) <= MAX_EVENTS:
            return Outcome(key=ERROR, data={"message": "The action has no event body to append."})
        try:
            events = self._submitter.submit(call.process.chain, bodies, call.key)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return Outcome(key=OK, data=events)
