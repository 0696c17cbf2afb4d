"""The machine: a process and an event in, the next process out (paper sections 2, 4 and 7).

Pure and consensus-critical: no clock, no network, no store. Time is the timestamp of the event. What is refused is
refused alike by every node, and leaves the process as it was.

A response is checked in this order: the action exists; it is available in this state, and due if it is scheduled; the
signer is bound to an actor; that actor may do it, and signed with a key of the right kind; it comes from another chain
where the action wants that (`workflow_engine.origin`), and only there; what it says of a document or of a sub-process
is what every node makes of it; the outcome exists; the data fits its schema. Then its update instructions run one after
the other, each seeing what the ones before it wrote; what changed is not locked in this state, and is validated; the
transitions are tried in their order on the updated process; and the state that follows is entered, or, where none fits,
the present one is refreshed: its texts, conditions and actions are evaluated again, its due date stays. Where the state
that follows is none of a deviation in force, that ends first (`workflow_engine.deviation`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from eventchain.core import canonical_json
from eventchain.core.entry import Entry
from workflow_engine import body, update
from workflow_engine.acting import acting_actor, available_action, is_by_person, may_be_done, timing_actor
from workflow_engine.body import ResponseBody
from workflow_engine.deviation import arrive, asked_anew
from workflow_engine.documents.action import check_response as check_document
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    InvalidInstructionError,
    InvalidProcessError,
    InvalidResponseError,
    json_path,
    quote,
)
from workflow_engine.identity_action import response_of
from workflow_engine.locks import check_locks
from workflow_engine.operators import Budget, evaluate, evaluate_text, holds, paths, search
from workflow_engine.operators.values import measure
from workflow_engine.origin import check_origin, shown
from workflow_engine.process import Process, context_of, identity_of
from workflow_engine.scenario import INITIAL_STATE, TIMEOUT, Action, AvailableResponse, Scenario
from workflow_engine.state_entry import begun, enter, refresh
from workflow_engine.sub_processes.ending import check_response as check_sub_process
from workflow_engine.sub_processes.relation import SUB_PROCESS, Find, check_not_abandoned, earlier_runs, nobody
from workflow_engine.timing import check_schedule, waits_for_timeout
from workflow_engine.update import Projection

Result = TypeVar("Result")

MAX_TITLES = 8_192
"""Characters that the history keeps of a response beside its data: pages, where people write a line."""


def start(scenario: Scenario, entry: Entry) -> Process:
    """Start a process from an event with a process body.

    Args:
        scenario: What the body's `scenario` names.
        entry: The event. Its body is `{ id?, scenario, chain?, title?, actors, assets? }`; without an id the process
            is named by the event's hash.

    Raises:
        InvalidProcessError: The body is malformed, or binds an actor to an identity that is not on the chain.
        InvalidDataError: An actor or asset does not fit its schema.
        ActorNotAllowedError: The signer's identity is bound to no actor.
        InvalidInstructionError: The scenario's initial state cannot be evaluated.
    """
    given = body.read_process(entry.body, scenario)
    if given.chain not in (None, entry.chain):
        raise InvalidProcessError("The process names another chain than the one it stands on.", path="$.chain")
    before = update.initial(scenario)
    after = _bound(before, given, entry, scenario)
    update.validate_changes(before, after, scenario)
    if all(identity_of(actor) != entry.identity for actor in after.actors.values()):
        raise ActorNotAllowedError(
            "Only who is an actor of a process can start it.",
            path="$.actors",
            hint=f"Bind the identity {quote(entry.identity)} to one of: {', '.join(sorted(scenario.actors))}.",
        )
    process = begun(scenario, after, entry, process_id=given.id or entry.hash)
    process = process.signed_by(entry.identity) if is_by_person(entry) else process
    return by_scenario(lambda: enter(process, INITIAL_STATE, entry, None, Budget()))


def step(process: Process, entry: Entry, find: Find = nobody) -> Process:
    """Return the process after a response.

    Args:
        process: Stays as it is.
        entry: The event with the response: `{ process, action, key?, data?, actor? }`; or an identity event that is one
            (`workflow_engine.identity_action`).
        find: Knows the other processes of the chain, as they stand: those that a sub-process belongs to, or that the
            process waits for.

    Raises:
        InvalidResponseError: The body is malformed, names another process, an unknown action or outcome, comes from
            elsewhere than the action says, describes another document or sub-process than the action's, or changes a
            locked asset.
        ActionNotAvailableError: The action cannot be done now, or the process is a sub-process that was abandoned.
        ActorNotAllowedError: The signer is no actor who may do it, or used a key of the wrong kind.
        InvalidDataError: The data, or what it makes of an actor or asset, does not fit its schema; at the end of a
            scenario update, that of the new scenario.
        InvalidInstructionError: The scenario cannot be evaluated on this data, or it costs too much.
    """
    given = response_of(process, entry) if entry.does_action else body.read_response(entry.body)
    if given.process != process.id:
        raise InvalidResponseError(f"The response is for the process {quote(given.process)}.", path="$.process")
    check_not_abandoned(process, find)
    if given.action == TIMEOUT:
        return _time_out(process, given, entry)
    action = available_action(process, given)
    check_schedule(process, action.key, entry.timestamp)
    actor = acting_actor(process, action, given, entry)
    check_origin(process, action, entry, earlier_runs(process, find))
    if action.kind == "document":
        check_document(process, action.key, given.key or action.default_response, given.data)
    elif action.kind == SUB_PROCESS:
        check_sub_process(process, action, given, entry, find)
    budget = Budget()
    return by_scenario(lambda: _respond(process, action, actor, given, entry, budget))


def decision_context(process: Process, action_key: str, actor_key: str) -> bytes:
    """Return what an actor saw when deciding on an action, as canonical JSON: equal bytes, same decision.

    It is the state, the instantiated action, and the values that the action declares as shown (`context`): by default
    all assets and the actor's instructions for a performative action, and nothing more for an informative one.

    Raises:
        ActionNotAvailableError: The action is not available to this actor now.
    """
    action = process.scenario.actions.get(action_key)
    instance = process.current.actions.get(action_key)
    if action is None or instance is None or actor_key not in instance["actors"]:
        raise ActionNotAvailableError(f"The action {quote(action_key)} is not available to {quote(actor_key)} now.")
    shown: Any = None
    if action.context is not None:
        seen = context_of(process, actor=actor_key)
        shown = {path: paths.find(path, seen) for path in action.context}
    elif action.is_performative:
        shown = {"assets": process.assets, "instructions": process.current.instructions.get(actor_key)}
    return canonical_json.encode(
        {
            "scenario": process.scenario.id,
            "process": process.id,
            "state": process.current.key,
            "actor": actor_key,
            "action": {name: value for name, value in instance.items() if name != "actors"},
            "shown": shown,
        }
    )


def _bound(before: Projection, given: body.ProcessBody, entry: Entry, scenario: Scenario) -> Projection:
    """Return the initial projection with what the process body says."""
    after = before if given.title is None else replace(before, title=given.title)
    for key, actor in given.actors.items():
        identity = update.read_identity(actor.get("identity"), json_path(("actors", key, "identity")))
        if identity is not None and identity["id"] not in entry.members:
            raise InvalidProcessError(
                f"The identity {quote(identity['id'])} is not on this chain.",
                path=json_path(("actors", key, "identity")),
                hint="Add the identity to the chain first.",
            )
        after = update.write(after, ("actors", key), actor, patch=True, scenario=scenario)
    for key, asset in given.assets.items():
        patch = isinstance(asset, dict)
        after = update.write(after, ("assets", key), asset, patch=patch, scenario=scenario)
    return after


def _respond(
    process: Process, action: Action, actor: str, given: ResponseBody, entry: Entry, budget: Budget
) -> Process:
    """Decide the outcome, update the projection, take a transition."""
    _check_data(given.data, budget)
    response = {
        "action": {"key": action.key},
        "key": given.key,
        "actor": {"key": actor},
        **({} if given.data is None else {"data": given.data}),
        **({} if entry.origin is None else {"origin": shown(entry.origin)}),
    }
    outcome = _outcome(process, action, actor, response, given, budget)
    response["key"] = outcome.key
    if outcome.schema is not None:
        outcome.schema.validate(given.data, "$.data")
    updated = _updated(process, action, outcome, actor, response, budget)
    seen = partial(context_of, updated, actor=actor, response=response)
    place = ("actions", action.key, "responses", outcome.key, "title")
    title = evaluate_text(outcome.title, seen, budget, place)
    recorded = {
        **response,
        "action": _recorded_action(process.current.actions[action.key]),
        "actor": recorded_actor(updated.actors[actor]),
        **({} if title is None else {"title": title}),
        "display": outcome.display,
        "timestamp": entry.timestamp,
        "event": entry.hash,
    }
    _check_titles(recorded)
    if action.is_performative and not action.is_system:
        updated = updated.signed_by(entry.identity)
    return _moved(updated, action.key, actor, response, recorded, entry, budget)


def _check_data(data: Any, budget: Budget) -> None:
    try:
        measure(data, budget)
    except InvalidInstructionError as error:
        raise InvalidResponseError(f"The data cannot be kept: {error.message}.", path="$.data") from None


def _check_titles(recorded: Mapping[str, Any]) -> None:
    """Refuse titles that would make the history many times as large as the events."""
    length = 0
    for title in (recorded.get("title"), *recorded["action"].values(), recorded["actor"].get("title")):
        if title is not None:
            length += len(title if isinstance(title, str) else canonical_json.encode(title))
    if length > MAX_TITLES:
        raise InvalidInstructionError(
            "the titles that the history keeps are too long",
            hint=f"Those of a response, its action and its actor have at most {MAX_TITLES} characters together.",
        )


def _outcome(
    process: Process,
    action: Action,
    actor: str,
    response: Mapping[str, Any],
    given: ResponseBody,
    budget: Budget,
) -> AvailableResponse:
    """Return the outcome: what the action determines on this response, else what was submitted, else the default."""
    key: Any = given.key or action.default_response
    if action.determine_response is not None:
        seen = partial(context_of, process, actor=actor, response={**response, "key": key})
        key = evaluate(action.determine_response, seen, budget, ("actions", action.key, "determine_response"))
    outcome = action.responses.get(key) if isinstance(key, str) else None
    if outcome is None:
        shown = quote(key) if isinstance(key, str) else "what the scenario determined"
        raise InvalidResponseError(
            f"The action {quote(action.key)} has no response {shown}.",
            path="$.key",
            hint=f"It has {', '.join(quote(name) for name in sorted(action.responses)[:8])}.",
        )
    return outcome


def _updated(
    process: Process,
    action: Action,
    outcome: AvailableResponse,
    actor: str,
    response: Mapping[str, Any],
    budget: Budget,
) -> Process:
    """Return the process with the outcome's update instructions done and validated."""
    before = after = Projection(title=process.title, actors=process.actors, assets=process.assets)
    scenario = process.scenario
    for index, instruction in enumerate(outcome.update):
        place = ("actions", action.key, "responses", outcome.key, "update", index)
        value = response.get("data")
        if instruction.data is not None:
            seen = partial(_context_with, process, after, actor, response)
            value = evaluate(instruction.data, seen, budget, (*place, "data"))
        if instruction.projection is not None:
            value = search(instruction.projection, value, budget, (*place, "projection"))
        target = update.target_of(instruction.select, actor, scenario)
        after = update.write(after, target, value, patch=instruction.patch, scenario=scenario, budget=budget)
    if after is before:
        return process
    check_locks(before, after, scenario, process.current.key)
    update.validate_changes(before, after, scenario)
    return asked_anew(process.with_data(after.title, after.actors, after.assets))


