"""What another text of a scenario would do to running processes: shown to a party before it agrees (paper 8.2, 8.3).

Of each process two things are said. *Going on*: whether it could go on by the new text from where it stands, with its
actors and assets. *Replay*: where the responses it has had would have led under the new text. A process is stuck if
it cannot go on, if a response would have been refused, or if it comes to a state that is not final and in which nobody
can do anything and no time runs. Nothing here is on a chain: it is a forecast by the machine that nodes run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from workflow_engine import deviation as deviations
from workflow_engine import machine
from workflow_engine.errors import quote
from workflow_engine.operators import Budget
from workflow_engine.process import Process
from workflow_engine.process_parts import Deviation
from workflow_engine.proposal import Proposal
from workflow_engine.scenario import Scenario
from workflow_engine.state_entry import enter
from workflow_engine.sub_processes.relation import Find, nobody
from workflow_engine.timing import waits_for_timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A process with what it has had so far.

    Attributes:
        process: As it stands now.
        start: The event that started it.
        steps: The events of its responses, oldest first.
        note: Why it cannot be replayed from its start, or None.
        find: Knows the other processes of its chain, as they stand now.
    """

    process: Process
    start: Entry
    steps: tuple[Entry, ...]
    note: str | None = None
    find: Find = nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is proposed: another scenario, or a deviation from the present one.

    Attributes:
        scenario: By which the process goes on; of a deviation, the scenario with the deviation in it.
        states: Keys of a deviation's own states; none for another scenario.
        source: State from which a deviation starts, or None for any.
        start: State in which a process goes on; None for the state of the same name.
        target: State in which a deviation ends; None for another scenario.
        actors: Old actor by new actor, where the keys differ.
        assets: Old asset by new asset, where the keys differ.
    """

    scenario: Scenario
    states: tuple[str, ...]
    source: str | None
    start: str | None
    target: str | None
    actors: Mapping[str, str | None]
    assets: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a change does to one process.

    Attributes:
        process: Id of the process.
        chain: Id of its chain.
        state: Key of the state in which it stands now.
        goes_on_in: Key of the state in which it would go on, or None where it cannot, or need not.
        obstacle: Why it cannot go on, or None.
        replayed_to: Key of the state to which its responses would have led, or None where they were not replayed.
        refused: What refuses to be replayed, or why it would be stuck where it comes to; None if nothing does.
        note: What limits these findings, or None.
    """

    process: str
    chain: str
    state: str
    goes_on_in: str | None = None
    obstacle: str | None = None
    replayed_to: str | None = None
    refused: str | None = None
    note: str | None = None

    @property
    def is_stuck(self) -> bool:
        """Tell whether the process would be stuck."""
        return self.obstacle is not None or self.refused is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without what is not known."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {**{name: value for name, value in members.items() if value is not None}, "stuck": self.is_stuck}


def change_to(scenario: Scenario, *, start: str | None = None, proposal: Proposal | None = None) -> Change:
    """Return the change to another scenario.

    Args:
        scenario: By which processes go on.
        start: The state in which they go on; by default that of the proposal, else the one of the same name.
        proposal: Says how actors and assets are mapped, or None.
    """
    return Change(
        scenario=scenario,
        states=(),
        source=None,
        start=start or (proposal.target if proposal else None),
        target=None,
        actors=proposal.actors if proposal else {},
        assets=proposal.assets if proposal else {},
    )


def change_by(proposal: Proposal, scenario: Scenario) -> Change:
    """Return the change by a deviation within one scenario; `scenario` has the deviation in it."""
    return Change(
        scenario=scenario,
        states=tuple(sorted(proposal.parts["states"])),
        source=proposal.source,
        start=proposal.start or proposal.target,
        target=proposal.target,
        actors={},
        assets={},
    )


def impact_of(history: History, change: Change) -> Impact:
    """Return what a change does to a process."""
    process = history.process
    found = Impact(process=process.id, chain=process.chain, state=process.current.key, note=history.note)
    if process.is_finished:
        return replace(found, note="It has ended; nothing changes for it.")
    if process.deviation is not None:
        return replace(found, note="It deviates from its scenario now; look again when it is back.")
    if change.source not in (None, process.current.key):
        return replace(found, note=f"It does not stand in {quote(change.source or '')}; it is not concerned.")
    found = _going_on(found, history, change)
    if change.target is not None or history.note is not None:
        return found
    if change.actors or change.assets:
        return replace(found, note="Actors or assets have other names there, so it is not replayed from its start.")
    return _replayed(found, history, change)


def _going_on(found: Impact, history: History, change: Change) -> Impact:
    """Say whether the process could go on by the new text, from where it stands."""
    process = history.process
    target = change.start or process.current.key
    if target not in change.scenario.states:
        return replace(found, obstacle=f"The new text has no state {quote(target)} to go on in.")
    deviation = Deviation(
        event="",
        title="",
        base=process.scenario,
        scenario=change.scenario if change.target is not None else process.scenario,
        states=change.states,
        start=change.start,
        target=target,
        successor=None if change.target is not None else change.scenario,
        actors=change.actors,
        assets=change.assets,
    )
    last = (history.start, *history.steps)[-1]
    try:
        arrived, actor = deviations.arrive(deviations.begin(process, deviation), target, process.current.actor)
        entered = enter(arrived, target, last, actor, Budget())
    except LiveContractError as error:
        return replace(found, obstacle=str(error))
    return replace(found, goes_on_in=target, obstacle=_why_stuck(entered))


def _replayed(found: Impact, history: History, change: Change) -> Impact:
    """Say where the responses of a process would have led under the new text."""
    try:
        process = machine.start(change.scenario, history.start)
    except LiveContractError as error:
        return replace(found, refused=f"It could not have been started: {error}")
    for number, step in enumerate(history.steps, 1):
        try:
            process = machine.step(process, step, history.find)
        except LiveContractError as error:
            action = process_action(step)
            return replace(
                found,
                replayed_to=process.current.key,
                refused=f"Response {number} ({action}) would have been refused: {error}",
            )
    return replace(found, replayed_to=process.current.key, refused=_why_stuck(process))


def process_action(step: Entry) -> str:
    """Return the key of the action of a response, quoted."""
    action = step.body.get("action")
    return quote(str(action.get("key") if isinstance(action, dict) else action))


def _why_stuck(process: Process) -> str | None:
    if process.is_finished or process.available or (process.current.due_date and waits_for_timeout(process)):
        return None
    return f"In the state {quote(process.current.key)} nobody could do anything, and no time runs."
