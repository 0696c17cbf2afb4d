"""`livecontract recover`: get a node's chains back from the other parties, and prove them against the anchors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventchain.core.errors import LiveContractError
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish
from livecontract.cli.run import ConfigFile, read_flags

if TYPE_CHECKING:
    from livecontract.config import Config
    from livecontract.node import Node
    from livecontract.recovery import ChainReport, Report


def recover(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Option("--from", metavar="URL", help="Node of another party. Give all you know.")
    ],
    config: ConfigFile = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Keys and databases are kept here.")] = None,
    key_file: Annotated[Path | None, typer.Option("--key-file", metavar="FILE", help="The node's key.")] = None,
    genesis: Annotated[
        str | None,
        typer.Option(metavar="SIGNATURE", help="Signature of the first block of the public chain, if you know it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch all chains of a node that has lost them from the nodes of other parties, while it does not run.

    Every setting of docs/configuration.md is an option, as for run.
    """
    from livecontract import log
    from livecontract.config import load

    log.configure("error")
    settings = load({**read_flags(context.args), "data": data, "key_file": key_file}, file=config)
    report = _recover(settings, sources, genesis)
    finish(report.to_dict(), _text(report), as_json=as_json, code=OK if report.is_proven else FAILURE)


def _recover(config: "Config", uris: list[str], genesis: str | None) -> "Report":
    """Open what the node keeps, fill it, and prove what came."""
    from livecontract.client import NodeClient
    from livecontract.recovery import HttpSource, Report, take_in
    from livecontract.stopped_node import open_node

    report = Report()
    node = open_node(config)
    try:
        found = []
        for uri in uris:
            try:
                found.append(HttpSource(NodeClient(uri, node.parts.key)))
            except LiveContractError as error:
                report.silent[uri] = error.message
        take_in(node.eventchain, found, str(node.parts.key.public_key), report)
        _prove(config, node, genesis, report)
    finally:
        node.stop()
    return report


def _prove(config: "Config", node: "Node", genesis: str | None, report: "Report") -> None:
    import os

    import urllib3

    from anchor.client import AnchorClient
    from livecontract.client import NodeClient
    from livecontract.recovery import compare_anchors, find_own_anchors, prove

    archive, key = node.eventchain.archive, node.parts.key
    if config.anchor == "embedded":
        report.public_chain = "it was this node's own. Name an anchor service with --anchor URL"
        return
    public_chain = AnchorClient(config.anchor, urllib3.PoolManager(), key, random=os.urandom, clock=node.parts.clock)
    try:
        prove(archive, public_chain, public_chain.fetch_parameters, genesis, report)
        own = str(key.public_key.address(config.network))
        compare_anchors(archive, find_own_anchors(NodeClient(config.anchor), own), report)
    except LiveContractError as error:
        report.public_chain = error.message


def _text(report: "Report") -> str:
    verdict = "All is proven." if report.is_proven else "Not all is proven:"
    lines = [f"{_count(len(report.chains), 'chain')}. {verdict}"]
    for uri, reason in report.silent.items():
        lines.append(f"  NOT  {uri} could not be asked: {reason}")
    if report.public_chain:
        lines.append(f"  NOT  the public chain could not be checked: {report.public_chain}")
    elif report.headers:
        lines.append(f"  ok   the public chain: {_count(report.headers, 'block')} in a row from {report.genesis}")
    if report.foreign_anchors:
        shown = ", ".join(f"{hash_} (block {height})" for hash_, height in list(report.foreign_anchors.items())[:5])
        count = len(report.foreign_anchors)
        lines.append(f"  NOT  {count} hashes this node had anchored are no events that came back: {shown}")
    for found in report.chains.values():
        lines += ["", *_chain_lines(found)]
    lines += ["", "That nothing was left out at the end of a chain is as sure as those who were asked are independent."]
    return "\n".join(lines)


def _chain_lines(found: "ChainReport") -> list[str]:
    lines = [f"{found.chain}: {_count(found.events, 'event')}, {_count(found.branches, 'branch', 'branches')}"]
    if found.events:
        lines.append("  ok   starts at its first event; links, signatures, members and responses hold")
    for uri, reason in found.refused.items():
        lines.append(f"  NOT  what {uri} tells was refused: {reason}")
    if found.agree:
        told = len(found.ends)
        lines.append(
            f"  ok   {told} nodes tell the same end"
            if told > 1
            else "  ok   the one node that was asked tells this end"
        )
    else:
        lines += [f"  NOT  {uri} tells the end {end}" for uri, end in found.ends.items()]
    if found.anchored:
        lines.append(f"  ok   {found.anchored} events are anchored")
    if found.unanchored:
        lines.append(f"  NOT  {len(found.unanchored)} events have no receipt, from {found.unanchored[0]} on")
    for hash_, reason in found.disproven.items():
        lines.append(f"  NOT  the receipt of {hash_} does not hold: {reason}")
    lines += [f"  see  {uri} takes part and was not asked" for uri in found.not_asked]
    return lines


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
