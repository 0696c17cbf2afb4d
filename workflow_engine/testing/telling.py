"""What is told of where a test stands when a step fails: the clock, the processes, and what they wait for."""

from collections.abc import Iterator

from eventchain.core.errors import LiveContractError
from workflow_engine import conversation, life_cycle
from workflow_engine.conversation import Conversation
from workflow_engine.durations import to_iso
from workflow_engine.errors import quote
from workflow_engine.process import Process
from workflow_engine.testing import nodes
from workflow_engine.testing.showing import shown_state
from workflow_engine.testing.world import World


def standing(world: World) -> tuple[str, ...]:
    """Return one line for each process, and one for what else there is to know; none before a process has started."""
    if not world.processes:
        return ()
    lines = [f"it is {_moment(world.now)}"]
    lines += [_line(process) for process in world.processes.values()]
    for name, process in world.processes.items():
        lines += _open_proposals(world, process, world.conversations.get(name, Conversation()))
    lines += [f"a {method} request to {url} waits for an answer" for method, url in _requests(world)]
    lines += [f"the service {url} has taken it on, and owes an answer" for url in _owing(world)]
    lines += [
        f"the invitation to {item.email} waits" for item in world.invitations.sent.values() if not item.is_accepted
    ]
    lines += [f"the node of {quote(world.invitations.name_of(identity))} is down" for identity in sorted(world.down)]
    return tuple(lines)


def _line(process: Process) -> str:
    if process.is_finished:
        return f"{quote(process.id)} has ended in {shown_state(process)}"
    due_date = process.current.due_date
    till = "" if due_date is None else f" until {_moment(due_date)}"
    deviation = "" if process.deviation is None else f", deviating: {quote(process.deviation.title)}"
    return f"{quote(process.id)} is in {shown_state(process)}{till}{deviation}"


def _open_proposals(world: World, process: Process, said: Conversation) -> Iterator[str]:
    for made in said.proposals:
        if conversation.state_of(made, process, world.now) == life_cycle.OPEN:
            missing = conversation.missing_of(made, process, frozenset(world.members))
            waits = ", ".join(quote(world.invitations.name_of(identity)) for identity in missing)
            yield f"the deviation {quote(made.proposal.title)} is open, and waits for {waits}"


def _requests(world: World) -> list[tuple[str, str]]:
    try:
        waiting = nodes.requests(world)
    except LiveContractError:  # what failed may be just this
        return []
    return sorted({(method, url) for _, method, url, _ in waiting})


def _owing(world: World) -> list[str]:
    return sorted({url for taken_on in world.services.taken_on.values() for url in taken_on.urls})


def _moment(moment: int) -> str:
    """Write a moment to the second."""
    return f"{to_iso(moment)[:19]}Z"
