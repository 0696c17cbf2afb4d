"""`livecontract proof`: the prover's and the verifier's part of a zero-knowledge proof. No node is needed."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish, note

app = typer.Typer(help="Zero-knowledge proofs.", no_args_is_help=True)

_Out = Annotated[str, typer.Option(metavar="FILE", help="Where to keep what only you may see.")]


@app.command("commit")
def commit(
    value: Annotated[int, typer.Argument(help="A whole number from 0 to 2^53 - 1.")], out: _Out, as_json: AsJson = False
) -> None:
    """Seal a value in a commitment, and keep what opens it."""
    from livecontract import prover

    secret = prover.new_commitment(value, os.urandom)
    _keep(out, secret)
    note(f"{out} opens the commitment. Show it to nobody but whoever vouches for it.")
    finish({"commitment": secret["commitment"], "file": out}, secret["commitment"], as_json=as_json)


@app.command("key")
def key(out: _Out, as_json: AsJson = False) -> None:
    """Make a key whose secret can be proven, and keep the secret."""
    from livecontract import prover

    secret = prover.new_key(os.urandom)
    _keep(out, secret)
    finish({"key": secret["key"], "file": out}, secret["key"], as_json=as_json)


@app.command("open")
def open_(file: DocumentFile, as_json: AsJson = False) -> None:
    """Check that a commitment holds the value that its maker says; negative if it does not."""
    from livecontract import prover

    document = read_document(file)
    fits = prover.opens(document)
    result = {"opens": fits, "commitment": document.get("commitment"), "value": document["value"] if fits else None}
    text = f"{result['commitment']} holds {result['value']}" if fits else "This does not open the commitment."
    finish(result, text, as_json=as_json, code=OK if fits else FAILURE)


@app.command("announce")
def announce(
    secret: Annotated[str, typer.Argument(metavar="SECRET", help="The file that commit or key made.")],
    statement: Annotated[
        str,
        typer.Option(metavar="FILE", help="What is to be shown: {commitment, values}, {commitment, value} or {key}."),
    ],
    out: _Out,
    as_json: AsJson = False,
) -> None:
    """Announce a proof: the prover's first move."""
    from livecontract import prover

    announced = prover.announce(read_document(secret), read_document(statement), os.urandom)
    _keep(out, announced)
    finish({"announcement": announced["announcement"], "file": out}, announced["announcement"], as_json=as_json)


@app.command("challenge")
def challenge(as_json: AsJson = False) -> None:
    """Draw a challenge: the verifier's move, once the announcement is there."""
    from livecontract import prover

    drawn = prover.new_challenge(os.urandom)
    finish({"challenge": drawn}, drawn, as_json=as_json)


@app.command("answer")
def answer(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file that announce made.")],
    challenge: Annotated[str, typer.Option(metavar="HEX", help="The verifier's challenge.")],
    as_json: AsJson = False,
) -> None:
    """Answer a challenge: the prover's second move. A second challenge is refused, as it would give the secret away."""
    from livecontract import prover

    kept = f"{file}.answer"
    before = read_document(kept) if Path(kept).exists() else None
    answered = prover.answer(read_document(file), challenge, before)
    if before is None:
        _keep(kept, answered)
    finish(answered, answered["answer"], as_json=as_json)


@app.command("verify")
def verify(file: DocumentFile, as_json: AsJson = False) -> None:
    """Check a proof {statement, announcement, challenge, answer} as every node does; negative if it does not hold."""
    from workflow_engine.operators import evaluate

    holds = evaluate({"<proof>": read_document(file)}, {})
    text = "The proof holds." if holds else "The proof does not hold."
    finish({"holds": holds}, text, as_json=as_json, code=OK if holds else FAILURE)


def _keep(name: str, document: dict[str, Any]) -> None:
    """Write a new file that only its owner can read, to the disk, before anything of it is shown.

    Raises:
        ConflictError: There is one of this name.
        InvalidFileError: It cannot be written.
    """
    from eventchain.core.errors import ConflictError
    from livecontract.errors import InvalidFileError

    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(document, indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise ConflictError(
            f"{name} is there already", hint="Name another file; secrets are not written over."
        ) from None
    except (OSError, ValueError):
        raise InvalidFileError(f"{name} cannot be written", hint="Check the name and the directory.") from None
