"""When a node runs a system action: at once, after a while, or again and again (paper section 7.3).

```
{ "after"?: duration, "every"?: duration, "until"?: [ response … ], "max"?: number }
```

`after` counts from the event that entered the state. With `every` the action is run again so long after its last
response, while the state stays, until it has given one of the responses in `until`, or has been run `max` times.
Durations are plain texts, so that what a scenario may cost is known when it is loaded. Pure; who runs what and when is
in `workflow_engine.timing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.reading import Cursor, Member, read_integer, read_record, read_string, read_strings

MIN_INTERVAL = 60_000
"""Milliseconds between two runs, at least: each is an event on the chain of every party."""

MAX_RUNS = 1_000
"""Runs in one stay in a state, at most."""

DEFAULT_RUNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a system action is run.

    Attributes:
        after: Duration from the event that entered the state to the first run; None for none.
        every: Duration from a response to the next run; None for one run only.
        until: Keys of the responses after which it is not run again.
        max: How often it is run at most while the state stays.
    """

    after: str | None
    every: str | None
    until: tuple[str, ...]
    max: int


def read_schedule(cursor: Cursor) -> dict[str, Any] | None:
    """Return the normal form of a schedule, or None where there is none."""
    if cursor.value is None:
        return None
    members = {
        "after": Member(read_string),
        "every": Member(read_string),
        "until": Member(read_strings),
        "max": Member(read_integer(DEFAULT_RUNS)),
    }
    return read_record(cursor, members, "A schedule")


def compile_schedule(form: Mapping[str, Any] | None) -> Schedule | None:
    """Return a schedule from its normal form, which was checked before."""
    if form is None:
        return None
    return Schedule(after=form["after"], every=form["every"], until=tuple(form["until"]), max=form["max"])
