"""Transactions as JSON, with the members and omissions of the reference node and its clients.

Readers need `type`, `version`, `senderPublicKey`, `fee`, `timestamp`, the members of the type and `proofs`. A `sender`
that is there has to be the key's address. `id` and `height` are never believed. The network is always the chain's own:
a transaction signed for another one fails with its proof.
"""

from collections.abc import Mapping
from typing import Any

from anchor.account import address_of
from anchor.errors import InvalidTransactionError
from anchor.payload import payload_class
from anchor.transaction import MAX_PROOFS, AnyTransaction, GenesisTransaction, Transaction
from anchor.wire import MAX_INT64
from eventchain.core import base58
from eventchain.core.errors import InvalidEncodingError, InvalidKeyError
from eventchain.core.keys import SIGNATURE_LENGTH, PublicKey


def to_dict(transaction: AnyTransaction) -> dict[str, Any]:
    """Return the JSON object of a transaction, as the node answers it."""
    if isinstance(transaction, GenesisTransaction):
        return {
            "type": transaction.type,
            "id": base58.encode(transaction.id),
            "fee": 0,
            "timestamp": transaction.timestamp,
            "signature": base58.encode(transaction.id),
            "recipient": base58.encode(transaction.recipient),
            "amount": transaction.amount,
        }
    return {
        "type": transaction.type,
        "version": transaction.version,
        "id": base58.encode(transaction.id),
        **_party("sender", transaction.sender, transaction.network),
        **(_party("sponsor", transaction.sponsor, transaction.network) if transaction.sponsor else {}),
        "fee": transaction.fee,
        "timestamp": transaction.timestamp,
        **transaction.payload.to_dict(),
        "proofs": [base58.encode(proof) for proof in transaction.proofs],
    }


def from_dict(data: object, network: str) -> Transaction:
    """Read the JSON object of a transaction sent to a chain of this network.

    Raises:
        InvalidTransactionError: It is none; the path names the member.
    """
    if not isinstance(data, Mapping):
        raise InvalidTransactionError("a transaction should be a JSON object", path="$")
    payload_type = payload_class(data.get("type"), path="$.type")
    version = data.get("version", max(payload_type.VERSIONS))
    if type(version) is not int or version not in payload_type.VERSIONS:
        known = ", ".join(map(str, payload_type.VERSIONS))
        raise InvalidTransactionError(f"type {payload_type.TYPE} has version {known} here", path="$.version")
    sender = _read_party(data, "sender", network)
    if sender is None:
        raise InvalidTransactionError("senderPublicKey is missing", path="$.senderPublicKey")
    return Transaction(
        version=version,
        network=network,
        timestamp=_read_integer(data, "timestamp"),
        sender=sender,
        fee=_read_integer(data, "fee"),
        payload=payload_type.from_dict(data, network),
        sponsor=_read_party(data, "sponsor", network),
        proofs=_read_proofs(data),
    )


def _party(role: str, key: PublicKey, network: str) -> dict[str, str]:
    return {
        role: base58.encode(address_of(key, network)),
        f"{role}KeyType": key.key_type.label,
        f"{role}PublicKey": str(key),
    }


def _read_party(data: Mapping[str, Any], role: str, network: str) -> PublicKey | None:
    text, address = data.get(f"{role}PublicKey"), data.get(role)
    if text is None:
        if address is not None and role == "sponsor":
            raise InvalidTransactionError("sponsorPublicKey is missing", path="$.sponsorPublicKey")
        return None
    key_type = data.get(f"{role}KeyType")
    try:
        key = PublicKey.parse(text, "ed25519" if key_type is None else key_type)
    except (InvalidKeyError, InvalidEncodingError) as error:
        raise InvalidTransactionError(error.message, path=f"$.{role}PublicKey") from None
    if address is not None and address != key.address(network):
        raise InvalidTransactionError(
            f"{role} is not the address of {role}PublicKey on network {network}", path=f"$.{role}"
        )
    return key


def _read_integer(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INT64:
        raise InvalidTransactionError(f"{name} should be a whole number, not negative", path=f"$.{name}")
    return value


def _read_proofs(data: Mapping[str, Any]) -> tuple[bytes, ...]:
    proofs = data.get("proofs")
    if not isinstance(proofs, list) or len(proofs) > MAX_PROOFS:
        raise InvalidTransactionError(f"proofs should be a list of at most {MAX_PROOFS}", path="$.proofs")
    decoded = []
    for index, proof in enumerate(proofs):
        path = f"$.proofs[{index}]"
        try:
            decoded.append(base58.decode(proof, length=SIGNATURE_LENGTH, name="proof", path=path))
        except InvalidEncodingError as error:
            raise InvalidTransactionError(error.message, path=path) from None
    return tuple(decoded)
