"""What the sentences under `Given` and `When` do (see `vocabulary`): each takes what is said.

A sentence that can be a fact as well as an act (somebody is present, plays an actor, an asset is there) is checked
where it stands under `Then`.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core import strict_json
from workflow_engine.errors import quote
from workflow_engine.ports import HttpRequest
from workflow_engine.process import identity_of
from workflow_engine.scenario import TIMEOUT
from workflow_engine.testing import nodes, passing, services
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.said import Said, check_response
from workflow_engine.testing.world import check_known

# --- Given ------------------------------------------------------------------------------------------------------------


def create_chain(said: Said) -> None:
    """A person creates the chain; every world has one from the start."""
    said.world.join(said.word("person"))


def be_present(said: Said) -> None:
    """A person joins the chain, or is looked for on it."""
    person, data = said.word("person"), said.data()
    if said.step.kind != "then":
        said.world.join(person, data)
        return
    identity = said.world.identity_of(person)
    if identity not in said.world.members:
        there = ", ".join(quote(name) for name in sorted(said.world.members)) or "nobody"
        raise UnmetError(f"{quote(person)} to be on the chain", f"there is {there}")
    said.check(said.world.members[identity], f"the identity {quote(person)}")


def sign_with(said: Said) -> None:
    """A person signs with one key from now on."""
    said.world.sign_with(said.word("person"), said.word("key"))


def create_process(said: Said) -> None:
    """A person prepares a process."""
    said.world.create(said.word("person"), said.word("process"), said.word("scenario"))


def play_actor(said: Said) -> None:
    """A person becomes an actor of a process before it starts, or is looked for there afterwards."""
    person, actor, process = said.word("person"), said.word("actor"), said.optional("process")
    draft = said.world.draft(process)
    if draft is not None and said.step.kind != "then":
        check_known(draft.scenario, "actor", actor)
        data = said.data()
        if data is not None and not isinstance(data, Mapping):
            raise InvalidFeatureError("An actor should be described by a table or an object.")
        said.world.join(person)
        draft.actors[actor] = {**(data or {}), "identity": person}
        return
    if draft is None and said.step.kind == "given":
        raise InvalidFeatureError(
            "The process has started; from now on its actions alone change who plays an actor.",
            hint="Move this sentence up, or check it under Then.",
        )
    present = said.world.start(process)
    check_known(present.scenario, "actor", actor)
    identity = identity_of(present.actors[actor])
    if identity != said.world.identity_of(person):
        there = quote(said.world.invitations.name_of(identity)) if identity else "nobody"
        raise UnmetError(f"{quote(person)} to be the actor {quote(actor)}", f"that is {there}")
    said.check(present.actors[actor], f"the actor {quote(actor)}")


def have_asset(said: Said) -> None:
    """A process gets an asset before it starts, or the asset is looked at."""
    asset, process = said.word("asset"), said.optional("process")
    draft = said.world.draft(process)
    if draft is not None and said.step.kind != "then":
        check_known(draft.scenario, "asset", asset)
        draft.assets[asset] = said.data()
        return
    present = said.world.start(process)
    check_known(present.scenario, "asset", asset)
    if present.assets[asset] in (None, {}, []) and not said.has_data:
        raise UnmetError(f"the asset {quote(asset)} to be there", "it is empty")
    said.check(present.assets[asset], f"the asset {quote(asset)}")


def start_process(said: Said) -> None:
    """A process starts."""
    said.process()


def set_clock(said: Said) -> None:
    """Time goes on to a moment; under `When`, processes that were created start before."""
    moment = said.moment()
    if said.step.kind == "when":
        said.world.start_all()
    if moment < said.world.now and said.world.processes:
        raise InvalidFeatureError("Time does not go back once a process has started.")
    if said.world.processes:
        passing.wait_until(said.world, moment)
    else:
        said.world.now = moment


# --- When -------------------------------------------------------------------------------------------------------------


def run_action(said: Said) -> None:
    """A person does an action; `at` moves the clock there first, and nothing else happens then."""
    process = said.process()
    said.set_clock()
    person, action, key = said.word("person"), said.word("action"), said.optional("response")
    data = said.data()
    if action != TIMEOUT:
        check_response(process.scenario, action, key)
    if action != TIMEOUT and process.scenario.actions[action].kind in nodes.KINDS and key is None and data is None:
        nodes.run(said.world, process, action, person)
    else:
        said.world.respond(person, process.id, action, key, data)


def run_by_node(said: Said) -> None:
    """A person's node runs a system action."""
    process, action = said.process(), said.word("action")
    check_known(process.scenario, "action", action)
    nodes.run(said.world, process, action, said.word("person"))


