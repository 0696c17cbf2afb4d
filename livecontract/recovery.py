"""Getting a node's chains back from the other parties, and proving them against the anchors.

A node that has nothing left but its key asks other parties' nodes for every chain it takes part in, and takes in what
they tell through the same eight steps as always: forged, broken or foreign chains do not come in, whoever tells them.
What is then known of each chain, and what is not:

- It starts with the event of the holder of its id, every event names the one before it, every signer was a member with
  the privilege at that place, the workflow engine took every response. Proven by the chain itself.
- Every event existed when the public chain says so, and is exactly the one that was anchored. Proven by the receipts,
  against the headers of the public chain from its first block on. Whose genesis block that is, only the operator knows.
- That nothing was left out at the end is *not* proven by the events: a chain without its last events is a valid
  chain. It is as credible as the nodes that were asked are independent of each other, and as they agree. Only where
  this node's own account paid for anchors do these name hashes that have to be there (`foreign_anchors`): they cover
  the events that entered here, and those of others that were not anchored in time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from anchor import receipt as receipts
from anchor.block import Header
from anchor.parameters import Parameters
from eventchain.archive import Archive
from eventchain.chain import EventChain, read_chain
from eventchain.core import base58
from eventchain.core.errors import InvalidError, LiveContractError
from eventchain.core.ids import ChainId
from eventchain.intake import Parcel
from eventchain.service import EventChainService
from livecontract.client import NodeClient, part
from livecontract.evidence import CLOCK_TOLERANCE

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds a node that answered once may be away, or busy with our many requests."""

_BATCH = 1_000
_BLOCKS = 50
"""Blocks fetched at once to look for anchors of an account."""

ANCHOR_TYPE = 15
"""Type of an anchor transaction, in the public chain's JSON."""


class Source(Protocol):
    """Another party's node."""

    uri: str
    key: str

    def chains(self) -> Sequence[str]:
        """Return the ids of the chains this node takes part in, as the other node keeps them."""

    def documents(self, chain: str) -> Sequence[Mapping[str, Any]]:
        """Return a chain, and then its branches, as documents of chains."""


class PublicChain(Protocol):
    """The anchor service, or its client."""

    def receipts(self, hashes: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return the final receipts there are for these hashes (base58)."""

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the headers of the final blocks at these heights, as far as there are any."""


class HttpSource:
    """Another party's node, over its HTTP API."""

    def __init__(self, client: NodeClient) -> None:
        """Ask who it is.

        Raises:
            UnavailableError: It does not answer.
            InvalidError: What answers is no node.
        """
        self._client = client
        self.uri = client.base_url
        about = client.get("/")
        key = about.get("signkey") if isinstance(about, dict) else None
        if not isinstance(key, str):
            raise InvalidError(f"{self.uri} does not say which key it has: is it a node?")
        self.key = key

    def chains(self) -> Sequence[str]:
        """See `Source.chains`."""
        return _read(lambda: [str(item["id"]) for item in self._client.get_all("/event-chains")])

    def documents(self, chain: str) -> Sequence[Mapping[str, Any]]:
        """See `Source.documents`."""
        path = f"/event-chains/{part(chain)}"
        branches = _read(lambda: [conflict["branch"] for conflict in self._client.get_all(f"{path}/conflicts")])
        return [self._client.get(path), *branches]


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except (KeyError, TypeError):
        raise InvalidError("it answers something else than a node does") from None


@dataclass(slots=True)
class ChainReport:
    """What was recovered of one chain, and what is proven of it.

    Attributes:
        chain: Its id.
        events: How many it has here now.
        branches: How many branches stand beside it.
        ends: The hash (base58) of its last event by who told it.
        refused: Why something was not taken in, by who told it.
        anchored: How many events have a receipt that verifies.
        unanchored: Hashes of those that have none, in order.
        disproven: Why a receipt does not verify, by hash.
        not_asked: URIs of nodes of its parties that were not asked, or did not answer.
    """

    chain: str
    events: int = 0
    branches: int = 0
    ends: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    anchored: int = 0
    unanchored: list[str] = field(default_factory=list)
    disproven: dict[str, str] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        """Whether all who were asked tell the same end."""
        return len(set(self.ends.values())) == 1

    @property
    def is_proven(self) -> bool:
        """Whether all that can be proven is: it came in, every event is anchored, and all tell the same end."""
        return bool(self.events) and self.agree and not (self.refused or self.unanchored or self.disproven)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "chain": self.chain,
            "proven": self.is_proven,
            "events": self.events,
            "branches": self.branches,
            "agree": self.agree,
            "ends": self.ends,
            "refused": self.refused,
            "anchored": self.anchored,
            "unanchored": self.unanchored,
            "disproven": self.disproven,
            "not_asked": self.not_asked,
        }


