"""Pages: everything once and in order, whatever comes or goes while somebody turns them."""

import base64
import contextlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.errors import InvalidError
from eventchain.core.paging import MAX_ITEMS, is_paged, number, read_page


def follow(link: dict[str, str]) -> dict[str, str]:
    """Return the query a link leads to."""
    target, _, relation = link["Link"].partition("; ")
    assert relation == 'rel="next"'
    assert target[:2] == "<?"
    return dict(parse_qsl(target[2:-1], strict_parsing=True))


def read_all(items: list[str], limit: int) -> list[list[str]]:
    pages, query = [], {"limit": str(limit)}
    while True:
        found, link = read_page("list", query).cut(items, str)
        pages.append(found)
        if not link:
            return pages
        query = follow(link)


@given(st.sets(st.text(max_size=20)), st.integers(1, 7))
def test_the_pages_together_are_the_list(items: set[str], limit: int) -> None:
    wanted = sorted(items)
    pages = read_all(wanted, limit)
    assert [item for page in pages for item in page] == wanted
    assert all(len(page) == limit for page in pages[:-1])


@given(st.sets(st.text("abcdef", max_size=5), min_size=3), st.sets(st.text("abcdef", max_size=5)), st.integers(1, 4))
def test_what_stays_is_seen_once_whatever_comes_and_goes(items: set[str], others: set[str], limit: int) -> None:
    first, link = read_page("list", {"limit": str(limit)}).cut(sorted(items), str)
    seen, stays = list(first), items - others
    while link:
        found, link = read_page("list", follow(link)).cut(sorted(items ^ others), str)
        seen += found
    assert sorted(set(seen)) == seen
    assert stays <= set(seen)


def test_the_other_arguments_stay_in_the_link() -> None:
    page = read_page("list", {"limit": "1", "chain": "a b&c", "cursor": ""} | {"cursor": "bGlzdAo"})
    _, link = page.cut(["a", "b"], str)
    query = follow(link)
    assert query["chain"] == "a b&c"
    assert query["limit"] == "1"
    assert set(query) == {"chain", "limit", "cursor"}


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "٣", "1" * 10, " 1"])
def test_a_limit_is_a_positive_number(limit: str) -> None:
    with pytest.raises(InvalidError, match="positive"):
        read_page("list", {"limit": limit})


def test_more_than_the_most_is_the_most() -> None:
    assert read_page("list", {"limit": "999999999"}).limit == MAX_ITEMS
    assert read_page("list", {}).limit == MAX_ITEMS


@pytest.mark.parametrize(
    "cursor", ["", "!", "AAAA", "bGlzdA", "b3RoZXIKYQ", "\u00e9", base64.b64encode(b"\xff\xff").decode()]
)
def test_a_cursor_of_another_list_or_of_nobody_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError, match="cursor"):
        read_page("list", {"cursor": cursor})


@given(st.text(max_size=50))
def test_whatever_is_given_as_a_cursor_is_read_or_refused(cursor: str) -> None:
    with contextlib.suppress(InvalidError):
        assert read_page("list", {"cursor": cursor}).after is not None


def test_a_chain_without_limit_and_cursor_is_not_paged() -> None:
    assert not is_paged({"after": "x"})
    assert is_paged({"limit": "1"})
    assert is_paged({"cursor": "x"})


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_numbers_as_text_sort_like_numbers(one: int, other: int) -> None:
    assert (number(one) < number(other)) == (one < other)
