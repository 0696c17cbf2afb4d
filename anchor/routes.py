"""The anchor service over HTTP: the routes of LTO's node and indexer, and two of our own that answer receipts.

Everything is public but `POST /hash`, which spends the service's money and wants an authenticated caller. Public
views carry the attribute `public`. Errors are problem documents (RFC 9457) that hold `error` and `message` beside, as
clients of the LTO node expect.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar

import flask

from anchor import public_json, routes_chain
from anchor.anchoring import check_hash
from anchor.errors import InvalidAnchorError, RejectedTransactionError, UnknownBlockError, UnknownHashError
from anchor.service import MAX_SUBMITTED, AnchorService
from eventchain.core import base58, problem, strict_json
from eventchain.core.errors import (
    InvalidAddressError,
    InvalidEncodingError,
    InvalidError,
    InvalidJsonError,
    LiveContractError,
    UnauthenticatedError,
)

View = TypeVar("View", bound=Callable[..., Any])

MAX_BODY = 1024 * 1024
"""Bytes: 10,000 hashes, or any transaction."""

MAX_RECEIPTS = 1_000
"""Receipts in one answer."""

_MAX_HASH_TEXT = 256

_LTO_ERRORS: tuple[tuple[type[LiveContractError], int], ...] = (
    (InvalidJsonError, 1),
    (InvalidAddressError, 102),
    (RejectedTransactionError, 112),
    (UnknownBlockError, 301),
    (InvalidError, 199),
)
"""Numbers of the LTO node; the first family that fits decides, 0 is its "unknown"."""


def public(view: View) -> View:
    """Mark a view that needs no authentication."""
    view.__dict__["public"] = True
    return view


def create_blueprint(service: AnchorService) -> flask.Blueprint:
    """Return the routes of an anchor service."""
    blueprint = flask.Blueprint("anchor", __name__)
    blueprint.register_error_handler(LiveContractError, _answer_error)
    _add_hash_routes(blueprint, service)
    _add_receipt_routes(blueprint, service)
    routes_chain.add_routes(blueprint, service, public)
    return blueprint


def _answer_error(error: LiveContractError) -> flask.Response:
    number = next((number for family, number in _LTO_ERRORS if isinstance(error, family)), 0)
    message = f"State check failed. Reason: {error.message}" if number == 112 else error.message
    document = {**problem.to_dict(error), "error": number, "message": message}
    response = flask.jsonify(document)
    response.status_code = problem.status_of(error)
    response.content_type = problem.CONTENT_TYPE
    if isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = 'Signature realm="livecontract"'
    return response


def _add_hash_routes(blueprint: flask.Blueprint, service: AnchorService) -> None:
    @blueprint.post("/hash")
    def submit_hash() -> Any:
        """Take one hash or several to be anchored."""
        if getattr(flask.g, "caller", None) is None:
            raise UnauthenticatedError("anchoring costs a fee: sign the request", hint="See docs/api.md.")
        body = read_object()
        encoding = body.get("encoding", "hex")
        if "hashes" in body:
            hashes = _read_hashes(body["hashes"], encoding)
            return {"anchors": [anchoring.to_dict() for anchoring in service.submit(hashes)]}
        anchored = service.submit([_read_hash(body.get("hash"), encoding, "$.hash")])[0]
        return public_json.chainpoint(anchored, body["hash"])

    @blueprint.get("/hash/<path:text>")
    @blueprint.get("/hash/<path:text>/encoding/<encoding>")
    @public
    def find_hash(text: str, encoding: str = "hex") -> Any:
        """Tell where a hash is anchored."""
        anchoring = service.find(_read_hash(text, encoding))
        if anchoring is None:
            error = UnknownHashError("the hash was not anchored here")
            return {"chainpoint": None, **problem.to_dict(error)}, 404
        return public_json.chainpoint(anchoring, text)

    @blueprint.post("/hash/verify")
    @public
    def verify_hashes() -> Any:
        """Tell which hashes are anchored."""
        encoding = flask.request.args.get("encoding", "hex")
        hashes = read_json()
        found = dict(zip(_texts(hashes), map(service.find, _read_hashes(hashes, encoding)), strict=True))
        anchors = {text: item.transaction_id if item and item.height else None for text, item in found.items()}
        return {"verified": all(anchors.values()), "anchors": anchors}


def _add_receipt_routes(blueprint: flask.Blueprint, service: AnchorService) -> None:
    @blueprint.get("/hash/<path:text>/receipt")
    @blueprint.get("/hash/<path:text>/encoding/<encoding>/receipt")
    @public
    def get_receipt(text: str, encoding: str = "hex") -> Any:
        """Give the receipt of a hash."""
        hash_text = _read_hash(text, encoding)
        receipt = service.receipt(hash_text)
        if receipt is None and service.find(hash_text) is None:
            raise UnknownHashError("the hash was not anchored here")
        if receipt is None:
            raise UnknownHashError(
                "the receipt is not final yet", hint="Ask again when the next key block has been forged."
            )
        return receipt.to_dict()

    @blueprint.post("/hash/receipts")
    @public
    def get_receipts() -> Any:
        """Give the receipts of many hashes, as far as there are some."""
        body = read_object()
        hashes, encoding = body.get("hashes"), body.get("encoding", "hex")
        if isinstance(hashes, list) and len(hashes) > MAX_RECEIPTS:
            raise InvalidAnchorError(f"one answer holds {MAX_RECEIPTS} receipts", path="$.hashes")
        wanted = _read_hashes(hashes, encoding)
        found = service.receipts(wanted)
        texts = dict(zip(_texts(hashes), wanted, strict=True))
        return {"receipts": {text: found[name] for text, name in texts.items() if name in found}}


def read_json() -> Any:
    """Return the JSON document of the current request.

    Raises:
        InvalidJsonError: It holds none.
        TooLargeError: It is larger than `MAX_BODY`.
    """
    return strict_json.parse(flask.request.get_data(), max_bytes=MAX_BODY)


def read_object() -> dict[str, Any]:
    """Return the JSON object of the current request.

    Raises:
        InvalidJsonError: It holds none.
    """
    body = read_json()
    if not isinstance(body, dict):
        raise InvalidJsonError("a JSON object is wanted here", path="$")
    return body


def _texts(hashes: object) -> list[str]:
    if not isinstance(hashes, list) or not all(isinstance(item, str) for item in hashes):
        raise InvalidAnchorError("a list of hashes is wanted here", path="$")
    if len(hashes) > MAX_SUBMITTED:
        raise InvalidAnchorError(f"{len(hashes)} hashes are too many; one call takes {MAX_SUBMITTED}", path="$")
    return hashes


def _read_hashes(hashes: object, encoding: object) -> list[str]:
    return [_read_hash(text, encoding, f"$[{index}]") for index, text in enumerate(_texts(hashes))]


def _read_hash(text: object, encoding: object, path: str | None = None) -> str:
    """Return a hash that came as hex, base58 or base64 in base58.

    In a path use the URL alphabet of base64 (`-` and `_`): a hash that starts with `/` is not found otherwise.
    """
    if not isinstance(text, str) or len(text) > _MAX_HASH_TEXT:
        raise InvalidAnchorError("a hash should be text", path=path)
    try:
        if encoding == "hex":
            data = bytes.fromhex(text)
        elif encoding == "base58":
            data = base58.decode(text, name="hash", path=path)
        elif encoding == "base64":
            data = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
        else:
            raise InvalidAnchorError("the encoding should be hex, base58 or base64", path="$.encoding")
    except (binascii.Error, ValueError, InvalidEncodingError):
        raise InvalidAnchorError(f"the hash is not {encoding}", path=path) from None
    return base58.encode(check_hash(data, path=path))