@dataclass(slots=True)
class Report:
    """What came of a recovery.

    Attributes:
        chains: By id.
        silent: Why nodes could not be asked, by URI.
        headers: How many blocks of the public chain were checked; 0 without a public chain.
        genesis: Signature of its first block, base58.
        public_chain: Why it could not be checked.
        foreign_anchors: Hashes that this node's own account had anchored and that belong to no event here, with the
            height of their block: events that nobody told of, or hashes that were no events.
    """

    chains: dict[str, ChainReport] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    headers: int = 0
    genesis: str | None = None
    public_chain: str | None = None
    foreign_anchors: dict[str, int] = field(default_factory=dict)

    @property
    def is_proven(self) -> bool:
        """Whether every chain is proven, everybody answered, and no anchored hash is without its event."""
        every = all(report.is_proven for report in self.chains.values())
        return every and not (self.silent or self.public_chain or self.foreign_anchors)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "proven": self.is_proven,
            "chains": [report.to_dict() for report in self.chains.values()],
            "silent": self.silent,
            "public_chain": {"headers": self.headers, "genesis": self.genesis, "error": self.public_chain},
            "foreign_anchors": self.foreign_anchors,
        }


def take_in(service: EventChainService, sources: Sequence[Source], own: str, report: Report) -> None:
    """Ask every source for every chain, and take in what it tells; what goes wrong stands in the report.

    Args:
        service: Takes it in.
        sources: Other parties' nodes.
        own: Public key (base58) of this node.
        report: Says then what was taken in.
    """
    for source in sources:
        try:
            told = [str(ChainId.parse(chain)) for chain in source.chains()]
        except LiveContractError as error:
            report.silent[source.uri] = error.message
            continue
        for chain in told:
            found = report.chains.setdefault(chain, ChainReport(chain))
            try:
                _take_chain(service, source, found)
            except LiveContractError as error:
                found.refused[source.uri] = error.message
    for found in report.chains.values():
        _describe(service.archive, found, {source.uri for source in sources} - report.silent.keys(), own)
    service.settle()


def _take_chain(service: EventChainService, source: Source, found: ChainReport) -> None:
    documents = source.documents(found.chain)
    chains = [read_chain(document) for document in documents]
    if any(str(chain.id) != found.chain for chain in chains) or not chains[0].events:
        raise InvalidError("it tells of another chain than was asked for")
    found.ends[source.uri] = base58.encode(chains[0].latest_hash)
    for document in documents:
        (error,) = service.add_all([Parcel(document, source.key)])
        if error is not None and error.code != "Fork":
            raise error


def _describe(archive: Archive, found: ChainReport, asked: set[str], own: str) -> None:
    id_ = ChainId.parse(found.chain)
    tip = archive.load_tip(id_)
    found.events, found.branches = tip.height, len(archive.conflicts(id_))
    here = {identity.node for identity in tip.identities.of_node(own)}
    found.not_asked = sorted(tip.identities.nodes - asked - here)


