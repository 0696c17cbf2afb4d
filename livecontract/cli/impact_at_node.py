"""Options of `livecontract scenario impact` for the processes that run at a node, and what becomes of those."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livecontract.cli import accounts
from livecontract.cli.outcome import count

if TYPE_CHECKING:
    from livecontract.client import NodeClient
    from livecontract.running_processes import Listed
    from workflow_engine.impact import Change, Impact
    from workflow_engine.scenario import Scenario

Node = Annotated[
    str | None,
    typer.Option("--node", metavar="URL", help="Also all processes by OLD that run at this node, as --key-file sees."),
]
KeyFile = Annotated[
    str | None, typer.Option("--key-file", metavar="FILE", help="Key that takes part in them (with --node).")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtNode:
    """A node with what it lists for a key."""

    client: "NodeClient"
    listed: "Listed"

    def impacts(self, before: "Scenario", change: "Change") -> "list[Impact]":
        """Return what a change does to the processes there that run by a scenario."""
        from livecontract.running_processes import all_running
        from workflow_engine.impact import impact_of

        return [impact_of(history, change) for history in all_running(self.client, self.listed, before)]


def open_node(node: str | None, key_file: str | None, passphrase_file: str | None) -> AtNode | None:
    """Ask the node that is named which processes there are; None without one.

    Raises:
        typer.BadParameter: One of the options is missing.
        LiveContractError: The key does not open, the node is not reachable, or refuses.
    """
    if (node is None) != (key_file is None):
        raise typer.BadParameter("--node and --key-file belong together")
    if passphrase_file is not None and key_file is None:
        raise typer.BadParameter("--passphrase-file belongs to --key-file")
    if node is None or key_file is None:
        return None
    from livecontract import key_store
    from livecontract.client import NodeClient
    from livecontract.running_processes import list_processes

    key = key_store.load(Path(key_file), accounts.passphrase(passphrase_file))
    client = NodeClient(node, key)
    return AtNode(client=client, listed=list_processes(client))


def node_document(at: AtNode | None, running: int) -> dict[str, Any]:
    """Return what is said of the node in JSON; nothing without one."""
    if at is None:
        return {}
    return {"node": {"url": at.client.base_url, "listed": at.listed.processes, "running": running}}


def node_line(at: AtNode | None, running: int) -> str:
    """Say how many of a node's processes were looked at, so that none is not taken for none stuck."""
    if at is None:
        return ""
    url, listed = at.client.base_url, at.listed.processes
    if not listed:
        return f"\n\nThis key sees no process at {url}: is it the key of somebody who takes part?"
    seen = f"\n\nOf {count(listed, 'process', 'processes')} that this key sees at {url}, "
    if not running:
        return f"{seen}none runs by the old text now: is OLD the text they were started with?"
    return f"{seen}{running} {'runs' if running == 1 else 'run'} by the old text now."
