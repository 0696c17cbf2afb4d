"""Branches: events that do not follow the end of the chain, and are kept beside it.

The branch that arrived first is canonical. Another one is kept only if every event of it may stand where it stands, so
it is tried from the chain's first event on.
"""

from collections.abc import Sequence
from typing import cast

import structlog

from eventchain.archive import Archive, read_event
from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.errors import ConflictError
from eventchain.core.ids import ChainId
from eventchain.errors import ForkError, UnknownPreviousError
from eventchain.event import Event
from eventchain.ports import Engine
from eventchain.tip import Tip

log = structlog.get_logger(__name__)

MAX_BRANCHES = 16
"""Events that may follow one event directly: each costs every node a rehearsal of its branch."""


def rehearse_branch(archive: Archive, engine: Engine, chain: ChainId, events: Sequence[Event]) -> Tip:
    """Check that events may stand on a branch, and return the place it grows from.

    Args:
        archive: Knows the event they follow.
        engine: Tries the whole branch.
        chain: Theirs.
        events: Linked ones, at least one, that are not kept yet.

    Raises:
        UnknownPreviousError: The event before them has not arrived.
        LiveContractError: One of them may not stand there, or there are too many branches.
    """
    previous = events[0].previous
    if previous != chain.initial_hash and archive.find(chain, previous) is None:
        raise UnknownPreviousError(
            f"the event before it, {base58.encode(previous)}, has not arrived here",
            hint="Send the chain from an event this node has, or from its first one.",
        )
    if archive.children(chain, previous) >= MAX_BRANCHES:
        raise ConflictError(f"more than {MAX_BRANCHES} branches from one event are not kept")
    start, entries = _walk(Tip.empty(chain), archive.path(chain, previous))
    _, more = _walk(start, events)
    engine.rehearse([*entries, *more])
    return start


def check_canonical(archive: Archive, chain: ChainId, last: bytes) -> None:
    """Check that an event that is kept stands on the canonical chain.

    Raises:
        ForkError: It stands on a branch.
    """
    if fork_point := archive.fork_point(chain, last):
        branch = base58.encode(last)
        log.warning("fork", chain=str(chain), fork_point=fork_point, branch=branch)
        raise ForkError(str(chain), fork_point, branch)


def complete_branches(archive: Archive, chain: ChainId) -> None:
    """Put in view what stands beside the canonical chain and is on no branch that is in view, as after a crash."""
    beside = {str(document["hash"]): document for document in archive.beside(chain)}
    in_view: set[str] = set()
    for conflict in archive.conflicts(chain) if beside else ():
        name = str(conflict["tip"])
        while name in beside and name not in in_view:
            in_view.add(name)
            name = str(beside[name]["previous"]) if name != conflict["root"] else ""
    for name, document in sorted(beside.items(), key=lambda item: cast("int", item[1]["height"])):
        if name not in in_view:
            event = read_event(document)
            archive.record_branch(chain, event.previous, [event], cast("int", document["received"]))


def _walk(tip: Tip, events: Sequence[Event]) -> tuple[Tip, list[Entry]]:
    entries = []
    for event in events:
        tip, entry = tip.advance(event)
        entries.append(entry)
    return tip, entries