def prove(
    archive: Archive,
    public_chain: PublicChain,
    parameters: Callable[[], Parameters],
    genesis: str | None,
    report: Report,
) -> None:
    """Fetch the receipts of all events of the chains in a report, verify them, and keep those that hold.

    Args:
        archive: Keeps the chains.
        public_chain: Where the receipts are.
        parameters: Returns the rules of the public chain.
        genesis: Signature (base58) of its first block, where the operator knows it.
        report: Says then what is proven.
    """
    proofs = {chain: _read_receipts(archive, public_chain, found) for chain, found in report.chains.items()}
    top = max((receipt.height for read in proofs.values() for receipt in read.values()), default=0)
    try:
        headers = public_chain.headers(1, top + 1)
        if headers:
            first = base58.decode(genesis, name="genesis") if genesis else headers[0].signature
            receipts.verify_header_chain(headers, first, parameters())
            report.headers, report.genesis = len(headers), base58.encode(headers[0].signature)
    except LiveContractError as error:
        report.public_chain, headers = error.message, []
    for chain, found in report.chains.items():
        _judge(archive, found, archive.chain(ChainId.parse(chain)), proofs[chain], headers)


def _read_receipts(archive: Archive, public_chain: PublicChain, found: ChainReport) -> dict[str, receipts.Receipt]:
    """Return the receipts that hold in themselves, by event hash; the others are told of."""
    hashes = [base58.encode(event.hash) for event in archive.chain(ChainId.parse(found.chain)).events]
    read: dict[str, receipts.Receipt] = {}
    for start in range(0, len(hashes), _BATCH):
        for hash_, document in public_chain.receipts(hashes[start : start + _BATCH]).items():
            try:
                read[hash_] = receipts.verify(receipts.from_dict(document), base58.decode(hash_, name="hash"))
            except LiveContractError as error:
                found.disproven[hash_] = error.message
    return read


def _judge(
    archive: Archive,
    found: ChainReport,
    chain: EventChain,
    read: Mapping[str, receipts.Receipt],
    headers: Sequence[Header],
) -> None:
    for event in chain.events:
        hash_ = base58.encode(event.hash)
        receipt = read.get(hash_)
        if receipt is None:
            if hash_ not in found.disproven:
                found.unanchored.append(hash_)
            continue
        try:
            receipts.verify_in_chain(receipt, headers)
            if event.timestamp > receipt.header.timestamp + CLOCK_TOLERANCE:
                raise InvalidError("the event is dated after the block that holds its hash")
        except LiveContractError as error:
            found.disproven[hash_] = error.message
            continue
        found.anchored += 1
        if (document := archive.find(chain.id, event.hash)) is not None:
            archive.save_receipt(document, receipt.to_dict())


def find_own_anchors(client: NodeClient, address: str) -> dict[str, int]:
    """Return the hashes (base58) an account had anchored, with the height of their block.

    Args:
        client: Of a node of the public chain.
        address: Of the account, base58.

    Raises:
        LiveContractError: It cannot be asked.
    """
    found: dict[str, int] = {}
    top = int(client.get("/blocks/height")["height"])
    for first in range(1, top + 1, _BLOCKS):
        for block in _blocks(client, first, min(first + _BLOCKS - 1, top)):
            for transaction in block["transactions"]:
                if transaction.get("type") == ANCHOR_TYPE and transaction.get("sender") == address:
                    found |= dict.fromkeys(transaction["anchors"], int(block["height"]))
    return found


def _blocks(client: NodeClient, first: int, last: int) -> list[Any]:
    """Return the blocks at these heights, asked for in halves where they are too large for one answer."""
    try:
        blocks: list[Any] = client.get(f"/blocks/seq/{first}/{last}", wait=PATIENCE)
    except InvalidError:
        if first == last:
            return [client.get(f"/blocks/at/{first}", wait=PATIENCE)]
        middle = (first + last) // 2
        return [*_blocks(client, first, middle), *_blocks(client, middle + 1, last)]
    return blocks


def compare_anchors(archive: Archive, anchored: Mapping[str, int], report: Report) -> None:
    """Note the hashes that this node's account had anchored and that are no event here."""
    known: set[str] = set()
    for chain in report.chains:
        id_ = ChainId.parse(chain)
        known |= {str(document["hash"]) for document in archive.canonical(id_)}
        for conflict in archive.conflicts(id_):
            known |= {str(document["hash"]) for document in archive.segment(id_, conflict)}
    report.foreign_anchors = {hash_: height for hash_, height in anchored.items() if hash_ not in known}
