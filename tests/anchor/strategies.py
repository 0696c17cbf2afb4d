"""Transactions and blocks for property tests."""

from hypothesis import strategies as st

from anchor.account import address_of
from anchor.payload import (
    Anchor,
    CancelLease,
    CancelSponsorship,
    Lease,
    MassTransfer,
    Payload,
    Sponsorship,
    Transfer,
)
from anchor.transaction import GenesisTransaction, Transaction
from eventchain.core.keys import KeyPair, KeyType, PublicKey

KEYS = [KeyPair.from_seed(bytes([index]) * 32) for index in range(1, 5)]
ADDRESSES = [address_of(key.public_key, "T") for key in KEYS]

amounts = st.integers(1, 2**62)
addresses = st.sampled_from(ADDRESSES)
public_keys = st.one_of(
    st.sampled_from([key.public_key for key in KEYS]),
    st.builds(
        lambda raw, key_type: PublicKey(b"\x02" + raw, key_type),
        st.binary(min_size=32, max_size=32),
        st.sampled_from([KeyType.SECP256K1, KeyType.SECP256R1]),
    ),
)
attachments = st.binary(max_size=140)
payloads: st.SearchStrategy[Payload] = st.one_of(
    st.builds(
        Anchor,
        anchors=st.lists(st.binary(min_size=1, max_size=80), unique=True, max_size=100).map(tuple),
    ),
    st.builds(Transfer, recipient=addresses, amount=amounts, attachment=attachments),
    st.builds(Lease, recipient=addresses, amount=amounts),
    st.builds(CancelLease, lease_id=st.binary(min_size=32, max_size=32)),
    st.builds(
        MassTransfer,
        transfers=st.lists(st.tuples(addresses, st.integers(0, 2**50)), max_size=100).map(tuple),
        attachment=attachments,
    ),
    st.builds(Sponsorship, recipient=addresses),
    st.builds(CancelSponsorship, recipient=addresses),
)
transactions = st.builds(
    Transaction,
    network=st.just("T"),
    timestamp=st.integers(0, 2**53 - 1),
    sender=public_keys,
    fee=st.integers(0, 2**53 - 1),
    payload=payloads,
    sponsor=st.none() | public_keys,
    proofs=st.lists(st.binary(min_size=64, max_size=64), max_size=8).map(tuple),
)
legacy_transactions = st.one_of(
    *(
        st.builds(
            Transaction,
            version=st.just(version),
            network=st.just("T"),
            timestamp=st.integers(0, 2**53 - 1),
            sender=st.sampled_from([key.public_key for key in KEYS]),
            fee=st.integers(0, 2**53 - 1),
            payload=payload,
            proofs=st.lists(st.binary(min_size=64, max_size=64), max_size=2).map(tuple),
        )
        for version, payload in (
            (1, st.builds(Anchor, anchors=st.lists(st.binary(min_size=1, max_size=80), max_size=3).map(tuple))),
            (2, st.builds(Transfer, recipient=addresses, amount=amounts, attachment=attachments)),
            (2, st.builds(Lease, recipient=addresses, amount=amounts)),
            (2, st.builds(CancelLease, lease_id=st.binary(min_size=32, max_size=32))),
        )
    )
)
genesis_transactions = st.builds(
    GenesisTransaction, timestamp=st.integers(0, 2**53 - 1), recipient=addresses, amount=amounts
)
