"""The chain as it is at the start of a day, so that a node starts again without replaying every block since the first.

A snapshot is this node's own memory and is believed as the rest of its store is; it is never sent to others. Deleting
it is harmless: the chain is then replayed from the first block, with the same result. (Summary blocks, which others
can check, are the paper's section 17 and another thing.)
"""

import json
from typing import Any

from anchor.block import encode_transactions, parse_header, parse_transactions
from anchor.chain import Chain
from anchor.layered_map import LayeredMap
from anchor.state import Account, ActiveLease, State

VERSION = 1


def encode(chain: Chain) -> bytes:
    """Return a chain as bytes."""
    state = chain.state
    document = {
        "version": VERSION,
        "header": chain.header.encode().hex(),
        "transactions": encode_transactions(chain.transactions).hex(),
        "size": chain.size,
        "ancestors": [header.encode().hex() for header in chain.ancestors],
        "score": chain.score,
        "height": state.height,
        "timestamp": state.timestamp,
        "generator": state.generator.hex(),
        "carried": state.carried,
        "accounts": {address.hex(): _encode_account(account) for address, account in state.accounts.items()},
        "leases": {
            lease_id.hex(): [lease.sender.hex(), lease.recipient.hex(), lease.amount, lease.active]
            for lease_id, lease in state.leases.items()
        },
        "used": {transaction_id.hex(): timestamp for transaction_id, timestamp in state.used.items()},
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode(data: bytes, network: str) -> Chain | None:
    """Return the chain of a snapshot, or None if it is of another version."""
    document = json.loads(data)
    if document["version"] != VERSION:
        return None
    accounts = {bytes.fromhex(address): _decode_account(item) for address, item in document["accounts"].items()}
    leases = {
        bytes.fromhex(lease_id): ActiveLease(
            sender=bytes.fromhex(sender), recipient=bytes.fromhex(recipient), amount=amount, active=active
        )
        for lease_id, (sender, recipient, amount, active) in document["leases"].items()
    }
    used = {bytes.fromhex(transaction_id): timestamp for transaction_id, timestamp in document["used"].items()}
    return Chain(
        header=parse_header(bytes.fromhex(document["header"])),
        transactions=parse_transactions(bytes.fromhex(document["transactions"]), network),
        size=document["size"],
        ancestors=tuple(parse_header(bytes.fromhex(item)) for item in document["ancestors"]),
        score=document["score"],
        state=State(
            height=document["height"],
            timestamp=document["timestamp"],
            generator=bytes.fromhex(document["generator"]),
            carried=document["carried"],
            accounts=LayeredMap((accounts,)),
            leases=LayeredMap((leases,)),
            used=LayeredMap((used,)),
        ),
    )


def _encode_account(account: Account) -> list[Any]:
    sponsors = [sponsor.hex() for sponsor in account.sponsors]
    return [account.balance, account.leased_in, account.leased_out, sponsors, account.since, account.minima]


def _decode_account(item: list[Any]) -> Account:
    balance, leased_in, leased_out, sponsors, since, minima = item
    return Account(
        balance=balance,
        leased_in=leased_in,
        leased_out=leased_out,
        sponsors=tuple(bytes.fromhex(sponsor) for sponsor in sponsors),
        since=since,
        minima=tuple((height, value) for height, value in minima),
    )
