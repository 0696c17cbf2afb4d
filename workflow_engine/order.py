"""Whose node goes first where several have something to do at once. Pure.

Starting a sub-process, and answering for one that has ended, are done in a moment, and one event often makes several of
them due at different nodes. If all did so at once, each would add to the chain before it has heard of the others, and
the chain would fork. So the nodes take turns, in the order in which the processes were started and in that of the
actions in the scenario, as they do when they tell of timeouts (`workflow_engine.timing.Turn`); other system actions
wait for them. Each event makes the next one due. A node that is silent holds each of the others up for ten minutes at
first. One that was killed over such an action is reminded after a minute, as doing it again does nothing twice. This is
how nodes behave, not what they accept: any order comes to the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from workflow_engine.due import Due, due
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT
from workflow_engine.sub_processes.relation import SUB_PROCESS, Find
from workflow_engine.timing import GRACE, Turn

REMINDER = 60_000
"""Milliseconds after which a node is reminded of a sub-process that it should have started or answered for."""

Waiting = tuple[Process, Due]
"""Something that a node has to do in a process."""


def waiting_now(processes: Iterable[Process], find: Find, now: int, up_since: int) -> list[Waiting]:
    """Return what is due at a moment, in the order of the processes and of their actions.

    Args:
        processes: Those of a chain, in the order in which they were started.
        find: Knows them by id.
        now: The moment, in milliseconds since 1970.
        up_since: From when on the node has heard of everything, likewise; see `workflow_engine.timing.Turn`.
    """
    return [(process, item) for process in processes for item in due(process, find) if item.is_due(now, up_since)]


def in_turn(waiting: Sequence[Waiting], now: int, up_since: int) -> list[Waiting]:
    """Return what is due at a moment, without what is for other nodes to do first.

    What no event makes due counts as brought about by time: what others were silent about, or its own node was.

    Args:
        waiting: What is due, in the order of the processes and of their actions.
        now: The moment, in milliseconds since 1970.
        up_since: From when on the node has heard of everything, likewise.
    """
    marked = [(process, item, _is_brief(process, item)) for process, item in waiting]
    parties = tuple(dict.fromkeys(item.identity for _, item, is_brief in marked if is_brief))
    began = max((item.since for _, item, is_brief in marked if is_brief), default=0)
    now = max(now, began)
    found: list[Waiting] = []
    for process, item, is_brief in marked:
        others = len(parties) - (item.identity in parties)
        if item.action == TIMEOUT or not (others or is_brief):
            found.append((process, item))
        elif _is_turn(item, parties, began, now, up_since) if is_brief else began + others * GRACE <= now:
            is_late = began + (GRACE if others else REMINDER) <= now
            found.append((process, replace(item, is_timed=item.is_timed or is_late)))
    return found


def _is_turn(item: Due, parties: Sequence[str], began: int, now: int, up_since: int) -> bool:
    turn = Turn(
        actor=item.actor,
        identity=item.identity,
        due_date=began,
        rank=parties.index(item.identity),
        parties=len(parties),
    )
    return turn.has_come(now, up_since)


def _is_brief(process: Process, item: Due) -> bool:
    return item.action != TIMEOUT and process.scenario.actions[item.action].kind == SUB_PROCESS
