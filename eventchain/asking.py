"""Asking the nodes of other parties for missing events, and answering when they ask.

An ask goes out when events come whose predecessors are not here, and when an operator wants to know. It is a message
like any other: it waits in the queue while the other node is away. Who is asked, and where an answer goes, is what the
identities on the chain say, never what a document says. Whoever takes no part in a chain gets no answer at all, as if
there were no such chain, and costs one look-up.

What comes back are ordinary chain documents in parts; they go through the eight steps like all others. Whoever is asked
and finds that the asker has more, asks back, once.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import structlog

from eventchain import ask as asks
from eventchain.archive import Archive, read_event
from eventchain.ask import Ask, Missing, decide, read_ask
from eventchain.core import base58, canonical_json
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.identity import Identities, Identity
from eventchain.pace import Pace
from eventchain.parts import encode, partial_chain, split
from eventchain.ports import Outgoing, Queue
from eventchain.store.document_store import Document

ASK_MS = 5_000
"""Milliseconds between two asks to one node about one chain."""

HEAR_MS = 1_000
"""Milliseconds between two asks of one node about one chain that are looked into."""

ANSWER_MS, LONGEST_ANSWER_MS = 5_000, 60 * 60 * 1000
"""Milliseconds between two answers to one node about one chain, which may each be the whole of it: who asks again and
again for the same, is answered more and more rarely."""

MAX_NODES = 20
"""Nodes asked when it is not known which of them has what is missing."""

MAX_NEW_CHAINS = 100
"""Whole chains sent to a node that asked for those it does not have; it may ask again for the rest."""

_PAGE = 500

log = structlog.get_logger(__name__)


class Asking:
    """Asks for missing events, and answers with those that are here."""

    def __init__(self, archive: Archive, queue: Queue, system_key: str, node_uri: str | None, clock: Clock) -> None:
        self._archive = archive
        self._queue = queue
        self._system_key = system_key
        self._node_uri = node_uri
        self._clock = clock
        self._asked = Pace(ASK_MS, ASK_MS)
        self._heard = Pace(HEAR_MS, HEAR_MS)
        self._answered = Pace(ANSWER_MS, LONGEST_ANSWER_MS)
        self._lock = threading.Lock()

    # Asking

    def seek(self, chain: ChainId, sender: str | None) -> None:
        """Ask for what comes before events that cannot be taken in yet. Never fails: it is asked again anyway.

        Args:
            chain: Theirs.
            sender: Public key (base58) of who sent them: its node is asked, if it is known; else those of all others.
        """
        try:
            nodes = self._nodes_for(chain, sender)
            self._publish(self._ask(chain, node) for node in nodes[:MAX_NODES])
        except LiveContractError as error:
            log.info("not asked for missing events", chain=str(chain), reason=error.message)

    def ask_all(self) -> list[tuple[str | None, str]]:
        """Ask every other node about every chain it takes part in, and for chains that are not here.

        Returns:
            What was asked of whom: (id of a chain or None, URI of a node).

        Raises:
            UnavailableError: The queue cannot take it.
        """
        asked: list[tuple[str | None, str]] = []
        shared: dict[str, list[ChainId]] = {}
        for name in self._archive.chains_of(self._system_key):
            chain = ChainId.parse(name)
            for node in self._others(self._archive.identities(chain)):
                shared.setdefault(node, []).append(chain)
                if message := self._ask(chain, node):
                    self._publish([message])
                    asked.append((name, node))
        for node, chains in shared.items():
            if len(chains) <= asks.MAX_KNOWN:
                self._publish([self._ask_for_new(node, chains)])
                asked.append((None, node))
        return asked

    def peers(self) -> list[str]:
        """Return the URIs of all other nodes on the chains this node takes part in."""
        chains = map(ChainId.parse, self._archive.chains_of(self._system_key))
        return sorted({node for chain in chains for node in self._others(self._archive.identities(chain))})

    def _nodes_for(self, chain: ChainId, sender: str | None) -> list[str]:
        """Return whom to ask about a chain: the sender's node if an identity names it, else those of all others."""
        identities = self._archive.identities(chain)
        holder = identities.holder(sender) if sender else None
        if holder and (node := self._address(holder)):
            return [node]
        if identities.by_id or sender is None:
            return self._others(identities)
        for name in self._archive.chains_of(sender):  # of a chain that is not here, but sent by a known node
            known = self._archive.identities(ChainId.parse(name)).holder(sender)
            if known and known.system_key == sender and (node := self._address(known)):
                return [node]
        return []

    def _others(self, identities: Identities) -> list[str]:
        own = {item.node for item in identities.of_node(self._system_key)}
        return sorted(identities.nodes - own - {self._node_uri})

    def _address(self, identity: Identity) -> str | None:
        """Return where the node of an identity is; None if it is this one."""
        own = identity.system_key == self._system_key or identity.node == self._node_uri
        return None if own else identity.node

    def _ask(self, chain: ChainId, node: str, *, back: bool = False) -> Outgoing | None:
        if not self._allows(self._asked, (str(chain), node)):
            return None
        return _message(node, Ask(chain=chain, known=tuple(self._known(chain)), back=back))

    def _ask_for_new(self, node: str, chains: Iterable[ChainId]) -> Outgoing | None:
        firsts = (self._archive.hash_at(chain, 0) for chain in chains)
        return _message(node, Ask(chain=None, known=tuple(first for first in firsts if first)))

    def _known(self, chain: ChainId) -> Iterator[bytes]:
        """Yield what this node has of a chain, as an ask names it."""
        tip = self._archive.load_tip(chain)
        if tip.height == 0:
            return
        yield tip.hash
        newest = sorted(self._archive.conflicts(chain), key=_found, reverse=True)[: asks.MAX_ENDS]
        for conflict in newest:
            yield base58.decode(conflict["tip"], name="tip")
        for position in asks.sample(tip.height):
            if hash_ := self._archive.hash_at(chain, position):
                yield hash_

    # Answering

    def hears(self, document: Mapping[str, Any], sender: str) -> bool:
        """Whether an ask is worth keeping: its sender takes part in the chain named, or in any.

        Raises:
            InvalidAskError: It is malformed.
        """
        ask = read_ask(document)
        if ask.chain is not None:
            return self._archive.identity_of(str(ask.chain), sender) is not None
        return bool(self._archive.chains_of(sender))

    def answer(self, document: Mapping[str, Any], sender: str) -> None:
        """Send the node of the sender what it lacks, and ask back if it has more.

        Args:
            document: The ask.
            sender: Public key (base58) of the node that signed it.

        Raises:
            InvalidAskError: It is malformed.
            UnavailableError: Store or queue are away.
        """
        ask = read_ask(document)
        key = (str(ask.chain), sender)
        if not self._allows(self._heard, key):
            return
        try:
            if ask.chain is None:
                self._answer_with_new(frozenset(ask.known), sender)
            else:
                self._answer(ask, ask.chain, sender)
        except LiveContractError:
            with self._lock:  # the ask comes again
                self._heard.forget(key)
            raise

    def _answer_with_new(self, firsts: frozenset[bytes], sender: str) -> None:
        """Send the chains whose first event the asker does not name."""
        sent = 0
        for name in self._archive.chains_of(sender):
            chain = ChainId.parse(name)
            if self._archive.hash_at(chain, 0) not in firsts and self._answer(Ask(chain=chain), chain, sender):
                sent += 1
            if sent == MAX_NEW_CHAINS:
                break

    def _answer(self, ask: Ask, chain: ChainId, sender: str) -> bool:
        """Answer about one chain; return whether anything was sent."""
        if self._archive.identity_of(str(chain), sender) is None:
            return False
        identity = self._archive.identities(chain).holder(sender)
        node = self._address(identity) if identity and identity.system_key == sender else None
        if node is None:
            return False
        missing = decide(self._archive.places(chain, ask.known))
        if missing.has_more and not ask.back:
            self._publish([self._ask(chain, node, back=True)])
        key, sent = (str(chain), sender), 0
        try:
            for part in self._missing_parts(chain, missing, frozenset(ask.known), sender):
                if not sent and not self._allows(self._answered, key):
                    return False
                self._queue.publish([_answer_message(node, encode(partial_chain(chain, part)))])
                sent += len(part)
        except LiveContractError:
            with self._lock:
                self._answered.forget(key)
            raise
        if sent:
            log.info("missing events sent", chain=str(chain), events=sent, new=missing.is_new)
        return bool(sent)

    def _missing_parts(
        self, chain: ChainId, missing: Missing, known: frozenset[bytes], sender: str
    ) -> Iterator[list[Document]]:
        """Yield what the asker lacks: of the canonical chain first, then of the branches beside it."""
        until = self._makes_members(chain, sender) if missing.is_new else -1
        yield from split(self._canonical(chain, missing.after), until=until)
        for conflict in sorted(self._archive.conflicts(chain), key=_found):
            if base58.decode(conflict["tip"], name="tip") in known:
                continue
            segment = self._archive.segment(chain, conflict)
            shared = [index for index, item in enumerate(segment) if _hash(item) in known]
            yield from split(segment[shared[-1] + 1 if shared else 0 :])

    def _canonical(self, chain: ChainId, after: int) -> Iterator[Document]:
        while page := self._archive.canonical(chain, after=after, limit=_PAGE):
            yield from page
            after += len(page)

    def _makes_members(self, chain: ChainId, sender: str) -> int:
        """Return the position of the event by which both the asker and this node are members."""
        identities = Identities()
        for document in self._archive.identity_events(chain):
            identities = identities.apply(read_event(document).body())
            if identities.of_node(sender) and identities.of_node(self._system_key):
                position = document["position"]
                return position if isinstance(position, int) else -1
        return -1

    # Inside

    def _allows(self, pace: Pace, key: tuple[str, str]) -> bool:
        with self._lock:
            return pace.allows(key, self._clock())

    def _publish(self, messages: Iterable[Outgoing | None]) -> None:
        if found := [message for message in messages if message]:
            self._queue.publish(found)


def _message(node: str, ask: Ask) -> Outgoing:
    """Return an ask as a message: its id names node and chain, so that not two of them wait at once."""
    subject = f"ask\n{node}\n{ask.chain}\n{ask.back}".encode()
    body = canonical_json.encode(ask.to_dict())
    return Outgoing(queue="relay", group=node, id=base58.encode(sha256(subject)), body=body, kind="ask")


def _answer_message(node: str, body: bytes) -> Outgoing:
    """Return an answer as a message with a name of its own: the same events may wait for their next try already."""
    name = b"answer\n" + node.encode() + b"\n" + body
    return Outgoing(queue="relay", group=node, id=base58.encode(sha256(name)), body=body)


def _hash(document: Document) -> bytes:
    return base58.decode(document["hash"], name="hash")


def _found(conflict: Document) -> int:
    found = conflict["found"]
    return found if isinstance(found, int) else 0
