"""The root over a day of hashes, as one tree and as the trees of its blocks, against as many bare hash calls.

A tree over n leaves takes n leaf hashes (RFC 6962: a byte before the leaf) and n - 1 inner ones (a byte before two
hashes). The limit calls hashlib as often, on messages of these lengths that are there already.
"""

import hashlib
from collections.abc import Callable

from anchor import merkle
from benchmarks.measure import Figure, compare, timed
from benchmarks.sizes import Sizes

NAME = "day-root"


def bare(leaves: int) -> Callable[[], None]:
    """Return the limit for that many leaves."""
    short, long = b"\0" + bytes(32), b"\1" + bytes(64)
    sha256 = hashlib.sha256

    def hash_all() -> None:
        for _ in range(leaves):
            sha256(short).digest()
        for _ in range(leaves - 1):
            sha256(long).digest()

    return hash_all


def of_blocks(leaves: list[bytes], blocks: int) -> bytes:
    """Return the day's root over the roots of that many blocks."""
    size = -(-len(leaves) // blocks)
    roots = [merkle.root(leaves[start : start + size]) for start in range(0, len(leaves), size)]
    return merkle.root(roots)


def run(sizes: Sizes) -> list[Figure]:
    """Measure both trees."""
    leaves = [hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(sizes.hashes)]
    limit = timed(bare(sizes.hashes))
    trees = (
        (f"root of a day: {sizes.blocks:,} blocks and the root over them", lambda: of_blocks(leaves, sizes.blocks)),
        ("root of one tree", lambda: merkle.root(leaves)),
    )
    figures = []
    for what, work in trees:
        ratio, seconds, limit_seconds = compare(timed(work), limit, rounds=sizes.rounds, meaning="time")
        figures.append(
            Figure(
                benchmark=NAME,
                what=f"{what}, {sizes.hashes:,} hashes",
                limit="bare hashlib loop of as many hash calls",
                ratio=ratio,
                meaning="time",
                aim=1.5,
                count=sizes.hashes,
                unit="hash",
                seconds=seconds,
                limit_seconds=limit_seconds,
            )
        )
    return figures
