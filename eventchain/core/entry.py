"""What the event chain tells the other services about one event: the common word between them.

It carries what was verified (who signed, as which identity) beside what was said, in plain JSON values, so that it
crosses a process border unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ORIGIN_SCHEMA = "urn:livecontract:origin:1"
"""`$schema` of the member `origin` of a body that cites an event of another chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A signed event of another chain that an event cites (`eventchain.citation`): hash and signature were verified.

    Attributes:
        chain: Id of the chain on which it is said to stand. An event does not name its chain, so this is the word of
            whoever cites it.
        hash: Its hash, base58.
        timestamp: What its signer's clock said, in milliseconds since 1970.
        signer: Public sign key, base58.
        identity: Id of the identity that holds this key on the chain that cites, at that place; None if there is none.
        body: Its JSON object.
    """

    chain: str
    hash: str
    timestamp: int
    signer: str
    identity: str | None
    body: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the attributes under their names."""
        return {name: getattr(self, name) for name in self.__slots__}


OWN, NEW, OTHER = "own", "new", "other"
"""What an identity event changes: the signer's own identity, nothing that was there (it adds one), somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One verified event, at its place on a chain.

    Attributes:
        chain: Id of the chain, base58.
        hash: Hash of the event, base58.
        previous: Hash of the event before it, base58; of the first event, the chain's initial hash.
        timestamp: What the signer's clock said, in milliseconds since 1970.
        body: The event's JSON object. `$schema` says what it is; data that is not a JSON object comes as `{}`.
        signer: Public sign key, base58.
        identity: Id of the identity that holds the key at this place.
        key_names: The names under which that identity holds it (`user`, `system`, `default`, …).
        members: Ids of all identities with sign keys on the chain, as of just before this event.
        origin: The event of another chain that the body cites, or None.
        identity_change: Of an identity event, what it changes: `OWN`, `NEW` or `OTHER`. None for all other events.
    """

    chain: str
    hash: str
    previous: str
    timestamp: int
    body: Mapping[str, Any]
    signer: str
    identity: str
    key_names: frozenset[str]
    members: frozenset[str]
    origin: Origin | None = None
    identity_change: str | None = None

    @property
    def does_action(self) -> bool:
        """Whether an identity event is the doing of an action, by which alone somebody else's may be changed.

        Who names an action is held to it, also where it would not be needed.
        """
        named = action_named(self.body) is not None
        return self.identity_change == OTHER or (self.identity_change is not None and named)

    @property
    def schema(self) -> str | None:
        """The body's `$schema`, or None."""
        schema = self.body.get("$schema")
        return schema if isinstance(schema, str) else None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the attributes under their names, sets as sorted lists, without an absent origin."""
        return {
            "chain": self.chain,
            "hash": self.hash,
            "previous": self.previous,
            "timestamp": self.timestamp,
            "body": self.body,
            "signer": self.signer,
            "identity": self.identity,
            "key_names": sorted(self.key_names),
            "members": sorted(self.members),
            **({} if self.origin is None else {"origin": self.origin.to_dict()}),
            "identity_change": self.identity_change,
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> "Entry":
        """Read what `to_dict` gave; a process of the same node wrote it.

        Raises:
            KeyError, TypeError: It is something else.
        """
        sets = {name: frozenset(form[name]) for name in ("key_names", "members")}
        origin = Origin(**form["origin"]) if form.get("origin") else None
        return cls(**{**form, **sets, "origin": origin})


def action_named(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return process and action that the body of an identity event names as `process` and `action`, or None.

    Both are texts; anything else is information like every other member.
    """
    process, action = body.get("process"), body.get("action")
    if isinstance(process, str) and isinstance(action, str) and process and action:
        return process, action
    return None
