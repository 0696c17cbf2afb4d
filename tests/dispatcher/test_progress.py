"""What the broker's samples say of a shovel; the newest come first."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from dispatcher.progress import (
    PATIENCE_SECONDS,
    SAMPLE_SECONDS,
    QueueHistory,
    hangs,
    pause_seconds,
    still_seconds,
    unconfirmed_seconds,
)

LAST = PATIENCE_SECONDS // SAMPLE_SECONDS + 1
"""Samples that reach back for as long as is waited."""


def history(messages: Sequence[int], acknowledged: Sequence[int], delivered: Sequence[int]) -> QueueHistory:
    return QueueHistory(messages=messages, acknowledged=acknowledged, delivered=delivered)


@pytest.mark.parametrize(
    ("samples", "unconfirmed", "still"),
    [
        (history([], [], []), 0, 0),
        (history([0] * 5, [7] * 5, [7] * 5), 0, 0),
        (history([3] * 5, [9, 7, 7, 5, 5], [9, 7, 7, 5, 5]), 0, 0),
        (history([3] * 5, [7, 7, 7, 5, 5], [7, 7, 7, 5, 5]), 10, 10),
        (history([3, 3, 3, 0, 0], [7] * 5, [7] * 5), 10, 10),
        (history([3] * 5, [7] * 5, [11, 10, 9, 8, 7]), 20, 0),
        (history([3] * 5, [7] * 5, [9, 9, 9, 8, 8]), 20, 10),
        (history([3] * 5, [], []), 20, 20),
    ],
    ids=["not counted", "empty", "moves", "stands", "since it came", "is refused", "was sent again", "never delivered"],
)
def test_samples_say_for_how_long_nothing_was_confirmed_or_delivered(
    samples: QueueHistory, unconfirmed: int, still: int
) -> None:
    assert (unconfirmed_seconds(samples), still_seconds(samples)) == (unconfirmed, still)


def test_shovel_hangs_when_nothing_moved_for_long_enough() -> None:
    assert not hangs(history([1] * (LAST - 1), [0] * LAST, [1] * LAST))
    assert hangs(history([1] * LAST, [0] * LAST, [1] * LAST))


def test_full_destination_is_no_shovel_that_hangs() -> None:
    rising = list(range(10 * LAST, 0, -1))
    assert not hangs(history([1] * len(rising), [0] * len(rising), rising))


def test_pauses_between_shovels_made_anew_double() -> None:
    """Each time one is made anew, what waits is delivered once more."""
    delivered, times = [1], []
    for second in range(0, 3600, SAMPLE_SECONDS):
        seen = delivered[-121:][::-1]
        if hangs(history([1] * len(seen), [0] * len(seen), seen)):
            times.append(second)
            delivered.append(delivered[-1] + 1)
        else:
            delivered.append(delivered[-1])
    pauses = [later - earlier for earlier, later in pairwise([0, *times])]
    assert pauses[0] == PATIENCE_SECONDS
    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert max(pauses) <= 310
    assert len(times) <= 17


def test_pauses_double_up_to_five_minutes() -> None:
    assert [pause_seconds(tries) for tries in range(6)] == [30, 60, 120, 240, 300, 300]
    assert pause_seconds(10**9) == 300
