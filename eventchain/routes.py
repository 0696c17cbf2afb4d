"""The event chain service over HTTP, under the names of LTO's service.

Who asks stands in `flask.g.caller`, put there by the web server that checked the request's signature. What a caller
takes no part in does not exist for it.
"""

from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from eventchain.archive import Archive, read_event
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, strict_json
from eventchain.core.hashing import HASH_LENGTH
from eventchain.core.ids import ChainId
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
        return jsonify([_summary(archive, chain) for chain in archive.chains_of(str(g.caller))])

    @blueprint.get("/event-chains/<chain>")
    def get_chain(chain: str) -> Response:
        """Return a chain; with `?after=<hash>` the part after that event."""
        id_ = member_chain(chain)
        after = request.args.get("after")
        return jsonify(archive.chain(id_, after=_after(archive, id_, after) if after else None).to_dict())

    @blueprint.get("/event-chains/<chain>/receipts")
    def get_receipts(chain: str) -> Response:
        """Return the anchor receipts of a chain's events by hash; null for those still awaited."""
        return jsonify(receipts.of_chain(member_chain(chain)))

    @blueprint.get("/event-chains/<chain>/conflicts")
    def get_conflicts(chain: str) -> Response:
        """Return the forks of a chain, each with both branches."""
        id_ = member_chain(chain)
        return jsonify([_conflict(archive, id_, item) for item in archive.conflicts(id_)])

    @blueprint.get("/identities")
    def list_identities() -> Response:
        """List the identities of all chains the caller takes part in, or of `?chain=`."""
        chain = request.args.get("chain")
        chains = [str(member_chain(chain))] if chain else archive.chains_of(str(g.caller))
        return jsonify([item for name in chains for item in _identities(archive, name)])

    @blueprint.get("/identities/<path:identity>")
    def get_identity(identity: str) -> Response:
        """Return one identity of a chain the caller takes part in."""
        for chain in archive.chains_of(str(g.caller)):
            for item in _identities(archive, chain):
                if item["id"] == identity:
                    return jsonify(item)
        raise ChainNotFoundError("there is no such identity on a chain you take part in")

    return blueprint


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
