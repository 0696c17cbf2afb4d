"""`livecontract verify`: check an evidence file. No node and no network is needed."""

from typing import Annotated, Any

import typer

from livecontract.cli.files import DocumentFile, read_bytes
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish


def verify(
    file: DocumentFile,
    genesis: Annotated[
        str | None,
        typer.Option(metavar="SIGNATURE", help="Signature of the first block of the public chain, if you know it."),
    ] = None,
    other: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Evidence file of another chain, of which this one cites events. Repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an evidence file: what was done in a contract, when and by whom."""
    from livecontract import evidence, log
    from workflow_engine.engine import replay

    log.configure()
    others = [read_bytes(path) for path in other or ()]
    checks = evidence.verify(read_bytes(file), replay, genesis=genesis, others=others)
    valid = all(check.ok for check in checks)
    document = {"valid": valid, "checks": [check.to_dict() for check in checks]}
    finish(document, _text(document), as_json=as_json, code=OK if valid else FAILURE)


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"  {'ok ' if item['ok'] else 'NOT'}  {item['check']:<13} {item['message']}" for item in document["checks"]
    ]
    verdict = "Valid: every check holds." if document["valid"] else "Not valid: see the checks marked NOT."
    return "\n".join([verdict, *lines])
