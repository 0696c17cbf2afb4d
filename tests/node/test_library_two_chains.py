"""A request to another chain and back, by acknowledgement (paper section 13.1): neither chain leaves its parties.

A messenger carries it, by hand, or by a node that is on both chains.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from eventchain.core import base58
from eventchain.errors import NotAdmittedError
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from workflow_engine.errors import ActorNotAllowedError

NAMES = ("messenger", "requester", "responder")
HERE, THERE = ("messenger", "requester"), ("messenger", "responder")
DAY = 24 * 60 * 60 * 1000
REQUEST, ANSWER = {"request": "Is the certificate C-7 still valid?"}, {"answer": "It is valid until 31 December 2026."}


@dataclass
class Chains:
    """The chain on which a request is sent, and the one on which it is received."""

    here: Stage
    there: Stage

    @classmethod
    def begin(cls) -> "Chains":
        here = Stage.of(Simulation(9, names=NAMES), NAMES).found("requester", ("messenger",))
        here.start("request-sent", {name: name for name in HERE}, "requester")
        there = Stage(here.simulation, here.parties).found("responder", ("messenger",))
        there.start("request-received", {name: name for name in THERE}, "responder")
        return cls(here, there)

    @property
    def states(self) -> tuple[str, str]:
        """The states here and there, which all who are on the chain agree on."""
        ((here,), (there,)) = (
            {stage.state(name) for name in names} for stage, names in ((self.here, HERE), (self.there, THERE))
        )
        return here, there


def act(stage: Stage, name: str, action: str, data: object = None) -> None:
    stage.act(name, action, data)
    stage.simulation.settle(receipts=False)


def last(stage: Stage) -> dict[str, Any]:
    """Return how the messenger names the last response of a chain on the other one."""
    process = stage.node("messenger").workflow.process("process", stage.chain)
    return {"chain": stage.chain, "event": process.previous[-1]["event"]}


def bring_request(chains: Chains) -> None:
    act(chains.here, "requester", "send", REQUEST)
    act(chains.there, "messenger", "bring", {**REQUEST, **last(chains.here)})
    act(chains.here, "messenger", "acknowledge", last(chains.there))


def test_request_and_answer_are_sent_and_received_across_two_chains() -> None:
    chains = Chains.begin()
    act(chains.here, "requester", "send", REQUEST)
    sent = last(chains.here)
    assert chains.states == ("sent", "initial")
    act(chains.there, "messenger", "bring", {**REQUEST, **sent})
    act(chains.here, "messenger", "acknowledge", last(chains.there))
    assert chains.states == ("received", "received")
    act(chains.there, "responder", "answer", ANSWER)
    answered = last(chains.there)
    act(chains.here, "messenger", "bring", {**ANSWER, **answered})
    act(chains.there, "messenger", "acknowledge", last(chains.here))
    assert chains.states == (":success", ":success")
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)
    process = chains.here.node("requester").workflow.process("process", chains.here.chain)
    assert process.assets["answer"] == {**ANSWER, **answered}
    [event] = [item for item in chains.there.canonical("responder").events if item.body().get("action") == "answer"]
    assert answered["event"] == base58.encode(event.hash)


def test_neither_chain_comes_to_the_parties_of_the_other() -> None:
    chains = Chains.begin()
    bring_request(chains)
    for name, stage in (("requester", chains.there), ("responder", chains.here)):
        assert isinstance(refusal(stage.node(name).eventchain.tip, stage.chain), NotAdmittedError)


def test_nobody_but_the_messenger_says_what_was_received() -> None:
    chains = Chains.begin()
    act(chains.here, "requester", "send", REQUEST)
    error = refusal(chains.here.act, "requester", "acknowledge", last(chains.here))
    assert isinstance(error, ActorNotAllowedError)


@pytest.mark.parametrize("declined", [True, False])
def test_request_without_an_answer_ends_on_both_chains(declined: bool) -> None:
    chains = Chains.begin()
    bring_request(chains)
    if declined:
        act(chains.there, "responder", "decline")
        act(chains.here, "messenger", "give_up")
    else:
        chains.here.simulation.wait(21 * DAY)
        assert chains.states == ("received", ":failed")
        chains.here.simulation.wait(9 * DAY)
    assert chains.states == (":failed", ":failed")
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)


# --- By the messenger's node


def key_of(chains: Chains, name: str) -> str:
    return str(chains.here[name].key.public_key)


def connect(chains: Chains, *, there_first: bool = True) -> None:
    """The messenger says on each chain which process of the other is meant, and whose signature counts."""
    sides = [(chains.there, chains.here, "requester"), (chains.here, chains.there, "responder")]
    for stage, other, signer in sides if there_first else sides[1:]:
        named = {"chain": other.chain, "process": "process", "signer": key_of(chains, signer)}
        act(stage, "messenger", "connect", named)


def told(stage: Stage, name: str) -> list[str]:
    """Who did what on a chain, as one of its nodes shows it."""
    process = stage.node(name).workflow.process("process", stage.chain)
    return [f"{item['actor']['key']}: {item['action']['key']}.{item['key']}" for item in process.previous]


def test_node_of_the_messenger_carries_request_and_answer_in_four_acknowledged_steps() -> None:
    chains = Chains.begin()
    connect(chains)
    act(chains.here, "requester", "send", REQUEST)
    assert chains.states == ("received", "received")
    act(chains.there, "responder", "answer", ANSWER)
    assert chains.states == (":success", ":success")
    assert told(chains.here, "requester")[1:] == ["requester: send.ok", "messenger: tell.ok", "messenger: hear.ok"]
    assert told(chains.there, "responder")[1:] == ["messenger: hear.ok", "responder: answer.ok", "messenger: tell.ok"]
    sent, received = (
        [item["event"] for item in stage.node(name).workflow.process("process", stage.chain).previous]
        for stage, name in ((chains.here, "requester"), (chains.there, "responder"))
    )
    here = chains.here.node("requester").workflow.process("process", chains.here.chain).assets
    there = chains.there.node("responder").workflow.process("process", chains.there.chain).assets
    assert there["request"] == {**REQUEST, "chain": chains.here.chain, "event": sent[1]}
    assert here["received"] == {"chain": chains.there.chain, "event": received[1]}
    assert here["answer"] == {**ANSWER, "chain": chains.there.chain, "event": received[2]}
    assert there["received"] == {"chain": chains.here.chain, "event": sent[3]}
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)
    for name, stage in (("requester", chains.there), ("responder", chains.here)):
        assert isinstance(refusal(stage.node(name).eventchain.tip, stage.chain), NotAdmittedError)


def test_request_waits_until_the_other_chain_expects_it() -> None:
    chains = Chains.begin()
    connect(chains, there_first=False)
    act(chains.here, "requester", "send", REQUEST)
    assert chains.states == ("sent", "initial")
    named = {"chain": chains.here.chain, "process": "process", "signer": key_of(chains, "requester")}
    act(chains.there, "messenger", "connect", named)
    chains.here.simulation.wait(60 * 60 * 1000)
    assert chains.states == ("received", "received")


def test_request_that_the_other_chain_never_expects_lapses() -> None:
    chains = Chains.begin()
    connect(chains, there_first=False)
    act(chains.here, "requester", "send", REQUEST)
    chains.here.simulation.wait(7 * DAY)
    assert chains.states == (":cancelled", "initial")


def test_request_of_somebody_else_does_not_come_in_the_place_of_the_one_that_is_expected() -> None:
    chains = Chains.begin()
    connect(chains, there_first=False)
    named = {"chain": chains.here.chain, "process": "process", "signer": key_of(chains, "messenger")}
    act(chains.there, "messenger", "connect", named)
    act(chains.here, "requester", "send", REQUEST)
    assert chains.states == ("sent", "connected")
    act(chains.there, "messenger", "bring", {**REQUEST, **last(chains.here)})  # by hand, and on the messenger's word
    act(chains.here, "messenger", "acknowledge", last(chains.there))
    assert chains.states == ("received", "received")
