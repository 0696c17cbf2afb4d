"""Two nodes over a link that is cut, one-way, lossy or slow: they go on by themselves, and agree once it is mended.

No fork is made here: each party adds to one chain at a time, or to a chain of its own (see `Contract`).
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from livecontract.demo.play import COUNTER_OFFER, NEW_OFFER, OFFER, REQUEST
from tests.network import brokers
from tests.network.conftest import ADDRESSES, Network
from tests.network.link import CUT, GOOD, Direction, Link, Quality
from tests.network.parties import Contract, Party

pytestmark = pytest.mark.slow

LOSSY = Quality(loss=0.3)
SLOW = Quality(delay=0.3, rate=16_000)
"""300 ms each way, and 128 kbit/s."""

MOVES = [
    ("buyer", "request", REQUEST, "requested"),
    ("seller", "offer", OFFER, "offered"),
    ("buyer", "counter_offer", COUNTER_OFFER, "countered"),
    ("seller", "offer", NEW_OFFER, "offered"),
]
"""Who does what, with which data, and the state it leads to: the two take turns."""


@pytest.fixture(params=["http", "rabbitmq"])
def contract(request: pytest.FixtureRequest, network: Network, tmp_path: Path) -> Iterator[Contract]:
    """Two nodes that send to each other over HTTP, or by shovels from broker to broker."""
    spaces = (network.first, network.second)
    settings: list[dict[str, str]] = [{}, {}]
    with ExitStack() as stack:
        made: list[brokers.Broker] = []
        if request.param == "rabbitmq":
            brokers.require()
            for name, space, address in zip(("first", "second"), spaces, ADDRESSES, strict=True):
                made.append(brokers.Broker(space, address, tmp_path / name))
                stack.callback(made[-1].stop)
            settings = [made[0].settings(made[1]), made[1].settings(made[0])]
        buyer = Party("buyer", spaces[0], ADDRESSES[0], tmp_path, settings[0])
        stack.callback(buyer.stop)
        seller = Party("seller", spaces[1], ADDRESSES[1], tmp_path, {**settings[1], "anchor": buyer.url})
        stack.callback(seller.stop)
        for broker in made:
            broker.wait_until_open()
        yield Contract(buyer, seller)


def move(contract: Contract, number: int) -> str:
    """Make a move, and return the state it leads to."""
    who, action, data, state = MOVES[number]
    party = contract.buyer if who == "buyer" else contract.seller
    party.respond(contract.chain, action, data)
    return state


def take_turns(contract: Contract, moves: range) -> None:
    """Play, each move made when the other's is seen at the own node."""
    for number in moves:
        state = move(contract, number)
        for party in (contract.buyer, contract.seller):
            contract.wait_for(lambda party=party, state=state: party.state() == state, f"{party.name} to see {state}")


def add_notes(contract: Contract, texts: list[str]) -> None:
    """Let both parties add at once, each to a chain of its own."""
    for text in texts:
        contract.buyer.note(contract.chain, f"buyer {text}")
        contract.seller.note(contract.other, f"seller {text}")


def check_notes(contract: Contract, texts: list[str]) -> None:
    """Check that everything is there once, in order, at both nodes."""
    for party in (contract.buyer, contract.seller):
        assert party.notes(contract.chain) == [f"buyer {text}" for text in texts]
        assert party.notes(contract.other) == [f"seller {text}" for text in texts]


def test_parties_go_on_while_the_link_is_cut_or_leads_one_way_and_agree_when_it_is_mended(
    contract: Contract, network: Network
) -> None:
    before = contract.seller.state()
    network.link.set(CUT)
    asked = move(contract, 0)
    add_notes(contract, ["1", "2", "3"])
    contract.wait_for(lambda: network.link.there.dropped and network.link.back.dropped, "both to try the link")
    assert (contract.buyer.state(), contract.seller.state()) == (asked, before)
    assert contract.seller.notes(contract.chain) == contract.buyer.notes(contract.other) == []
    mend(contract, network.link, ["1", "2", "3"])
    take_turns(contract, range(1, 2))
    network.link.set(GOOD, CUT)
    move(contract, 2)
    add_until_dropped(contract, network.link.back, ["4", "5"])
    mend(contract, network.link, ["1", "2", "3", "4", "5"])
    network.link.set(CUT, GOOD)
    add_until_dropped(contract, network.link.there, ["6", "7"])
    mend(contract, network.link, ["1", "2", "3", "4", "5", "6", "7"])
    take_turns(contract, range(3, len(MOVES)))
    contract.converge()


def mend(contract: Contract, link: Link, texts: list[str]) -> None:
    """Mend the link, and check that everything comes to be there, once."""
    link.set(GOOD)
    contract.converge()
    check_notes(contract, texts)


def add_until_dropped(contract: Contract, closed: Direction, texts: list[str]) -> None:
    """Let both add while one way is closed; what arrives on the other is never confirmed, and sent again."""
    before = closed.dropped
    add_notes(contract, texts)
    contract.wait_for(lambda: closed.dropped > before, "somebody to try the way that is closed")


def test_parties_take_turns_over_a_bad_link(contract: Contract, network: Network) -> None:
    network.link.set(LOSSY)
    take_turns(contract, range(2))
    assert network.link.there.dropped
    network.link.set(SLOW)
    before = network.link.there.carried
    take_turns(contract, range(2, len(MOVES)))
    add_notes(contract, ["1", "2", "3"])
    contract.converge()
    check_notes(contract, ["1", "2", "3"])
    assert network.link.there.carried > before


@pytest.mark.parametrize("seed", [2])
def test_link_that_changes_all_the_time_ends_in_agreement(contract: Contract, network: Network, seed: int) -> None:
    drawn = random.Random(seed)
    texts = [str(number) for number in range(12)]
    for text in texts:
        worsen(network.link, drawn)
        add_notes(contract, [text])
        time.sleep(drawn.random())  # for the link to do harm; nothing is awaited
    network.link.set(GOOD)
    contract.converge()
    check_notes(contract, texts)


def worsen(link: Link, drawn: random.Random) -> None:
    """Change both directions, each by itself."""
    link.set(*(drawn.choice([GOOD, CUT, LOSSY, SLOW]) for _ in range(2)))
