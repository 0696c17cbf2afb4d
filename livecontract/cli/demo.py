"""`livecontract demo`: three organisations play one contract, and show what can be proven of it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from livecontract.cli.outcome import FAILURE, AsJson


class Broker(StrEnum):
    """What carries the events of the demonstration."""

    SQLITE = "sqlite"
    RABBITMQ = "rabbitmq"


class Store(StrEnum):
    """What keeps its chains."""

    SQLITE = "sqlite"
    MONGODB = "mongodb"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End afterwards instead of staying up.")] = False,
    directory: Annotated[
        Path | None, typer.Option("--directory", metavar="DIR", help="Keep everything here. Else a new temporary one.")
    ] = None,
    broker: Annotated[
        Broker, typer.Option("--broker", help="What carries events: files and HTTP, or an installed RabbitMQ.")
    ] = Broker.SQLITE,
    store: Annotated[
        Store, typer.Option("--store", help="What keeps chains: files, or an installed MongoDB.")
    ] = Store.SQLITE,
    mongodb_program: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Run this for --store mongodb; it takes an address and a directory."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a contract between three organisations on this machine, each with a node of its own."""
    import json
    import tempfile

    from rich.console import Console

    from livecontract import log
    from livecontract.demo.performance import perform
    from livecontract.demo.servers import Servers
    from livecontract.demo.transcript import Transcript

    log.configure()
    place = directory or Path(tempfile.mkdtemp(prefix="livecontract-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    program = _mongodb(mongodb_program) if store is Store.MONGODB else None
    servers = Servers.below(place.resolve(), rabbitmq=broker is Broker.RABBITMQ, mongodb=program)
    transcript = Transcript(Console(highlight=False), quiet=as_json)

    def show(document: dict[str, Any]) -> None:
        if as_json:
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))

    if not perform(transcript, place.resolve(), servers, once=once, show=show):
        raise typer.Exit(FAILURE)


def _mongodb(given: Path | None) -> Path:
    """Return the program of the database server.

    Raises:
        UnavailableError: None is installed, and none is given.
    """
    from eventchain.core.errors import UnavailableError
    from livecontract.demo.mongodb_server import find_program

    program = given or find_program()
    if program is None:
        raise UnavailableError(
            "mongod is missing",
            hint="Install MongoDB, or name a server that speaks its protocol: --mongodb-program FILE.",
        )
    return program
