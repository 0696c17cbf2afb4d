"""The event chain service over HTTP, under the names of LTO's service.

Who asks stands in `flask.g.caller`, put there by the web server that checked the request's signature. What a caller
takes no part in does not exist for it.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request

from eventchain.archive import Archive, read_event
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, strict_json
from eventchain.core.hashing import HASH_LENGTH, sha256
from eventchain.core.ids import ChainId
from eventchain.core.paging import Page, is_paged, number, read_page
from eventchain.errors import ChainNotFoundError
from eventchain.receipts import Receipts
from eventchain.service import EventChainService
from eventchain.store.document_store import Document


def create_blueprint(service: EventChainService, receipts: Receipts) -> Blueprint:
    """Return the routes `/event-chains` and `/identities`."""
    blueprint = Blueprint("eventchain", __name__)
    archive, door = service.archive, service.door

    def member_chain(chain: str) -> ChainId:
        door.member_of(g.caller, chain)
        return ChainId.parse(chain)

    @blueprint.post("/event-chains")
    def add_events() -> Response:
        """Add events; the answer is the whole chain as it then stands here."""
        chain = service.add(strict_json.parse(request.get_data()), sender=str(g.caller))
        return jsonify(chain.to_dict())

    @blueprint.get("/event-chains")
    def list_chains() -> Response:
        """List the chains the caller takes part in."""
        page = read_page("event-chains", request.args)
        known = archive.chains_of(str(g.caller), after=page.after, limit=page.limit + 1)
        chains, link = page.cut(known, str)
        return _listed([_summary(archive, chain) for chain in chains], link)

    @blueprint.get("/event-chains/<chain>")
    def get_chain(chain: str) -> Response:
        """Return a chain; with `?after=<hash>` the part after that event, with `?limit=` in pages."""
        id_ = member_chain(chain)
        after, tag = request.args.get("after"), _tag(archive, id_)
        if not is_paged(request.args):
            return _conditional(
                tag, lambda: archive.chain(id_, after=_after(archive, id_, after) if after else None).to_dict()
            )
        page = read_page("events", request.args)
        start = _after(archive, id_, page.after or after or base58.encode(id_.initial_hash))
        return _conditional(tag, lambda: _events(archive, id_, start, page))

    @blueprint.get("/event-chains/<chain>/receipts")
    def get_receipts(chain: str) -> Response:
        """Return the anchor receipts of a chain's events by hash; null for those still awaited."""
        id_ = member_chain(chain)
        tag = _tag(archive, id_, *archive.without_receipt(id_))
        if not is_paged(request.args):
            return _conditional(tag, lambda: receipts.of_chain(id_))
        page = read_page("receipts", request.args)
        start = _after(archive, id_, page.after) if page.after else None
        return _conditional(tag, lambda: _receipts(receipts, id_, start, page))

    @blueprint.get("/event-chains/<chain>/conflicts")
    def get_conflicts(chain: str) -> Response:
        """Return the forks of a chain, each with both branches."""
        id_, page = member_chain(chain), read_page("conflicts", request.args)
        found, link = page.cut(archive.conflicts(id_), lambda item: str(item["root"]))
        return _listed([_conflict(archive, id_, item) for item in found], link)

    _add_identity_routes(blueprint, service)
    return blueprint


def _add_identity_routes(blueprint: Blueprint, service: EventChainService) -> None:
    archive = service.archive

    @blueprint.get("/identities")
    def list_identities() -> Response:
        """List the identities of all chains the caller takes part in, or of `?chain=`."""
        chain, page = request.args.get("chain"), read_page("identities", request.args)
        if chain:
            service.door.member_of(g.caller, chain)
        first = page.after.partition(" ")[0] if page.after else ""
        chains = [chain] if chain else archive.chains_of(str(g.caller))
        placed = (item for name in chains if name >= first for item in _placed_identities(archive, name))
        found, link = page.cut(placed, lambda item: item[0])
        return _listed([item for _, item in found], link)

    @blueprint.get("/identities/<path:identity>")
    def get_identity(identity: str) -> Response:
        """Return one identity of a chain the caller takes part in."""
        for chain in archive.chains_of(str(g.caller)):
            for item in _identities(archive, chain):
                if item["id"] == identity:
                    return jsonify(item)
        raise ChainNotFoundError("there is no such identity on a chain you take part in")


