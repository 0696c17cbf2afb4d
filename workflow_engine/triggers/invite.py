"""System actions that invite a party whose keys are not known yet (paper section 6.1).

```
{ "identity": id that the invitee gets, "email", "name", "contract"? = title of the process }
```

The node adds the identity with a one-time key to the chain, and sends the key to the address. The response carries id
and name, for an update to bind an actor to; no key, and no address, stands in it.
"""

from typing import Any

from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from workflow_engine.ports import Inviter
from workflow_engine.process import identity_of
from workflow_engine.triggers import ERROR, OK, Call, Outcome

_TITLE = "A contract"
_MAX_TITLE = 200
"""Characters of a contract's title in an invitation; that of a process may be longer, and have line ends."""


class InviteTrigger:
    """Runs actions of kind invite.

    Args:
        inviter: Adds identities, and sends keys.
    """

    def __init__(self, inviter: Inviter) -> None:
        self._inviter = inviter

    def __call__(self, call: Call) -> Outcome:
        """Invite somebody.

        Raises:
            UnavailableError: Not now.
        """
        given = call.properties()
        request: dict[str, Any] = {name: given.get(name) for name in ("identity", "email", "name")}
        request["title"] = given.get("contract") or _one_line(call.process.title or "") or _TITLE
        inviter = identity_of(call.process.actors[call.actor]) or ""
        try:
            invited = self._inviter.invite_once(call.process.chain, inviter, request, call.key)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return Outcome(key=OK, data={"identity": invited["identity"], "name": invited["name"]})


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MAX_TITLE]
