"""A deviation in force: how a process gets into it, and out of it again (paper sections 8.2 and 8.3).

While it is in force the process runs by its scenario with the deviation's states and actions in it, so the machine
treats them like all others. What the deviation brought is gone with it: its states, actions, definitions and assets.
What should stay is written into an asset of the scenario. Nothing that happened is undone: responses stay as they were.

A process that goes on by another scenario takes actors and assets with it, by key or as the proposal maps them, and
they have to fit the new scenario's schemas.

Pure and consensus-critical, like the machine, which asks `arrive` before every state it enters.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workflow_engine import update
from workflow_engine.errors import InvalidDataError, quote
from workflow_engine.process import Process
from workflow_engine.process_parts import Deviation
from workflow_engine.proposal import Proposal, deviating_scenario
from workflow_engine.scenario import Scenario
from workflow_engine.update import Projection


def made_of(proposal: Proposal, event: str, base: Scenario, successor: Scenario | None) -> Deviation:
    """Return the deviation that a proposal describes, which was checked before.

    Args:
        proposal: What was agreed to.
        event: Hash of the event that proposed it.
        base: The scenario that is left.
        successor: The scenario by which the process goes on, if the proposal names one.
    """
    return Deviation(
        event=event,
        title=proposal.title,
        base=base,
        scenario=deviating_scenario(proposal, base) if proposal.parts["states"] else base,
        states=tuple(sorted(proposal.parts["states"])),
        start=proposal.start,
        target=proposal.target,
        successor=successor,
        actors=proposal.actors,
        assets=proposal.assets,
    )


def begin(process: Process, deviation: Deviation) -> Process:
    """Return a process with a deviation in force, whose assets are there from now on. It is still in the old state."""
    own = {
        key: update.default_of(definition.schema_document)
        for key, definition in deviation.scenario.assets.items()
        if key not in deviation.base.assets
    }
    return replace(process, scenario=deviation.scenario, deviation=deviation, assets={**process.assets, **own})


def asked_anew(process: Process) -> Process:
    """Return a process whose data has changed: who agreed to deviate did so on other data, and has to agree again."""
    if not process.proposals:
        return process
    return replace(process, proposals=tuple(replace(item, agreed=()) for item in process.proposals))


def arrive(process: Process, target: str, actor: str | None) -> tuple[Process, str | None]:
    """Return a process that is about to enter a state, and the actor who led it there.

    Proposals to deviate from the state that is left lapse. A deviation ends where the state is none of its own.

    Raises:
        InvalidDataError: An actor or asset does not fit the scenario by which the process goes on.
    """
    process = replace(process, proposals=()) if process.proposals else process
    deviation = process.deviation
    if deviation is None or target in deviation.states:
        return process, actor
    if deviation.successor is None:
        assets = {key: process.assets[key] for key in deviation.base.assets}
        return replace(process, scenario=deviation.base, deviation=None, assets=assets), actor
    return _updated(process, deviation, deviation.successor, actor)


def _updated(
    process: Process, deviation: Deviation, successor: Scenario, actor: str | None
) -> tuple[Process, str | None]:
    """Return a process that goes on by another scenario, with the actors and assets it takes with it."""
    before = update.initial(successor)
    sources = {key: deviation.actors.get(key, key) for key in successor.actors}
    actors = {
        key: _actor(process.actors[source], deviation.base, source, before.actors[key])
        for key, source in sources.items()
        if source is not None and source in process.actors
    }
    taken = {key: deviation.assets.get(key, key) for key in successor.assets}
    assets = {
        key: process.assets[source]
        for key, source in taken.items()
        if source is not None and source in process.assets and process.assets[source] is not None
    }
    after = Projection(title=process.title, actors={**before.actors, **actors}, assets={**before.assets, **assets})
    try:
        update.validate_changes(before, after, successor)
    except InvalidDataError as error:
        error.hint = f"The process cannot go on by the new scenario in {quote(deviation.target)} with this data."
        raise
    acting = next((key for key, source in sorted(sources.items()) if source == actor), None) if actor else None
    moved = replace(process, scenario=successor, deviation=None, actors=after.actors, assets=after.assets)
    return moved, acting


def _actor(old: Mapping[str, Any], base: Scenario, source: str, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return an actor of the new scenario with the data of an old one; a title that the role gave stays behind."""
    kept = {name: value for name, value in old.items() if name != "key"}
    if kept.get("title") == base.actors[source].title:
        kept.pop("title", None)
    return {**new, **kept}
