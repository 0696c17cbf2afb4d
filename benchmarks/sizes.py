"""How much work each benchmark does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Amounts of work. Ratios need few rounds on a quiet machine, and more on a busy one.

    Attributes:
        chain: Events of the chain that is verified and received.
        ingest: Events that go through the eight steps, in each round.
        steps: Steps of the machine, in each round.
        responses: Responses of the process that is replayed.
        states: States of the scenarios that are checked, at most.
        hashes: Hashes of a day.
        blocks: Key blocks of a day: one a minute.
        chains: Chains that a node with many of them keeps.
        messages: Messages handed to a broker, in each round.
        requests: Requests over HTTP, in each round.
        rounds: Turns each side gets.
    """

    chain: int
    ingest: int
    steps: int
    responses: int
    states: int
    hashes: int
    blocks: int
    chains: int
    messages: int
    requests: int
    rounds: int


FULL = Sizes(
    chain=10_000,
    ingest=500,
    steps=2_000,
    responses=10_000,
    states=1_000,
    hashes=1_000_000,
    blocks=1440,
    chains=100_000,
    messages=10_000,
    requests=2_000,
    rounds=7,
)
QUICK = Sizes(
    chain=2_000,
    ingest=200,
    steps=500,
    responses=2_000,
    states=1_000,
    hashes=100_000,
    blocks=144,
    chains=10_000,
    messages=2_000,
    requests=500,
    rounds=3,
)
