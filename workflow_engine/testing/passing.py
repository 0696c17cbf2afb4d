"""Time that passes in a test, and what nodes do in it: timeouts, scheduled actions, and whatever waits for no answer.

A timeout is told by the node whose turn it is; where that one is down, by the next one in its turn, ten minutes later.
"""

from eventchain.core.errors import InvalidError
from workflow_engine.due import due
from workflow_engine.durations import add_duration
from workflow_engine.errors import ActionNotAvailableError, quote
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT
from workflow_engine.sub_processes.relation import is_abandoned
from workflow_engine.testing import nodes
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.services import listed
from workflow_engine.testing.world import World
from workflow_engine.timing import GRACE, Turn, turns

MAX_EVENTS = 1_000
"""Timeouts and runs of system actions within one step."""

_Idle = set[tuple[str, str]]
"""Processes, with the last event of theirs, whose timeout no transition takes now."""


class _Count:
    """Counts what happens within one step."""

    def __init__(self) -> None:
        self.events = 0

    def add(self, events: int = 1) -> None:
        self.events += events
        if self.events > MAX_EVENTS:
            raise InvalidFeatureError(f"More than {MAX_EVENTS} timeouts and system actions happen in this step.")


def let_pass(world: World, duration: str) -> None:
    """Let time pass (see `wait_until`).

    Raises:
        InvalidFeatureError: It is no duration, or too much happens in it.
    """
    try:
        moment = add_duration(world.now, duration)
    except InvalidError as error:
        raise InvalidFeatureError(error.message, hint=error.hint) from None
    wait_until(world, moment)


def wait_until(world: World, moment: int) -> None:
    """Let time pass until a moment, in milliseconds since 1970; nodes do what is due in it, in its order.

    Raises:
        InvalidFeatureError: Too much happens in it.
        LiveContractError: The machine refuses what a node does.
    """
    idle: _Idle = set()
    count = _Count()
    while True:
        _work(world, count)
        if _tell(world, idle, count):
            continue
        following = _next_moment(world, idle)
        if following is None or following > moment:
            break
        world.now = following
    world.now = max(world.now, moment)


def work(world: World) -> None:
    """Let nodes do what waits for them now: system actions, and timeouts that nobody has told yet.

    Raises:
        UnmetError: Nothing does.
        LiveContractError: The machine refuses what a node does.
    """
    count, idle = _Count(), set[tuple[str, str]]()
    _work(world, count)
    while _tell(world, idle, count):
        _work(world, count)
    if not count.events:
        waiting = nodes.requests(world)
        there = f"an answer is missing: {listed(waiting)}" if waiting else "no system action waits for one that is up"
        raise UnmetError("a node to have something to do", there)


def _work(world: World, count: _Count) -> None:
    """Run the system actions that wait, until all of them wait for an answer; sub-processes are seen to beside them."""
    is_done = False
    count.add(world.settle())
    while not is_done:
        is_done = True
        for name in list(world.processes):
            for call in nodes.tasks(world, name):
                if not nodes.perform(world, call):
                    count.add()
                    is_done = False
                    break  # the process has changed


def time_out(world: World, process: str | None) -> None:
    """Let the time of the state of a process be over, and whoever's turn it is tell so.

    Raises:
        UnmetError: The state has no timeout, or no node is up.
        LiveContractError: The machine refuses it.
    """
    present = world.start(process)
    if not turns(present):
        raise UnmetError(
            f"the state {quote(present.current.key)} to have a timeout", "no transition of it waits for one"
        )
    turn = _turn(world, present)
    if turn is None:
        raise UnmetError("a node to tell that the time is over", "all of them are down")
    world.now = max(world.now, _told_at(turn))
    world.respond(turn.identity, present.id, TIMEOUT, None, None, actor=turn.actor, is_by_node=True)


def _turn(world: World, process: Process) -> Turn | None:
    """Return the first turn of a node that is up."""
    return next((turn for turn in turns(process) if world.is_up(turn.identity)), None)


def _told_at(turn: Turn) -> int:
    return turn.due_date + turn.rank * GRACE


def _timeouts(world: World, idle: _Idle) -> list[tuple[int, str, Turn]]:
    found = []
    for process in world.processes.values():
        turn = _turn(world, process)
        is_idle = (process.id, process.last_event) in idle or is_abandoned(process, world.processes.get)
        if turn is not None and not is_idle:
            found.append((_told_at(turn), process.id, turn))
    return sorted(found, key=lambda item: item[:2])


def _tell(world: World, idle: _Idle, count: _Count) -> bool:
    """Tell the first timeout that is over by now; return whether there was one."""
    for at, name, turn in _timeouts(world, idle):
        if at <= world.now:
            count.add()
            try:
                world.respond(turn.identity, name, TIMEOUT, None, None, actor=turn.actor, is_by_node=True)
            except ActionNotAvailableError:  # no transition takes it now
                idle.add((name, world.processes[name].last_event))
            return True
    return False


def _next_moment(world: World, idle: _Idle) -> int | None:
    """Return when something is due next, in milliseconds since 1970, or None."""
    moments = [at for at, _, _ in _timeouts(world, idle) if at > world.now]
    moments += [
        task.not_before
        for process in world.processes.values()
        for task in due(process, world.processes.get)
        if task.action != TIMEOUT and task.not_before > world.now
    ]
    return min(moments, default=None)