def _listed(items: list[Any], link: dict[str, str]) -> Response:
    answer = jsonify(items)
    answer.headers.update(link)
    return answer


def _tag(archive: Archive, chain: ChainId, *more: str) -> str:
    """Return what is new whenever a chain is: made of the state after its last event."""
    last = archive.last(chain)
    state = cast("bytes", last["state"]) if last else chain.initial_state
    return base58.encode(sha256(b" ".join([state, *(item.encode("ascii") for item in more)])))


def _conditional(tag: str, make: Callable[[], Any]) -> Response:
    """Return JSON under an ETag, or 304 when the caller has it; then nothing is read.

    The tag is made before the answer: where an event comes in between, the answer is newer than its tag, and the next
    one has another.
    """
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        made = make()
        body, link = made if isinstance(made, tuple) else (made, {})
        answer = jsonify(body)
        answer.headers.update(link)
    answer.set_etag(tag)
    return answer


def _events(
    archive: Archive, chain: ChainId, start: Document | None, page: Page
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a part of a chain, in the form of a whole one, and the link to the next."""
    position = None if start is None else cast("int", start["position"])
    known = archive.canonical(chain, after=position, limit=page.limit + 1)
    documents = known[: page.limit]
    stub = None if start is None else Stub(_hash(start), cast("bytes", start["state"]))
    part = EventChain(chain, tuple(map(read_event, documents)), stub)
    more = len(known) > len(documents)
    return part.to_dict(), page.link(str(documents[-1]["hash"])) if more else {}


def _receipts(
    receipts: Receipts, chain: ChainId, start: Document | None, page: Page
) -> tuple[dict[str, Any], dict[str, str]]:
    position = None if start is None else cast("int", start["position"])
    known = receipts.of_chain(chain, after=position, limit=page.limit + 1)
    hashes = list(known)[: page.limit]
    return {name: known[name] for name in hashes}, page.link(hashes[-1]) if len(known) > len(hashes) else {}


def _hash(document: Document) -> bytes:
    return base58.decode(document["hash"], length=HASH_LENGTH)


def _placed_identities(archive: Archive, chain: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the identities of a chain with their place in a list over many; they never change their order."""
    for index, item in enumerate(_identities(archive, chain)):
        yield f"{chain} {number(index)}", item


def _summary(archive: Archive, chain: str) -> dict[str, Any]:
    tip = archive.load_tip(ChainId.parse(chain))
    return {
        "id": chain,
        "length": tip.height,
        "latest_hash": base58.encode(tip.hash),
        "state": base58.encode(tip.state),
        "identities": sorted(tip.identities.members),
        "conflicts": len(archive.conflicts(tip.chain)),
    }


def _after(archive: Archive, chain: ChainId, text: str) -> Document | None:
    hash_ = base58.decode(text, length=HASH_LENGTH, name="after")
    if hash_ == chain.initial_hash:
        return None
    document = archive.find(chain, hash_)
    if document is None or document["position"] is None:
        raise ChainNotFoundError("the chain has no such event")
    return document


def _conflict(archive: Archive, chain: ChainId, conflict: Document) -> dict[str, Any]:
    """Return both sides of a fork from the last canonical event they share; a branch may leave another branch."""
    tip = base58.decode(conflict["tip"], length=HASH_LENGTH)
    fork_point = base58.decode(archive.fork_point(chain, tip), length=HASH_LENGTH)
    path = archive.path(chain, tip)
    start = next((index + 1 for index, event in enumerate(path) if event.hash == fork_point), 0)
    shared = archive.find(chain, fork_point)
    position = -1 if shared is None else shared["position"]
    beside = archive.canonical(chain, after=position if isinstance(position, int) else None)
    stub = Stub(fork_point, None) if shared else None
    return {
        "fork_point": base58.encode(fork_point),
        "found": conflict["found"],
        "canonical": EventChain(chain, tuple(map(read_event, beside)), stub).to_dict(),
        "branch": EventChain(chain, tuple(path[start:]), stub).to_dict(),
    }


def _identities(archive: Archive, chain: str) -> list[dict[str, Any]]:
    identities = archive.identities(ChainId.parse(chain))
    return [{"chain": chain, **item.to_dict()} for item in identities.by_id.values()]
