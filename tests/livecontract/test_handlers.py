"""What becomes of messages: each gets its own outcome, and a message that comes twice has one effect."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from anchor.service import MAX_SUBMITTED
from dispatcher.enqueue import SENDER
from dispatcher.message import Message
from eventchain.core import base58
from eventchain.core.errors import ForbiddenError, InvalidError, LiveContractError, UnavailableError
from eventchain.core.hashing import sha256
from eventchain.errors import NotMemberError
from livecontract.handlers import AnchorHandler, EventsHandler, TriggerHandler, each
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, silence
from workflow_engine.engine import OwnEngine
from workflow_engine.errors import TriggerError


@pytest.fixture
def stage() -> Iterator[Stage]:
    with silence():
        yield Stage.of(Simulation(1, names=("buyer", "seller"))).found()


def message(stage: Stage, document: Any, sender: str | None = "buyer", queue: str = "events") -> Message:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {SENDER: str(stage[sender].key.public_key)} if sender else {}
    return Message(queue=queue, id=base58.encode(sha256(body)), group="x", body=body, headers=headers)


# Events


def test_every_message_gets_its_own_outcome(stage: Stage) -> None:
    handler = EventsHandler(stage.node("buyer").chains)
    good = stage["buyer"].sign(stage.chain, stage.note())
    forged = json.loads(json.dumps(good).replace(good["events"][1]["signature"], base58.encode(bytes(64))))
    later = {**good, "events": [{**good["events"][0], "hash": base58.encode(bytes(32))}]}
    documents: list[Any] = [b"{", b"[]", b'{"id": 1}', forged, later, good, good]
    outcomes = handler([message(stage, document) for document in documents])
    assert [isinstance(outcome, InvalidError) for outcome in outcomes] == [True] * 5 + [False] * 2
    assert outcomes[5:] == [None, None]
    assert len(stage.canonical("buyer").events) == 3


def test_what_came_early_is_handled_and_what_never_will_do_is_not(stage: Stage) -> None:
    buyer, handler = stage["buyer"], EventsHandler(stage.node("seller").chains)
    buyer.post(stage.chain, stage.note())
    never = buyer.sign(stage.chain, stage.note())
    early = buyer.sign(stage.chain, stage.note())
    buyer.send(early)
    assert handler([message(stage, early)]) == [None]
    assert len(stage.canonical("seller").events) == 2
    never["events"][1]["signature"] = base58.encode(bytes(64))
    (outcome,) = handler([message(stage, never)])
    assert isinstance(outcome, InvalidError)
    stage.simulation.settle(receipts=False)
    assert stage.canonical("seller") == stage.canonical("buyer")


def test_messages_that_two_processes_took_in_turns_are_all_handled_the_first_time(stage: Stage) -> None:
    buyer, chains = stage["buyer"], stage.node("seller").chains
    messages = []
    for _ in range(6):
        document = buyer.sign(stage.chain, stage.note())
        stage.node("buyer").eventchain.add(document, str(buyer.key.public_key))
        messages.append(message(stage, document))
    for taken in (messages[1::2], messages[::2]):
        assert EventsHandler(chains)(taken) == [None] * 3
    assert stage.canonical("seller").latest_hash == stage.canonical("buyer").latest_hash


def test_fork_is_a_message_that_was_handled(stage: Stage) -> None:
    handler = EventsHandler(stage.node("buyer").chains)
    documents = [stage["buyer"].sign(stage.chain, stage.note()) for _ in range(3)]
    assert handler([message(stage, document) for document in documents] * 2) == [None] * 6
    assert len(stage.known("buyer")) == 5


def test_nothing_is_a_batch_too(stage: Stage) -> None:
    assert EventsHandler(stage.node("buyer").chains)([]) == []


def test_one_by_one_a_failure_touches_no_other_message(stage: Stage) -> None:
    seen: list[str] = []

    def handle(item: Message) -> None:
        seen.append(item.id)
        if len(seen) == 2:
            raise ForbiddenError("not this one")
        if len(seen) == 3:
            raise KeyError("a bug")

    messages = [message(stage, {"number": number}) for number in range(4)]
    outcomes = each(handle)(messages)
    assert [type(outcome) for outcome in outcomes] == [type(None), ForbiddenError, KeyError, type(None)]
    assert seen == [item.id for item in messages]


# System actions


def notifying(stage: Stage) -> Stage:
    """Bring the quotation to where the buyer's node has to notify; its messages are still there."""
    stage.start_quotation()
    terms = {"item": "x", "quantity": 1, "unit_price": 1, "currency": "EUR", "delivery": "2030-01-01"}
    request = {"item": "x", "quantity": 1, "notify_url": "http://example.com/orders"}
    for name, action, data in (
        ("buyer", "request", request),
        ("seller", "offer", terms),
        ("buyer", "accept", None),
        ("seller", "sign", None),
    ):
        stage.act(name, action, data)
        stage.simulation.settle(receipts=False)
    stage.act("buyer", "sign")
    return stage


def trigger_of(stage: Stage) -> Message:
    (delivery,) = stage.node("buyer").parts.broker.receive("triggers", 10)
    return delivery.message


