"""`livecontract run`: run a node until it is told to stop."""

import errno
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livecontract.cli.outcome import note

if TYPE_CHECKING:
    from livecontract.bootstrap import RunningNode

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings without an option of their own are read from what the parser leaves."""

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration file, instead of livecontract.toml.")
]


def run(
    context: typer.Context,
    config: ConfigFile = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Keys and databases are kept here.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    url: Annotated[str | None, typer.Option(help="How others reach this node.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the organisation.")] = None,
) -> None:
    """Run a node: store, queue, public chain and web server in one process, unless the configuration says otherwise.

    With --service, run one of its services: eventchain, workflow, dispatcher, anchor or web (see docs/services.md).
    Every setting of docs/configuration.md is an option, such as --mail-host smtp.example.com.
    """
    from livecontract import log
    from livecontract.bootstrap import RunningNode
    from livecontract.config import load
    from livecontract.serving import wait_for_signal

    named = {"data": data, "host": host, "port": port, "url": url, "name": name}
    settings = load({**read_flags(context.args), **named}, file=config)
    log.configure(settings.log_level, settings.log_format)
    try:
        node = RunningNode(settings)
    except OSError as error:
        raise _listening(error, settings.host, settings.port) from None
    try:
        wait_for_signal(begin=lambda: _begin(node))
    finally:
        note("Stopping ...")
        node.stop()


def _begin(node: "RunningNode") -> None:
    """Start a node, and say so."""
    config = node.config
    what = config.name if config.service == "all" else f"{config.name}, service {config.service},"
    listening = f"{config.host}:{config.port}"
    behind = "" if listening in config.own_url else f", listening on {listening}"
    node.start()
    note(f"{what} is at {config.own_url}{behind} (Ctrl-C stops it). Its public key: {node.key.public_key}")
    if config.mail == "mailbox" and config.service in ("all", "dispatcher") and not node.is_local:
        note("Mails, with their one-time keys, are kept at /dev/mail. Set mail = smtp before you invite anybody.")


def again(context: typer.Context, command: str, config: Path | None, data: Path | None) -> str:
    """Return the command line of another command about the same node, with the options given to this one."""
    given = [("--config", config), ("--data", data)]
    options = [part for name, value in given if value is not None for part in (name, str(value))]
    return shlex.join(["livecontract", command, *options, *context.args])


def read_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return the settings in `--mail-host smtp.example.com` or `--mail-host=smtp.example.com`, by name.

    Raises:
        typer.BadParameter: Something is no option, lacks its value, or gives a secret, which others would see here.
    """
    from livecontract.settings import SETTINGS

    secrets = {setting.name for setting in SETTINGS if setting.secret}
    flags: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("--") or len(argument) == 2:
            raise typer.BadParameter(f"unexpected argument: {argument}")
        option, separator, value = argument[2:].partition("=")
        if not separator:
            value = next(rest, "")
            if not value or value.startswith("--"):
                raise typer.BadParameter(f"--{option} lacks its value")
        name = option.replace("-", "_")
        if name in secrets:
            raise typer.BadParameter(f"other users of the machine see a secret here: give --{option}-file FILE instead")
        flags[name] = value
    return flags


def _listening(error: OSError, host: str, port: int) -> OSError:
    """Say what to do when nothing can listen there; any other error stays as it is."""
    if isinstance(error, socket.gaierror):
        return OSError(error.errno, f"{host} is no address or known name. Name another with --host")
    advice = {
        errno.EADDRINUSE: "another program listens there. Name another with --port; 0 takes a free one",
        errno.EADDRNOTAVAIL: "that is no address of this machine. Name another with --host",
    }
    if error.errno not in advice:
        return error
    return OSError(error.errno, f"cannot listen on {host}, port {port}: {advice[error.errno]}")
