"""How saved events are put together into messages: in rows without gaps, small enough for a peer to read."""

from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.effects import Saved, joined
from eventchain.identity import Identities
from eventchain.parts import PART_BYTES, split
from eventchain.store.document_store import Document

KEY = KeyPair.from_seed_phrase("effects").public_key
FIRST, SECOND = (ChainId.create(KEY, nonce_from_text(name)) for name in ("first", "second"))


def document(position: int | None, size: int = 100) -> Document:
    return {"position": position, "signed": bytes(size)}


def saved(chain: ChainId, *positions: int | None) -> Saved:
    return Saved(chain, [document(position) for position in positions], Identities(), Identities())


def positions_of(item: Saved) -> list[object]:
    return [found["position"] for found in item.documents]


def test_what_extends_one_chain_is_joined_and_other_chains_and_branches_stay_apart() -> None:
    result = joined(
        [
            saved(FIRST, 3),
            saved(SECOND, 0, 1),
            saved(FIRST, 4, 5),
            saved(FIRST, None),
            saved(SECOND, 2),
            saved(FIRST, 6),
        ]
    )
    assert [(item.chain, positions_of(item)) for item in result] == [
        (FIRST, [3, 4, 5, 6]),
        (SECOND, [0, 1, 2]),
        (FIRST, [None]),
    ]


def test_joined_row_has_the_identities_before_its_first_and_after_its_last_event() -> None:
    before, between, after = Identities(), Identities(), Identities()
    (result,) = joined([Saved(FIRST, [document(0)], before, between), Saved(FIRST, [document(1)], between, after)])
    assert result.before is before
    assert result.after is after


@given(st.sets(st.integers(0, 40), min_size=1))
def test_no_part_skips_an_event(positions: set[int]) -> None:
    documents = [document(position) for position in sorted(positions)]
    parts = list(split(documents))
    assert [item for part in parts for item in part] == documents
    for part in parts:
        first = part[0]["position"]
        assert isinstance(first, int)
        assert [item["position"] for item in part] == list(range(first, first + len(part)))


def test_part_ends_before_it_becomes_too_large_and_a_larger_event_travels_alone() -> None:
    half = PART_BYTES // 2
    sizes = [half, half, 1, 3 * half, 1]
    parts = list(split([document(index, size) for index, size in enumerate(sizes)]))
    assert [[item["position"] for item in part] for part in parts] == [[0, 1], [2], [3], [4]]


def test_branch_travels_as_it_came_unless_it_is_too_large() -> None:
    branch = [document(None), document(None)]
    assert list(split(branch)) == [branch]
    large = [document(None, PART_BYTES), document(None)]
    assert list(split(large)) == [large[:1], large[1:]]


def test_events_that_make_a_node_take_a_chain_in_are_not_parted() -> None:
    documents = [document(index, PART_BYTES) for index in range(4)]
    assert list(split(documents, until=2)) == [documents[:3], documents[3:]]