def handler_of(stage: Stage) -> TriggerHandler:
    node = stage.node("buyer")
    return TriggerHandler(OwnEngine(node.workflow, stage.simulation.clock), node.chains)


def test_system_action_that_comes_again_and_again_is_done_once(stage: Stage) -> None:
    trigger, handler = trigger_of(notifying(stage)), handler_of(stage)
    for _ in range(3):
        handler(trigger)
    assert len(stage.simulation.world.requests) == 1
    actions = [event.body().get("action") for event in stage.canonical("buyer").events]
    assert actions.count("notify") == 1
    assert stage.canonical("buyer").events[-1].sign_key == stage.node("buyer").parts.key.public_key
    assert stage.state("buyer") == "appointing"


def test_result_that_was_kept_is_not_fetched_again(stage: Stage) -> None:
    """The node died between the request and the event: the world is not asked a second time."""
    trigger, handler = trigger_of(notifying(stage)), handler_of(stage)
    performer = OwnEngine(stage.node("buyer").workflow, stage.simulation.clock)
    assert performer.perform(json.loads(trigger.body)) is not None
    handler(trigger)
    assert len(stage.simulation.world.requests) == 1
    assert stage.state("buyer") == "appointing"


def test_response_that_comes_too_late_is_dropped(stage: Stage) -> None:
    """Somebody with the node's key answered meanwhile."""
    trigger, handler = trigger_of(notifying(stage)), handler_of(stage)
    stage.node("buyer").eventchain.submit(stage.chain, response("process", "notify", key="ok"))
    before = stage.canonical("buyer")
    handler(trigger)
    assert stage.canonical("buyer") == before
    assert stage.simulation.world.requests == []


class Performer:
    """Gives a response, whatever is due."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self.body


@pytest.mark.parametrize("wrong", [{"process": "nothing"}, {"action": "dance"}, {"key": "never"}, {"actor": "seller"}])
def test_response_the_chain_does_not_take_is_dropped(stage: Stage, wrong: dict[str, str]) -> None:
    trigger = trigger_of(notifying(stage))
    before = stage.canonical("buyer")
    body = {**response("process", "notify"), **wrong}
    TriggerHandler(Performer(body), stage.node("buyer").chains)(trigger)
    assert stage.canonical("buyer") == before
    assert stage.state("buyer") == "notifying"


def test_outside_world_that_is_away_gives_an_error_response(stage: Stage) -> None:
    notifying(stage)
    stage.simulation.world.answer = _unavailable
    stage.simulation.settle()
    assert stage.state("buyer") == "not_notified"
    check_equal(stage, ("buyer", "seller"))


def _unavailable(_request: Any) -> Any:
    raise TriggerError("nobody answers")


# Anchoring


class Submitter:
    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.error: LiveContractError | None = None

    def submit(self, hashes: Sequence[str]) -> object:
        if self.error:
            raise self.error
        if len(hashes) > MAX_SUBMITTED:
            raise InvalidError("too many hashes")
        self.calls.append(list(hashes))
        return None


def test_hashes_of_all_messages_go_in_one_request(stage: Stage) -> None:
    submitter = Submitter()
    messages = [message(stage, [f"{number}a", f"{number}b"], None, "anchor") for number in range(3)]
    assert AnchorHandler(submitter)(messages) == [None] * 3
    assert submitter.calls == [["0a", "0b", "1a", "1b", "2a", "2b"]]


def test_all_messages_wait_when_the_public_chain_is_away(stage: Stage) -> None:
    submitter = Submitter()
    submitter.error = UnavailableError("away")
    messages = [message(stage, [f"{number}"], None, "anchor") for number in range(3)]
    assert AnchorHandler(submitter)(messages) == [submitter.error] * 3


def test_more_hashes_than_one_request_takes_go_in_several(stage: Stage) -> None:
    submitter = Submitter()
    many = [f"{number}" for number in range(MAX_SUBMITTED + 5)]
    messages = [message(stage, many, None, "anchor"), message(stage, ["last"], None, "anchor")]
    assert AnchorHandler(submitter)(messages) == [None, None]
    assert [name for call in submitter.calls for name in call] == [*many, "last"]


def test_stranger_in_the_queue_adds_nothing(stage: Stage) -> None:
    """A document may wait in the queue until its sender is no member any more."""
    handler = EventsHandler(stage.node("buyer").chains)
    stranger = stage["seller"].sign(stage.chain, stage.note(), tip=stage.node("buyer").eventchain.tip(stage.chain))
    stage["seller"].post(stage.chain, {"$schema": stage["seller"].identity["$schema"], "id": "seller", "signkeys": {}})
    stage.simulation.settle(receipts=False)
    (outcome,) = handler([message(stage, stranger, "seller")])
    assert isinstance(outcome, ForbiddenError)
    late = stage["seller"].sign(stage.chain, stage.note(), tip=stage.node("buyer").eventchain.tip(stage.chain))
    (outcome,) = handler([message(stage, late, "buyer")])
    assert isinstance(outcome, NotMemberError)
