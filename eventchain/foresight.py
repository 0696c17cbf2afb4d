"""What the workflow engine is about to be told, for an engine that is asked over a network: in one request for all."""

from collections.abc import Container, Iterator, Sequence

from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from eventchain.intake import Run
from eventchain.recent import RecentTips
from eventchain.tip import Tip


def foresee(
    runs: Sequence[Run], left_out: Container[str], tips: RecentTips, latest: int, told: set[str]
) -> Iterator[Entry]:
    """Yield the entries of the events that follow the ends of their chains, in the order in which they will be applied.

    Of a chain nothing is foreseen after an event that will not be taken, and nothing of one that is new here.

    Args:
        runs: Verified ones.
        left_out: Ids of chains that are not worked on now.
        tips: Ends of chains.
        latest: Events with a later timestamp (milliseconds since 1970) are not taken.
        told: Gets the ids of the chains of which entries were yielded.
    """
    ends: dict[str, Tip | None] = {}
    for run in runs:
        chain = str(run.id)
        if run.error is not None or run.chain is None or chain in left_out:
            continue
        tip = ends[chain] if chain in ends else tips.end_of(run.id)
        if tip is not None and tip.height and run.chain.base.hash == tip.hash:
            for event in run.chain.events:
                try:
                    tip, entry = tip.advance(event)
                except LiveContractError:
                    tip = None
                if tip is None or event.timestamp > latest:
                    tip = None
                    break
                told.add(chain)
                yield entry
        ends[chain] = tip
