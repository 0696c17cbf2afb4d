"""Routes of the node itself, beside those of its services: invitations and evidence."""

from collections.abc import Callable

from flask import Blueprint, Response, g, jsonify, request

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from eventchain.door import Door
from livecontract.invitations import Invitations

MakeEvidence = Callable[[str], bytes]
"""Makes the evidence file of a chain; raises UnavailableError while receipts are still awaited."""


def create_blueprint(door: Door, invitations: Invitations, make_evidence: MakeEvidence) -> Blueprint:
    """Return the routes `/invitations` and `/event-chains/<id>/evidence`."""
    blueprint = Blueprint("contract", __name__)

    @blueprint.post("/invitations")
    def invite() -> tuple[Response, int]:
        """Invite somebody to a chain the caller takes part in: `{chain, identity, email, name, title}`."""
        document = strict_json.parse(request.get_data())
        if not isinstance(document, dict) or not isinstance(document.get("chain"), str):
            raise InvalidError("an invitation names a chain", path="$.chain")
        inviter = door.member_of(g.caller, document["chain"])
        return jsonify(invitations.invite(document["chain"], inviter, document)), 202

    @blueprint.get("/invitations")
    def list_invitations() -> Response:
        """List the invitations to the chain named by `?chain=` that this node sent."""
        chain = request.args.get("chain", "")
        door.member_of(g.caller, chain)
        return jsonify(invitations.find(chain))

    @blueprint.get("/event-chains/<chain>/evidence")
    def get_evidence(chain: str) -> Response:
        """Return the evidence file of a chain the caller takes part in."""
        door.member_of(g.caller, chain)
        return Response(make_evidence(chain), mimetype="application/json")

    return blueprint
