"""`livecontract run`: run a node until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from livecontract.cli.outcome import note

ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Instead of livecontract.toml.")]
Setting = Annotated[str | None, typer.Option(help="See docs/configuration.md.")]


def run(
    config: ConfigFile = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Keys and databases are kept here.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    url: Annotated[str | None, typer.Option(help="How others reach this node.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the organisation.")] = None,
    store: Setting = None,
    broker: Setting = None,
    anchor: Setting = None,
    log_level: Setting = None,
) -> None:
    """Run a node: store, queue, public chain and web server in one process, unless the configuration says otherwise."""
    from livecontract import log
    from livecontract.bootstrap import RunningNode
    from livecontract.config import load
    from livecontract.serving import wait_for_signal

    flags = {
        "data": data,
        "host": host,
        "port": port,
        "url": url,
        "name": name,
        "store": store,
        "broker": broker,
        "anchor": anchor,
        "log_level": log_level,
    }
    settings = load(flags, file=config)
    log.configure(settings.log_level, settings.log_format)
    node = RunningNode(settings)
    node.start()
    note(f"{settings.name} is at {node.url} (Ctrl-C stops it). Its public key: {node.key.public_key}")
    try:
        wait_for_signal()
    finally:
        note("Stopping ...")
        node.stop()
