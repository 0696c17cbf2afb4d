"""The event chain service of another process of the same node: the methods of `eventchain.access.ChainAccess`.

The other end is `eventchain.routes_internal`; what crosses is drawn there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from eventchain import event_json
from eventchain.core import problem
from eventchain.core.call import Call
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import Generation
from eventchain.core.keys import PublicKey
from eventchain.event import Event
from eventchain.intake import Parcel

MAX_PART = 4 * 1024 * 1024
"""Bytes of JSON in one request, unless a single parcel is larger: the other side reads it as a whole."""


class EventChainClient:
    """Asks an event chain service. Every method raises what the service raises, in its family and with its code."""

    def __init__(self, call: Call) -> None:
        """Ask through `call`."""
        self._call = call

    def add_all(self, parcels: Sequence[Parcel]) -> Sequence[LiveContractError | None]:
        """See `ChainAccess.add_all`. Many go in few requests."""
        outcomes: list[LiveContractError | None] = []
        for part in _parts(parcels):
            answers = self._call("/internal/chains/add-all", {"parcels": part})["outcomes"]
            outcomes += [_read_outcome(answer) for answer in answers]
        return outcomes

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None = None) -> Event:
        """See `ChainAccess.submit`."""
        request = {"chain": chain, "body": body, "submission": submission}
        return event_json.read_event(self._call("/internal/chains/submit", request)["event"], Generation.V2)

    def submitted(self, chain: str, submission: str) -> Event | None:
        """See `ChainAccess.submitted`."""
        event = self._call("/internal/chains/submitted", {"chain": chain, "submission": submission})["event"]
        return None if event is None else event_json.read_event(event, Generation.V2)

    def cite(self, chain: str, hash_: str) -> dict[str, Any]:
        """See `ChainAccess.cite`."""
        return dict(self._call("/internal/chains/cite", {"chain": chain, "hash": hash_})["origin"])

    def draft(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> tuple[dict[str, Any], Entry]:
        """See `ChainAccess.draft`."""
        answer = self._call("/internal/chains/draft", {"chain": chain, "body": body, "key": str(key)})
        return dict(answer["document"]), Entry.from_dict(answer["entry"])

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """See `ChainAccess.admit`."""
        self._call("/internal/chains/admit", {"caller": str(caller), "document": document})

    def hears(self, document: Mapping[str, Any], sender: str) -> bool:
        """See `ChainAccess.hears`."""
        return bool(self._call("/internal/chains/hears", {"document": document, "sender": sender})["hears"])

    def answer(self, document: Mapping[str, Any], sender: str) -> None:
        """See `ChainAccess.answer`."""
        self._call("/internal/chains/answer", {"document": document, "sender": sender})

    def member_of(self, caller: PublicKey, chain: str) -> str:
        """See `ChainAccess.member_of`."""
        return str(self._call("/internal/chains/member-of", {"caller": str(caller), "chain": chain})["identity"])

    def identity_of(self, chain: str, key: str) -> str | None:
        """See `ChainAccess.identity_of`."""
        identity = self._call("/internal/chains/identity-of", {"chain": chain, "key": key})["identity"]
        return None if identity is None else str(identity)

    def chains_of(self, key: str) -> list[str]:
        """See `ChainAccess.chains_of`."""
        return list(self._call("/internal/chains/chains-of", {"key": key})["chains"])

    def identities(self, chain: str) -> frozenset[str]:
        """See `ChainAccess.identities`."""
        return frozenset(self._call("/internal/chains/identities", {"chain": chain})["identities"])

    def is_certain(self, chain: str, hash_: str, when: str) -> bool:
        """See `ChainAccess.is_certain`."""
        request = {"chain": chain, "hash": hash_, "when": when}
        return bool(self._call("/internal/chains/is-certain", request)["certain"])


def _parts(parcels: Sequence[Parcel]) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = []
    room = 0
    for parcel in parcels:
        form = {
            "document": parcel.document,
            "sender": parcel.sender,
            "submission": parcel.submission,
            "at_end": parcel.at_end,
            "may_wait": parcel.may_wait,
        }
        size = len(json.dumps(form))
        if not parts or size > room:
            parts.append([])
            room = MAX_PART
        parts[-1].append(form)
        room -= size
    return parts


def _read_outcome(answer: Any) -> LiveContractError | None:
    if answer is None:
        return None
    return problem.from_response(answer["status"], answer, "the event chain service")
