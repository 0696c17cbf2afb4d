"""What the operators of a public chain agree on before its first block. Two nodes need equal parameters to agree.

`MAINNET` carries the reference's figures; `development()` scales them down so that a receipt is final in about two
seconds on a chain with one forging account.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from anchor.errors import InvalidParametersError

LTO = 100_000_000
"""Units of money in one LTO."""

MINUTE = 60_000
HOUR = 60 * MINUTE
"""Milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The rules of a chain that are numbers. Times are milliseconds, money is in units of 1e-8 LTO.

    Attributes:
        network: One ASCII character, part of every address and transaction.
        block_time: Wanted time between key blocks (T).
        minimum_delay: Shortest delay of a forger after the parent (Tmin; paper section 15.4).
        delay_scale: C1 of the paper, in milliseconds.
        target_scale: C2 of the paper.
        time_unit: Average block times are compared in whole units of this: the reference counts seconds.
        microblock_time: Time between microblocks (paper section 15.6).
        microblock_transactions: Most transactions in one microblock.
        block_bytes: Most bytes of transactions in one key block.
        period: Key blocks whose roots make a day's root (paper section 17).
        balance_depth: Blocks over which the smallest effective balance counts for forging.
        minimum_stake: Effective balance needed to forge.
        fee_price: Money per fee unit (schedule V5).
        maximum_age: How much older than the parent block a transaction may be.
        maximum_ahead: How far after the block's time a transaction may be dated.
        clock_tolerance: How far ahead of the own clock a block may be dated.
        pool_transactions: Most transactions in the mempool.
        pool_bytes: Most bytes in the mempool.
    """

    network: str = "T"
    block_time: int = 60_000
    minimum_delay: int = 5_000
    delay_scale: int = 70_000
    target_scale: int = 5 * 10**17
    time_unit: int = 1_000
    microblock_time: int = 3_000
    microblock_transactions: int = 500
    block_bytes: int = 1024 * 1024
    period: int = 1_440
    balance_depth: int = 1_000
    minimum_stake: int = 1_000 * LTO
    fee_price: int = 100_000
    maximum_age: int = 2 * HOUR
    maximum_ahead: int = 90 * MINUTE
    clock_tolerance: int = 100
    pool_transactions: int = 100_000
    pool_bytes: int = 64 * 1024 * 1024

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form. Numbers are text, since some are beyond the integers of JSON."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, document: object) -> "Parameters":
        """Read the JSON form.

        Raises:
            InvalidParametersError: A parameter is missing, unknown or no number.
        """
        names = {item.name for item in fields(cls)}
        is_text = isinstance(document, Mapping) and all(isinstance(value, str) for value in document.values())
        if not isinstance(document, Mapping) or not is_text or document.keys() != names:
            raise InvalidParametersError("these are not the parameters of a public chain")
        try:
            numbers = {name: int(text) for name, text in document.items() if name != "network"}
        except ValueError:
            raise InvalidParametersError("a parameter of the public chain is no number") from None
        return cls(network=document["network"], **numbers)


MAINNET = Parameters(network="L")


def development(network: str = "T", *, block_time: int = 1_000, period: int = 1_440) -> Parameters:
    """Return the parameters of a development chain: the reference's delays scaled to `block_time`.

    Microblocks come five times as often as key blocks, so that a hash is seen in a block at once and its receipt is
    final as soon as the next key block follows.
    """
    return Parameters(
        network=network,
        block_time=block_time,
        minimum_delay=max(1, block_time * MAINNET.minimum_delay // MAINNET.block_time),
        delay_scale=max(1, block_time * MAINNET.delay_scale // MAINNET.block_time),
        time_unit=1,
        microblock_time=max(1, block_time // 5),
        block_bytes=8 * 1024 * 1024,
        period=period,
    )