def let_pass(said: Said) -> None:
    """Time passes, for processes that have started; those that were created start now."""
    said.world.start_all()
    passing.let_pass(said.world, said.word("duration"))


_UNITS: Mapping[str, str] = {
    "minute": "PT{}M",
    "hour": "PT{}H",
    "day": "P{}D",
    "week": "P{}W",
    "month": "P{}M",
    "year": "P{}Y",
}


def let_pass_in_words(said: Said) -> None:
    """Time passes, as people say it: `7 days`."""
    count, unit = said.word("count"), said.word("unit")
    form = _UNITS.get(unit.removesuffix("s"))
    if form is None or not (count.isascii() and count.isdigit()):
        raise InvalidFeatureError(
            f"{quote(f'{count} {unit}')} is no time.", hint=f"Write a number and one of: {', '.join(_UNITS)}(s)."
        )
    said.world.start_all()
    passing.let_pass(said.world, form.format(count))


def let_work(said: Said) -> None:
    """Nodes do what waits for them; processes that were created start before."""
    said.world.start_all()
    passing.work(said.world)


def let_be_down(said: Said) -> None:
    """The node of a person is away from now on: it runs nothing, and tells of no timeout."""
    said.world.down.add(_known_identity(said))


def let_be_up(said: Said) -> None:
    """The node of a person is there again."""
    identity = _known_identity(said)
    if identity not in said.world.down:
        raise InvalidFeatureError(f"The node of {quote(said.word('person'))} is not down.")
    said.world.down.remove(identity)


def _known_identity(said: Said) -> str:
    identity = said.world.identity_of(said.word("person"))
    if identity not in said.world.members:
        there = ", ".join(sorted(said.world.members)) or "nobody"
        raise InvalidFeatureError(f"Nobody here is called {quote(said.word('person'))}.", hint=f"There is {there}.")
    return identity


def time_out(said: Said) -> None:
    """The time of a state is over."""
    passing.time_out(said.world, said.process().id)


# --- Requests of system actions ---------------------------------------------------------------------------------------


def see_request(said: Said) -> None:
    """A system action has made a request, and waits for its answer."""
    request = nodes.find_request(said.world, said.word("method"), said.word("url"))
    if said.has_data:
        said.check(_body(request), "the data of the request")


def answer_request(said: Said) -> None:
    """The request that a step spoke of last is answered."""
    nodes.answer(said.world, services.http_response(said.word("status"), said.data()))


def fail_request(said: Said) -> None:
    """The request that a step spoke of last brings no answer."""
    nodes.answer(said.world, None)


def see_and_answer(said: Said) -> None:
    """A request is looked for and answered in one sentence; the data below it is the answer's."""
    nodes.find_request(said.world, said.word("method"), said.word("url"))
    answer_request(said)


def let_answer(said: Said) -> None:
    """A service answers every request to an address from now on, and those that wait when nodes work next."""
    said.world.services.let_answer(said.word("url"), services.http_response(said.word("status"), said.data()))


def let_be_silent(said: Said) -> None:
    """A service answers no request to an address from now on."""
    said.world.services.let_answer(said.word("url"), None)


def answer_later(said: Said) -> None:
    """A service answers what it has taken on (202)."""
    nodes.answer_later(said.world, said.word("url"), said.optional("response"), said.data())


# --- Invitations ------------------------------------------------------------------------------------------------------


def accept_invitation(said: Said) -> None:
    """A person takes over an identity that was invited, with keys of their own."""
    person, world = said.word("person"), said.world
    world.invitations.check_name(person)
    invitation = world.invitations.accept(person, said.optional("email"))
    if person in world.members and person != invitation.identity:
        raise InvalidFeatureError(
            f"{quote(person)} is on the chain already.", hint="Who takes over an invitation is somebody new."
        )


def see_invitation(said: Said) -> None:
    """An invitation was sent to an address; below it stands what the mail says."""
    invitation = said.world.invitations.to(said.word("email"))
    said.check(invitation.to_dict(), f"the invitation to {invitation.email}")


def _body(request: HttpRequest) -> Any:
    text = (request.body or b"").decode("utf-8")
    if request.headers.get("Content-Type", "").startswith("application/json"):
        return strict_json.parse(text)
    return text
