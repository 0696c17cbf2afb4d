"""Who may bring events to this node, and which chains concern it at all (paper section 10.1).

Nodes know nothing of chains they are not part of: a new chain is taken in only if one of its identities lives on this
node, and events only from somebody who takes part in the chain. These checks come before the costly ones; the
signatures of the events themselves decide what is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eventchain.archive import Archive, is_identity_event
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId
from eventchain.core.keys import PublicKey
from eventchain.errors import ChainNotFoundError, NotAdmittedError, UnknownPreviousError
from eventchain.event import Event
from eventchain.identity import SYSTEM_KEY, Identities, read_identity
from eventchain.privilege import validate_event


class Door:
    """Decides on requests from what the archive knows."""

    def __init__(self, archive: Archive, system_key: str, users: frozenset[str]) -> None:
        self._archive = archive
        self._system_key = system_key
        self._users = users

    def admit(self, caller: PublicKey, chain: ChainId, events: Sequence[Event]) -> None:
        """Check that the sender of a request may bring these events.

        Raises:
            NotAdmittedError: It takes no part in the chain, or this node does not.
            UnknownPreviousError: It may take part, by events that have not arrived here yet.
        """
        key = str(caller)
        if key == self._system_key or self._archive.identity_of(str(chain), key):
            return
        if events and not self._is_known(chain, events[0].previous):
            raise UnknownPreviousError("the events before these have not arrived here")
        if any(key in identity.get("sign_keys", {}).values() for identity in _identities_in(events)):
            return
        if self._archive.identities(chain).holder(key) is None:  # saved already, it may become a member this moment
            raise NotAdmittedError("the sender of the request takes no part in this chain")

    def knows(self, key: str) -> bool:
        """Whether somebody (base58) takes part in any chain of this node, or is this node."""
        return key == self._system_key or bool(self._archive.chains_of(key, limit=1))

    def member_of(self, caller: PublicKey, chain: str) -> str:
        """Return the identity as which a caller takes part in a chain.

        Raises:
            ChainNotFoundError: It does not, or there is no such chain: it is not told which.
        """
        identity = self._archive.identity_of(chain, str(caller))
        if identity is None:
            raise ChainNotFoundError("there is no such chain, or you take no part in it")
        return identity

    def check_new_chain(self, chain: ChainId, events: Sequence[Event]) -> None:
        """Check that a chain this node does not have concerns it: an identity of it lives here.

        Raises:
            UnknownPreviousError: The chain does not start with its first event.
            NotAdmittedError: No identity on it lives on this node, or none of a user it serves.
        """
        if events[0].previous != chain.initial_hash:
            raise UnknownPreviousError("this node does not have the chain", hint="Send it from its first event.")
        identities = Identities()
        for event in events:
            try:
                _, identities = validate_event(identities, str(event.sign_key), event.body())
            except LiveContractError:
                break  # adding the event will say why it is refused
        here = identities.of_node(self._system_key)
        if identities.by_id and not here:
            raise NotAdmittedError(
                "no identity of this chain lives on this node",
                hint=f"Its sign keys should name this node's key as {SYSTEM_KEY}: {self._system_key}",
            )
        keys = {key for identity in here for key in identity.sign_keys.values()}
        if self._users and identities.by_id and not keys & self._users:
            raise NotAdmittedError("this node does not serve any user of that chain")

    def is_peer(self, sender: str | None, events: Sequence[Event]) -> bool:
        """Whether the sender is another node, by an identity event among those it sends."""
        return sender not in (None, self._system_key) and any(
            identity.get("sign_keys", {}).get(SYSTEM_KEY) == sender for identity in _identities_in(events)
        )

    def _is_known(self, chain: ChainId, previous: bytes) -> bool:
        return previous == chain.initial_hash or self._archive.find(chain, previous) is not None


def _identities_in(events: Iterable[Event]) -> Iterable[Mapping[str, Any]]:
    """Yield what the identity events among these say; malformed ones say nothing."""
    for event in events:
        try:
            body = event.body()
            if is_identity_event(body):
                yield read_identity(body)
        except LiveContractError:
            continue
