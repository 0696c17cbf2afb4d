"""What nodes do in a test: system actions, run by the triggers of real nodes without a network.

Whatever follows from the process alone is done as a node does it: nop, document, event, invite, reinvite, identity, and
sequences of them.
Requests are those that a real node would send; what answers them is in `services`. Events go to the chain of the test:
they start processes there, give responses, and bring identities. A run that is looked at before all its requests were
answered is made again, as after the end of a node: what its steps did before is not done twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine import body
from workflow_engine.due import Due, due
from workflow_engine.errors import ActionNotAvailableError, InvalidInstructionError, InvalidResponseError, quote
from workflow_engine.identity_action import LTO_IDENTITY, body_of
from workflow_engine.ports import HttpRequest, HttpResponse
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.services import Asked, Outside, TakenOn, listed
from workflow_engine.testing.world import World
from workflow_engine.timing import check_schedule
from workflow_engine.triggers import OK, Call, Outcome, Trigger, Triggers, misfit, response_body
from workflow_engine.triggers.crossing import crosses
from workflow_engine.triggers.document import document
from workflow_engine.triggers.event import EventTrigger
from workflow_engine.triggers.http import HttpTrigger
from workflow_engine.triggers.identity import IdentityTrigger
from workflow_engine.triggers.invite import InviteTrigger
from workflow_engine.triggers.nop import nop
from workflow_engine.triggers.sequence import SequenceTrigger

KINDS = frozenset({"http", "nop", "document", "event", "invite", "reinvite", "identity", "sequence"})
"""Kinds of actions that a node runs by itself; others are answered by a program of an organisation."""


def run(world: World, process: Process, action: str, person: str) -> None:
    """Run a system action as the node of a person would.

    Raises:
        InvalidFeatureError: It is no such action, its node is down, or no step says what its requests bring.
        LiveContractError: The machine refuses the response.
    """
    known = process.scenario.actions.get(action)
    if known is None or known.kind not in KINDS:
        raise InvalidFeatureError(
            f"The action {quote(action)} is not one that a node runs by itself.",
            hint='Say what comes of it: … runs the "…" action giving an "ok" response.',
        )
    identity = world.identity_of(person)
    actors = process.current.actions[action]["actors"] if action in process.available else ()
    actor = next((key for key in actors if key in process.actors_of(identity)), None)
    if actor is None:
        world.respond(person, process.id, action, None, None)  # refused, with the machine's own words
        return
    if not world.is_up(identity):
        raise InvalidFeatureError(
            f"The node of {quote(person)} is down.", hint=f'First: the node of "{person}" is up again'
        )
    check_schedule(process, action, world.now)
    waits = due(process, world.processes.get)
    task = next((task for task in waits if task.action == action and task.actor == actor), None)
    cause = process.last_event if task is None else task.event
    call = _call(process, action, actor, cause)
    if _crosses(call):
        raise InvalidFeatureError(
            f"The action {quote(action)} tells another chain, and in a test there is none.",
            hint='Say what comes of it: … runs the "…" action giving an "ok" response with: …',
        )
    waiting = perform(world, call)
    if waiting:
        raise InvalidFeatureError(
            f"The action {quote(action)} asks others, and no step says what they answer: {listed(waiting)}.",
            hint='First: the service "https://…" answers 200 with: or say what comes of the action.',
        )


def tasks(world: World, name: str) -> Iterator[Call]:
    """Yield the system actions of a process that nodes which are up would run now."""
    process = world.processes[name]
    for task in due(process, world.processes.get):
        if _is_for_a_node(process, task) and task.not_before <= world.now and world.is_up(task.identity):
            call = _call(process, task.action, task.actor, task.event)
            if call.key not in world.services.taken_on and not _crosses(call):
                yield call


def _is_for_a_node(process: Process, task: Due) -> bool:
    return task.action != TIMEOUT and process.scenario.actions[task.action].kind in KINDS


def _crosses(call: Call) -> bool:
    """Tell whether an action tells another chain, which no test has: a step says what comes of it."""
    action = call.process.scenario.actions[call.action]
    try:
        return action.kind == "event" and crosses(call, call.properties())
    except InvalidInstructionError:  # what is wrong with it shows when it is run
        return False


def _call(process: Process, action: str, actor: str, cause: str) -> Call:
    return Call(process=process, action=action, actor=actor, idempotency_key=f"{process.id}-{action}-{cause}")


def perform(world: World, call: Call) -> Mapping[Asked, HttpRequest]:
    """Run a system action and give its response, unless requests of it wait for an answer; these are returned.

    Raises:
        LiveContractError: The machine refuses the response.
    """
    name, person = call.process.id, identity_of(call.process.actors[call.actor]) or ""
    outside = Outside(world.services, name)
    given = Triggers(_triggers(world, outside, person)).run(call)
    if outside.unanswered:
        return outside.unanswered
    kept = {asked: found for asked, found in world.services.given.items() if not _is_of(asked, call)}
    world.services.given = kept
    made = sorted(outside.requests, key=lambda request: request.headers["Idempotency-Key"])
    world.services.sent += made
    if given is None:
        urls = tuple(sorted(outside.deferred))
        world.services.taken_on[call.key] = TakenOn(
            process=name, action=call.action, actor=call.actor, key=call.key, urls=urls
        )
    elif given:  # nothing is left to say where the event of the action was its response
        _respond(world, name, person, given)
    return {}


def _is_of(asked: Asked, call: Call) -> bool:
    """Tell whether a request is one of a system action: their idempotency keys begin with that of the action."""
    return asked[3] == call.key or asked[3].startswith(f"{call.key}-")


def _triggers(world: World, outside: Outside, person: str) -> dict[str, Trigger]:
    chain, invite = _Chain(world, person), InviteTrigger(_Inviter(world))
    steps: dict[str, Trigger] = {
        "http": HttpTrigger(outside),
        "nop": nop,
        "event": EventTrigger(chain),
        "invite": invite,
    }
    return {
        **steps,
        "document": document,
        "identity": IdentityTrigger(chain),
        "reinvite": invite.again,
        "sequence": SequenceTrigger(steps),
    }


def _respond(world: World, process: str, person: str, given: Mapping[str, Any]) -> None:
    world.respond(
        person, process, given["action"], given["key"], given.get("data"), actor=given["actor"], is_by_node=True
    )


class _Chain:
    """Takes the events of a system action (`ports.Submitter`)."""

    def __init__(self, world: World, person: str) -> None:
        self._world = world
        self._person = person

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        """Apply events at once, each once; each is `{ chain, body }` in the response."""
        for number, item in enumerate(bodies):
            if (idempotency_key, number) not in self._world.submitted:
                self._take(item)
                self._world.submitted.add((idempotency_key, number))
        return [{"chain": chain, "body": dict(item)} for item in bodies]

    def _take(self, item: Mapping[str, Any]) -> None:
        if "action" in item and item.get("$schema") == LTO_IDENTITY:
            self._world.change(self._person, item)
        elif "action" in item:
            given = body.read_response(item)
            self._world.respond(
                self._person, given.process, given.action, given.key, given.data, actor=given.actor, is_by_node=True
            )
        elif "scenario" in item:
            self._world.begin(self._person, item)
        elif "signkeys" in item and isinstance(item.get("id"), str):
            self._world.join(item["id"], item)


class _Inviter:
    """Invites people of the test (`ports.Inviter`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invite_once(
        self,
        chain: str,
        inviter: str,
        request: Mapping[str, Any],
        idempotency_key: str,
        doing: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Put an identity on the chain that waits for somebody to take it over, or let one wait again."""
        del chain
        world, is_new = self._world, idempotency_key not in self._world.invitations.sent
        invitation = world.invitations.invite(
            request, inviter, idempotency_key, world.members, is_again=doing is not None
        )
        if doing is None:
            world.join(invitation.identity, {"name": invitation.name})
        elif is_new:
            self._replace(inviter, doing, idempotency_key)
        return invitation.to_dict()

    def _replace(self, inviter: str, doing: tuple[str, str], key: str) -> None:
        process, action = doing
        try:
            self._world.change(inviter, body_of(self._world.processes[process], action, f"one-time key of {key}"))
        except LiveContractError:
            del self._world.invitations.sent[key]
            raise


# --- Requests ---------------------------------------------------------------------------------------------------------


def requests(world: World) -> dict[Asked, HttpRequest]:
    """Return the requests that wait for an answer, of all processes."""
    found: dict[Asked, HttpRequest] = {}
    for name in list(world.processes):
        for call in tasks(world, name):
            if call.process.scenario.actions[call.action].kind in ("http", "sequence"):
                found.update(_waiting(world, call))
    return found


def _waiting(world: World, call: Call) -> Mapping[Asked, HttpRequest]:
    """Return the requests of an action that wait, without going on where none does."""
    outside = Outside(world.services, call.process.id)
    person = identity_of(call.process.actors[call.actor]) or ""
    Triggers(_triggers(world, outside, person)).run(call)
    return outside.unanswered


def find_request(world: World, method: str, url: str) -> HttpRequest:
    """Return a request that waits for its answer (`that request` is this one from then on), or the last one made.

    Processes that were created start before.

    Raises:
        UnmetError: There is none of this method and address.
    """
    world.start_all()
    waiting = requests(world)
    for asked in sorted(waiting):
        if asked[1:3] == (method.upper(), url):
            world.services.asked = asked
            return waiting[asked]
    for request in reversed(world.services.sent):
        if (request.method, request.url) == (method.upper(), url):
            world.services.asked = None
            return request
    sent = ", ".join(sorted({f"{request.method} {request.url}" for request in world.services.sent}))
    there = f"there is: {listed(waiting)}" if waiting else "no request waits"
    raise UnmetError(f"a {method} request to {url}", f"{there}; answered was: {sent}" if sent else there)


def answer(world: World, response: HttpResponse | None) -> None:
    """Answer the last request that a step spoke of, or let it fail; with the last answer the action is done.

    Raises:
        InvalidFeatureError: No step spoke of a request, or it was answered before.
        LiveContractError: The machine refuses the response that follows.
    """
    services = world.services
    waiting = requests(world)
    if services.asked is None or services.asked not in waiting:
        raise InvalidFeatureError(
            "No request waits that this could be the answer to.", hint='First: a "GET" request has been sent to "…"'
        )
    asked, services.asked = services.asked, None
    services.given[asked] = response
    for call in tasks(world, asked[0]):
        if _is_of(asked, call):
            perform(world, call)
            return


def answer_later(world: World, url: str, key: str | None, data: Any) -> None:
    """Let a service answer what it has taken on.

    Raises:
        UnmetError: It has taken on nothing.
        ActionNotAvailableError: The process waits no longer for it.
        InvalidResponseError: The process would refuse it, as a node tells the service.
    """
    taken_on = world.services.find_taken_on(url)
    process = world.processes[taken_on.process]
    call = next(
        (
            call
            for call in (
                _call(process, task.action, task.actor, task.event) for task in due(process, world.processes.get)
            )
            if call.key == taken_on.key
        ),
        None,
    )
    if call is None:
        raise ActionNotAvailableError("The process waits no longer for this answer.")
    outcome = Outcome(key=key or OK, data=data)
    reason = misfit(call, outcome)
    if reason is not None:
        raise InvalidResponseError(reason)
    del world.services.taken_on[taken_on.key]
    person = identity_of(process.actors[taken_on.actor]) or ""
    _respond(
        world, process.id, person, response_body(process, taken_on.action, taken_on.actor, outcome.key, outcome.data)
    )
