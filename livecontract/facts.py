"""What is known of a node when it is examined: `doctor_facts` collects it, `doctor` judges it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """Events that wait for something.

    Attributes:
        count: How many; of very many, as many as were looked at.
        oldest: When the first of them came, milliseconds since 1970; None where there are none.
    """

    count: int
    oldest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What asking the other nodes brought.

    Attributes:
        asked: Chains and nodes: how many asks were sent.
        chains: Ids of chains that have grown meanwhile, or are new.
        unanswered: Asks that still wait to be sent, as their nodes are away.
    """

    asked: int
    chains: tuple[str, ...]
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a node; None means that it could not be learned.

    Attributes:
        now: When the facts were collected, milliseconds since 1970.
        url: Where the node is reached.
        unreachable: Why it does not answer.
        not_ready: What the node itself says does not work.
        unanswered: Why it could not answer what it was asked, by path.
        expected_key: Public key (base58) in its key file.
        told_key: The key it says it has.
        key_error: Why the key file cannot be used.
        store_error: Why the store cannot be opened, as where another version wrote it.
        upgrade: Whether an older version wrote the store, which the next start changes.
        queues: Messages by queue: waiting, leased, dead.
        letters: Dead letters: id, queue, reason.
        clock: The node's clock minus ours, in milliseconds.
        peer_clocks: Other nodes' clocks minus ours by URI.
        silent_peers: URIs of nodes that do not answer, with the reason.
        silent_services: Why services of the node that run apart do not work, by name.
        no_login: URIs of other nodes' brokers at which this node cannot log in.
        last_block: Timestamp of the public chain's last block.
        block_time: Milliseconds between its blocks on average.
        unanchored: Events without a receipt.
        pending: Events with effects still to do.
        early: Messages whose events follow one that is not here.
        forks: Ids of chains with branches beside them.
        disk_free: Bytes.
        shovels: State by destination: `running`, or what it is instead.
        certificates: When certificates expire, milliseconds since 1970, by file.
        repair: What asking brought, if it was asked for.
    """

    now: int
    url: str
    unreachable: str | None = None
    not_ready: Sequence[str] = ()
    unanswered: Mapping[str, str] = field(default_factory=dict)
    expected_key: str | None = None
    told_key: str | None = None
    key_error: str | None = None
    store_error: str | None = None
    upgrade: bool = False
    queues: Mapping[str, Mapping[str, int]] | None = None
    letters: Sequence[Mapping[str, Any]] = ()
    clock: int | None = None
    peer_clocks: Mapping[str, int] = field(default_factory=dict)
    silent_peers: Mapping[str, str] = field(default_factory=dict)
    silent_services: Mapping[str, str] = field(default_factory=dict)
    no_login: Sequence[str] = ()
    last_block: int | None = None
    block_time: int | None = None
    unanchored: Aged | None = None
    pending: Aged | None = None
    early: Aged | None = None
    forks: Sequence[str] = ()
    disk_free: int | None = None
    shovels: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, int] = field(default_factory=dict)
    repair: Repair | None = None
