"""What the sentences under `Then` look at (see `vocabulary`): each takes what is said."""

from eventchain.core.errors import ConflictError, ForbiddenError, LiveContractError
from workflow_engine.errors import InvalidDataError, quote
from workflow_engine.process import Process
from workflow_engine.sub_processes import relation
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.said import Said, check_response
from workflow_engine.testing.showing import shown_state, view
from workflow_engine.testing.world import check_known, near


def actor_has(said: Said) -> None:
    """The data of an actor."""
    actor, process = said.word("actor"), said.process()
    check_known(process.scenario, "actor", actor)
    said.check(process.actors[actor], f"the actor {quote(actor)}")


def process_has(said: Said) -> None:
    """Anything of a process, by its path."""
    process = said.process()
    for row in said.step.table or ():
        _check_path(process, row[0])
    said.check(view(process), f"the process {quote(process.id)}")


_MEMBERS = ("id", "title", "scenario", "chain", "actors", "assets", "definitions", "previous", "current")
_AT_TIMES = ("$", "$schema", "deviation", "proposals", "changed")
"""Members of a process that a path may begin with: those that are always there, and those that are rarely needed."""


def _check_path(process: Process, path: str) -> None:
    """See that a path begins with what there is, so that a misspelt one never passes for something absent."""
    name, _, rest = path.partition(".")
    if name not in (*_MEMBERS, *_AT_TIMES) and "${" not in name and '"' not in name:
        raise InvalidFeatureError(
            f"A process has no {quote(name)}.", hint=f"{near(name, _MEMBERS)}It has {', '.join(_MEMBERS)}."
        )
    inner = rest.partition(".")[0]
    if name in ("actors", "assets") and inner and inner.isidentifier():
        check_known(process.scenario, name.removesuffix("s"), inner)


def is_in_state(said: Said) -> None:
    """The state of a process."""
    _expect_state(said, said.word("state"))


def is_completed(said: Said) -> None:
    """The process has ended well."""
    _expect_state(said, ":success")


def is_cancelled(said: Said) -> None:
    """The process was cancelled."""
    _expect_state(said, ":cancelled")


def has_failed(said: Said) -> None:
    """The process has failed."""
    _expect_state(said, ":failed")


def _expect_state(said: Said, key: str) -> None:
    process = said.process()
    check_known(process.scenario, "state", key)
    if process.current.key != key:
        raise UnmetError(
            f"the process {quote(process.id)} to be in the state {quote(key)}", f"it is in {shown_state(process)}"
        )


def is_in_history(said: Said) -> None:
    """A title stands in the history."""
    title, (there, process) = said.word("title"), _history(said)
    if title not in there:
        raise UnmetError(
            f"{quote(title)} to be in the history of {quote(process.id)}",
            f"there is: {'; '.join(there[-8:]) or 'nothing'}",
        )


def is_not_in_history(said: Said) -> None:
    """A title does not stand in the history."""
    title, (there, process) = said.word("title"), _history(said)
    if title in there:
        raise UnmetError(f"{quote(title)} not to be in the history of {quote(process.id)}", "it is")


def _history(said: Said) -> tuple[list[str], Process]:
    process = said.process()
    return [response["title"] for response in process.previous if "title" in response], process


# --- What can be done -------------------------------------------------------------------------------------------------


def may_run(said: Said) -> None:
    """An action is possible for a person now."""
    person, action = said.word("person"), said.word("action")
    process = said.process()
    check_known(process.scenario, "action", action)
    instance = process.current.actions.get(action)
    identity = said.world.identity_of(person)
    actors = process.actors_of(identity)
    if said.world.invitations.is_waiting(identity):
        raise UnmetError(f"{quote(person)} to be able to do {quote(action)}", "the invitation is not accepted yet")
    if instance is None or not set(actors) & set(instance["actors"]):
        raise UnmetError(
            f"{quote(person)} to be able to do {quote(action)}", f"not in the state {shown_state(process)}"
        )


def cannot_run(said: Said) -> None:
    """An action is refused: it is not possible now, not for this person, or not with this data.

    What is misspelt is not refused but wrong, so that no test passes by a slip of the pen.
    """
    person, action = said.word("person"), said.word("action")
    key, data = said.optional("response"), said.data()
    process = said.process()
    check_response(process.scenario, action, key)
    refusals: tuple[type[LiveContractError], ...] = (ConflictError, ForbiddenError)
    if said.has_data:
        refusals = (InvalidDataError,)
        may_run(said)
    try:
        said.world.attempt(person, process.id, action, key, data)
    except refusals:
        return
    except InvalidDataError as error:
        raise InvalidFeatureError(
            f"It is refused for its data alone: {error}", hint="Give the data with ` with:` to test that."
        ) from None
    raise UnmetError(
        f"{quote(action)} by {quote(person)} to be refused",
        "it is accepted with this data" if said.has_data else "it is possible",
    )


def possible_actions(said: Said) -> None:
    """Exactly these actions are possible, each for exactly these actors."""
    process = said.process()
    if said.step.table is None or any(len(row) != 2 for row in said.step.table):
        raise InvalidFeatureError(
            "This step needs a table of actions and actors.", hint="Write rows such as `| sign | buyer, seller |`."
        )
    wanted = {action: {name.strip() for name in actors.split(",")} for action, actors in said.step.table}
    for action, actors in wanted.items():
        check_known(process.scenario, "action", action)
        for actor in actors:
            check_known(process.scenario, "actor", actor)
    there = {action: set(process.current.actions[action]["actors"]) for action in process.available}
    if wanted != there:
        raise UnmetError(f"the possible actions to be {_listed(wanted)}", f"they are {_listed(there)}")


def no_action(said: Said) -> None:
    """Nothing is possible any more."""
    process = said.process()
    if process.available:
        there = {action: set(process.current.actions[action]["actors"]) for action in process.available}
        raise UnmetError("no action to be possible", f"there is {_listed(there)}")


def _listed(actions: dict[str, set[str]]) -> str:
    return "; ".join(f"{key} ({', '.join(sorted(actors))})" for key, actors in sorted(actions.items())) or "none"


def is_abandoned(said: Said) -> None:
    """A sub-process is one that nothing waits for any more."""
    process = said.process()
    if not relation.is_abandoned(process, said.world.processes.get):
        ended = "it has ended" if process.is_finished else "it still goes on"
        raise UnmetError(f"the sub-process {quote(said.word('inner'))} to be abandoned", ended)
