"""Receiving events as the event chain service does, against the bare signature checks among it.

What counts is everything between the bytes that came and events that may be added: strict reading of the document, its
base58 and base64, the bytes that were signed put together, hashes, links, signatures, and strict reading of every body.
Each signature is verified once.
"""

import json

from benchmarks import samples
from benchmarks.bare import signatures
from benchmarks.measure import Figure, compare, timed
from benchmarks.sizes import Sizes
from eventchain.chain import check_data, find_problems, read_chain
from eventchain.core import strict_json

NAME = "receive"


def receive(document: bytes, threads: int) -> None:
    """Read and verify a chain and the bodies of its events.

    Raises:
        RuntimeError: Something is wrong with it.
    """
    chain = read_chain(strict_json.parse(document))
    for problem in (*find_problems(chain, threads=threads), *check_data(chain)):
        raise RuntimeError(problem.message)


def run(sizes: Sizes) -> list[Figure]:
    """Measure, with one thread and with two for the signatures."""
    chain = samples.response_chain(sizes.chain)
    document = json.dumps(chain.to_dict(), separators=(",", ":")).encode("ascii")
    limit = timed(signatures(chain))
    figures = []
    for threads in (1, 2):
        ratio, seconds, limit_seconds = compare(
            timed(lambda threads=threads: receive(document, threads)),  # type: ignore[misc]
            limit,
            rounds=sizes.rounds,
        )
        figures.append(
            Figure(
                benchmark=NAME,
                what="strict reading, base58, hashes, links, signatures and bodies of received events, "
                f"{threads} thread{'s' if threads > 1 else ''}",
                limit="bare libsodium loop over the same messages, one thread",
                ratio=ratio,
                meaning="speed",
                aim=0.75,
                count=sizes.chain,
                unit="event",
                seconds=seconds,
                limit_seconds=limit_seconds,
            )
        )
    return figures
