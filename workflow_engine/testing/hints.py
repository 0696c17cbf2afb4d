"""What to do about a step that failed, where more is known than the error tells: near names, data, reasons."""

from collections.abc import Callable, Iterable

from eventchain.core.errors import LiveContractError
from workflow_engine.errors import ActorNotAllowedError, InvalidDataError, InvalidDeviationError, quote
from workflow_engine.operators import Budget, holds, paths
from workflow_engine.process import Process, context_of, identity_of
from workflow_engine.testing import values
from workflow_engine.testing.coverage import concerns
from workflow_engine.testing.errors import UnmetError
from workflow_engine.testing.said import Said
from workflow_engine.testing.world import World, near

_MOST = 4
"""Problems that a hint names, beside the first one."""


def hint_of(said: Said, error: LiveContractError) -> str | None:
    """Return what to do about a step that failed, or None."""
    found = (find(said, error) for find in _FINDERS)
    return next((hint for hint in found if hint), error.hint)


def _no_data(said: Said, error: LiveContractError) -> str | None:
    """An action is refused for want of data."""
    if said.has_data or not isinstance(error, InvalidDataError) or not (error.path or "").startswith("$.data"):
        return None
    return "The action takes data: end the sentence with ` with:` and put a table below it."


def _wrong_data(said: Said, error: LiveContractError) -> str | None:
    """What stands where data is refused; and where nothing is foreseen, the name that is near."""
    if not isinstance(error, InvalidDataError) or not (error.path or "").startswith("$.data."):
        return None
    place = (error.path or "").removeprefix("$.data.")
    try:
        there = values.show(paths.find(place, said.data()))
    except LiveContractError:  # a path in brackets, which no dot path is
        return None
    foreseen = sorted(_foreseen(said))
    name = place.partition(".")[0]
    if name not in foreseen and foreseen:
        return f"{near(name, foreseen)}The form has {', '.join(foreseen[:16])}."
    return f"There stands {there}."


def _foreseen(said: Said) -> Iterable[str]:
    """Return the names of the fields of the form that a step fills in."""
    action = said.words.get("action")
    processes = [process for process in said.world.processes.values() if action in process.scenario.actions]
    for process in processes[:1]:
        known = process.scenario.actions[str(action)]
        response = known.responses.get(said.words.get("response") or known.default_response)
        document = None if response is None else response.schema_document
        if isinstance(document, dict) and isinstance(document.get("properties"), dict):
            yield from document["properties"]


def _nobody(said: Said, error: LiveContractError) -> str | None:
    """Who plays the actors, where somebody acts who plays none."""
    if not isinstance(error, ActorNotAllowedError) or error.hint is not None:
        return None
    person = said.words.get("person")
    for process in said.world.processes.values():
        if person is not None and not process.actors_of(said.world.identity_of(person)):
            return f"{quote(person)} plays no actor. {_cast(said.world, process)}"
    return None


def _cast(world: World, process: Process) -> str:
    played = []
    for key, actor in sorted(process.actors.items()):
        identity = identity_of(actor)
        played.append(f"{key} is {'nobody yet' if identity is None else world.invitations.name_of(identity)}")
    return f"In {quote(process.id)}, {', '.join(played)}."


def _problems(_: Said, error: LiveContractError) -> str | None:
    """All problems of a proposal to deviate that is wrong in itself."""
    if not isinstance(error, InvalidDeviationError) or len(error.problems) < 2:
        return None
    more = error.problems[1 : 1 + _MOST]
    return "And: " + " ".join(f"{problem.message} (at {problem.path})" for problem in more)


def _stayed(said: Said, error: LiveContractError) -> str | None:
    """Why the last response led nowhere, where another state was expected."""
    wanted = isinstance(error, UnmetError) and "to be in the state" in error.expected
    for trace in said.world.traces.values() if wanted else ():
        if len(trace) > 1:
            reason = why_it_stayed(trace[-2], trace[-1])
            if reason is not None:
                return reason
    return None


def why_it_stayed(before: Process, after: Process) -> str | None:
    """Return why the response between two processes led to no other state, or None where it did."""
    given = after.previous[-1] if len(after.previous) > len(before.previous) else None
    if given is None or after.current.event != before.current.event:
        return None
    action, key, actor = given["action"]["key"], given["key"], given["actor"]["key"]
    transitions = [
        item for item in before.scenario.states[before.current.key].transitions if concerns(item, action, key)
    ]
    said = f"{action}.{key} left it in {quote(after.current.key)}"
    if not transitions:
        return f"{said}, where no transition waits for that."
    seen = context_of(after, actor=actor, response={**given, "action": {"key": action}})
    unmet = [quote(item.target) for item in transitions if not holds(item.condition, seen, Budget())]
    if not unmet:
        return None
    return f"{said}: the condition of the transition to {', '.join(unmet)} is not met."


_FINDERS: tuple[Callable[[Said, LiveContractError], str | None], ...] = (
    _no_data,
    _wrong_data,
    _nobody,
    _problems,
    _stayed,
)