def _context_with(process: Process, data: Projection, actor: str, response: Mapping[str, Any]) -> dict[str, Any]:
    return context_of(process.with_data(data.title, data.actors, data.assets), actor=actor, response=response)


def _moved(
    process: Process,
    action: str,
    actor: str,
    response: Mapping[str, Any],
    recorded: Mapping[str, Any],
    entry: Entry,
    budget: Budget,
) -> Process:
    """Record the response, and enter the state that the first fitting transition leads to, or stay."""
    target = _target(process, action, actor, response, budget)
    if target is None:
        return refresh(process, action, actor, recorded, budget)
    arrived, acting = arrive(process, target, actor)
    return enter(arrived, target, entry, acting, budget, recorded)


def _target(process: Process, action: str, actor: str, response: Mapping[str, Any], budget: Budget) -> str | None:
    state = process.scenario.states[process.current.key]
    seen = partial(context_of, process, actor=actor, response=response)
    for index, transition in enumerate(state.transitions):
        if transition.action != action and (transition.action is not None or action == TIMEOUT):
            continue
        if transition.response is not None and transition.response != response["key"]:
            continue
        if holds(transition.condition, seen, budget, ("states", state.key, "transitions", index, "condition")):
            return transition.target
    return None


def _recorded_action(instance: Mapping[str, Any]) -> dict[str, Any]:
    return {name: instance[name] for name in ("$schema", "key", "title", "label") if name in instance}


