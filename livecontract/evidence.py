"""Evidence: one file that proves what was done in a contract, when and by whom, without any node or network.

```json
{"version": "urn:livecontract:evidence:1",
 "created": ms, "issuer": {"identity": id, "key": b58},
 "chain": {"id": …, "events": […]},              the whole private chain, as LTO clients write it
 "projection": {…},                              what the contract has come to
 "receipts": {event hash: receipt},              the public chain's proof for every event
 "public_chain": {"genesis": b58, "parameters": {name: text}, "headers": [base64, …]},
 "digest": b58, "signature": b58}                of the issuer, over the canonical JSON of all the rest
```

An event may cite events of other chains; files of those show whether they stand there (`livecontract.citations`).
`verify` makes every check it can, whatever fails before, and says of each what was compared. What the file cannot prove
by itself is which public chain is *the* public chain: that is the genesis block's signature, which the reader may give.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anchor import receipt as receipts
from anchor.block import Header
from anchor.parameters import Parameters
from eventchain.chain import EventChain, check_events, check_links, read_chain
from eventchain.core import base58, canonical_json, strict_json
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError, LiveContractError
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.identity import Identities
from eventchain.privilege import find_member_problems
from eventchain.tip import entries_of
from livecontract.citations import check_citations

VERSION = "urn:livecontract:evidence:1"
MAX_BYTES = 256 * 1024 * 1024

CLOCK_TOLERANCE = 10 * 60 * 1000
"""Milliseconds by which an event may be dated after the block that holds its hash: clocks differ."""

Replay = Callable[[Sequence[Entry]], Mapping[str, Any]]
"""Derives the projection from entries, from the first one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        check: Its name.
        ok: Whether it holds.
        message: What was compared, or what is wrong.
    """

    check: str
    ok: bool
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"check": self.check, "ok": self.ok, "message": self.message}


class NotEvidenceError(InvalidError):
    """The file is not an evidence file at all."""


def make(
    *,
    chain: EventChain,
    projection: Mapping[str, Any],
    found_receipts: Mapping[str, Mapping[str, Any]],
    headers: Sequence[Header],
    parameters: Parameters,
    issuer: str,
    key: KeyPair,
    created: int,
) -> bytes:
    """Return the bytes of an evidence file.

    Args:
        chain: The whole canonical chain.
        projection: What it has come to.
        found_receipts: By event hash (base58).
        headers: Of the public chain, from the first block to one after the last receipt's.
        parameters: Of the public chain.
        issuer: Id of the identity that makes the file.
        key: Its node's system key.
        created: Milliseconds since 1970.
    """
    document = {
        "version": VERSION,
        "created": created,
        "issuer": {"identity": issuer, "key": str(key.public_key)},
        "chain": chain.to_dict(),
        "projection": projection,
        "receipts": found_receipts,
        "public_chain": {
            "genesis": base58.encode(headers[0].signature),
            "parameters": parameters.to_dict(),
            "headers": [receipts.encode_header(header) for header in headers],
        },
    }
    digest = canonical_json.digest(document)
    signed = {"digest": base58.encode(digest), "signature": base58.encode(key.sign(digest))}
    return canonical_json.encode(document | signed)


@dataclass(slots=True)
class _Reader:
    """The parts of an evidence file, as far as they could be read, and the checks made so far."""

    document: Mapping[str, Any]
    replay: Replay
    checks: list[Check]
    chain: EventChain | None = None
    entries: Sequence[Entry] = ()
    identities: Identities = field(default_factory=Identities)
    read: Mapping[str, receipts.Receipt] | None = None

    def check(self, name: str, run: Callable[[], str]) -> None:
        """Make one check; `run` returns what was compared, or raises."""
        try:
            self.checks.append(Check(name, True, run()))
        except LiveContractError as error:
            self.checks.append(Check(name, False, str(error)))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self.checks.append(Check(name, False, f"the file is damaged here ({type(error).__name__}: {error})"))


def verify(data: bytes, replay: Replay, *, genesis: str | None = None, others: Sequence[bytes] = ()) -> list[Check]:
    """Check an evidence file, and return every check with its outcome.

    Args:
        data: The file.
        replay: Derives the projection from the events.
        genesis: Signature (base58) of the public chain's first block, where the reader knows it.
        others: Evidence files of other chains, of which this one may cite events.

    Raises:
        NotEvidenceError: It, or one of the others, is some other file.
    """
    try:
        document = strict_json.parse(data, max_bytes=MAX_BYTES)
    except InvalidError as error:
        if VERSION.encode() not in data:
            raise NotEvidenceError(f"this is not an evidence file: {error.message}") from None
        return [Check("document", False, f"the file is damaged: {error}")]
    if not isinstance(document, Mapping) or document.get("version") != VERSION:
        raise NotEvidenceError(
            "this is not an evidence file of a version this program knows",
            path="$.version",
            hint=f"It reads {VERSION}.",
        )
    reader = _Reader(document, replay, [])
    reader.check("document", lambda: _check_document(data, document))
    reader.check("chain", lambda: _check_chain(reader))
    reader.check("links", lambda: _check_links(reader))
    reader.check("hashes", lambda: _check_events(reader, "hash", "the SHA-256 of every event is its hash"))
    reader.check("signatures", lambda: _check_events(reader, "signature", "every event is signed by its sign key"))
    reader.check("members", lambda: _check_members(reader))
    reader.check("issuer", lambda: _check_issuer(reader))
    reader.check("replay", lambda: _check_replay(reader))
    reader.check("receipts", lambda: _check_receipts(reader))
    reader.check("public chain", lambda: _check_public_chain(reader, genesis))
    reader.check("times", lambda: _check_times(reader))
    if others or any(entry.origin for entry in reader.entries):
        known = {id_: hashes for other in others for id_, hashes in _events_of(other, replay, genesis, reader)}
        reader.check(
            "citations", lambda: check_citations(reader.entries, known) or "no event of another chain is cited"
        )
    return reader.checks


def _events_of(
    data: bytes, replay: Replay, genesis: str | None, reader: _Reader
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the chain of another evidence file with the hashes of its events, if it verifies; else say why not."""
    wrong = [check.check for check in verify(data, replay, genesis=genesis) if not check.ok]
    if wrong:
        reader.checks.append(Check("other file", False, f"it does not verify: {', '.join(wrong)}"))
        return
    chain = read_chain(strict_json.parse(data, max_bytes=MAX_BYTES)["chain"])
    reader.checks.append(Check("other file", True, f"every check of the file of the chain {chain.id} holds"))
    yield str(chain.id), frozenset(base58.encode(event.hash) for event in chain.events)


