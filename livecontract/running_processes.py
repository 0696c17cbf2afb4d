"""The running processes that a key may see on a node, with their histories.

A node's list of processes (`GET /processes`) does not say by which text they run, and a process document does not say
how it started: so each chain that has unfinished processes is fetched, once, and derived anew. It is verified before,
since a node is not believed. That the node left nothing out cannot be seen from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eventchain.chain import read_chain, verify
from eventchain.core.errors import InvalidError, TooLargeError
from eventchain.core.ids import ChainId
from livecontract.client import NodeClient, part
from livecontract.errors import NodeUnreachableError
from livecontract.histories import read_histories
from workflow_engine.impact import History
from workflow_engine.normalise import FINAL_STATES
from workflow_engine.scenario import Scenario

MAX_PROCESSES = 10_000
"""Listed by the node: ten pages of what it tells at once."""

MAX_CHAINS = 1_000
"""Fetched one after the other, each at most as large as the client takes in one answer; one at a time is kept."""

PATIENCE = 20.0
"""Seconds to go on asking a node that has answered before, and says now that this is too fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a node lists for a key.

    Attributes:
        processes: How many processes there are, finished ones too.
        chains: Ids of the chains on which a process may still run, each once, as the node lists them.
    """

    processes: int
    chains: tuple[str, ...]


def list_processes(client: NodeClient) -> Listed:
    """Return what a node lists for the client's key, and give up at once where it cannot be reached.

    Raises:
        NodeUnreachableError: It does not answer, or something else than processes.
        TooLargeError: There are more than `MAX_PROCESSES`, or on more than `MAX_CHAINS` chains.
        LiveContractError: What the node answered, in its family.
    """
    total = 0
    chains: dict[str, None] = {}
    for page in client.pages("/processes"):
        total += len(page)
        chains |= dict.fromkeys(chain for item in page if (chain := _unfinished(item, client.base_url)))
        if total > MAX_PROCESSES or len(chains) > MAX_CHAINS:
            raise TooLargeError(
                f"{client.base_url} lists more than {MAX_PROCESSES} processes, or on more than {MAX_CHAINS} chains",
                hint="Fetch the chains that matter and give them with --processes.",
            )
    return Listed(processes=total, chains=tuple(chains))


def running_histories(client: NodeClient, chain: str, scenario: Scenario) -> list[History]:
    """Return the processes of a chain that run by a scenario and have not ended.

    Raises:
        NodeUnreachableError: The node does not answer.
        InvalidError: What it answers is another chain, a part of one, damaged or forged.
        LiveContractError: What the node answered, in its family.
    """
    document = client.get(f"/event-chains/{part(chain)}", wait=PATIENCE)
    try:
        found = read_chain(document)
        if str(found.id) != chain:
            raise InvalidError("the node answered with another chain")
        verify(found)
        return [item for item in read_histories(document, scenario) if not item.process.is_finished]
    except InvalidError as error:
        where = f"chain {chain} of {client.base_url}"
        raise InvalidError(f"{where}: {error.message}", path=error.path, hint=error.hint) from None


def all_running(client: NodeClient, listed: Listed, scenario: Scenario) -> Iterator[History]:
    """Yield the processes of all listed chains; see `running_histories`."""
    for chain in listed.chains:
        yield from running_histories(client, chain, scenario)


def _unfinished(item: Any, where: str) -> str | None:
    """Return the chain of a listed process, or None if the process stands in a state that ends every scenario."""
    try:
        has_ended, chain = item["current"]["key"] in FINAL_STATES, str(ChainId.parse(item["chain"]))
    except (KeyError, TypeError, AttributeError, InvalidError):
        raise NodeUnreachableError(f"{where} answered something that is no list of processes: is it a node?") from None
    return None if has_ended else chain
