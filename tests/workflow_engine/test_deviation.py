"""Deviations and scenario updates: by consent of all, from where the process stands, once, and never backwards."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core import base58, canonical_json
from eventchain.core.entry import Entry
from eventchain.core.errors import ConflictError, ForbiddenError, LiveContractError
from eventchain.core.hashing import sha256
from eventchain.store.document_store import DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from tests.node.leased import LeasedMemoryStore
from workflow_engine.consent import MAX_OPEN, OWN_CONSENT
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    DeviationNotFoundError,
    DeviationNotOpenError,
    InvalidDataError,
    InvalidDeviationError,
    ProcessNotFoundError,
)
from workflow_engine.process import Process
from workflow_engine.proposal import OWN_DEVIATION, read_proposal
from workflow_engine.records import ENTRIES, STATES
from workflow_engine.scenario import load
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers
from workflow_engine.triggers.nop import nop

from .samples import DAY, MEMBERS, ORDER, HashedChain
from .test_service import DyingStore, Killed, make

HASH = base58.encode(sha256(b"nothing"))

ROUNDS = "sum([assets.haggle.rounds, `1`])"
HAGGLE: dict[str, Any] = {
    "$schema": OWN_DEVIATION,
    "process": "p",
    "title": "Haggle about the price",
    "reason": "The market has moved.",
    "from": "signing",
    "to": "signing",
    "states": {
        "haggling": {
            "title": {"<tpl>": "Haggling over {{assets.order.price}}"},
            "timeout": "P2D",
            "actions": ["lower", "give_up"],
            "transitions": [
                {"action": "lower", "condition": {"<eval>": "assets.haggle.rounds >= `2`"}, "transition": "signing"},
                {"action": "give_up", "transition": "signing"},
                {"action": ":timeout", "transition": "signing"},
            ],
        }
    },
    "actions": {
        "lower": {
            "actor": "seller",
            "responses": {
                "ok": {
                    "update": [
                        {"select": "assets.order.price", "projection": "price"},
                        {"select": "assets.haggle.rounds", "data": {"<eval>": ROUNDS}},
                    ]
                }
            },
        },
        "give_up": {"actor": "buyer"},
    },
    "assets": {"haggle": {"properties": {"rounds": {"type": "integer", "default": 0}}}},
}

RENTAL: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "rental",
    "title": "Rental",
    "actors": {
        "customer": {"title": "Customer", "properties": {"signed": {"type": "boolean"}}},
        "seller": {"title": "Lessor", "properties": {"signed": {"type": "boolean"}}},
    },
    "assets": {"contract": {"properties": {"price": {"type": "number", "maximum": 100}}, "required": ["price"]}},
    "actions": {
        "pay": {"actor": "customer", "responses": {"ok": {"update": "assets.contract"}}},
        "end": {"actors": ["customer", "seller"]},
    },
    "states": {
        "initial": {"action": "end", "transition": "renting"},
        "renting": {
            "title": {"<tpl>": "Renting for {{assets.contract.price}}"},
            "timeout": "P30D",
            "actions": ["pay", "end"],
            "transitions": [
                {"action": "end", "transition": ":success"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
    },
}
TIMED = {"action": ":timeout", "transition": "renting"}
TO_RENTAL: dict[str, Any] = {
    "$schema": OWN_DEVIATION,
    "process": "p",
    "title": "Rent instead of buying",
    "from": "signing",
    "to": "renting",
    "scenario": "rental",
    "map": {"actors": {"customer": "buyer"}, "assets": {"contract": "order"}},
}


class Play:
    """A chain, and the service that applies it while it grows."""

    def __init__(self, price: float = 12.5) -> None:
        self.chain = HashedChain()
        self.service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({"nop": nop}))
        self.do(lambda c: c.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#"}))
        self.do(lambda c: c.scenario())
        self.do(lambda c: c.scenario(RENTAL))
        self.do(lambda c: c.process())
        self.do(lambda c: c.response("order", data={"price": price}))

    def do(self, make: Callable[[HashedChain], Entry]) -> str:
        """Apply the next entry and return its hash; what is refused does not stand on the chain."""
        entry = make(self.chain)
        try:
            self.service.apply(entry)
        except LiveContractError:
            self.chain.entries.remove(entry)
            raise
        return entry.hash

    def propose(self, identity: str = "acme", body: dict[str, Any] = HAGGLE, **more: Any) -> str:
        named = {name: more.pop(name) for name in ("at", "key") if name in more}
        return self.do(lambda c: c.entry({**body, **more}, identity, **named))

    def answer(self, deviation: str, identity: str = "beta", answer: str = "agree", **more: Any) -> str:
        named = {name: more.pop(name) for name in ("at", "key") if name in more}
        body = {"$schema": OWN_CONSENT, "deviation": deviation, "answer": answer, **more}
        return self.do(lambda c: c.entry(body, identity, **named))

    def respond(self, action: str, identity: str = "acme", **more: Any) -> str:
        return self.do(lambda c: c.response(action, identity, **more))

    @property
    def process(self) -> Process:
        return self.service.process("p")

    def check_replays(self) -> None:
        """Check that a new node, one started again at every entry, and a replay come to the same projection."""
        before = canonical_json.encode(self.service.projection("chain"))
        store = MemoryStore(COLLECTIONS)
        for entry in self.chain.entries:
            WorkflowService(store, lambda: 0, Triggers({})).apply(entry)
        assert canonical_json.encode(WorkflowService(store, lambda: 0, Triggers({})).projection("chain")) == before
        assert len(store.find(STATES)) == 1
        self.service.forget("chain")
        for entry in self.chain.entries:
            self.service.apply(entry)
        assert canonical_json.encode(self.service.projection("chain")) == before


def test_deviation_is_in_force_at_the_last_needed_signature_and_gone_when_it_is_back() -> None:
    play = Play()
    before = play.process
    proposed = play.propose()
    assert play.process.current == before.current
    assert [item.agreed for item in play.process.proposals] == [("acme",)]
    agreed = play.answer(proposed, reason="All right.")
    process = play.process
    assert (process.current.key, process.current.title) == ("haggling", "Haggling over 12.5")
    assert process.current.event == agreed
    assert process.available == ("lower", "give_up")
    assert process.base.name == "order"
    assert process.state()["deviation"] == {"event": proposed, "title": "Haggle about the price", "to": "signing"}
    play.respond("lower", "beta", data={"price": 11})
    assert process.assets["haggle"] == {"rounds": 0}
    assert play.process.current.key == "haggling"
    play.check_replays()
    play.respond("lower", "beta", data={"price": 10})
    process = play.process
    assert (process.current.key, process.assets["order"]["price"]) == ("signing", 10)
    assert (process.deviation, process.scenario.id) == (None, before.scenario.id)
    assert set(process.assets) == {"order"}
    assert process.previous[: len(before.previous)] == before.previous
    assert [item["action"]["key"] for item in process.previous] == ["order", ":deviation", "lower", "lower"]
    assert process.previous[1]["reason"] == "All right."
    assert process.previous[1]["deviation"] == proposed
    play.check_replays()
    for action in ("lower", "give_up"):
        with pytest.raises(LiveContractError):
            play.respond(action, "beta")
    with pytest.raises(DeviationNotOpenError):
        play.answer(proposed)


def test_process_goes_on_to_its_end_after_a_deviation() -> None:
    play = Play()
    play.answer(play.propose())
    play.respond("give_up")
    play.respond("sign")
    play.respond("sign", "beta")
    play.respond("notify", "beta", signed_with="system", data=12.5)
    assert play.process.current.key == ":success"
    play.check_replays()


def test_timeout_of_a_state_of_a_deviation_counts_from_the_last_signature() -> None:
    play = Play()
    proposed = play.propose(at=10_000)
    play.answer(proposed, at=20_000)
    assert play.process.current.due_date == 20_000 + 2 * DAY
    with pytest.raises(ActionNotAvailableError):
        play.respond(":timeout", at=2 * DAY, signed_with="system")
    play.respond(":timeout", at=20_000 + 2 * DAY, signed_with="system")
    assert play.process.current.key == "signing"
    assert play.process.current.due_date == 20_000 + 9 * DAY


def test_deviation_without_states_leads_to_its_end_at_once() -> None:
    play = Play()
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Begin again", "from": "signing", "to": "initial"}
    play.answer(play.propose(body=body))
    assert play.process.current.key == "initial"
    assert play.process.assets["order"]["price"] == 12.5
    assert play.process.deviation is None
    play.check_replays()


def test_parties_may_end_a_process_together() -> None:
    play = Play()
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Call it off", "from": "signing", "to": ":cancelled"}
    play.answer(play.propose(body=body))
    assert play.process.is_finished
    with pytest.raises(DeviationNotOpenError):
        play.propose()


@pytest.mark.parametrize("answer", ["refuse", "withdraw"])
def test_proposal_that_was_refused_or_withdrawn_is_never_answered_again(answer: str) -> None:
    play = Play()
    proposed = play.propose()
    before = play.process.current
    play.answer(proposed, "beta" if answer == "refuse" else "acme", answer)
    assert (play.process.current, play.process.proposals) == (before, ())
    play.check_replays()
    for identity, again in (("beta", "agree"), ("acme", "agree"), ("beta", "refuse"), ("acme", "withdraw")):
        with pytest.raises(DeviationNotOpenError):
            play.answer(proposed, identity, again)


@pytest.mark.parametrize(
    ("identity", "answer", "more", "error"),
    [
        ("beta", "withdraw", {}, ActorNotAllowedError),
        ("acme", "agree", {}, DeviationNotOpenError),
        ("mallory", "agree", {}, ActorNotAllowedError),
        ("mallory", "refuse", {}, ActorNotAllowedError),
        ("beta", "agree", {"key": "system"}, ActorNotAllowedError),
        ("beta", "refuse", {"key": "system"}, ActorNotAllowedError),
        ("acme", "withdraw", {"key": "system"}, ActorNotAllowedError),
        ("beta", "maybe", {}, InvalidDeviationError),
        ("beta", "agree", {"deviation": HASH}, DeviationNotFoundError),
        ("beta", "agree", {"deviation": "x"}, InvalidDeviationError),
        ("beta", "agree", {"deviation": 3}, InvalidDeviationError),
        ("beta", "agree", {"reason": "x" * 4097}, InvalidDeviationError),
        ("beta", "agree", {"force": True}, InvalidDeviationError),
    ],
)
def test_answer_of_the_wrong_one_or_form_changes_nothing(
    identity: str, answer: str, more: dict[str, Any], error: type[Exception]
) -> None:
    play = Play()
    proposed = play.propose()
    before = play.service.projection("chain")
    named = {name: more[name] for name in ("key",) if name in more}
    body = {"$schema": OWN_CONSENT, "deviation": proposed, "answer": answer} | {
        name: value for name, value in more.items() if name != "key"
    }
    with pytest.raises(error):
        play.do(lambda c: c.entry(body, identity, **named))
    assert play.service.projection("chain") == before


def test_other_events_are_no_proposals() -> None:
    play = Play()
    with pytest.raises(DeviationNotFoundError):
        play.answer(play.chain.entries[1].hash)


@pytest.mark.parametrize(
    ("identity", "more", "error"),
    [
        ("mallory", {}, ActorNotAllowedError),
        ("acme", {"key": "system"}, ActorNotAllowedError),
        ("acme", {"from": "initial"}, DeviationNotOpenError),
        ("acme", {"process": "q"}, ProcessNotFoundError),
        ("acme", {"scenario": "nothing"}, InvalidDeviationError),
    ],
)
def test_proposal_of_the_wrong_one_or_at_the_wrong_time_is_refused(
    identity: str, more: dict[str, Any], error: type[Exception]
) -> None:
    play = Play()
    with pytest.raises(error):
        play.propose(identity, **more)


def test_proposal_lapses_when_the_process_leaves_the_state_and_does_not_come_back_with_it() -> None:
    play = Play()
    again = {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Begin again",
        "from": "signing",
        "to": "signing",
    }
    first, second = play.propose(), play.propose("beta", again)
    play.answer(second, "acme")
    assert play.process.current.key == "signing"
    assert play.process.proposals == ()
    with pytest.raises(DeviationNotOpenError):
        play.answer(first)
    play.check_replays()


def test_proposal_stays_open_while_responses_leave_the_process_where_it_is() -> None:
    play = Play()
    proposed = play.propose()
    play.respond("sign")
    assert play.process.current.key == "signing"
    assert [item.event for item in play.process.proposals] == [proposed]
    play.check_replays()


def test_agreement_counts_for_the_data_it_was_given_on_and_no_other() -> None:
    play = Play()
    proposed = play.propose()
    play.respond("sign", "beta")
    play.answer(proposed, "beta")
    assert [item.agreed for item in play.process.proposals] == [("beta",)]
    assert play.process.current.key == "signing"
    play.answer(proposed, "acme")
    assert play.process.current.key == "haggling"
    play.check_replays()


def test_response_that_changes_no_data_leaves_agreements_as_they_are() -> None:
    play = Play()
    quiet = {
        **ORDER,
        "id": "quiet",
        "actions": {**ORDER["actions"], "look": {"actor": "buyer"}},
        "allow_actions": ["look"],
    }
    play.do(lambda c: c.scenario(quiet))
    play.do(lambda c: c.process(id="q", scenario="quiet"))
    play.respond("order", data={"price": 1}, process="q")
    proposed = play.propose(process="q")
    play.respond("look", process="q")
    play.answer(proposed)
    assert play.service.process("q").current.key == "haggling"


def test_deadline_is_that_of_the_proposal_by_the_timestamps_of_the_chain() -> None:
    play = Play()
    proposed = play.propose(at=5_000, deadline="1970-01-02T00:00:00Z")
    with pytest.raises(DeviationNotOpenError, match="lapsed"):
        play.answer(proposed, at=DAY + 1)
    play.answer(proposed, at=DAY)
    assert play.process.current.key == "haggling"


def test_answer_dated_back_behind_what_the_chain_knows_is_not_in_time() -> None:
    play = Play()
    proposed = play.propose(at=5_000, deadline="1970-01-02T00:00:00Z")
    play.respond("sign", at=2 * DAY)
    with pytest.raises(DeviationNotOpenError, match="lapsed"):
        play.answer(proposed, at=5_001)


def test_proposal_without_deadline_is_open_for_thirty_days() -> None:
    play = Play()
    proposed = play.propose(at=5_000)
    with pytest.raises(DeviationNotOpenError):
        play.answer(proposed, at=5_001 + 30 * DAY)
    play.answer(proposed, at=5_000 + 30 * DAY)


@pytest.mark.parametrize("deadline", ["1970-01-01T00:00:05.000Z", "1969-12-31T00:00:00Z"])
def test_deadline_before_the_proposal_is_refused(deadline: str) -> None:
    play = Play()
    with pytest.raises(InvalidDeviationError) as caught:
        play.propose(at=5_000, deadline=deadline)
    assert caught.value.path == "$.deadline"


def test_only_so_many_proposals_are_open_at_once_and_lapsed_ones_make_room() -> None:
    play = Play()
    hashes = [play.propose(at=6_000, deadline="1970-01-01T01:00:00Z") for _ in range(MAX_OPEN)]
    with pytest.raises(DeviationNotOpenError, match=str(MAX_OPEN)):
        play.propose(at=6_001)
    play.answer(hashes[0], "acme", "withdraw", at=6_002)
    play.propose(at=6_003)
    with pytest.raises(DeviationNotOpenError):
        play.propose(at=6_004)
    play.propose(at=DAY)
    assert len(play.process.proposals) == 2
    play.check_replays()


def test_one_deviation_at_a_time() -> None:
    play = Play()
    play.answer(play.propose())
    with pytest.raises(DeviationNotOpenError, match="deviates already"):
        play.propose(body={**HAGGLE, "from": "haggling"})


def test_deviation_is_ended_early_by_consent_and_its_assets_go_with_it() -> None:
    play = Play()
    play.answer(play.propose())
    play.respond("lower", "beta", data={"price": 11})
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Stop", "from": "haggling", "to": ":cancelled"}
    for wrong in ({"from": "signing"}, {"to": "haggling"}, {"to": "nowhere"}):
        with pytest.raises(LiveContractError):
            play.propose(body={**body, **wrong})
    proposed = play.propose("beta", body)
    play.respond("lower", "beta", data={"price": 10})
    with pytest.raises(DeviationNotOpenError):
        play.answer(proposed, "acme")
    again = Play()
    again.answer(again.propose())
    proposed = again.propose("beta", body)
    assert again.process.current.key == "haggling"
    again.answer(proposed, "acme")
    assert (again.process.current.key, again.process.deviation) == (":cancelled", None)
    assert set(again.process.assets) == {"order"}
    again.check_replays()


def test_update_that_its_data_keeps_from_arriving_is_left_again_by_consent() -> None:
    body = {
        **TO_RENTAL,
        "states": {"moving": {"title": "Wait", "timeout": "P1D", "transitions": [TIMED]}},
    }
    play = Play(price=500)
    play.answer(play.propose(body=body, at=6_000), at=7_000)
    with pytest.raises(InvalidDataError) as caught:
        play.respond(":timeout", at=2 * DAY, signed_with="system")
    assert "cannot go on by the new scenario" in str(caught.value.hint)
    back = {"$schema": OWN_DEVIATION, "process": "p", "title": "Back", "from": "moving", "to": "signing"}
    play.answer(play.propose(body=back, at=2 * DAY), at=2 * DAY)
    assert (play.process.current.key, play.process.base.name) == ("signing", "order")
    play.check_replays()


def with_third(members: frozenset[str] = MEMBERS | {"gamma"}) -> tuple[Play, Callable[..., str]]:
    """A play in which identities come and go."""
    play = Play()

    def entry(body: dict[str, Any], identity: str, members: frozenset[str] = members) -> str:
        def make(chain: HashedChain) -> Entry:
            found = chain.entry(body, identity)
            chain.entries[-1] = type(found)(
                **{**{name: getattr(found, name) for name in found.__slots__}, "members": members}
            )
            return chain.entries[-1]

        return play.do(make)

    return play, entry


BIND: dict[str, Any] = {
    **ORDER,
    "id": "bound",
    "actors": {**ORDER["actors"], "witness": {"title": "Witness"}},
    "actions": {
        **ORDER["actions"],
        "appoint": {"actor": "buyer", "responses": {"ok": {"update": {"select": "actors.witness.identity"}}}},
    },
    "allow_actions": ["appoint"],
}


def test_identity_bound_after_the_proposal_is_asked_as_well_and_one_that_left_is_not_waited_for() -> None:
    play, entry = with_third()
    response = {"$schema": "urn:livecontract:response:1", "process": "q"}
    play.do(lambda c: c.scenario(BIND))
    play.do(lambda c: c.process(id="q", scenario="bound"))
    entry({**response, "action": "order", "data": {"price": 1}}, "acme")
    proposed = entry({**HAGGLE, "process": "q"}, "acme")
    entry({**response, "action": "appoint", "data": "gamma"}, "acme")
    consent = {"$schema": OWN_CONSENT, "deviation": proposed, "answer": "agree"}
    entry(consent, "acme")
    entry(consent, "beta")
    assert play.service.process("q").current.key == "signing"
    with pytest.raises(DeviationNotOpenError, match="already"):
        entry(consent, "beta")
    entry(consent, "beta", MEMBERS)
    assert play.service.process("q").current.key == "haggling"


def test_actor_without_identity_is_not_waited_for_and_one_identity_in_two_roles_signs_once() -> None:
    play = Play()
    for process, actors in (("alone", {"buyer": "acme"}), ("both", {"buyer": "acme", "seller": "acme"})):
        play.do(lambda c, name=process, who=actors: c.process(id=name, actors=who))  # type: ignore[misc]
        play.respond("order", data={"price": 1}, process=process)
        proposed = play.propose(process=process)
        assert play.service.process(process).current.key == "signing"
        play.answer(proposed, "acme")
        assert play.service.process(process).current.key == "haggling"


# --- What is proposed is checked as a whole ---------------------------------------------------------------------------


def changed(**changes: Any) -> dict[str, Any]:
    body = copy.deepcopy(HAGGLE)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = body
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return body


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown member": (changed(stats={}), "$.stats"),
    "no title": (changed(title=None), "$.title"),
    "long title": (changed(title="x" * 257), "$.title"),
    "no process": (changed(process=None), "$.process"),
    "no from": (changed(**{"from": None}), "$.from"),
    "no to": (changed(to=None), "$.to"),
    "to nowhere": (changed(to="nowhere"), "$.to"),
    "states as a list": (changed(states=[{"key": "a"}]), "$.states"),
    "start that is no state": (changed(start="signing"), "$.start"),
    "two states without start": (changed(states__second={}), "$.start"),
    "start without states": ({**changed(states=None, actions=None, assets=None), "start": "a"}, "$.start"),
    "parts without states": (changed(states=None), "$"),
    "map without scenario": (changed(map={}), "$.map"),
    "deadline in words": (changed(deadline="tomorrow"), "$.deadline"),
    "deadline without zone": (changed(deadline="2030-01-01T00:00:00"), "$.deadline"),
    "deadline that is no day": (changed(deadline="2030-02-30T00:00:00Z"), "$.deadline"),
    "taken state": (changed(states__initial={"transition": "signing"}, start="haggling"), "$.states.initial"),
    "taken final state": (changed(states={":success": {"transition": "signing"}}), '$.states[":success"]'),
    "taken action": (changed(actions__sign={"actor": "seller"}), "$.actions.sign"),
    "taken asset": (changed(assets__order={}), "$.assets.order"),
    "actor who is not there": (changed(actions__lower__actor="notary"), "$.actions.lower.actor"),
    "action that is not there": (changed(states__haggling__actions=["lower", "x"]), "$.states.haggling.actions[1]"),
    "ends in another state": (
        changed(states__haggling__transitions__0__transition="initial"),
        "$.states.haggling.transitions[0].transition",
    ),
    "ends in two states": (
        changed(states__haggling__transitions__1__transition=":cancelled"),
        "$.states.haggling.transitions[1].transition",
    ),
    "no way back": (changed(states__haggling__transitions=[]), "$.states.haggling"),
    "final state of its own": (changed(states__haggling={}), "$.states.haggling"),
    "state that nobody comes to": (
        changed(states__island={"action": "lower", "transition": "signing"}, start="haggling"),
        "$.states.island",
    ),
    "loop of system actions": (
        changed(
            states={
                "ping": {"action": "look", "transitions": [{"response": "ok", "transition": "pong"}]},
                "pong": {
                    "action": "look",
                    "transitions": [
                        {"response": "ok", "transition": "ping"},
                        {"response": "error", "transition": "signing"},
                    ],
                },
            },
            start="ping",
            actions={
                "look": {
                    "$schema": "urn:livecontract:action:nop",
                    "actor": "seller",
                    "responses": {"ok": {}, "error": {}},
                }
            },
        ),
        "$.states.ping.transitions[0]",
    ),
    "bad schema": (changed(assets__haggle={"type": "nothing"}), "$.assets.haggle"),
    "source operator": (changed(states__haggling__title={"<src>": "https://example.com"}), "$.states.haggling.title"),
    "unknown asset": (changed(states__haggling__title={"<ref>": "assets.nothing"}), "$.states.haggling.title"),
    "misspelt member": (changed(states__haggling__transition_s=[]), "$.states.haggling.transition_s"),
    "too many states": (
        changed(
            states={f"s{number}": {"action": "give_up", "transition": "signing"} for number in range(256)}, start="s0"
        ),
        "$.states",
    ),
    "nested too deeply": (changed(definitions={"a": json.loads("[" * 60 + "]" * 60)}), "$"),
    "huge": (changed(definitions={"a": "x" * 70_000}), "$"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_proposal_is_refused_at_its_place_and_changes_nothing(name: str) -> None:
    body, path = BAD[name]
    play = Play()
    before = play.service.projection("chain")
    with pytest.raises(InvalidDeviationError) as caught:
        play.propose(body=body)
    assert caught.value.path is not None
    assert caught.value.path.startswith(path) or path in [item.path for item in caught.value.problems]
    assert caught.value.message.endswith((".", "?"))
    assert play.service.projection("chain") == before


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["initial", "a", "<eval>", "action", "transition", "key"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from(sorted(HAGGLE)), JUNK, st.sampled_from(sorted(HAGGLE["states"]["haggling"])), JUNK)
def test_junk_is_refused_or_can_be_agreed_to_and_never_breaks_a_node(
    member: str, value: Any, inner: str, other: Any
) -> None:
    play = Play()
    body = changed(**{f"states__haggling__{inner}": "x"})
    body["states"]["haggling"][inner] = other
    body[member] = value
    with suppress(LiveContractError):
        play.answer(play.propose(body=body))
    play.check_replays()


def test_base_whose_normal_form_is_larger_than_an_event_can_be_deviated_from() -> None:
    wide = {
        **ORDER,
        "id": "wide",
        "actions": {**ORDER["actions"], **{f"a{number}": {"actor": "buyer"} for number in range(200)}},
        "allow_actions": [f"a{number}" for number in range(200)],
        "x-filling": "x" * 30_000,
    }
    play = Play()
    play.do(lambda c: c.scenario(wide))
    assert len(canonical_json.encode(load(wide).normal_form)) > 65_535
    play.do(lambda c: c.process(id="q", scenario="wide"))
    play.respond("order", data={"price": 1}, process="q")
    play.answer(play.propose(process="q"))
    assert play.service.process("q").current.key == "haggling"


# --- Going on by another scenario -------------------------------------------------------------------------------------


def test_process_goes_on_by_another_scenario_with_its_actors_and_assets() -> None:
    play = Play()
    play.respond("sign")
    before = play.process
    agreed = play.answer(play.propose(body=TO_RENTAL), at=40_000)
    process = play.process
    assert (process.base.name, process.scenario.name, process.deviation) == ("rental", "rental", None)
    assert (process.current.key, process.current.title) == ("renting", "Renting for 12.5")
    assert (process.current.event, process.current.due_date) == (agreed, 40_000 + 30 * DAY)
    assert process.actors == {
        "customer": {"key": "customer", "title": "Customer", "signed": True, "identity": {"id": "acme"}},
        "seller": {"key": "seller", "title": "Lessor", "identity": {"id": "beta"}},
    }
    assert process.assets["contract"]["price"] == 12.5
    assert process.previous[:-1] == before.previous
    assert process.state()["scenario"] == load(RENTAL).id
    play.check_replays()
    play.respond("pay", data={"price": 3})
    play.respond("end", "beta")
    assert play.process.is_finished
    play.check_replays()


def test_update_may_lead_through_states_of_its_own() -> None:
    play = Play()
    body = {
        **TO_RENTAL,
        "states": {"moving": {"action": "move", "transition": "renting"}},
        "actions": {"move": {"actor": "seller", "update": "assets.order.price"}},
    }
    play.answer(play.propose(body=body))
    process = play.process
    assert (process.current.key, process.base.name) == ("moving", "order")
    assert process.state()["deviation"]["scenario"] == load(RENTAL).id
    with pytest.raises(InvalidDataError):
        play.respond("move", "beta", data=1000)
    assert play.process.current.key == "moving"
    play.respond("move", "beta", data=50)
    assert (play.process.current.key, play.process.base.name) == ("renting", "rental")
    assert play.process.current.actor == "seller"
    play.check_replays()


def test_update_whose_data_does_not_fit_the_new_scenario_does_not_come_into_force() -> None:
    play = Play(price=500)
    proposed = play.propose(body=TO_RENTAL)
    with pytest.raises(InvalidDataError):
        play.answer(proposed)
    assert (play.process.current.key, len(play.process.proposals)) == ("signing", 1)


def test_deviation_from_a_scenario_of_lto_is_written_in_its_dialect() -> None:
    lto = "https://specs.livecontracts.io/v0.2.0"
    scenario = {
        "$schema": f"{lto}/scenario/schema.json#",
        "id": "lto",
        "actors": {"buyer": {}, "seller": {}},
        "actions": {"go": {"actor": "buyer"}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
    }
    play = Play()
    play.do(lambda c: c.scenario(scenario))
    play.do(lambda c: c.process(id="q", scenario="lto"))
    body = {
        "$schema": OWN_DEVIATION,
        "process": {"id": "q"},
        "title": "A detour",
        "from": "initial",
        "to": "initial",
        "states": {"detour": {"action": "turn", "transition": "initial", "anything": "goes"}},
        "actions": {"turn": {"$schema": f"{lto}/action/nop/schema.json#", "actor": "seller"}},
    }
    play.answer(play.propose(body=body))
    play.respond("turn", "beta", process="q", signed_with="system")
    assert play.service.process("q").current.key == "initial"
    play.service.forget("chain")
    for entry in play.chain.entries:
        play.service.apply(entry)
    assert play.service.process("q").current.key == "initial"


def test_system_action_of_a_deviation_is_due_for_the_node_of_its_actor() -> None:
    look = {"$schema": "urn:livecontract:action:nop", "actor": "seller"}
    body = {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Look",
        "from": "signing",
        "to": "signing",
        "states": {"looking": {"action": "look", "transition": "signing"}},
        "actions": {"look": look},
    }
    play = Play()
    play.answer(play.propose(body=body))
    [action] = play.service.due("chain", {"beta"})
    performed = play.service.perform(action)
    assert performed is not None
    play.do(lambda c: c.entry(performed, "beta", key="system"))
    assert play.process.current.key == "signing"
    assert play.service.due("chain", {"beta"}) == []


def test_example_of_the_documentation_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text("utf-8")
    examples = [json.loads(part.partition("```")[0]) for part in text.split("```json\n")[1:]]
    (example,) = [item for item in examples if item["$schema"] == OWN_DEVIATION]
    assert read_proposal(example).start == "first_part"


def test_update_to_the_state_of_the_same_name() -> None:
    play = Play()
    body = {**TO_RENTAL, "to": "initial", "states": {"moving": {"action": "sign", "transition": "initial"}}}
    play.answer(play.propose(body=body))
    assert play.process.current.key == "moving"
    play.respond("sign")
    assert (play.process.current.key, play.process.base.name) == ("initial", "rental")
    play.check_replays()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"to": "signing"}, "$.to"),
        ({"map": {"actors": {"tenant": "buyer"}}}, "$.map.actors.tenant"),
        ({"map": {"actors": {"customer": "tenant"}}}, "$.map.actors.customer"),
        ({"map": {"assets": {"order": None}}}, "$.map.assets.order"),
        ({"map": {"assets": {"contract": "contract"}}}, "$.map.assets.contract"),
        ({"map": {"states": {}}}, "$.map.states"),
        ({"map": {"actors": {"customer": 3}}}, "$.map.actors.customer"),
        ({"map": []}, "$.map"),
        ({"scenario": 3}, "$.scenario"),
        ({"scenario": "nothing"}, "$.scenario"),
    ],
)
def test_update_that_maps_what_is_not_there_is_refused(changes: dict[str, Any], path: str) -> None:
    play = Play()
    with pytest.raises(InvalidDeviationError) as caught:
        play.propose(body={**TO_RENTAL, **changes})
    assert caught.value.path == path


def test_process_that_goes_on_by_another_scenario_can_deviate_from_that() -> None:
    play = Play()
    play.answer(play.propose(body=TO_RENTAL))
    back = {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Buy after all",
        "from": "renting",
        "to": "signing",
        "scenario": "order",
        "map": {"actors": {"buyer": "customer"}},
    }
    play.answer(play.propose("beta", back), "acme")
    assert (play.process.base.name, play.process.current.key) == ("order", "signing")
    assert play.process.actors["buyer"]["identity"] == {"id": "acme"}
    assert play.process.assets["order"] == {"currency": "EUR", "lines": []}
    play.check_replays()


def whole() -> HashedChain:
    """A chain with comments, proposals of every fate, a deviation, and an update."""
    play = Play()
    play.do(lambda c: c.comment(process="p"))
    play.answer(play.propose(), "beta", "refuse")
    play.answer(play.propose("beta"), "beta", "withdraw")
    play.propose()
    play.answer(play.propose(), "beta", reason="Now.")
    play.respond("lower", "beta", data={"price": 11})
    play.do(lambda c: c.comment("beta", process="p"))
    play.respond("give_up")
    play.answer(play.propose(body=TO_RENTAL))
    play.respond("pay", data={"price": 3})
    return play.chain


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True])
def test_kill_at_any_write_loses_and_doubles_nothing(done: bool) -> None:
    entries = whole().entries
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    for write in range(1 + done, 3 * len(entries), 4):
        store = MemoryStore(COLLECTIONS)
        dying = make(DyingStore(store, write, done=done))  # type: ignore[arg-type]  # a test's stand-in
        with suppress(Killed):
            for entry in entries:
                dying.apply(entry)
        again = make(store)
        for entry in entries:
            again.apply(entry)
        assert again.projection("chain") == reference.projection("chain")


@pytest.mark.parametrize("kind", ["sqlite", "leased"])
def test_every_store_keeps_the_same_and_a_second_copy_goes_on_anywhere(kind: str, tmp_path: Path) -> None:
    entries = whole().entries
    store: DocumentStore = LeasedMemoryStore(COLLECTIONS)
    if kind == "sqlite":
        store = SqliteStore(tmp_path / "node.sqlite", COLLECTIONS)
    copies = [make(store), make(store)]
    for number, entry in enumerate(entries):
        copies[number % 2].apply(entry)
        copies[1 - number % 2].apply(entry)
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    for service in (*copies, make(store)):
        assert service.projection("chain") == reference.projection("chain")
    assert len(store.find(STATES)) == 1
    copies[0].forget("chain")
    assert store.find(ENTRIES) == store.find(STATES) == []
    store.close()


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["propose", "agree", "agree", "refuse", "withdraw", "sign", "give_up", "comment"]),
        st.sampled_from(["acme", "beta", "gamma"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


@pytest.mark.slow
@settings(max_examples=30)
@given(MOVES)
def test_deviation_is_in_force_exactly_when_a_plain_model_of_consent_says_so(moves: list[tuple[str, str, int]]) -> None:
    """The model: who has agreed to what since the data last changed; all it knows is sets."""
    play = Play()
    proposed: list[str] = []
    agreed: dict[str, set[str]] = {}
    authors: dict[str, str] = {}
    deviates = False
    for move, identity, number in moves:
        before = play.process
        target = proposed[number % len(proposed)] if proposed else HASH
        is_party, is_open = identity != "gamma", target in agreed
        expected = {
            "propose": is_party and not deviates and before.current.key == "signing" and len(agreed) < MAX_OPEN,
            "agree": is_open and is_party and identity not in agreed.get(target, set()),
            "refuse": is_open and is_party,
            "withdraw": is_open and authors.get(target) == identity,
        }.get(move)
        try:
            if move == "propose":
                proposed.append(play.propose(identity))
                agreed[proposed[-1]], authors[proposed[-1]] = {identity}, identity
            elif move in ("agree", "refuse", "withdraw"):
                play.answer(target, identity, move)
                if move == "agree" and agreed[target] | {identity} == MEMBERS:
                    agreed, deviates = {}, True
                elif move == "agree":
                    agreed[target] |= {identity}
                else:
                    del agreed[target]
            elif move == "comment":
                play.do(lambda c, who=identity: c.comment(who, process="p"))  # type: ignore[misc]
            else:
                play.respond(move, identity)
                if move == "sign":
                    agreed = {name: set() for name in agreed}
                if play.process.current.event != before.current.event:
                    agreed = {}
                deviates = play.process.current.key == "haggling"
        except LiveContractError:
            assert expected is not True
            assert play.process.state() == before.state()
        else:
            assert expected is not False
        assert (play.process.deviation is not None) == deviates
        assert {item.event: set(item.agreed) for item in play.process.proposals} == agreed
        assert play.process.previous[: len(before.previous)] == before.previous
    play.check_replays()


def test_families_of_the_errors_say_whose_fault_it_is() -> None:
    assert issubclass(DeviationNotOpenError, ConflictError)
    assert issubclass(ActorNotAllowedError, ForbiddenError)


def test_moments_are_read_in_one_form_alone() -> None:
    assert read_proposal({**HAGGLE, "deadline": "2030-01-01T00:00:00.500+01:00"}).deadline == 1_893_452_400_500
    for text in ("2030-01-01", "20300101T000000Z", "2030-01-01T24:00:00Z", "2030-W01-1T00:00:00Z"):
        with pytest.raises(InvalidDeviationError):
            read_proposal({**HAGGLE, "deadline": text})
