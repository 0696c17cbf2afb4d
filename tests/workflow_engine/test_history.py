"""The history of a process: a tuple to whoever reads it, shared between those that go on from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine import history
from workflow_engine.history import PAGE, History, plain


def responses(count: int) -> tuple[dict[str, Any], ...]:
    return tuple({"event": str(number)} for number in range(count))


SIZES = st.integers(0, 3 * PAGE + 1) | st.sampled_from([PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])


@given(SIZES, st.integers(0, 5), st.data())
def test_reads_like_the_tuple_of_its_responses(size: int, more: int, data: st.DataObject) -> None:
    everything = responses(size + more)
    found = History.of(everything[:size])
    for response in everything[size:]:
        found = found.extended(response)
    assert found == everything == found
    assert (len(found), bool(found)) == (len(everything), bool(everything))
    assert list(found) == found.as_list() == list(everything)
    assert list(reversed(found)) == list(reversed(everything))
    bounds = st.none() | st.integers(-size - 2, size + 2)
    place = slice(data.draw(bounds), data.draw(bounds), data.draw(st.sampled_from([None, 1, 2, -1, -3])))
    assert found[place] == everything[place]
    index = data.draw(st.integers(-len(everything) - 2, len(everything) + 1))
    if -len(everything) <= index < len(everything):
        assert found[index] is everything[index]
    else:
        with pytest.raises(IndexError):
            found[index]


@given(SIZES, SIZES)
def test_equal_to_equal_responses_however_it_came_about(size: int, other: int) -> None:
    grown = History()
    for response in responses(size):
        grown = grown.extended(response)
    assert grown == History.of(responses(size))
    assert (grown == History.of(responses(other))) is (size == other)
    assert (grown == responses(other)) is (size == other)
    assert grown != list(responses(size))


@given(SIZES)
def test_two_may_go_on_from_one_and_leave_it_as_it_was(size: int) -> None:
    before = History.of(responses(size))
    left, right = before.extended({"event": "left"}), before.extended({"event": "right"})
    assert (left[-1]["event"], right[-1]["event"]) == ("left", "right")
    assert left[:-1] == right[:-1] == before == responses(size)


def test_step_copies_no_more_of_a_long_history_than_of_a_short_one() -> None:
    long = History.of(responses(100 * PAGE + 3))
    after = long.extended({})
    assert after._pages is long._pages
    assert len(after._last) == 4


def test_history_of_a_history_is_that_history() -> None:
    found = History.of(responses(3))
    assert History.of(found) is found


def test_instructions_get_a_list_that_is_made_once() -> None:
    found = History.of(responses(3))
    assert plain(found) is plain(found) == list(responses(3))
    assert plain({"previous": found, "id": "p"}) == {"previous": list(responses(3)), "id": "p"}
    for value in (None, 1, "previous", [found], {"previous": []}):
        assert plain(value) is value


def test_is_named_in_failures_by_what_it_holds() -> None:
    assert eval(repr(History.of(responses(2))), vars(history)) == responses(2)  # its repr makes it again
