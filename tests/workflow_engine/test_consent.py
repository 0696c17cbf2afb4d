"""Who proposes, who is asked, and when what parties agree on comes into force."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core.entry import Entry
from eventchain.core.errors import ConflictError, ForbiddenError, LiveContractError
from workflow_engine.consent import MAX_OPEN, OWN_CONSENT
from workflow_engine.errors import (
    ActorNotAllowedError,
    DeviationNotFoundError,
    DeviationNotOpenError,
    InvalidDeviationError,
    ProcessNotFoundError,
)
from workflow_engine.proposal import OWN_DEVIATION

from .deviating import HAGGLE, HASH, Play
from .samples import DAY, MEMBERS, ORDER, HashedChain


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
