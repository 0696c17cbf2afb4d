"""What can be routed is queued; everything else is refused before anything is stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.broker import MemoryBroker
from dispatcher.enqueue import MAX_DESTINATIONS, SENDER, EnqueueService, read, validate_destination
from dispatcher.errors import InvalidDestinationError, InvalidSubmissionError
from dispatcher.message import EVENTS, RELAY
from eventchain.core import base58
from eventchain.core.errors import InvalidError, LiveContractError
from eventchain.core.hashing import sha256
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair
from tests.contracts.broker import FakeClock

KEY = KeyPair.from_seed(b"\1" * 32)
CHAIN = ChainId.create(KEY.public_key, b"\2" * 20)


def document(**changes: Any) -> bytes:
    return json.dumps({"id": str(CHAIN), "events": [], **changes}).encode()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(FakeClock())


def test_document_without_destination_waits_for_this_node(broker: MemoryBroker) -> None:
    body = document(events=[{"hash": "x"}], linked=[1])
    EnqueueService(broker).enqueue(body, sender=KEY.public_key)
    (delivery,) = broker.receive(EVENTS, 10)
    message = delivery.message
    assert (message.group, message.id, message.body) == (str(CHAIN), base58.encode(sha256(body)), body)
    assert message.headers == {SENDER: str(KEY.public_key)}
    assert broker.depth(RELAY).waiting == 0


def test_document_waits_once_for_each_destination_and_not_for_this_node(broker: MemoryBroker) -> None:
    uris = ["https://a.example", "https://b.example:8443/node/", "https://a.example/"]
    for _ in range(2):
        EnqueueService(broker).enqueue(document(), uris)
    messages = [delivery.message for delivery in broker.receive(RELAY, 10)]
    assert [message.group for message in messages] == ["https://a.example", "https://b.example:8443/node"]
    assert len({message.id for message in messages}) == 2
    assert broker.depth(EVENTS).waiting == 0


def test_bytes_are_queued_as_they_came(broker: MemoryBroker) -> None:
    body = b' {"events" : [ 1.50 ],\n "id":"%s", "x":"\\u00e9"}' % str(CHAIN).encode()
    EnqueueService(broker).enqueue(read(body))
    assert broker.receive(EVENTS, 1)[0].message.body == body


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b'{"id": 1, "id": 2, "events": []}', None),
        (b'{"id": NaN}', None),
        (b"[" * 100_000, None),
        (b"[]", "$"),
        (b"null", "$"),
        (b"{}", "$.id"),
        (document(id=None), "$.id"),
        (document(id=7), "$.id"),
        (document(id=str(CHAIN)[:-1] + "1"), "$.id"),
        (document(id="1" * 100_000), "$.id"),
        (document(id=str(CHAIN) + "'; --"), "$.id"),
        (json.dumps({"id": str(CHAIN)}).encode(), "$.events"),
        (document(events={}), "$.events"),
        (document(events=None), "$.events"),
    ],
)
def test_what_cannot_be_routed_is_refused_with_its_place(broker: MemoryBroker, body: bytes, path: str | None) -> None:
    with pytest.raises(InvalidError) as caught:
        EnqueueService(broker).enqueue(body)
    assert caught.value.path == path
    assert broker.depth(EVENTS).waiting == 0


def test_missing_parts_are_errors_of_this_package() -> None:
    with pytest.raises(InvalidSubmissionError):
        read(b"{}")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "node.example",
        "//node.example",
        "https://",
        "https:///path",
        "ftp://node.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:secret@node.example",
        "https://@node.example",
        "https://node.example?x=1",
        "https://node.example?",
        "https://node.example/#",
        "https://node.example:99999",
        "https://node.example:port",
        "https://node.example:0",
        "https://[::1",
        "https://node.example/a b",
        "https://node.example\r\nX: y",
        "https://node.example\\@other.example",
        "https://exämple.org",
        "https://node.example/" + "a" * 3000,
    ],
)
def test_destination_that_is_no_node_is_refused_and_nothing_is_queued(broker: MemoryBroker, uri: str) -> None:
    with pytest.raises(InvalidDestinationError):
        EnqueueService(broker).enqueue(document(), ["https://good.example", uri])
    assert broker.depth(RELAY).waiting == 0


def test_too_many_destinations_are_refused(broker: MemoryBroker) -> None:
    uris = [f"https://{number}.example" for number in range(MAX_DESTINATIONS + 1)]
    with pytest.raises(InvalidDestinationError):
        EnqueueService(broker).enqueue(document(), uris)


@given(st.text(max_size=60) | st.text("htps:/@?#[]%.\\ab:0", max_size=40).map(lambda rest: "https://" + rest))
def test_any_text_is_a_destination_or_refused(uri: str) -> None:
    try:
        checked = validate_destination(uri)
    except LiveContractError:
        return
    assert validate_destination(checked) == checked
    assert checked.startswith(("http://", "https://"))
