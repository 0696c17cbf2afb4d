"""The end of a chain, and what one more event makes of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eventchain import citation
from eventchain.chain import EventChain, advance_state
from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.ids import ChainId
from eventchain.event import Event
from eventchain.identity import Identities
from eventchain.privilege import change_of, validate_event


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """The end of a chain, or of a branch of it.

    Attributes:
        chain: Id of the chain.
        hash: Of the last event; of an empty chain, its initial hash.
        height: How many events there are up to it.
        state: The state after it.
        identities: As of after it.
    """

    chain: ChainId
    hash: bytes
    height: int
    state: bytes
    identities: Identities

    @classmethod
    def empty(cls, chain: ChainId) -> "Tip":
        """Return the end of a chain that has no events yet."""
        return cls(chain=chain, hash=chain.initial_hash, height=0, state=chain.initial_state, identities=Identities())

    def advance(self, event: Event) -> tuple["Tip", Entry]:
        """Check that an event's signer may add it here; return the new end, and what other services are told of it.

        Raises:
            LiveContractError: The data is not strict JSON, the signer is no member or lacks the privilege, or what the
                body cites of another chain is not what was signed there.
        """
        body, key = event.body(), str(event.sign_key)
        signer, identities = validate_event(self.identities, key, body)
        entry = Entry(
            chain=str(self.chain),
            hash=base58.encode(event.hash),
            previous=base58.encode(event.previous),
            timestamp=event.timestamp,
            body=body,
            signer=key,
            identity=signer.id,
            key_names=signer.key_names(key),
            members=self.identities.members,
            origin=citation.read(body, self.identities),
            identity_change=change_of(self.identities, signer, body),
        )
        state = advance_state(self.state, (event,)) or b""
        return replace(self, hash=event.hash, height=self.height + 1, state=state, identities=identities), entry


def entries_of(chain: EventChain) -> Iterator[tuple[Tip, Entry]]:
    """Walk a whole chain, and yield its end and the entry after each event.

    Raises:
        LiveContractError: See `Tip.advance`.
    """
    tip = Tip.empty(chain.id)
    for event in chain.events:
        tip, entry = tip.advance(event)
        yield tip, entry


def is_settled(chain: EventChain, hash_: bytes) -> bool:
    """Whether every active party has signed something on a chain since an event, that event included.

    A branch that starts before a settled event can only come from parties that contradict themselves. Who was invited
    and has not come yet is not active.

    Raises:
        LiveContractError: See `Tip.advance`.
    """
    signers: set[str] = set()
    is_since, active = False, frozenset[str]()
    for tip, entry in entries_of(chain):
        is_since = is_since or tip.hash == hash_
        if is_since:
            signers.add(entry.identity)
        active = frozenset(id_ for id_ in tip.identities.members if not tip.identities.by_id[id_].is_invited)
    return is_since and active <= signers
