"""System actions that invite a party whose keys are not known yet (paper section 6.1).

```
{ "identity": id that the invitee gets, "email", "name", "contract"? = title of the process }
```

The node adds the identity with a one-time key to the chain, and sends the key to the address. The response carries id
and name, for an update to bind an actor to; no key, and no address, stands in it.

An action of kind reinvite does the same for somebody who is on the chain and has lost the keys (6.2): the event that
replaces them by the one-time key is its response (`workflow_engine.identity_action`).
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from workflow_engine.ports import Inviter
from workflow_engine.process import identity_of
from workflow_engine.triggers import DONE, ERROR, OK, Call, Outcome

_TITLE = "A contract"
_MAX_TITLE = 200
"""Characters of a contract's title in an invitation; that of a process may be longer, and have line ends."""


class InviteTrigger:
    """Runs actions of kind invite, and those of kind reinvite.

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
        try:
            invited = self._invite(call, None)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return Outcome(key=OK, data={"identity": invited["identity"], "name": invited["name"]})

    def again(self, call: Call) -> Outcome:
        """Invite somebody again.

        Raises:
            UnavailableError: Not now.
        """
        try:
            self._invite(call, (call.process.id, call.action))
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return Outcome(key=ERROR, data={"message": error.message})
        return DONE

    def _invite(self, call: Call, doing: tuple[str, str] | None) -> Mapping[str, Any]:
        given = call.properties()
        request: dict[str, Any] = {name: given.get(name) for name in ("identity", "email", "name")}
        request["title"] = given.get("contract") or _one_line(call.process.title or "") or _TITLE
        inviter = identity_of(call.process.actors[call.actor]) or ""
        return self._inviter.invite_once(call.process.chain, inviter, request, call.key, doing)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MAX_TITLE]
