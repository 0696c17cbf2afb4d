"""What every `ChainAccess` does: inherit from `ChainAccessContract` and give it a `chains` fixture.

`chains` reaches the event chain service of the node `buyer` on a `stage` that plays the quotation.
"""

import pytest

from eventchain import event_json
from eventchain.access import ChainAccess
from eventchain.ask import ASK_SCHEMA
from eventchain.chain import read_chain
from eventchain.core import base58
from eventchain.core.errors import ForbiddenError, InvalidError, NotFoundError, UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.intake import Parcel
from tests.node.stage import Stage, refusal

STRANGER = KeyPair.from_seed_phrase("stranger").public_key


class ChainAccessContract:
    """Every sentence of the protocol's docstrings, as tests."""

    def test_parcels_are_added_and_each_has_its_outcome(self, chains: ChainAccess, stage: Stage) -> None:
        buyer = stage["buyer"]
        good = Parcel(buyer.sign(stage.chain, stage.note("å 𝄞")), str(buyer.key.public_key))
        outcomes = chains.add_all([Parcel({"id": "x"}, None), good, Parcel(good.document, str(STRANGER))])
        assert isinstance(outcomes[0], InvalidError)
        assert outcomes[1] is None
        assert isinstance(outcomes[2], ForbiddenError)
        assert [outcome.code for outcome in outcomes if outcome] == ["InvalidId", "NotAdmitted"]
        assert stage.canonical("buyer").events[-1].hash == read_chain(good.document).events[0].hash

    def test_a_fork_is_told_by_its_code(self, chains: ChainAccess, stage: Stage) -> None:
        buyer = stage["buyer"]
        one, other = (buyer.sign(stage.chain, stage.note()) for _ in range(2))
        assert [outcome and outcome.code for outcome in chains.add_all([Parcel(one), Parcel(other)])] == [None, "Fork"]

    def test_nothing_is_added_of_nothing(self, chains: ChainAccess) -> None:
        assert list(chains.add_all([])) == []

    def test_own_events_are_added_once_for_what_they_are_signed_for(self, chains: ChainAccess, stage: Stage) -> None:
        first = chains.submit(stage.chain, stage.note(), "for this")
        assert chains.submit(stage.chain, stage.note(), "for this") == first
        assert chains.submit(stage.chain, stage.note()) != first
        assert first.hash in {event.hash for event in stage.canonical("buyer").events}
        assert str(first.sign_key) == str(stage.node("buyer").parts.key.public_key)
        assert refusal(chains.submit, "junk", {}).code == "InvalidId"

    def test_what_was_signed_for_something_is_found(self, chains: ChainAccess, stage: Stage) -> None:
        event = chains.submit(stage.chain, stage.note(), "for this")
        assert chains.submitted(stage.chain, "for this") == event
        assert chains.submitted(stage.chain, "for that") is None
        assert chains.submitted("junk", "for this") is None

    def test_an_event_is_cited_with_its_chain(self, chains: ChainAccess, stage: Stage) -> None:
        event = stage.canonical("buyer").events[-1]
        origin = chains.cite(stage.chain, base58.encode(event.hash))
        assert (origin["chain"], origin["event"]) == (stage.chain, event_json.to_dict(event))
        assert isinstance(refusal(chains.cite, stage.chain, base58.encode(bytes(32))), NotFoundError)
        assert isinstance(refusal(chains.cite, "junk", "junk"), InvalidError)

    def test_a_draft_is_what_has_to_be_signed(self, chains: ChainAccess, stage: Stage) -> None:
        buyer = stage["buyer"]
        document, entry = chains.draft(stage.chain, stage.note(), buyer.key.public_key)
        assert document["event"]["hash"] == entry.hash
        assert (entry.identity, entry.chain, entry.members) == ("buyer", stage.chain, frozenset({"buyer", "seller"}))
        assert (
            document["event"]["previous"]
            == entry.previous
            == event_json.to_dict(stage.canonical("buyer").events[-1])["hash"]
        )
        assert isinstance(refusal(chains.draft, stage.chain, stage.note(), STRANGER), ForbiddenError)

    def test_members_are_admitted_and_strangers_are_not(self, chains: ChainAccess, stage: Stage) -> None:
        document = stage["buyer"].sign(stage.chain, stage.note())
        chains.admit(stage["buyer"].key.public_key, document)
        assert refusal(chains.admit, STRANGER, document).code == "NotAdmitted"
        assert isinstance(refusal(chains.admit, STRANGER, {"id": stage.chain, "events": 3}), InvalidError)

    def test_who_takes_part_is_known(self, chains: ChainAccess, stage: Stage) -> None:
        key = stage["buyer"].key.public_key
        assert chains.member_of(key, stage.chain) == chains.identity_of(stage.chain, str(key)) == "buyer"
        assert chains.chains_of(str(key)) == [stage.chain]
        assert chains.identities(stage.chain) == {"buyer", "seller"}
        assert isinstance(refusal(chains.member_of, STRANGER, stage.chain), NotFoundError)
        assert chains.identity_of(stage.chain, str(STRANGER)) is None
        assert chains.chains_of(str(STRANGER)) == []

    def test_identities_of_a_chain_that_is_not_here_are_not_told(self, chains: ChainAccess, stage: Stage) -> None:
        other = stage["seller"].create_chain("another")
        stage.simulation.settle(receipts=False)
        assert refusal(chains.identities, other).code == "NotAdmitted"

    @pytest.mark.parametrize("when", ["immediately", "anchored", "settled"])
    def test_certainty_is_that_of_the_archive(self, chains: ChainAccess, stage: Stage, when: str) -> None:
        for event in stage.canonical("buyer").to_dict()["events"]:
            expected = stage.node("buyer").eventchain.archive.is_certain(stage.chain, event["hash"], when)
            assert chains.is_certain(stage.chain, event["hash"], when) is expected

    def test_asks_are_heard_from_members(self, chains: ChainAccess, stage: Stage) -> None:
        ask = {"$schema": ASK_SCHEMA, "chain": stage.chain, "known": [], "back": False}
        seller = str(stage.node("seller").parts.key.public_key)
        assert chains.hears(ask, seller) is stage.node("buyer").eventchain.asking.hears(ask, seller) is True
        assert chains.hears(ask, str(STRANGER)) is False

    def test_an_ask_is_answered_with_what_is_missing(self, chains: ChainAccess, stage: Stage) -> None:
        ask = {"$schema": ASK_SCHEMA, "chain": stage.chain, "known": [], "back": False}
        stage.simulation.clock.now += 24 * 60 * 60 * 1000
        before = stage.simulation.waiting().get("buyer relay", 0)
        chains.answer(ask, str(stage.node("seller").parts.key.public_key))
        assert stage.simulation.waiting().get("buyer relay", 0) > before

    def test_trying_again_may_help_is_told_too(self, chains: ChainAccess, stage: Stage) -> None:
        (early,) = chains.add_all([Parcel(_future(stage), str(stage["buyer"].key.public_key))])
        assert isinstance(early, UnavailableError)
        assert early.code == "FutureEvent"
        assert early.hint


def _future(stage: Stage) -> dict[str, object]:
    stage.simulation.clock.now += 3_600_000
    document = stage["buyer"].sign(stage.chain, stage.note())
    stage.simulation.clock.now -= 3_600_000
    return document
