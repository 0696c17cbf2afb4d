"""Blocks, transactions and anchorings as JSON in the shapes of the reference node and of LTO's indexer."""

from typing import Any

from anchor import transaction_json
from anchor.account import address_of
from anchor.anchoring import Anchoring
from anchor.block import VERSION, Block, encode_transactions
from anchor.chain import Chain
from anchor.index import Place
from anchor.parameters import Parameters
from anchor.transaction import AnyTransaction, Transaction, fee_of
from eventchain.core import base58

_CHAINPOINT = {"@context": "https://w3id.org/chainpoint/v2", "type": "ChainpointSHA256v2"}


def header_to_dict(height: int, block: Block, parameters: Parameters) -> dict[str, Any]:
    """Return a block without its transactions, with what our format adds: list hash, anchor root, generator's key."""
    header = block.header
    return {
        "version": VERSION,
        "timestamp": header.timestamp,
        "reference": base58.encode(header.reference),
        "nxt-consensus": {
            "base-target": header.base_target,
            "generation-signature": base58.encode(header.generation_signature),
        },
        "features": [],
        "transactionsHash": base58.encode(header.transactions_hash),
        "anchorRoot": base58.encode(header.anchor_root),
        "generator": base58.encode(address_of(header.generator, parameters.network)),
        "generatorPublicKey": str(header.generator),
        "signature": base58.encode(header.signature),
        "blocksize": len(header.encode()) + len(encode_transactions(block.transactions)),
        "transactionCount": len(block.transactions),
        "height": height,
    }


def block_to_dict(height: int, block: Block, parameters: Parameters) -> dict[str, Any]:
    """Return a block with its transactions and the sum of their fees."""
    return {
        **header_to_dict(height, block, parameters),
        "transactions": [
            {**transaction_json.to_dict(item), "effectiveFee": effective_fee(item, parameters)}
            for item in block.transactions
        ],
        "fee": sum(effective_fee(item, parameters) for item in block.transactions),
    }


def effective_fee(transaction: AnyTransaction, parameters: Parameters) -> int:
    """Return what was charged: the schedule's fee, none for genesis transactions."""
    return fee_of(transaction, parameters) if isinstance(transaction, Transaction) else 0


def placed_transaction(transaction: AnyTransaction, place: Place, parameters: Parameters) -> dict[str, Any]:
    """Return a transaction on the chain with its height and position."""
    return {
        **transaction_json.to_dict(transaction),
        "height": place.height,
        "position": place.position,
        "effectiveFee": effective_fee(transaction, parameters),
    }


def active_leases(chain: Chain, address: bytes) -> list[bytes]:
    """Return the ids of the active leases that an address gave or was given."""
    return [
        lease_id
        for lease_id, lease in chain.state.leases.items()
        if lease.active and address in (lease.sender, lease.recipient)
    ]


def chainpoint(anchoring: Anchoring, target_hash: str) -> dict[str, Any]:
    """Return the answer of LTO's indexer, and beside it the members that LTO's event chain service reads.

    Args:
        anchoring: How far the hash is.
        target_hash: The hash in the encoding it was asked for.
    """
    body = anchoring.to_dict()
    placed = {"block": {"height": anchoring.height}} if anchoring.height is not None else {}
    return {
        "chainpoint": {
            **_CHAINPOINT,
            "targetHash": target_hash,
            "anchors": [{"type": "LTODataTransaction", "sourceId": anchoring.transaction_id}],
            **placed,
            "transaction": {"position": anchoring.position} if anchoring.position is not None else {},
        },
        **body,
    }
