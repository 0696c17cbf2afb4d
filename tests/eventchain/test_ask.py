"""The document that asks for missing events, and what follows from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.ask import ASK_SCHEMA, MAX_KNOWN, Ask, Missing, decide, read_ask, sample
from eventchain.core import base58
from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.pace import Pace

CHAIN = ChainId.create(KeyPair.from_seed_phrase("asker").public_key, nonce_from_text("asked"))
HASH = base58.encode(bytes(range(32)))


@given(
    st.sampled_from([None, CHAIN]),
    st.lists(st.binary(min_size=32, max_size=32), max_size=5),
    st.booleans(),
)
def test_what_is_written_is_read_again(chain: ChainId | None, known: list[bytes], back: bool) -> None:
    ask = Ask(chain=chain, known=tuple(known), back=back)
    assert read_ask(ask.to_dict()) == ask


def test_members_that_a_later_version_may_add_are_let_pass() -> None:
    document = {"$schema": ASK_SCHEMA, "chain": str(CHAIN), "colour": "red"}
    assert read_ask(document) == Ask(chain=CHAIN)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"$schema": "urn:livecontract:ask:2", "chain": None},
        {"$schema": ASK_SCHEMA, "chain": "nobody"},
        {"$schema": ASK_SCHEMA, "chain": 5},
        {"$schema": ASK_SCHEMA, "chain": None, "known": HASH},
        {"$schema": ASK_SCHEMA, "chain": None, "known": [HASH, 1]},
        {"$schema": ASK_SCHEMA, "chain": None, "known": [HASH[:-3]]},
        {"$schema": ASK_SCHEMA, "chain": None, "known": [HASH] * (MAX_KNOWN + 1)},
        {"$schema": ASK_SCHEMA, "chain": None, "back": 1},
    ],
)
def test_what_is_no_ask_is_refused(document: Any) -> None:
    with pytest.raises(InvalidError):
        read_ask(document)


@given(st.integers(0, 100_000))
def test_sample_is_short_and_misses_at_most_half_of_what_was_grown_apart(height: int) -> None:
    positions = list(sample(height))
    assert positions == sorted(set(positions), reverse=True)
    assert len(positions) <= 18
    assert all(0 <= position < height - 1 for position in positions)
    assert not height > 1 or positions[-1] == 0


@given(st.data())
def test_newest_common_event_is_found_near_where_two_chains_part(data: st.DataObject) -> None:
    height = data.draw(st.integers(2, 5_000))
    parted = data.draw(st.integers(0, height - 2))
    common = max(position for position in sample(height) if position <= parted)
    assert parted - common <= height - 1 - parted


@pytest.mark.parametrize(
    ("places", "missing"),
    [
        ([], Missing(after=-1, is_new=True, has_more=False)),
        ([None, None], Missing(after=-1, is_new=True, has_more=True)),
        ([7, 5, 3], Missing(after=7, is_new=False, has_more=False)),
        ([None, 5, 0], Missing(after=5, is_new=False, has_more=True)),
        ([-1], Missing(after=-1, is_new=False, has_more=False)),
    ],
)
def test_decision(places: list[int | None], missing: Missing) -> None:
    assert decide(places) == missing


def test_pace_grows_while_somebody_goes_on_and_is_forgotten_when_not() -> None:
    pace = Pace(first=5, longest=40)
    allowed = [now for now in range(200) if pace.allows("x", now)]
    assert allowed == [0, 5, 15, 35, 75, 115, 155, 195]
    assert not pace.allows("x", 234)
    assert pace.allows("y", 234)
    assert pace.allows("x", 275)
    assert pace.allows("x", 280)


def test_pace_remembers_so_many_only() -> None:
    pace = Pace(first=5, longest=5)
    for key in range(30_000):
        assert pace.allows(key, 0)
    assert len(pace._last) == 10_000
    assert not pace.allows(29_999, 1)


def test_clock_that_was_set_back_stops_nobody() -> None:
    pace = Pace(first=5, longest=5)
    assert pace.allows("x", 1_000)
    assert pace.allows("x", 10)
