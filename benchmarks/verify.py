"""Verifying a chain of 10,000 events against the bare signature checks it consists of."""

from benchmarks import samples
from benchmarks.bare import signatures
from benchmarks.measure import Figure, compare, timed
from benchmarks.sizes import Sizes
from eventchain.chain import verify

NAME = "verify"


def run(sizes: Sizes) -> list[Figure]:
    """Measure, with one thread and with two."""
    chain = samples.response_chain(sizes.chain)
    limit = timed(signatures(chain))
    figures = []
    for threads, aim in ((1, 0.85), (2, 1.7)):
        ratio, seconds, limit_seconds = compare(
            timed(lambda threads=threads: verify(chain, threads=threads)),  # type: ignore[misc]
            limit,
            rounds=sizes.rounds,
        )
        figures.append(
            Figure(
                benchmark=NAME,
                what=f"creator, links, hashes and signatures of a chain, {threads} thread{'s' if threads > 1 else ''}",
                limit="bare libsodium loop over the same messages, one thread",
                ratio=ratio,
                meaning="speed",
                aim=aim,
                count=sizes.chain,
                unit="event",
                seconds=seconds,
                limit_seconds=limit_seconds,
            )
        )
    return figures
