"""The public chain's own routes, as the LTO node has them: transactions, blocks, addresses, leases, the node.

All of them are public: the chain is, and a transaction carries its own signature.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import flask

from anchor import public_json, transaction_json
from anchor.account import parse_address
from anchor.block import Block
from anchor.errors import InvalidBlockError, UnknownTransactionError
from anchor.receipt import encode_header
from anchor.service import AnchorService, balances
from eventchain.core import base58, strict_json
from eventchain.core.errors import InvalidAddressError, InvalidEncodingError, InvalidError

MAX_TRANSACTION_BODY = 64 * 1024
MAX_SPAN = 100
"""Blocks in one answer, as at the LTO node."""

MAX_SPAN_BYTES = 16 * 1024 * 1024
"""Bytes of blocks in one answer."""

MAX_HEADERS = 1_000
"""Signed headers in one answer."""

VERSION = "livecontract public chain v1"

Public = Callable[[Callable[..., Any]], Callable[..., Any]]


def add_routes(blueprint: flask.Blueprint, service: AnchorService, public: Public) -> None:
    """Add the routes to a blueprint; `public` marks each view."""
    routes: Iterable[tuple[str, str, Callable[..., Any]]] = (
        *_transaction_routes(service),
        *_block_routes(service),
        *_header_routes(service),
        *_address_routes(service),
        *_node_routes(service),
    )
    for method, rule, view in routes:
        blueprint.add_url_rule(rule, view_func=public(view), methods=[method])


Routes = Iterable[tuple[str, str, Callable[..., Any]]]


def _transaction_routes(service: AnchorService) -> Routes:
    network = service.parameters.network

    def broadcast_transaction() -> Any:
        document = strict_json.parse(flask.request.get_data(), max_bytes=MAX_TRANSACTION_BODY)
        transaction = transaction_json.from_dict(document, network)
        service.broadcast(transaction)
        return transaction_json.to_dict(transaction)

    def get_transaction(transaction_id: str) -> Any:
        found = service.find_transaction(_read_base58(transaction_id))
        if found is None:
            return {
                "status": "error",
                "details": "Transaction is not in blockchain",
                "error": 311,
                "message": "there is no such transaction on the chain",
            }, 404
        return public_json.placed_transaction(*found, service.parameters)

    def list_unconfirmed() -> Any:
        return [transaction_json.to_dict(item) for item in service.unconfirmed()]

    def count_unconfirmed() -> Any:
        return {"size": len(service.unconfirmed())}

    def get_unconfirmed(transaction_id: str) -> Any:
        wanted = _read_base58(transaction_id)
        for item in service.unconfirmed():
            if item.id == wanted:
                return transaction_json.to_dict(item)
        raise UnknownTransactionError("no such transaction is waiting")

    return (
        ("POST", "/transactions/broadcast", broadcast_transaction),
        ("GET", "/transactions/info/<transaction_id>", get_transaction),
        ("GET", "/transactions/unconfirmed", list_unconfirmed),
        ("GET", "/transactions/unconfirmed/size", count_unconfirmed),
        ("GET", "/transactions/unconfirmed/info/<transaction_id>", get_unconfirmed),
    )


def _block_routes(service: AnchorService) -> Routes:
    def show(height: int, block: Block) -> Any:
        return public_json.block_to_dict(height, block, service.parameters)

    def get_height() -> Any:
        return {"height": service.chain.height}

    def get_height_of(signature: str) -> Any:
        return {"height": service.block_by_signature(_read_base58(signature))[0]}

    def get_last_block() -> Any:
        height = service.chain.height
        return show(height, service.block_at(height))

    def get_first_block() -> Any:
        return show(1, service.block_at(1))

    def get_block(height: int) -> Any:
        return show(height, service.block_at(height))

    def get_block_by_signature(signature: str) -> Any:
        return show(*service.block_by_signature(_read_base58(signature)))

    def list_blocks(first: int, last: int) -> Any:
        blocks, size = [], 0
        for height in _span(service, first, last):
            document = show(height, service.block_at(height))
            size += document["blocksize"]
            if size > MAX_SPAN_BYTES:
                raise InvalidBlockError("these blocks are too large for one answer; ask for fewer", check="range")
            blocks.append(document)
        return blocks

    return (
        ("GET", "/blocks/height", get_height),
        ("GET", "/blocks/height/<signature>", get_height_of),
        ("GET", "/blocks/last", get_last_block),
        ("GET", "/blocks/first", get_first_block),
        ("GET", "/blocks/at/<int:height>", get_block),
        ("GET", "/blocks/signature/<signature>", get_block_by_signature),
        ("GET", "/blocks/seq/<int:first>/<int:last>", list_blocks),
    )


def _header_routes(service: AnchorService) -> Routes:
    def show(height: int) -> Any:
        return public_json.header_to_dict(height, service.block_at(height), service.parameters)

    def get_last_header() -> Any:
        return show(service.chain.height)

    def get_header(height: int) -> Any:
        return show(height)

    def list_headers(first: int, last: int) -> Any:
        return [show(height) for height in _span(service, first, last)]

    def list_signed_headers(first: int, last: int) -> Any:
        if last - first >= MAX_HEADERS:
            raise InvalidBlockError(f"at most {MAX_HEADERS} headers are answered at once", check="range")
        return {"headers": [encode_header(header) for header in service.headers(first, last)]}

    return (
        ("GET", "/blocks/headers/last", get_last_header),
        ("GET", "/blocks/headers/at/<int:height>", get_header),
        ("GET", "/blocks/headers/seq/<int:first>/<int:last>", list_headers),
        ("GET", "/blocks/headers/signed/<int:first>/<int:last>", list_signed_headers),
    )


def _address_routes(service: AnchorService) -> Routes:
    network = service.parameters.network

    def get_balance(address: str) -> Any:
        account = service.chain.state.account(parse_address(address, network))
        return {"address": address, "confirmations": 0, "balance": account.balance}

    def get_balance_details(address: str) -> Any:
        raw = parse_address(address, network)
        return {"address": address, **balances(service.chain, raw, service.parameters)}

    def validate_address(address: str) -> Any:
        try:
            parse_address(address, network)
        except InvalidAddressError:
            return {"address": address, "valid": False}
        return {"address": address, "valid": True}

    def list_leases(address: str) -> Any:
        ids = public_json.active_leases(service.chain, parse_address(address, network))
        found = [placed for item in ids if (placed := service.find_transaction(item)) is not None]
        return [public_json.placed_transaction(*placed, service.parameters) for placed in found]

    def get_sponsors(address: str) -> Any:
        account = service.chain.state.account(parse_address(address, network))
        return {"sponsor": [base58.encode(item) for item in account.sponsors]}

    return (
        ("GET", "/addresses/balance/<address>", get_balance),
        ("GET", "/addresses/balance/details/<address>", get_balance_details),
        ("GET", "/addresses/validate/<address>", validate_address),
        ("GET", "/leasing/active/<address>", list_leases),
        ("GET", "/sponsorship/status/<address>", get_sponsors),
    )


def _node_routes(service: AnchorService) -> Routes:
    def get_node_status() -> Any:
        chain = service.chain
        moment = datetime.fromtimestamp(chain.header.timestamp / 1000, UTC)
        return {
            "blockchainHeight": chain.height,
            "stateHeight": chain.height,
            "updatedTimestamp": chain.header.timestamp,
            "updatedDate": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def get_node_version() -> Any:
        return {"version": VERSION}

    def get_parameters() -> Any:
        return service.parameters.to_dict()

    return (
        ("GET", "/node/status", get_node_status),
        ("GET", "/node/version", get_node_version),
        ("GET", "/node/parameters", get_parameters),
    )


def _span(service: AnchorService, first: int, last: int) -> range:
    if last - first >= MAX_SPAN:
        raise InvalidBlockError(f"at most {MAX_SPAN} blocks are answered at once", check="range")
    return range(max(first, 1), min(last, service.chain.height) + 1)


def _read_base58(text: str) -> bytes:
    try:
        return base58.decode(text, name="id")
    except InvalidEncodingError as error:
        raise InvalidError(error.message) from None
