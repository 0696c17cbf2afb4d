from eventchain.core import base58
from eventchain.tip import Tip, entries_of, is_settled
from tests.eventchain.test_privilege import BUYER, INVITED, RESPONSE, contract, identity, text

SAID = {"$schema": RESPONSE}


def test_entries_say_who_signed_as_whom_before_each_event():
    chain = contract(BUYER, ("buyer", identity("seller")), ("seller node", SAID))
    (_, first), (_, second), (tip, third) = entries_of(chain)
    assert (first.identity, first.members) == ("buyer", frozenset())
    assert second.members == {"buyer"}
    assert (third.identity, third.key_names, third.signer) == ("seller", {"system"}, text("seller node"))
    assert third.members == {"buyer", "seller"}
    assert [first.hash, second.hash] == [second.previous, third.previous]
    assert (tip.hash, tip.height, tip.state) == (chain.latest_hash, 3, chain.state)
    assert Tip.empty(chain.id).hash == base58.decode(first.previous)


def test_event_is_settled_when_every_active_party_has_signed_since():
    chain = contract(BUYER, ("buyer", identity("seller")), ("buyer", SAID), ("seller", SAID))
    first, second, third, last = (event.hash for event in chain.events)
    assert is_settled(chain, first)
    assert is_settled(chain, second)
    assert is_settled(chain, third)
    assert not is_settled(chain, last)


def test_party_that_never_signed_leaves_all_unsettled_and_an_invited_one_does_not_count():
    silent = contract(BUYER, ("buyer", identity("seller")), ("buyer", SAID))
    assert not is_settled(silent, silent.events[0].hash)
    invited = contract(BUYER, INVITED, ("buyer", SAID))
    assert is_settled(invited, invited.events[0].hash)


def test_event_of_another_chain_is_never_settled():
    assert not is_settled(contract(BUYER), bytes(32))
