"""Whose turn it is: Fair Proof of Stake with the paper's secret generation signature (sections 15.4 and 15.5).

```
generation signature G(n) = Ed25519 signature of SHA-256(G(n-1)) by the forger of block n, 64 bytes
hit X                     = the first 8 bytes of BLAKE2b-256(G(n)), little-endian
delay                     = Tmin + C1 · ln(1 - C2 · ln(X / (2^64 - 1)) / base target / balance)     milliseconds
```

A forger knows its own delay as soon as it knows the parent, and nobody else does. The block's hash plays no part.

Logarithms are taken in decimal arithmetic of fixed precision, which is the same on every machine; binary floating
point is not, and two nodes that differ by a millisecond disagree on a block.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from functools import lru_cache

from anchor.block import HASH_LENGTH, Header
from anchor.errors import InvalidBlockError
from anchor.parameters import Parameters
from anchor.wire import MAX_INT64
from eventchain.core.errors import InvalidSignatureError
from eventchain.core.hashing import blake2b256, sha256
from eventchain.core.keys import KeyPair

MAX_HIT = 2**64 - 1
MAX_BASE_TARGET = MAX_INT64
GENESIS_GENERATION_SIGNATURE = bytes(64)
"""The first block is forged by agreement, not by turn; the second one signs the hash of these zeros."""

_PRECISION = 40
_FAST, _SLOW = 90, 30
"""Percent of a minute, as the reference counts: an average above 1.5 T eases forging, below 0.5 T hardens it."""


def generation_message(parent_generation_signature: bytes) -> bytes:
    """Return what the next forger signs: the SHA-256 of its parent's generation signature."""
    return sha256(parent_generation_signature)


def sign_generation(parent: Header, key: KeyPair) -> bytes:
    """Return the generation signature of this forger's block on that parent."""
    return key.sign(generation_message(parent.generation_signature))


def hit_of(generation_signature: bytes) -> int:
    """Return the forger's draw, 0 to 2^64 - 1; the higher, the shorter the delay."""
    return int.from_bytes(blake2b256(generation_signature)[:8], "little")


@lru_cache(maxsize=1024)
def delay(hit: int, base_target: int, balance: int, parameters: Parameters) -> int:
    """Return the milliseconds after the parent before which this draw may not forge, rounded down.

    Raises:
        InvalidBlockError: There is no balance or base target.
    """
    if balance <= 0 or base_target <= 0:
        raise InvalidBlockError("nobody forges without a balance", check="stake")
    with localcontext(Context(prec=_PRECISION)):
        drawn = (Decimal(max(hit, 1)) / MAX_HIT).ln()
        spread = (1 - parameters.target_scale * drawn / base_target / balance).ln()
        exact = parameters.minimum_delay + parameters.delay_scale * spread
        return int(exact.to_integral_value(rounding=ROUND_DOWN))


def next_base_target(parent: Header, ancestor: Header | None, timestamp: int, parameters: Parameters) -> int:
    """Return the base target of the block forged on `parent` at `timestamp`.

    Args:
        parent: The newest block.
        ancestor: The block two before the parent, three before the new one; None near the first block: then nothing
            changes.
        timestamp: Of the new block.
        parameters: Of the chain.
    """
    current = parent.base_target
    if ancestor is None:
        return current
    average = (timestamp - ancestor.timestamp) // 3 // parameters.time_unit * parameters.time_unit
    step = max(1, current // 100)
    if average * 60 > _FAST * parameters.block_time:
        return min(MAX_BASE_TARGET, current + step)
    if average * 60 < _SLOW * parameters.block_time:
        return max(1, current - step)
    return current


def initial_base_target(balance: int, parameters: Parameters) -> int:
    """Return the base target at which one forger with this balance takes the block time if X is 1/e of its maximum."""
    with localcontext(Context(prec=_PRECISION)):
        wanted = Decimal(parameters.block_time - parameters.minimum_delay) / parameters.delay_scale
        target = parameters.target_scale / (balance * (wanted.exp() - 1))
        return max(1, min(MAX_BASE_TARGET, int(target)))


def score_of(base_target: int) -> int:
    """Return what a block adds to its chain's score: the harder it was to forge, the more."""
    return 2**64 // base_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a forger may forge on a parent (milliseconds since 1970), and with what."""

    generation_signature: bytes
    due: int


def turn_of(key: KeyPair, parent: Header, balance: int, parameters: Parameters) -> Turn | None:
    """Return this forger's turn on a parent, or None if its balance is too small to forge."""
    if balance < parameters.minimum_stake:
        return None
    signature = sign_generation(parent, key)
    wait = delay(hit_of(signature), parent.base_target, balance, parameters)
    return Turn(generation_signature=signature, due=parent.timestamp + max(1, wait))


def verify_link(header: Header, parent: Header, ancestor: Header | None, parameters: Parameters) -> None:
    """Check what headers alone show: reference, time, base target, generation signature and signature.

    Raises:
        InvalidBlockError: Naming the check that failed.
    """
    if header.reference != parent.signature:
        raise InvalidBlockError("the block does not refer to its parent", check="reference")
    if header.timestamp <= parent.timestamp:
        raise InvalidBlockError("the block is not later than its parent", check="time")
    if header.base_target != next_base_target(parent, ancestor, header.timestamp, parameters):
        raise InvalidBlockError("the base target is not the one that is due", check="base target")
    try:
        header.generator.verify(generation_message(parent.generation_signature), header.generation_signature)
    except InvalidSignatureError:
        raise InvalidBlockError(
            "the generation signature is not the forger's over the hash of the parent's", check="generation signature"
        ) from None
    header.verify_signature()


def verify_turn(header: Header, parent: Header, balance: int, parameters: Parameters) -> None:
    """Check that the forger had enough stake and waited for its turn.

    Raises:
        InvalidBlockError: It had not, or did not.
    """
    if balance < parameters.minimum_stake:
        raise InvalidBlockError(
            f"the forger's generating balance is {balance}; {parameters.minimum_stake} are needed", check="stake"
        )
    wait = delay(hit_of(header.generation_signature), parent.base_target, balance, parameters)
    if header.timestamp < parent.timestamp + wait:
        raise InvalidBlockError("the block was forged before its turn", check="turn")


def verify_genesis(header: Header) -> None:
    """Check the form of a first block; whether it is *the* first block is a question of its signature.

    Raises:
        InvalidBlockError: It is none.
    """
    if header.reference != b"\xff" * 64 or header.generation_signature != GENESIS_GENERATION_SIGNATURE:
        raise InvalidBlockError("this is not a first block", check="genesis")
    if header.base_target <= 0 or len(header.anchor_root) != HASH_LENGTH:
        raise InvalidBlockError("the first block has no base target", check="genesis")
    header.verify_signature()
