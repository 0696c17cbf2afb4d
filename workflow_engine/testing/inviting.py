"""Invitations in a test: identities with a one-time key that a person takes over (paper section 6.1).

Who was invited and has not accepted yet has no keys of their own: they do nothing, and no node of theirs does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eventchain.core.errors import ConflictError, InvalidError, NotFoundError
from workflow_engine.errors import quote
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError

MAX_INVITATIONS = 256
"""As many as a node sends to one chain."""

_MAX_TEXT = 200


@dataclass(slots=True, kw_only=True)
class Invitation:
    """An invitation that a node has sent.

    Attributes:
        identity: Id of the identity that was added to the chain.
        email: Where it was sent.
        name: Of the invitee, as the inviter wrote it.
        title: What the mail calls the contract.
        inviter: In whose name it was sent.
        is_again: Whether the identity was on the chain before, under keys that the invitation replaces.
        is_accepted: Whether the invitee has keys of their own.
    """

    identity: str
    email: str
    name: str
    title: str
    inviter: str
    is_again: bool = False
    is_accepted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what a step may look at: what stands in the mail, and whether it was accepted."""
        return {
            "identity": self.identity,
            "email": self.email,
            "name": self.name,
            "contract": self.title,
            "inviter": self.inviter,
            "accepted": self.is_accepted,
        }


@dataclass(slots=True)
class Invitations:
    """The invitations of a test.

    Attributes:
        sent: By idempotency key, in the order in which they were sent.
        names: The identity of each person who took one over under a name of their own.
    """

    sent: dict[str, Invitation] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def invite(
        self,
        request: Mapping[str, Any],
        inviter: str,
        key: str,
        members: Mapping[str, Any],
        *,
        is_again: bool = False,
    ) -> Invitation:
        """Return an invitation, a new one unless this key has sent one; again where the identity is on the chain.

        Raises:
            InvalidError: Something in the request is missing or malformed.
            ConflictError: The identity is on the chain already, or too many were sent.
            NotFoundError: Nobody of the chain is to be invited again by this name.
        """
        if key in self.sent:
            return self.sent[key]
        texts = {name: _text(request, name) for name in ("identity", "email", "name", "title")}
        before, at, after = texts["email"].partition("@")
        if not (before and at and after) or "@" in after or " " in texts["email"]:
            raise InvalidError("this is not a mail address", path="$.email", hint="Write it as name@example.com.")
        if is_again and texts["identity"] not in members:
            raise NotFoundError(f"the chain has no identity {texts['identity']}", path="$.identity")
        if not is_again and texts["identity"] in members:
            raise ConflictError(f"the chain has an identity {texts['identity']} already", path="$.identity")
        if len(self.sent) >= MAX_INVITATIONS:
            raise ConflictError(f"this node has sent {MAX_INVITATIONS} invitations to this chain")
        self.sent[key] = Invitation(
            identity=texts["identity"],
            email=texts["email"],
            name=texts["name"],
            title=texts["title"],
            inviter=inviter,
            is_again=is_again,
        )
        return self.sent[key]

    def is_waiting(self, identity: str) -> bool:
        """Tell whether an identity was invited and has no keys of its own yet."""
        return any(item.identity == identity and not item.is_accepted for item in self.sent.values())

    def accept(self, person: str, email: str | None) -> Invitation:
        """Let a person take over an invitation: the last one to this address, or that of the identity of their name.

        Raises:
            UnmetError: There is none that waits.
        """
        identity = self.identity_of(person)
        for item in reversed(self.sent.values()):
            if not item.is_accepted and (item.identity == identity if email is None else item.email == email):
                self.names = {name: known for name, known in self.names.items() if known != item.identity}
                if item.identity != person:
                    self.names[person] = item.identity
                item.is_accepted = True
                return item
        waiting = [f"{item.email} (as {item.identity})" for item in self.sent.values() if not item.is_accepted]
        wanted = f"an invitation of {quote(person)}" if email is None else f"an invitation sent to {email}"
        raise UnmetError(f"{wanted} to wait", f"those that wait are: {', '.join(waiting)}" if waiting else "none waits")

    def has_lost(self, person: str) -> bool:
        """Tell whether somebody else has taken the invitation that replaced a person's keys."""
        is_theirs = self.name_of(person) == person
        return not is_theirs and any(item.is_again and item.identity == person for item in self.sent.values())

    def to(self, email: str) -> Invitation:
        """Return the last invitation that was sent to an address.

        Raises:
            UnmetError: None was.
        """
        for item in reversed(self.sent.values()):
            if item.email == email:
                return item
        there = ", ".join(item.email for item in self.sent.values())
        raise UnmetError(f"an invitation to be sent to {email}", f"they went to: {there}" if there else "none was sent")

    def identity_of(self, person: str) -> str:
        """Return the identity of a person: the one they took over, or that of their name."""
        return self.names.get(person, person)

    def name_of(self, identity: str) -> str:
        """Return what people call an identity: the name of who took it over, or its id."""
        return next((name for name, known in self.names.items() if known == identity), identity)

    def check_name(self, person: str) -> None:
        """See that a name is free for who takes over an invitation.

        Raises:
            InvalidFeatureError: It belongs to another identity.
        """
        if person in self.names and not self.is_waiting(self.names[person]):
            raise InvalidFeatureError(f"{quote(person)} has taken over an invitation already.")


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise InvalidError(f"{name} should be a text of 1 to {_MAX_TEXT} characters", path=f"$.{name}")
    return value
