"""Plays a node through the published client; runs in the client's own environment, so it imports nothing of ours.

Arguments: the node's URL, and the seed phrase of an account with money. Prints one JSON document of what it saw.
"""

import json
import sys
import time

from lto import LTO, PublicNode
from lto.transactions import (
    Anchor,
    CancelLease,
    CancelSponsorship,
    Lease,
    MassTransfer,
    Sponsorship,
    Transfer,
)

UNIT = 100_000_000


def wait_until_on_chain(node, transaction_id):
    for _ in range(200):
        try:
            return node.tx(transaction_id)
        except Exception as error:
            if "404" not in str(error):
                raise
            time.sleep(0.05)
    raise TimeoutError(transaction_id)


def main(url, phrase):
    lto = LTO("T")
    lto.NODE = node = PublicNode(url)
    rich = lto.Account(seed=phrase)
    poor = lto.Account(seed="second account")
    curve = lto.Account(seed="cat dog tree", key_type="secp256k1")
    other_curve = lto.Account(seed="cat dog tree", key_type="secp256r1")
    seen = {"height": node.height(), "status": node.node_status(), "start": node.balance(rich.address)}

    def send(transaction, account, sponsor=None):
        transaction.sign_with(account)
        if sponsor is not None:
            transaction.sponsor_with(sponsor)
        answered = transaction.broadcast_to(node)
        found = wait_until_on_chain(node, answered.id)
        return {"id": answered.id, "type": type(answered).__name__, "fee": found.fee, "proofs": found.proofs}

    seen["transfer"] = send(Transfer(poor.address, 50 * UNIT, "hello"), rich)
    seen["mass"] = send(
        MassTransfer([{"recipient": item.address, "amount": 5 * UNIT} for item in (poor, curve, other_curve)]), rich
    )
    seen["anchor"] = send(Anchor(b"a" * 32, b"b" * 32), rich)
    seen["sponsored"] = send(Anchor(b"c" * 32), poor, sponsor=rich)
    seen["secp256k1"] = send(Anchor(b"d" * 32), curve)
    seen["secp256r1"] = send(Anchor(b"e" * 32), other_curve)
    seen["lease"] = send(Lease(poor.address, 20 * UNIT), rich)
    seen["leases"] = node.lease_list(poor)
    seen["leased"] = node.balance_details(rich.address)
    seen["cancel"] = send(CancelLease(seen["lease"]["id"]), rich)
    seen["after"] = node.lease_list(poor)
    seen["sponsorship"] = send(Sponsorship(poor.address), rich)
    seen["sponsors"] = node.sponsorship_list(poor)
    end = CancelSponsorship(poor.address)
    seen["unsponsored"] = send(end, rich)
    seen["v1"] = send_version(send, Anchor(b"f" * 32), 1, rich)
    seen["v2"] = [
        send_version(send, Transfer(poor.address, UNIT), 2, rich),
        send_version(send, Lease(poor.address, UNIT), 2, rich),
    ]
    seen["v2"].append(send_version(send, CancelLease(seen["v2"][1]["id"]), 2, rich))
    seen["balance"] = node.balance(poor.address)
    seen["valid"] = [node.validate_address(poor.address), node.validate_address("3N")]
    seen["first"] = node.block(1)
    seen["last"] = node.last_block()
    forged = Transfer(poor.address, UNIT)
    forged.sign_with(rich)
    forged.amount = 2 * UNIT
    try:
        forged.broadcast_to(node)
        seen["forged"] = None
    except Exception as error:  # noqa: BLE001 (the client raises no narrower type)
        seen["forged"] = error.args[1]
    sys.stdout.write(json.dumps(seen))


def send_version(send, transaction, version, account):
    transaction.version = version
    return send(transaction, account)


main(*sys.argv[1:])
