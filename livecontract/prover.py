"""What the prover of a zero-knowledge proof keeps, as data: the software of a person, beside the engine that judges.

```
secret of a commitment   {"commitment": C, "value": v, "blinding": r}
secret of a key          {"key": X, "secret": x}
announced proof          {"statement": …, "announcement": …, "secret": …, "seed": …}
answered proof           {"challenge": …, "answer": …}
```

All but statement, announcement, challenge, answer, commitment and key stay with the prover. Numbers of the group are
64 hexadecimal digits (`workflow_engine.proofs`). Pure: randomness comes in, and who calls keeps the files.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.keys import Random
from livecontract.errors import AlreadyAnsweredError
from workflow_engine.proofs import group, sigma
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.group import Scalar
from workflow_engine.proofs.statement import bytes_of, commit, key_of


def new_commitment(value: int, random: Random) -> dict[str, Any]:
    """Seal a value, and return the commitment with what opens it.

    Raises:
        InvalidProofError: It is no whole number from 0 to 2^53 - 1.
    """
    blinding = group.reduce(random(group.WIDE_SIZE))
    return {"commitment": commit(value, blinding).hex(), "value": value, "blinding": blinding.hex()}


def new_key(random: Random) -> dict[str, Any]:
    """Make a key whose secret can be proven, for this and nothing else."""
    secret = group.reduce(random(group.WIDE_SIZE))
    return {"key": key_of(secret).hex(), "secret": secret.hex()}


def new_challenge(random: Random) -> str:
    """Draw the challenge of a verifier."""
    return random(sigma.CHALLENGE_SIZE).hex()


def opens(document: Any) -> bool:
    """Tell whether value and blinding are those of the commitment; for whoever vouches for it.

    Raises:
        InvalidProofError: It is no secret of a commitment.
    """
    secret = _secret_of(document, "blinding")
    return bool(commit(document.get("value"), secret).hex() == document.get("commitment"))


def announce(secret: Any, statement: Any, random: Random) -> dict[str, Any]:
    """Announce a proof, with a seed of its own.

    Args:
        secret: The secret of a commitment or of a key, as it is kept.
        statement: The JSON form of what is to be shown.
        random: Source of randomness.

    Raises:
        InvalidProofError: One is malformed, or the secret does not show the statement.
    """
    known = _secret_of(secret, "secret" if isinstance(secret, Mapping) and "secret" in secret else "blinding")
    seed = random(sigma.SEED_SIZE)
    announcement = sigma.announce(statement, known, seed)
    return {"statement": statement, "announcement": announcement, "secret": known.hex(), "seed": seed.hex()}


def answer(announced: Any, challenge: str, answered: Any = None) -> dict[str, Any]:
    """Answer a challenge, unless another one was answered.

    Args:
        announced: What `announce` returned.
        challenge: The verifier's.
        answered: What this function returned before for the same announcement, if it did.

    Returns:
        `{challenge, answer}`. It has to be kept before anybody sees it.

    Raises:
        AlreadyAnsweredError: The announcement was answered for another challenge.
        InvalidProofError: One is malformed.
    """
    if answered is not None and (not isinstance(answered, Mapping) or answered.get("challenge") != challenge):
        raise AlreadyAnsweredError(
            "This announcement was answered for another challenge. A second answer would give the secret away.",
            hint="Announce the proof anew.",
        )
    secret = _secret_of(announced, "secret")
    seed = bytes_of(announced.get("seed"), sigma.SEED_SIZE, "$.seed")
    return {"challenge": challenge, "answer": sigma.answer(announced.get("statement"), secret, seed, challenge)}


def _secret_of(document: Any, name: str) -> Scalar:
    if not isinstance(document, Mapping):
        raise InvalidProofError("This should be an object, as it was kept.", path="$")
    if name not in document:
        hint = "Announcing takes what `proof commit` or `proof key` wrote, answering what `proof announce` wrote."
        raise InvalidProofError(f'There is no "{name}" in this file.', path="$", hint=hint)
    return group.read_scalar(bytes_of(document.get(name), group.SIZE, f"$.{name}"))
