"""Routes of the node itself, beside those of its services: invitations and evidence."""

from collections.abc import Callable
from typing import Protocol

from flask import Blueprint, Response, g, jsonify, request

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from eventchain.core.keys import PublicKey
from eventchain.core.paging import read_page
from livecontract.invitations import Invitations

MakeEvidence = Callable[[str], bytes]
"""Makes the evidence file of a chain; raises UnavailableError while receipts are still awaited."""


class Members(Protocol):
    """Knows who takes part in which chain: the event chain service."""

    def member_of(self, caller: PublicKey, chain: str) -> str:
        """Return the identity as which a caller takes part in a chain, or raise ChainNotFoundError."""


def create_invitations_blueprint(members: Members, invitations: Invitations) -> Blueprint:
    """Return the routes `/invitations`."""
    blueprint = Blueprint("invitations", __name__)

    @blueprint.post("/invitations")
    def invite() -> tuple[Response, int]:
        """Invite somebody to a chain the caller takes part in: `{chain, identity, email, name, title}`."""
        document = strict_json.parse(request.get_data())
        if not isinstance(document, dict) or not isinstance(document.get("chain"), str):
            raise InvalidError("an invitation names a chain", path="$.chain")
        inviter = members.member_of(g.caller, document["chain"])
        return jsonify(invitations.invite(document["chain"], inviter, document)), 202

    @blueprint.get("/invitations")
    def list_invitations() -> Response:
        """List the invitations to the chain named by `?chain=` that this node sent."""
        chain = request.args.get("chain", "")
        members.member_of(g.caller, chain)
        found, link = read_page("invitations", request.args).cut(invitations.find(chain), lambda item: str(item["id"]))
        answer = jsonify(found)
        answer.headers.update(link)
        return answer

    return blueprint


def create_evidence_blueprint(members: Members, make_evidence: MakeEvidence) -> Blueprint:
    """Return the route `/event-chains/<id>/evidence`."""
    blueprint = Blueprint("evidence", __name__)

    @blueprint.get("/event-chains/<chain>/evidence")
    def get_evidence(chain: str) -> Response:
        """Return the evidence file of a chain the caller takes part in."""
        members.member_of(g.caller, chain)
        return Response(make_evidence(chain), mimetype="application/json")

    return blueprint
