"""The mail that invites somebody to a contract (paper section 6.1).

The one-time key travels in the attached file, never in a URL: addresses end up in logs and histories. Who takes the
invitation replaces the key with keys of their own; from then on it opens nothing.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from eventchain.core.keys import KeyPair
from livecontract.mail import Attachment, Mail, validate_address

SCHEMA = "urn:livecontract:invitation:1"
FILE_NAME = "invitation.json"
_MAX_TITLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What somebody needs to take part.

    Attributes:
        chain: Id of the contract's chain, base58.
        identity: Id that was made for them on the chain.
        node: URL of the node that invites and has the chain.
        key: The one-time key.
        inviter: Name of the organisation that invites.
        title: Of the contract.
    """

    chain: str
    identity: str
    node: str
    key: KeyPair = field(repr=False)
    inviter: str
    title: str

    def to_dict(self) -> dict[str, Any]:
        """Return the attached document. It holds the private key."""
        return {
            "$schema": SCHEMA,
            "chain": self.chain,
            "identity": self.identity,
            "node": self.node,
            "inviter": self.inviter,
            "title": self.title,
            "one_time_key": {"public_key": str(self.key.public_key), "private_key": self.key.private_key},
        }


def invitation_mail(invitation: Invitation, to: str) -> Mail:
    """Return the mail of an invitation.

    Raises:
        InvalidMailError: `to` is not a mail address.
    """
    inviter, title = _one_line(invitation.inviter), _one_line(invitation.title)
    text = _TEXT.format(inviter=inviter, title=title, node=_one_line(invitation.node), file=FILE_NAME)
    data = json.dumps(invitation.to_dict(), indent=2, ensure_ascii=False).encode("utf-8")
    return Mail(
        to=validate_address(to),
        subject=f"{inviter} invites you to the contract: {title}",
        text=text,
        attachments=(Attachment(name=FILE_NAME, media_type="application/json", data=data),),
    )


def _one_line(text: str) -> str:
    """Return text that others chose on one line, so that it cannot pass for lines of the mail itself."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MAX_TITLE else line[: _MAX_TITLE - 1] + "…"


_TEXT = """\
Hello,

{inviter} invites you to take part in a contract:

    {title}

What this means
    The contract is carried out step by step, and every step is signed and kept by each party in its own records.
    You agree to nothing by opening this mail or by taking up the invitation. You act only when you sign a step.

What to do
    1. Save the attached file, {file}.
    2. Open it in the live contracts software of your organisation, and choose to take up the invitation.
       If your organisation has none yet, hand this mail to whoever looks after your computers.
    3. Your own key then takes the place of the one in the file, and you see the contract and what is asked of you.

Keep the attached file to yourself until then: it holds a key that can be used once, and whoever has it can take up
the invitation in your place. Afterwards it is worthless and you may delete it.

If you do not know {inviter}, or expect no contract from them, do not take up the invitation. Ask them first, by a
telephone number you already know.

The contract is at {node}. There is no link to click in this mail, on purpose.
"""