def _check_document(data: bytes, document: Mapping[str, Any]) -> str:
    content = {name: value for name, value in document.items() if name not in ("digest", "signature")}
    digest = canonical_json.digest(content)
    if base58.decode(document["digest"], name="digest") != digest:
        raise InvalidError("the file was changed: its digest is not that of its content", path="$.digest")
    if canonical_json.encode(document) != data.rstrip(b"\n"):
        raise InvalidError("the file was changed: it is not in the canonical form it was written in")
    key = PublicKey.parse(document["issuer"]["key"], path="$.issuer.key")
    key.verify(digest, base58.decode(document["signature"], name="signature", path="$.signature"))
    return f"the digest {document['digest']} is that of the content, signed by {key}"


def _check_chain(reader: _Reader) -> str:
    chain = read_chain(reader.document["chain"])
    if chain.is_partial or not chain.events:
        raise InvalidError("the chain does not start with its first event", path="$.chain.events")
    reader.chain = chain
    chain.id.verify_creator(chain.events[0].sign_key)
    return f"{len(chain.events)} events; the id {chain.id} belongs to the signer of the first one"


def _check_links(reader: _Reader) -> str:
    chain = _chain(reader)
    _raise_first(check_links(chain))
    return "every event names the hash of the one before it"


def _check_events(reader: _Reader, check: str, message: str) -> str:
    _raise_first(problem for problem in check_events(_chain(reader).events) if problem.check == check)
    return f"{message} ({len(_chain(reader).events)} compared)"


def _check_members(reader: _Reader) -> str:
    chain = _chain(reader)
    _raise_first(find_member_problems(chain))
    walked = list(entries_of(chain))
    reader.entries, reader.identities = [entry for _, entry in walked], walked[-1][0].identities
    names = ", ".join(sorted(reader.identities.by_id))
    return f"every signer was a member with the privilege at that place; identities: {names}"


def _check_issuer(reader: _Reader) -> str:
    issuer = reader.document["issuer"]
    holder = reader.identities.holder(issuer["key"])
    if holder is None or holder.id != issuer["identity"]:
        raise InvalidError("the file was not made by a party of the contract", path="$.issuer")
    return f"the file was made by the node of {holder.id}"


def _check_replay(reader: _Reader) -> str:
    if not reader.entries:
        raise InvalidError("the events could not be replayed, since their signers could not be checked")
    projection = reader.replay(reader.entries)
    if canonical_json.encode(projection) != canonical_json.encode(reader.document["projection"]):
        raise InvalidError("replaying the events gives another projection than the file shows", path="$.projection")
    digest = base58.encode(canonical_json.digest(projection))
    return f"replaying {len(reader.entries)} events from the first one gives the projection shown (SHA-256 {digest})"


def _check_receipts(reader: _Reader) -> str:
    found, read = reader.document["receipts"], {}
    for event in _chain(reader).events:
        name = base58.encode(event.hash)
        if name not in found:
            raise InvalidError(f"event {name} has no receipt", path="$.receipts")
        read[name] = receipts.verify(found[name], event.hash)
    if extra := found.keys() - read.keys():
        raise InvalidError(f"a receipt belongs to no event: {min(extra)}", path="$.receipts")
    reader.read = read
    return f"the inclusion path of every event hash leads to the anchor root of a signed block ({len(read)} compared)"


def _check_public_chain(reader: _Reader, genesis: str | None) -> str:
    part = reader.document["public_chain"]
    parameters = Parameters.from_dict(part["parameters"])
    headers = [receipts.parse_header_text(text) for text in part["headers"]]
    wanted = genesis or part["genesis"]
    receipts.verify_header_chain(headers, base58.decode(wanted, name="genesis"), parameters)
    if reader.read is None:
        raise InvalidError("the receipts could not be checked")
    for receipt in reader.read.values():
        receipts.verify_in_chain(receipt, headers)
    known = "the genesis block given" if genesis else f"the genesis block {wanted}, which only you can recognise"
    return f"{len(headers)} block headers follow each other from {known}; every receipt's block is among them"


def _check_times(reader: _Reader) -> str:
    if reader.read is None:
        raise InvalidError("the receipts could not be checked")
    for event in _chain(reader).events:
        name = base58.encode(event.hash)
        anchored = reader.read[name].header.timestamp
        if event.timestamp > anchored + CLOCK_TOLERANCE:
            raise InvalidError(f"event {name} is dated after the block that holds its hash")
    return "no event is dated after the block that proves it existed"


def _chain(reader: _Reader) -> EventChain:
    if reader.chain is None:
        raise InvalidError("the chain could not be read")
    return reader.chain


def _raise_first(problems: Any) -> None:
    for problem in problems:
        place = f"event {problem.event}: " if problem.event else ""
        raise InvalidError(place + problem.message)
