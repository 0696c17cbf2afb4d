"""What the sentences about comments, deviations and updates do (see `vocabulary`): each takes what is said.

Names are those of people; a deviation is called by the name of its file, or by its title.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.errors import ConflictError, ForbiddenError
from workflow_engine import conversation, life_cycle
from workflow_engine.conversation import Conversation, Made
from workflow_engine.errors import ActorNotAllowedError, DeviationNotOpenError, InvalidDeviationError, quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.simulate import STEP
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.said import Said
from workflow_engine.testing.world import World, check_known

_After = tuple[Process, Conversation]

# --- Deviations and updates -------------------------------------------------------------------------------------------


def propose(said: Said) -> None:
    """Somebody proposes the deviation of a file; what stands below the sentence replaces members of it."""
    process = said.process()
    _keep(said.world, process, _proposed(said, process, said.word("deviation")))


def propose_this(said: Said) -> None:
    """Somebody proposes what stands below the sentence."""
    process = said.process()
    _keep(said.world, process, _proposed(said, process, None))


def cannot_propose(said: Said) -> None:
    """A deviation cannot be proposed now, or not by this person; one with mistakes in it does not pass for that."""
    process, name = said.process(), said.word("deviation")
    try:
        _proposed(said, process, name)
    except (ConflictError, ForbiddenError):
        return
    except InvalidDeviationError as error:
        raise InvalidFeatureError(f"The proposal itself is wrong: {error.message} (at {error.path})") from None
    raise UnmetError(f"the deviation {quote(name)} not to be proposed by {quote(said.word('person'))}", "it can be")


def agree(said: Said) -> None:
    """Somebody agrees to a deviation."""
    _answer(said, "agree")


def refuse(said: Said) -> None:
    """Somebody refuses a deviation."""
    _answer(said, "refuse")


def withdraw(said: Said) -> None:
    """Somebody withdraws a deviation that they proposed."""
    _answer(said, "withdraw")


def cannot_agree(said: Said) -> None:
    """Somebody cannot agree to a deviation: they are not asked, or it is not open."""
    process, before = _meant(said)
    try:
        made = before.find(said.optional("deviation"), process)
    except DeviationNotOpenError as error:
        raise InvalidFeatureError(error.message, hint=error.hint) from None
    try:
        _answered(said, process, before, "agree")
    except (ConflictError, ForbiddenError):
        return
    wanted = f"the agreement of {quote(said.word('person'))} to {quote(made.proposal.title)} to be refused"
    raise UnmetError(wanted, "it is possible")


def is_standing(said: Said) -> None:
    """What became of a deviation."""
    wanted = said.word("standing")
    if wanted not in life_cycle.STATES:
        known = ", ".join(quote(state) for state in life_cycle.STATES)
        raise InvalidFeatureError(f"A deviation is never {quote(wanted)}.", hint=f"It is one of {known}.")
    process, made = _found(said)
    there = conversation.state_of(made, process, said.world.now)
    if there != wanted:
        waits = ", ".join(quote(name) for name in _missing(said.world, made, process))
        more = f", and waits for {waits}" if waits and there == life_cycle.OPEN else ""
        raise UnmetError(f"the deviation {quote(made.proposal.title)} to be {wanted}", f"it is {there}{more}")


def waits_for(said: Said) -> None:
    """Whose agreement is missing, exactly."""
    process, made = _found(said)
    wanted = sorted(name.strip() for name in said.word("persons").split(","))
    there = list(_missing(said.world, made, process))
    if conversation.state_of(made, process, said.world.now) != life_cycle.OPEN:
        there = []
    if wanted != there:
        raise UnmetError(
            f"the deviation {quote(made.proposal.title)} to wait for {', '.join(wanted)}",
            f"it waits for {', '.join(there)}" if there else "it waits for nobody",
        )


def _found(said: Said) -> tuple[Process, Made]:
    process, before = _meant(said)
    return process, before.find(said.optional("deviation"), process)


def _missing(world: World, made: Made, process: Process) -> tuple[str, ...]:
    missing = conversation.missing_of(made, process, frozenset(world.members))
    return tuple(sorted(world.invitations.name_of(identity) for identity in missing))


def _proposed(said: Said, process: Process, name: str | None) -> _After:
    given = said.data()
    if given is not None and not isinstance(given, Mapping):
        raise InvalidFeatureError("A proposal should be described by a table or an object.")
    found = {} if name is None else said.world.find.proposal(name)
    body = {**found, **(given or {}), "process": process.id}
    person = said.word("person")
    said.world.check_person(person, process)
    said.set_clock()
    successor = _successor(said.world, body.get("scenario"))
    return conversation.propose(
        process,
        said.world.conversations.get(process.id, Conversation()),
        said.world.entry(body, person),
        name=None if name is None else name.removesuffix(".json"),
        successor=successor,
        find=said.world.processes.get,
    )


def _successor(world: World, name: Any) -> Scenario | None:
    """Return the scenario by which a process would go on; a proposal names it like a feature does."""
    if isinstance(name, Mapping):
        name = name.get("id")
    return world.find(name) if isinstance(name, str) else None


def _answer(said: Said, given: str) -> None:
    process, before = _meant(said)
    _keep(said.world, process, _answered(said, process, before, given))


def _answered(said: Said, process: Process, before: Conversation, given: str) -> _After:
    person, reason = said.word("person"), said.optional("reason")
    said.world.check_person(person, process)
    said.set_clock()
    body = {"answer": given, **({} if reason is None else {"reason": reason})}
    entry = said.world.entry(body, person)
    return conversation.answer(process, before, entry, said.optional("deviation"), said.world.processes.get)


def _meant(said: Said) -> tuple[Process, Conversation]:
    process = said.process()
    return process, said.world.conversations.get(process.id, Conversation())


def _keep(world: World, before: Process, after: _After) -> None:
    """Keep what came of something that was said; where it brought a deviation into force, the history has grown."""
    process, said = after
    world.now += STEP
    world.conversations[process.id] = said
    if len(process.previous) > len(before.previous):
        world.keep(process)
    else:
        world.processes[process.id] = process


# --- Comments ---------------------------------------------------------------------------------------------------------


def comment(said: Said) -> None:
    """Somebody comments on a process."""
    _comment(said, {"content": said.word("text")})


def comment_this(said: Said) -> None:
    """Somebody makes the comment that stands below the sentence: its members, or its text."""
    given = said.data()
    body = {"content": given} if isinstance(given, str) else given
    if not isinstance(body, Mapping):
        raise InvalidFeatureError("A comment should be described by a table, an object or a text.")
    _comment(said, body)


def _comment(said: Said, body: Mapping[str, Any]) -> None:
    process, before = _meant(said)
    person = said.word("person")
    try:
        said.world.check_person(person, process)
    except ActorNotAllowedError as error:
        raise InvalidFeatureError(error.message, hint=error.hint) from None
    said.set_clock()
    entry = said.world.entry(body, person)
    after = conversation.comment(process, before, entry, reply_to=said.optional("comment"))
    said.world.conversations[process.id] = after
    said.world.now += STEP


def has_commented(said: Said) -> None:
    """Somebody has made a comment, perhaps in a certain state."""
    (process, there), person, text = _meant(said), said.word("person"), said.word("text")
    state = said.optional("state")
    if state is not None:
        check_known(process.scenario, "state", state)
    author = said.world.identity_of(person)
    own = [item for item in there.comments if item["author"] == author and _shown(item) == text]
    if not own:
        made = "; ".join(f"{said.world.invitations.name_of(item['author'])}: {_shown(item)}" for item in there.comments)
        raise UnmetError(f"{quote(person)} to have commented {quote(text)}", f"there is: {made[:400] or 'no comment'}")
    points = [item["point"]["state"] for item in own]
    if state is not None and state not in points:
        raise UnmetError(f"the comment to be made in the state {quote(state)}", f"it was made in {quote(points[-1])}")


def _shown(item: Mapping[str, Any]) -> str:
    return str(item.get("title") or item.get("content") or item.get("hash"))
