"""System actions that change or remove an identity (paper section 6.2): the event they add is their response.

What the chain refuses is the outcome `error`, with the reason: the identity is not there, has not agreed to the
scenario, or holds nobody's keys.
"""

from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from workflow_engine.identity_action import body_of
from workflow_engine.ports import Submitter
from workflow_engine.triggers import DONE, ERROR, Call, Outcome


class IdentityTrigger:
    """Runs actions of kind identity.

    Args:
        submitter: Signs and appends the event.
    """

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    def __call__(self, call: Call) -> Outcome:
        """Add the event.

        Raises:
            InvalidInstructionError: The action does not say whose identity is changed, or how.
            UnavailableError: It could not be added now.
        """
        body = body_of(call.process, call.action)
        try:
            self._submitter.submit(call.process.chain, [body], call.key)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return DONE
