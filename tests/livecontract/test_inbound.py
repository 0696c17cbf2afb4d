"""Sealed messages are handed on under their sender's name; whatever else lies in the queue is refused with a reason."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.dispatch import Outcome
from dispatcher.enqueue import MAX_ASK, SENDER
from dispatcher.envelope import ASK, CHAIN, seal
from dispatcher.errors import InvalidSealError
from dispatcher.message import Message
from eventchain.core.errors import InvalidError, LiveContractError, TooLargeError, UnavailableError
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.core.strict_json import MAX_BYTES
from livecontract.inbound import MAX_ASK_AGE_MS, QUEUE, InboundHandler

HERE = "amqps://broker.example.com/acme"
PEER = KeyPair.from_seed(bytes(range(32)))
NOW = 1_700_000_000_000


class Behind:
    """What lies behind the queue, and notes what arrives."""

    def __init__(self, outcomes: Sequence[Outcome] = (), refusal: LiveContractError | None = None) -> None:
        self.outcomes = list(outcomes)
        self.refusal = refusal
        self.batches: list[list[Message]] = []
        self.asks: list[tuple[PublicKey, bytes]] = []

    def events(self, messages: Sequence[Message]) -> list[Outcome]:
        self.batches.append(list(messages))
        return self.outcomes or [None] * len(messages)

    def ask(self, sender: PublicKey, body: bytes) -> None:
        self.asks.append((sender, body))
        if self.refusal:
            raise self.refusal

    def handle(self, *messages: Message) -> list[Outcome]:
        return InboundHandler(HERE, self.events, self.ask, lambda: NOW)(messages)


def message(kind: str = CHAIN, body: bytes = b"{}", *, to: str = HERE, time: int = NOW, **headers: str) -> Message:
    sealed = seal(PEER, to, "id", kind, body, time=time)
    return Message(queue=QUEUE, id="id", group=to, body=body, headers={**sealed, **headers})


def test_messages_about_chains_go_on_together_under_the_name_of_their_sender() -> None:
    behind = Behind([None, InvalidError("no")])
    bad = Message(queue=QUEUE, id="junk", group="g", body=b"junk")
    outcomes = behind.handle(message(body=b"1"), bad, message(ASK), message(body=b"2"))
    (batch,) = behind.batches
    assert [(item.body, item.headers) for item in batch] == [
        (b"1", {SENDER: str(PEER.public_key)}),
        (b"2", {SENDER: str(PEER.public_key)}),
    ]
    assert [type(item) for item in outcomes] == [type(None), InvalidSealError, type(None), InvalidError]
    assert behind.asks == [(PEER.public_key, b"{}")]


def test_sender_header_of_a_stranger_counts_for_nothing() -> None:
    behind = Behind()
    behind.handle(message(**{SENDER: "somebody else"}))
    assert behind.batches[0][0].headers[SENDER] == str(PEER.public_key)
    (outcome,) = behind.handle(
        Message(queue=QUEUE, id="1", group="g", body=b"{}", headers={SENDER: str(PEER.public_key)})
    )
    assert isinstance(outcome, InvalidSealError)


@pytest.mark.parametrize(
    "refused",
    [message(to="amqps://broker.example.com/other"), message(**{"seal-kind": ASK}), message(**{"seal-id": "other"})],
)
def test_forged_and_foreign_messages_go_nowhere(refused: Message) -> None:
    behind = Behind()
    (outcome,) = behind.handle(refused)
    assert isinstance(outcome, InvalidSealError)
    assert (behind.batches, behind.asks) == ([], [])


def test_oversized_messages_are_refused_before_their_seal_is_looked_at() -> None:
    (outcome,) = Behind().handle(Message(queue=QUEUE, id="1", group="g", body=b" " * (MAX_BYTES + 1)))
    assert isinstance(outcome, TooLargeError)
    (outcome,) = Behind().handle(message(ASK, b" " * (MAX_ASK + 1)))
    assert isinstance(outcome, TooLargeError)


@pytest.mark.parametrize("time", [NOW - MAX_ASK_AGE_MS - 1, NOW + MAX_ASK_AGE_MS + 1, 1])
def test_ask_that_is_old_or_of_another_time_is_refused_and_a_chain_is_not(time: int) -> None:
    behind = Behind()
    ask, chain = behind.handle(message(ASK, time=time), message(CHAIN, time=time))
    assert isinstance(ask, InvalidSealError)
    assert chain is None
    assert behind.asks == []


def test_ask_that_cannot_be_taken_now_comes_again() -> None:
    refusal = UnavailableError("the queue is away")
    assert Behind(refusal=refusal).handle(message(ASK)) == [refusal]


@given(
    st.lists(
        st.builds(
            Message,
            queue=st.just(QUEUE),
            id=st.text(min_size=1, max_size=20),
            group=st.text(min_size=1, max_size=20),
            body=st.binary(max_size=50),
            headers=st.dictionaries(st.sampled_from(["seal", *message().headers, "other"]), st.text(max_size=100)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_junk_is_refused_and_never_breaks_the_handler(junk: list[Message]) -> None:
    behind = Behind()
    outcomes = behind.handle(*junk, message())
    assert all(isinstance(outcome, LiveContractError) for outcome in outcomes[:-1])
    assert outcomes[-1] is None
    assert len(behind.batches[0]) == 1
