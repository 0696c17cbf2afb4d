"""`livecontract demo`: three organisations play one contract, and show what can be proven of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from livecontract.cli.outcome import FAILURE, AsJson


def demo(
    once: Annotated[bool, typer.Option("--once", help="End afterwards instead of staying up.")] = False,
    directory: Annotated[
        Path | None, typer.Option("--directory", metavar="DIR", help="Keep everything here. Else a new temporary one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a contract between three organisations on this machine, each with a node of its own."""
    import json
    import tempfile

    from rich.console import Console

    from livecontract import log
    from livecontract.demo.performance import perform
    from livecontract.demo.transcript import Transcript

    log.configure()
    place = directory or Path(tempfile.mkdtemp(prefix="livecontract-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    transcript = Transcript(Console(highlight=False), quiet=as_json)

    def show(document: dict[str, Any]) -> None:
        if as_json:
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))

    if not perform(transcript, place.resolve(), once=once, show=show):
        raise typer.Exit(FAILURE)
