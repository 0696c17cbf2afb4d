"""System actions that append events to the chain: `body` is one event's body, or a list of them.

Several processes on one chain signal each other this way (paper section 2.3), and identities are invited (6.1). With
`chain` it is one response that goes to another chain (`workflow_engine.triggers.crossing`).
"""

from typing import Any

from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from workflow_engine.ports import Courier, Submitter
from workflow_engine.triggers import ERROR, OK, Call, Outcome
from workflow_engine.triggers.crossing import carry, cites, crosses

MAX_EVENTS = 32
"""Events that one action may append."""


class EventTrigger:
    """Runs actions of kind event.

    Args:
        submitter: Signs and appends the events.
        courier: Carries responses to other chains; None where there is none.
    """

    def __init__(self, submitter: Submitter, courier: Courier | None = None) -> None:
        self._submitter = submitter
        self._courier = courier

    def __call__(self, call: Call) -> Outcome:
        """Append the events; the response carries them.

        Raises:
            UnavailableError: They could not be appended now.
        """
        given = call.properties()
        if crosses(call, given):
            return carry(call, given, self._courier)
        body: Any = given.get("body")
        bodies = body if isinstance(body, list) else [body]
        if not all(isinstance(item, dict) and item for item in bodies) or not 0 < len(bodies) <= MAX_EVENTS:
            return Outcome(key=ERROR, data={"message": "The action has no event body to append."})
        if any(cites(item) for item in bodies):
            return Outcome(key=ERROR, data={"message": "No event comes from another chain by a scenario's word alone."})
        try:
            events = self._submitter.submit(call.process.chain, bodies, call.key)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return Outcome(key=OK, data=events)
