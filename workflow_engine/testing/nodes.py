"""What nodes do in a test: system actions, run by the triggers of real nodes without a network.

The requests of an http action are those that the real trigger would send; steps say what comes back, and when the last
one is answered the trigger decides what follows. Events go to the chain of the test: they start processes there, give
responses, and bring identities.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidError
from workflow_engine import body
from workflow_engine.errors import TriggerError, quote
from workflow_engine.ports import HttpRequest, HttpResponse
from workflow_engine.process import Process, identity_of
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.world import Asked, World
from workflow_engine.triggers import Call, Triggers
from workflow_engine.triggers.document import document as make_document
from workflow_engine.triggers.event import EventTrigger
from workflow_engine.triggers.http import HttpTrigger
from workflow_engine.triggers.nop import nop


def run(world: World, process: Process, action: str, person: str) -> None:
    """Run a system action as the node of a person would: nop, event and document; http follows once it was answered.

    Raises:
        InvalidFeatureError: It is no such action.
        LiveContractError: The machine refuses the response.
    """
    known = process.scenario.actions.get(action)
    if known is None or known.kind not in ("nop", "event", "document"):
        raise InvalidFeatureError(
            f"The action {quote(action)} is not one that a node runs by itself.",
            hint='Say what comes of it: … runs the "…" action giving an "ok" response; or answer its request.',
        )
    if action not in process.available:
        world.respond(person, process.id, action, None, None)  # refused, with the machine's own words
        return
    actor = next((key for key in process.current.actions[action]["actors"] if key in process.actors_of(person)), None)
    if actor is None:
        world.respond(person, process.id, action, None, None)
        return
    call = Call(process=process, action=action, actor=actor, idempotency_key=f"{process.id}-{action}")
    triggers = Triggers({"nop": nop, "event": EventTrigger(_Chain(world, person)), "document": make_document})
    _finish(world, process.id, person, triggers.run(call))


def _finish(world: World, process: str, person: str, given: Mapping[str, Any] | None) -> None:
    if given is not None:
        world.respond(person, process, given["action"], given["key"], given.get("data"), actor=given["actor"])


class _Chain:
    """Takes the events of a system action (`ports.Submitter`)."""

    def __init__(self, world: World, person: str) -> None:
        self._world = world
        self._person = person
        self._taken: set[tuple[str, int]] = set()

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        """Apply events at once; each is `{ chain, body }` in the response."""
        for number, document in enumerate(bodies):
            if (idempotency_key, number) not in self._taken:
                self._taken.add((idempotency_key, number))
                self._take(document)
        return [{"chain": chain, "body": dict(document)} for document in bodies]

    def _take(self, document: Mapping[str, Any]) -> None:
        if "action" in document:
            given = body.read_response(document)
            self._world.respond(self._person, given.process, given.action, given.key, given.data, actor=given.actor)
        elif "scenario" in document:
            self._world.begin(self._person, document)
        elif "signkeys" in document and isinstance(document.get("id"), str):
            self._world.join(document["id"], document)


# --- Requests ---------------------------------------------------------------------------------------------------------


class _Recorder:
    """Writes down what is asked, and answers nothing (`ports.HttpClient`)."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        """Note the request; to the trigger it failed."""
        self.requests.append(request)
        raise TriggerError("Nobody has answered yet.")


class _Answers:
    """Answers as the steps said (`ports.HttpClient`)."""

    def __init__(self, answers: Mapping[tuple[str, str], HttpResponse | None]) -> None:
        self._answers = answers

    def send(self, request: HttpRequest) -> HttpResponse:
        """Return the answer of a step; where that was a failure, the request fails."""
        answer = self._answers[request.method, request.url]
        if answer is None:
            raise TriggerError("The test says that this request fails.")
        return answer


def requests(world: World) -> dict[Asked, HttpRequest]:
    """Return the requests that wait for an answer, of all processes."""
    found = {}
    for name in list(world.processes):
        call = _call(world, name)
        if call is not None:
            recorder = _Recorder()
            HttpTrigger(recorder)(call)
            found.update({(name, request.method, request.url): request for request in recorder.requests})
    return found


def find_request(world: World, method: str, url: str) -> HttpRequest:
    """Return a request that waits for its answer; `that request` is this one from then on.

    Raises:
        UnmetError: There is none of this method and address.
    """
    waiting = requests(world)
    for asked in sorted(waiting):
        if asked[1:] == (method.upper(), url):
            world.asked = asked
            return waiting[asked]
    there = "; ".join(f"{method} {url}" for _, method, url in sorted(waiting)) or "no request waits"
    raise UnmetError(f"a {method} request to {url}", f"there is: {there}" if waiting else there)


def answer(world: World, response: HttpResponse | None) -> None:
    """Answer the last request that a step spoke of, or let it fail; with the last answer the action is done.

    Raises:
        InvalidFeatureError: No step spoke of a request, or it was answered before.
        LiveContractError: The machine refuses the response that follows.
    """
    waiting = requests(world)
    if world.asked is None or world.asked not in waiting:
        raise InvalidFeatureError(
            "No request waits that this could be the answer to.", hint='First: a "GET" request has been sent to "…"'
        )
    world.answers[world.asked] = response
    name = world.asked[0]
    if not all(asked in world.answers for asked in waiting if asked[0] == name):
        return
    call = _call(world, name)
    assert call is not None  # noqa: S101  # `waiting` holds a request of it
    given = {asked[1:]: world.answers.pop(asked) for asked in list(world.answers) if asked[0] == name}
    world.asked = None
    person = identity_of(call.process.actors[call.actor]) or ""
    _finish(world, name, person, Triggers({"http": HttpTrigger(_Answers(given))}).run(call))


def http_response(status: str, data: Any) -> HttpResponse:
    """Return a response with a status and JSON, or text where the data is one.

    Raises:
        InvalidFeatureError: The status is none.
    """
    code = status.partition(" ")[0]
    if not (len(code) == 3 and code.isascii() and code.isdigit() and "100" <= code <= "599"):
        raise InvalidFeatureError(f"{quote(status)} is no status of HTTP.", hint="Write one such as 200 or 404.")
    if data is None:
        return HttpResponse(status=int(code), content_type="", body=b"")
    if isinstance(data, str):
        return HttpResponse(status=int(code), content_type="text/plain", body=data.encode("utf-8"))
    try:
        return HttpResponse(status=int(code), content_type="application/json", body=canonical_json.encode(data))
    except InvalidError as error:
        raise InvalidFeatureError(f"The answer is not JSON: {error.message}.") from None


def _call(world: World, name: str) -> Call | None:
    """Return the http action that waits in a process: the first available one that was not answered."""
    process = world.processes[name]
    for key in process.available:
        if process.scenario.actions[key].kind != "http" or key in process.current.answered:
            continue
        actor = next(
            (actor for actor in process.current.actions[key]["actors"] if identity_of(process.actors[actor])), None
        )
        if actor is not None:
            return Call(process=process, action=key, actor=actor, idempotency_key=f"{name}-{key}")
    return None
