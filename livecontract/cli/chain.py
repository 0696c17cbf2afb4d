"""`livecontract chain`: make the id of a chain, look at one, verify one. No node is needed."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livecontract.cli import accounts
from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish

if TYPE_CHECKING:
    from eventchain.chain import EventChain
    from eventchain.event import Event

app = typer.Typer(help="Private chains.", no_args_is_help=True)


@app.command("new")
def new(
    seed: accounts.Seed = None,
    seed_file: accounts.SeedFile = None,
    nonce: Annotated[str | None, typer.Option(metavar="TEXT", help="Makes the id repeatable. Else random.")] = None,
    network: accounts.Network = accounts.DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Make the id of a new chain of the holder of a seed phrase."""
    from eventchain.core import base58, ids

    phrase = accounts.seed_phrase(seed, seed_file)
    if phrase is None:
        raise typer.BadParameter("give --seed or --seed-file: a chain belongs to who creates it")
    number = os.urandom(ids.NONCE_LENGTH) if nonce is None else ids.nonce_from_text(nonce)
    key = accounts.key_of(phrase, 0)
    chain = ids.ChainId.create(key.public_key, number, network=accounts.check_network(network))
    document = {
        "id": str(chain),
        "initial_hash": base58.encode(chain.initial_hash),
        "initial_state": base58.encode(chain.initial_state),
    }
    finish(document, _text(document), as_json=as_json)


@app.command("show")
def show(file: DocumentFile, as_json: AsJson = False) -> None:
    """Show what a chain file holds, without verifying it."""
    from eventchain.chain import read_chain

    chain = read_chain(read_document(file))
    events = [_describe_event(event) for event in chain.events]
    document = _describe(chain) | {"events": events}
    lines = [_text(_describe(chain)), "", *(_event_line(event) for event in events)]
    finish(document, "\n".join(lines), as_json=as_json)


@app.command("verify")
def verify(file: DocumentFile, as_json: AsJson = False) -> None:
    """Verify a chain: its creator, links, hashes, signatures, and what each identity was allowed to add."""
    from livecontract.cli.chain_report import verify_document

    report = verify_document(read_document(file))
    code = OK if report["valid"] else FAILURE
    finish(report, _report_text(report), as_json=as_json, code=code)


def _describe(chain: "EventChain") -> dict[str, Any]:
    from livecontract.cli.chain_report import describe

    return describe(chain)


def _describe_event(event: "Event") -> dict[str, Any]:
    from eventchain.core import base58
    from eventchain.core.errors import InvalidError

    try:
        schema = event.body().get("$schema")
    except InvalidError:
        schema = None
    return {
        "hash": base58.encode(event.hash),
        "previous": base58.encode(event.previous),
        "timestamp": event.timestamp,
        "signer": str(event.sign_key),
        "schema": schema if isinstance(schema, str) else None,
    }


def _event_line(event: dict[str, Any]) -> str:
    try:
        when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        when = str(event["timestamp"])
    return f"{when}  {event['hash']}  {event['schema'] or 'data'}  by {event['signer']}"


def _report_text(report: dict[str, Any]) -> str:
    if report["valid"]:
        extent = "part of a chain" if report["partial"] else "whole chain"
        verdict = f"Valid: {extent}, {report['events']} events, format {report['format']}."
    else:
        verdict = "Not valid:"
    problems = [
        f"  {item['check']}: {item['message']}" + (f" (event {item['event']})" if item["event"] else "")
        for item in report["errors"]
    ]
    facts = {name: report[name] for name in ("id", "latest_hash", "state") if report[name] is not None}
    return "\n".join([verdict, *problems, *(f"Not checked: {item}" for item in report["not_checked"]), _text(facts)])


def _text(document: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<14} {value}" for name, value in document.items() if value is not None)
