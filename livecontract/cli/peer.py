"""`livecontract peer`: accounts of other organisations' nodes at this node's RabbitMQ."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livecontract.cli.outcome import AsJson, finish, note
from livecontract.cli.run import CONTEXT, ConfigFile, read_flags

if TYPE_CHECKING:
    from livecontract.peer_accounts import PeerAccounts

app = typer.Typer(help="Accounts of other organisations at this node's RabbitMQ.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call the other organisation, such as acme-ltd.")]
_Administrator = Annotated[
    str | None,
    typer.Option("--administrator", metavar="USER", help="Administrator of the broker, instead of the node."),
]
_PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="File with the administrator's password.")
]


@app.command("allow", context_settings=CONTEXT)
def allow(
    context: typer.Context,
    name: _Name,
    renew: Annotated[bool, typer.Option("--renew", help="Give an account that is there a new password.")] = False,
    config: ConfigFile = None,
    administrator: _Administrator = None,
    password_file: _PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Let another organisation's node publish to this one, and print the URL to hand to its operator: a secret."""
    url = _accounts(context, config, administrator, password_file).allow(name, renew=renew)
    note("Hand this URL over in secret; it goes into the setting peers of the other node.")
    if url.startswith("amqp://"):
        note("It names a connection without TLS: whoever listens learns the password. Set node_uri to amqps://.")
    finish({"name": name, "url": url}, url, as_json=as_json)


@app.command("list", context_settings=CONTEXT)
def list_accounts(
    context: typer.Context,
    config: ConfigFile = None,
    administrator: _Administrator = None,
    password_file: _PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """List the organisations whose nodes may publish to this one."""
    found = _accounts(context, config, administrator, password_file).all()
    lines = [f"{item.name}{'' if item.is_least else '  (may do other things than it needs)'}" for item in found]
    document = [{"name": item.name, "user": item.user, "least_privilege": item.is_least} for item in found]
    finish(document, "\n".join(lines) or "No organisation has an account here.", as_json=as_json)


@app.command("remove", context_settings=CONTEXT)
def remove(
    context: typer.Context,
    name: _Name,
    config: ConfigFile = None,
    administrator: _Administrator = None,
    password_file: _PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """End an organisation's account and its connections. Messages for this node then wait at the other one."""
    _accounts(context, config, administrator, password_file).remove(name)
    finish({"name": name, "removed": True}, f"{name} has no account here any more.", as_json=as_json)


def _accounts(
    context: typer.Context, config: Path | None, administrator: str | None, password_file: Path | None
) -> "PeerAccounts":
    from livecontract.config import load
    from livecontract.peer_accounts import PeerAccounts
    from livecontract.peering import open_management

    if (administrator is None) != (password_file is None):
        raise typer.BadParameter("--administrator and --password-file belong together")
    settings = load(read_flags(context.args), file=config)
    login = None
    if administrator is not None and password_file is not None:
        login = administrator, password_file.read_text(encoding="utf-8").rstrip("\r\n")
    return PeerAccounts(open_management(settings, login), settings.uri, os.urandom)
