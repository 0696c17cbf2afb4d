"""Durations and moments as ISO 8601 texts; inside, moments are milliseconds since 1970 in UTC.

A duration is `PnYnMnDTnHnMnS` or `PnW` with whole numbers. Years and months are those of the calendar, counted from the
moment they are added to; a day that the month lacks becomes its last one (31 January + P1M is 28 or 29 February).
"""

import calendar
import re
from datetime import UTC, datetime, timedelta

from eventchain.core.errors import InvalidError

_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,6})Y)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 9999


def add_duration(moment: int, duration: str) -> int:
    """Return the moment so much later, in milliseconds since 1970.

    Raises:
        InvalidError: The text is no duration, or leads beyond the year 9999.
    """
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise InvalidError(f'"{duration[:40]}" is not a duration', hint="Write it like P1DT2H (ISO 8601).")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        start = _EPOCH + timedelta(milliseconds=moment)
        later = _add_months(start, 12 * years + months)
        later += timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise InvalidError(f'"{duration[:40]}" leads beyond the year {_LAST_YEAR}') from None
    return (later - _EPOCH) // timedelta(milliseconds=1)


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if year > _LAST_YEAR:
        raise OverflowError
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def to_iso(moment: int) -> str:
    """Write a moment as `2026-11-20T14:00:00.000Z`."""
    text = (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def from_iso(text: str) -> int:
    """Read an ISO 8601 moment; without a time zone it is UTC.

    Raises:
        InvalidError: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidError(f'"{text[:40]}" is not a moment', hint="Write it like 2026-11-20T14:00:00Z.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