def recorded_actor(actor: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the history keeps of an actor."""
    return {name: actor[name] for name in ("key", "title", "identity") if name in actor}


def _time_out(process: Process, given: ResponseBody, entry: Entry) -> Process:
    """Return the process after the time of its state is over: any actor's node may say so, and all see if it is."""
    due_date = process.current.due_date
    if process.is_finished or due_date is None or not waits_for_timeout(process):
        raise ActionNotAvailableError(
            f"The state {quote(process.current.key)} has no timeout.", path="$.action", hint=may_be_done(process)
        )
    if entry.timestamp < due_date:
        raise ActionNotAvailableError("The time of this state is not over yet.", path="$.action")
    actor = timing_actor(process, given, entry)
    if given.data is not None or given.key not in (None, "ok"):
        raise InvalidResponseError("A timeout carries no data and no outcome but ok.", path="$.data")
    if entry.origin is not None:
        raise InvalidResponseError("A timeout comes from no other chain.", path="$.origin")
    response = {"action": {"key": TIMEOUT}, "key": "ok", "actor": {"key": actor}}
    recorded = {
        **response,
        "actor": recorded_actor(process.actors[actor]),
        "display": "always",
        "timestamp": entry.timestamp,
        "event": entry.hash,
    }

    def move() -> Process:
        budget = Budget()
        if _target(process, TIMEOUT, actor, response, budget) is None:
            raise ActionNotAvailableError("No transition of this state takes its timeout now.", path="$.action")
        return _moved(process, TIMEOUT, actor, response, recorded, entry, budget)

    return by_scenario(move)


def by_scenario(decide: Callable[[], Result]) -> Result:
    """Say of an instruction that fails that it is the scenario's; the path leads into its normal form."""
    try:
        return decide()
    except InvalidInstructionError as error:
        hint = error.hint or "The path leads into the scenario."
        raise type(error)(
            f"The scenario cannot go on with this: {error.message}.", path=error.path, hint=hint
        ) from None
