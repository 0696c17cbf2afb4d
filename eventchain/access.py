"""What the other services ask of the event chain: here (`OwnChains`), or in another process (`eventchain.client`)."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from eventchain.archive import read_event
from eventchain.citation import cite
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError, NotFoundError
from eventchain.core.ids import ChainId
from eventchain.core.keys import PublicKey
from eventchain.draft import draft
from eventchain.event import Event
from eventchain.intake import Parcel
from eventchain.service import EventChainService


class ChainAccess(Protocol):
    """The event chain service, as dispatcher, workflow engine and invitations see it."""

    def add_all(self, parcels: Sequence[Parcel]) -> Sequence[LiveContractError | None]:
        """Add events; see `EventChainService.add_all`."""

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None = None) -> Event:
        """Add an event signed with the node's key; see `EventChainService.submit`."""

    def submitted(self, chain: str, submission: str) -> Event | None:
        """Return the event that `submit` signed for something, or None; see `EventChainService.submitted`."""

    def cite(self, chain: str, hash_: str) -> dict[str, Any]:
        """Return what a body on another chain cites an event with; see `eventchain.citation.cite`.

        Raises:
            NotFoundError: This node keeps no such event.
            InvalidError: It is none that can be cited.
        """

    def draft(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> tuple[dict[str, Any], Entry]:
        """Return what a person has to sign, and the entry it would be; see `eventchain.draft.draft`."""

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """Check that a caller may bring a chain document; see `EventChainService.admit`."""

    def hears(self, document: Mapping[str, Any], sender: str) -> bool:
        """Whether an ask concerns a chain of this node; see `eventchain.asking.Asking.hears`."""

    def answer(self, document: Mapping[str, Any], sender: str) -> None:
        """Send the node of a sender what it lacks; see `eventchain.asking.Asking.answer`."""

    def member_of(self, caller: PublicKey, chain: str) -> str:
        """Return the identity as which a caller takes part in a chain; see `eventchain.door.Door.member_of`."""

    def identity_of(self, chain: str, key: str) -> str | None:
        """Return the id of the identity that holds a key (base58) on a chain, or None."""

    def chains_of(self, key: str) -> list[str]:
        """Return the ids of the chains in which a key (base58) takes part."""

    def identities(self, chain: str) -> frozenset[str]:
        """Return the ids of all identities of a chain.

        Raises:
            NotAdmittedError: This node keeps no such chain.
        """

    def is_certain(self, chain: str, hash_: str, when: str) -> bool:
        """Whether an event is certain enough for an effect in the world; see `Archive.is_certain`."""


class OwnChains:
    """The service of this process."""

    def __init__(self, service: EventChainService, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def add_all(self, parcels: Sequence[Parcel]) -> Sequence[LiveContractError | None]:
        """See `ChainAccess.add_all`."""
        return self._service.add_all(parcels)

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None = None) -> Event:
        """See `ChainAccess.submit`."""
        return self._service.submit(chain, body, submission)

    def submitted(self, chain: str, submission: str) -> Event | None:
        """See `ChainAccess.submitted`."""
        return self._service.submitted(chain, submission)

    def cite(self, chain: str, hash_: str) -> dict[str, Any]:
        """See `ChainAccess.cite`."""
        id_ = ChainId.parse(chain)
        document = self._service.archive.find(id_, base58.decode(hash_, name="hash"))
        if document is None:
            raise NotFoundError("this node keeps no such event")
        return cite(id_, read_event(document))

    def draft(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> tuple[dict[str, Any], Entry]:
        """See `ChainAccess.draft`."""
        return draft(self._service.tip(chain), body, key, self._clock())

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """See `ChainAccess.admit`."""
        self._service.admit(caller, document)

    def hears(self, document: Mapping[str, Any], sender: str) -> bool:
        """See `ChainAccess.hears`."""
        return self._service.asking.hears(document, sender)

    def answer(self, document: Mapping[str, Any], sender: str) -> None:
        """See `ChainAccess.answer`."""
        self._service.asking.answer(document, sender)

    def member_of(self, caller: PublicKey, chain: str) -> str:
        """See `ChainAccess.member_of`."""
        return self._service.door.member_of(caller, chain)

    def identity_of(self, chain: str, key: str) -> str | None:
        """See `ChainAccess.identity_of`."""
        return self._service.archive.identity_of(chain, key)

    def chains_of(self, key: str) -> list[str]:
        """See `ChainAccess.chains_of`."""
        return self._service.archive.chains_of(key)

    def identities(self, chain: str) -> frozenset[str]:
        """See `ChainAccess.identities`."""
        return frozenset(self._service.tip(chain).identities.by_id)

    def is_certain(self, chain: str, hash_: str, when: str) -> bool:
        """See `ChainAccess.is_certain`."""
        return self._service.archive.is_certain(chain, hash_, when)
