"""The routes of a simulated node, without a socket: who calls stands in a header instead of a signature."""

from typing import Any

from flask import Request
from flask.testing import FlaskClient

import eventchain.routes
import livecontract.routes
from eventchain.core.errors import UnauthenticatedError
from eventchain.core.keys import PublicKey
from livecontract import web_server
from livecontract.node import Node


def _caller(request: Request) -> PublicKey:
    if "Caller" not in request.headers:
        raise UnauthenticatedError("nobody signed this")
    return PublicKey.parse(request.headers["Caller"])


class Browser:
    """Requests to one node, as one caller."""

    def __init__(self, node: Node, caller: object) -> None:
        blueprints = [
            eventchain.routes.create_blueprint(node.eventchain, node.receipts),
            livecontract.routes.create_invitations_blueprint(node.chains, node.invitations),
            livecontract.routes.create_evidence_blueprint(node.chains, lambda chain: chain.encode()),
        ]
        about = web_server.About(name="", url="", network="T", system_key="")
        self._client: FlaskClient = web_server.create_app(
            blueprints, about=about, authenticate=_caller, random=node.parts.random
        ).test_client()
        self._headers = {"Caller": str(caller)} if caller else {}

    def get(self, path: str, status: int = 200) -> Any:
        answer = self._client.get(path, headers=self._headers)
        assert answer.status_code == status, answer.get_data()
        return answer.get_json()

    def post(self, path: str, document: Any, status: int = 200) -> Any:
        answer = self._client.post(path, headers=self._headers, json=document)
        assert answer.status_code == status, answer.get_data()
        return answer.get_json()
