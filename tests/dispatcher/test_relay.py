"""Relay posts to the node the group names, and tells answers that may heal from those that will not."""

import pytest

from dispatcher.broker import MemoryBroker
from dispatcher.dispatch import RELAY_POLICY, Dispatcher
from dispatcher.errors import PeerNotReadyError, PeerUnreachableError
from dispatcher.message import Depth, Message
from dispatcher.relay import RelayHandler
from eventchain.core import errors
from tests.contracts.broker import FakeClock, message


class ScriptedTransport:
    """Answers by URL, and remembers what was posted."""

    def __init__(self, answers: dict[str, Exception] | None = None) -> None:
        self.answers = answers or {}
        self.posted: list[tuple[str, bytes]] = []

    def post(self, url: str, body: bytes) -> None:
        self.posted.append((url, body))
        if error := self.answers.get(url):
            raise error


def to(node: str, name: str) -> Message:
    return message(name, node, queue="relay")


def test_bodies_are_posted_to_the_queue_of_the_destination_in_order() -> None:
    transport = ScriptedTransport()
    outcomes = RelayHandler(transport)([to("https://a", "1"), to("https://b/node", "2"), to("https://a", "3")])
    assert outcomes == [None, None, None]
    assert transport.posted == [
        ("https://a/queue", b"1"),
        ("https://b/node/queue", b"2"),
        ("https://a/queue", b"3"),
    ]


@pytest.mark.parametrize("error", [PeerUnreachableError("no route"), errors.TooManyRequestsError("slow down")])
def test_node_that_is_away_is_not_tried_again_in_the_same_turn(error: errors.UnavailableError) -> None:
    transport = ScriptedTransport({"https://a/queue": error})
    outcomes = RelayHandler(transport)([to("https://a", "1"), to("https://b", "2"), to("https://a", "3")])
    assert outcomes == [error, None, error]
    assert [url for url, _ in transport.posted] == ["https://a/queue", "https://b/queue"]


@pytest.mark.parametrize("family", [errors.UnauthenticatedError, errors.ForbiddenError, errors.NotFoundError])
def test_refusal_that_may_pass_is_tried_again_and_stops_nothing(family: type[errors.LiveContractError]) -> None:
    transport = ScriptedTransport({"https://a/queue": family("not yet")})
    first, second = RelayHandler(transport)([to("https://a", "1"), to("https://a", "2")])
    assert isinstance(first, PeerNotReadyError)
    assert "https://a refused for now: not yet" in str(first)
    assert isinstance(second, PeerNotReadyError)
    assert len(transport.posted) == 2


@pytest.mark.parametrize("family", [errors.InvalidError, errors.TooLargeError, errors.ConflictError])
def test_refusal_for_good_is_the_outcome(family: type[errors.LiveContractError]) -> None:
    error = family("wrong hash")
    outcomes = RelayHandler(ScriptedTransport({"https://a/queue": error}))([to("https://a", "1"), to("https://b", "2")])
    assert outcomes == [error, None]


def test_bug_in_the_transport_counts_against_its_message_only() -> None:
    error = RuntimeError("bug")
    outcomes = RelayHandler(ScriptedTransport({"https://a/queue": error}))([to("https://a", "1"), to("https://b", "2")])
    assert outcomes == [error, None]


def test_message_waits_for_a_node_that_is_away_for_days() -> None:
    clock = FakeClock()
    broker = MemoryBroker(clock)
    transport = ScriptedTransport({"https://a/queue": PeerUnreachableError("no route")})
    dispatcher = Dispatcher(broker, "relay", RelayHandler(transport), clock, bytes, RELAY_POLICY)
    broker.publish([to("https://a", "1")])
    back = clock.now + 5 * 24 * 3600 * 1000
    while clock.now < back:
        dispatcher.step()
        clock.now += 60_000
    assert broker.depth("relay") == Depth(waiting=1, leased=0, dead=0)
    transport.answers.clear()
    clock.now += 3600 * 1000
    dispatcher.step()
    assert broker.depth("relay") == Depth(waiting=0, leased=0, dead=0)
    assert len(transport.posted) < 200
