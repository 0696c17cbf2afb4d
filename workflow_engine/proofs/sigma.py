"""The proof in three moves: announcement, challenge, answer (paper section 12.3).

Schnorr's proof of knowledge for a statement with one target, and the proof of Cramer, Damgård and Schoenmakers that one
of several holds for a statement with more (CRYPTO '94; Schnorr's is the case n = 1). With base G, targets Y_1 … Y_n and
a secret x with Y_s = x·G:

```
prover    announces   T_i = z_i·G - c_i·Y_i   for i ≠ s, with z_i and c_i drawn beforehand
                      T_s = k·G               with a nonce k
verifier  challenges  c                       16 bytes drawn after seeing the T_i
prover    answers     c_s = c ⊕ (the other c_i),   z_s = k + c_s·x
everybody checks      z_i·G = T_i + c_i·Y_i   for each i, with c_1 ⊕ … ⊕ c_n = c
```

All three are text, hexadecimal in lower case, so that they fit into a field of a form:

```
announcement   T_1 ‖ … ‖ T_n                          32 bytes each
challenge      c                                      16 bytes, a number in little-endian order
answer         z_1 ‖ … ‖ z_n ‖ c_1 ‖ … ‖ c_(n-1)      32 bytes each, then 16 bytes each; c_n follows from the others
```

Whoever does not know the secret succeeds with a probability of 2^-128. Whoever drew the challenge honestly learns
nothing but that the statement holds, and of several targets never which. Two answers to one announcement give the
secret away (special soundness): a seed serves one announcement, an announcement one challenge. That holds when a fork
sets an answered challenge aside, too: the prover then announces anew.

Pure. `verify` is consensus-critical; `announce` and `answer` belong to the prover's own software, and their randomness
comes in.
"""

import hashlib
from functools import reduce
from typing import Any

from eventchain.core import canonical_json
from workflow_engine.proofs import group
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.group import SIZE, Point, Scalar
from workflow_engine.proofs.statement import Statement, bytes_of, read_statement

CHALLENGE_SIZE = 16
"""Bytes of a challenge: every one of them is valid, so that nobody can refuse one as malformed."""

SEED_SIZE = 32
"""Bytes of a prover's seed."""

_DOMAIN = b"livecontract:proof:1:"


def announce(statement: Any, secret: Scalar, seed: bytes) -> str:
    """Return the prover's first move.

    Args:
        statement: Its JSON form.
        secret: The key's secret, or the commitment's blinding.
        seed: 32 random bytes, drawn for this announcement alone and kept, secret, until it is answered.

    Raises:
        InvalidProofError: The statement is malformed, or the secret does not show it.
    """
    read = read_statement(statement)
    known = _known(read, secret)
    points = []
    for index, target in enumerate(read.targets):
        drawn, challenge = _drawn(statement, secret, seed, index)
        if index == known:
            points.append(group.multiply(drawn, read.base))
        else:
            points.append(simulate(read.base, target, challenge, drawn))
    return b"".join(points).hex()


def answer(statement: Any, secret: Scalar, seed: bytes, challenge: str) -> str:
    """Return the prover's second move.

    Statement, secret and seed are those of the announcement. Never answer two challenges with one seed: both answers
    together give the secret away.

    Raises:
        InvalidProofError: The statement or the challenge is malformed, or the secret does not show the statement.
    """
    read = read_statement(statement)
    known = _known(read, secret)
    drawn = [_drawn(statement, secret, seed, index) for index in range(len(read.targets))]
    parts = [challenge for _, challenge in drawn]
    parts[known] = bytes(CHALLENGE_SIZE)
    parts[known] = _combined([_challenge_of(challenge), *parts])
    responses = [response for response, _ in drawn]
    product = group.multiply_scalars(_scalar_of_challenge(parts[known]), secret)
    responses[known] = group.add_scalars(responses[known], product)
    return b"".join([*responses, *parts[:-1]]).hex()


def verify(statement: Any, announcement: Any, challenge: Any, answer: Any) -> None:
    """Check a finished proof. The values come from outside.

    Raises:
        InvalidProofError: One of them is malformed, or the answer does not fit.
    """
    read = read_statement(statement)
    count = len(read.targets)
    announced = _pieces(bytes_of(announcement, count * SIZE, "$.announcement"), SIZE)
    whole = _challenge_of(challenge)
    given = bytes_of(answer, count * SIZE + (count - 1) * CHALLENGE_SIZE, "$.answer")
    responses = _pieces(given[: count * SIZE], SIZE)
    parts = _pieces(given[count * SIZE :], CHALLENGE_SIZE)
    parts.append(_combined([whole, *parts]))
    for target, point, part, response in zip(read.targets, announced, parts, responses, strict=True):
        left = simulate(read.base, target, part, group.read_scalar(response))
        if left != group.read_point(point):
            raise InvalidProofError("The answer does not fit the announcement and the challenge.", path="$.answer")


def simulate(base: Point, target: Point, challenge: bytes, response: Scalar) -> Point:
    """Return the announcement that this answer to this challenge fits, `response·base - challenge·target`.

    It takes no secret: whoever knows the challenge beforehand can make a proof of anything. That is why a proof
    convinces only who drew the challenge afterwards, and why it tells them nothing else.
    """
    multiple = group.multiply(_scalar_of_challenge(challenge), target)
    return group.subtract(group.multiply(response, base), multiple)


def _known(statement: Statement, secret: Scalar) -> int:
    """Return which target the secret belongs to."""
    point = group.multiply(group.read_scalar(secret), statement.base)
    if point not in statement.targets:
        raise InvalidProofError(
            "The secret does not show this statement.", hint="It may be false, or the secret that of something else."
        )
    return statement.targets.index(point)


def _drawn(statement: Any, secret: Scalar, seed: bytes, index: int) -> tuple[Scalar, bytes]:
    """Return the nonce (or the response) and the challenge that a seed gives for one target.

    Secret and statement go in as well, so that a seed that is wrongly used for two statements gives nothing away.
    """
    if len(seed) != SEED_SIZE:
        raise InvalidProofError(f"A seed has {SEED_SIZE} bytes, not {len(seed)}.")
    common = seed + secret + canonical_json.digest(statement) + index.to_bytes(2, "little")
    nonce = group.reduce(hashlib.sha512(_DOMAIN + b"nonce:" + common).digest())
    return nonce, hashlib.sha512(_DOMAIN + b"challenge:" + common).digest()[:CHALLENGE_SIZE]


def _challenge_of(text: Any) -> bytes:
    return bytes_of(text, CHALLENGE_SIZE, "$.challenge")


def _scalar_of_challenge(challenge: bytes) -> Scalar:
    return Scalar(challenge + bytes(SIZE - CHALLENGE_SIZE))


def _combined(parts: list[bytes]) -> bytes:
    return reduce(lambda left, right: bytes(a ^ b for a, b in zip(left, right, strict=True)), parts)


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]
