r"""Dates and times: read from text, written by the letters of PHP's `date`.

```
text = YYYY-MM-DD [ ("T" | " ") hh:mm [ ":" ss [ "." 1 to 9 digits ] ] [ zone ] ]
zone = "Z" | "UTC" | ("+" | "-") hh:mm                         at most 14 hours
```

The calendar is the Gregorian one, also before it was made; years go from 1 to 9999; there are no leap seconds, as POSIX
counts. Of a fraction six digits are kept. Zones with names are refused: what their clocks show is decided by
parliaments, and two nodes with time zone databases of different age would disagree. Words that need a clock (`now`,
`tomorrow`) are refused as well. Names of days and months are English.

| letters | what they give |
|---|---|
| `d j D l N w z S` | day: two digits, digits, Mon, Monday, 1 (Monday) to 7, 0 (Sunday) to 6, of the year from 0, st |
| `W o` | week and year of ISO 8601 |
| `m n M F t` | month: two digits, digits, Jan, January; its number of days |
| `Y y L` | year: four digits, two digits; 1 in a leap year |
| `a A g G h H i s v u` | am, AM, hour to 12 and 24 without and with zero, minute, second, milliseconds, microseconds |
| `e T P p O Z` | zone: UTC or +01:00 (e, T), +01:00, the same with Z for UTC, +0100, seconds |
| `c r U` | ISO 8601, RFC 5322, seconds since 1970 |

`\` takes the next character as it is. Characters that are no letters stand for themselves; other letters are refused.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from workflow_engine.errors import InvalidInstructionError, quote

MAX_FORMAT_LENGTH = 256
"""Characters of a format: a line of text with every letter in it."""

MAX_OFFSET = timedelta(hours=14)
"""The farthest zone that exists: the Line Islands."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ZONE = r"Z|UTC|[+-][0-9]{2}:[0-9]{2}"
_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    rf"(?:[T ]([0-9]{{2}}):([0-9]{{2}})(?::([0-9]{{2}})(?:\.([0-9]{{1,9}}))?)?({_ZONE})?)?",
    re.ASCII,
)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def check_zone(text: Any) -> None:
    """Check that a value is a zone. Raises InvalidInstructionError where it is not."""
    zone_of(text)


def zone_of(text: Any) -> tzinfo:
    """Return the zone that a text names: `UTC`, `Z` or an offset such as `+01:00`.

    Raises:
        InvalidInstructionError: It is another one, or none.
    """
    if not isinstance(text, str) or not re.fullmatch(_ZONE, text, re.ASCII):
        shown = f"the zone {quote(text)} is not known" if isinstance(text, str) else "a zone is text"
        raise InvalidInstructionError(
            f"{shown}: there are UTC and fixed offsets such as +01:00",
            hint="What zones with names mean changes with the laws, so two nodes could disagree.",
        )
    if text in ("Z", "UTC"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > MAX_OFFSET:
        raise InvalidInstructionError(f"the zone {text} does not exist: offsets go to 14:00")
    return timezone(-offset if text[0] == "-" else offset)


def check_date(value: Any) -> None:
    """Check that a value can be read as a date. Raises InvalidInstructionError where it cannot."""
    read(value, UTC)


def read(value: Any, zone: tzinfo) -> datetime:
    """Return the point in time that a JSON value stands for.

    Args:
        value: Text (see above), or milliseconds since 1970 as a whole number, as the process shows timestamps.
        zone: Of a text that has none, and the zone in which milliseconds are shown.

    Raises:
        InvalidInstructionError: It is neither, or no such day or hour exists.
    """
    if isinstance(value, str):
        return _from_text(value, zone)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise InvalidInstructionError(
            "a date is text such as 2026-01-31 or 2026-01-31T12:00:00Z, or whole milliseconds"
        )
    return _shifted(timedelta(milliseconds=1), int(value), zone)


def from_seconds(value: Any, zone: tzinfo) -> datetime:
    """Return the point in time that a number of seconds since 1970 stands for, shown in a zone.

    Raises:
        InvalidInstructionError: It is no whole number, or not within the years 1 to 9999.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise InvalidInstructionError("this should be whole seconds since 1970")
    return _shifted(timedelta(seconds=1), int(value), zone)


def to_seconds(moment: datetime) -> int:
    """Return the whole seconds since 1970 of a point in time, rounded down."""
    return (moment - EPOCH) // timedelta(seconds=1)


def _shifted(unit: timedelta, count: int, zone: tzinfo) -> datetime:
    try:
        return (EPOCH + unit * count).astimezone(zone)
    except OverflowError:
        raise InvalidInstructionError("the date is not within the years 1 to 9999") from None


def _from_text(text: str, zone: tzinfo) -> datetime:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise InvalidInstructionError(
            f"{quote(text)} is not a date",
            hint="Write 2026-01-31 or 2026-01-31T12:00:00+01:00; words that need a clock are not understood.",
        )
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    micro = int((fraction or "").ljust(6, "0")[:6])
    clock = (int(hour or 0), int(minute or 0), int(second or 0), micro)
    try:
        return datetime(int(year), int(month), int(day), *clock, tzinfo=zone_of(offset) if offset else zone)
    except ValueError:
        raise InvalidInstructionError(f"{quote(text)} does not exist: there is no such day or time") from None


def check_format(text: Any) -> None:
    """Check that a value is a format. Raises InvalidInstructionError where it is not."""
    if not isinstance(text, str):
        raise InvalidInstructionError("a format is text")
    _compile(text)


def write(moment: datetime, form: str) -> str:
    """Return a point in time in the form that the letters of `form` give it.

    Raises:
        InvalidInstructionError: The format has an unknown letter or is too long, or part of what it asks for is not
            within the years 1 to 9999.
    """
    try:
        return "".join(part if isinstance(part, str) else part(moment) for part in _compile(form))
    except OverflowError:
        raise InvalidInstructionError("the date is not within the years 1 to 9999") from None


_Part = str | Callable[[datetime], str]


@lru_cache(maxsize=256)
def _compile(form: str) -> tuple[_Part, ...]:
    if len(form) > MAX_FORMAT_LENGTH:
        raise InvalidInstructionError(f"a format has at most {MAX_FORMAT_LENGTH} characters")
    parts: list[_Part] = []
    characters = iter(form)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise InvalidInstructionError(
                    "the format ends with a backslash, which takes the next character as it is"
                )
            parts.append(escaped)
        elif character in LETTERS:
            parts.append(LETTERS[character])
        elif character.isascii() and character.isalpha():
            raise InvalidInstructionError(
                f'the format has no letter "{character}"; there are {"".join(LETTERS)}',
                hint=f"Write \\{character} for the letter itself.",
            )
        else:
            parts.append(character)
    return tuple(parts)


def _offset(moment: datetime, colon: str = ":") -> str:
    seconds = _offset_seconds(moment)
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{colon}{minutes:02}"


def _offset_seconds(moment: datetime) -> int:
    return (moment.utcoffset() or timedelta()) // timedelta(seconds=1)


def _zone_name(moment: datetime) -> str:
    return _offset(moment) if _offset_seconds(moment) else "UTC"


def _ending(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _half_day(moment: datetime) -> str:
    return "am" if moment.hour < 12 else "pm"


def _day_of_year(moment: datetime) -> int:
    return moment.timetuple().tm_yday - 1


def _iso_8601(moment: datetime) -> str:
    return f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{_clock(moment)}{_offset(moment)}"


def _rfc_5322(moment: datetime) -> str:
    day, month = _DAYS[moment.weekday()][:3], _MONTHS[moment.month - 1][:3]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {_clock(moment)} {_offset(moment, '')}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"


LETTERS: Mapping[str, Callable[[datetime], str]] = {
    "d": lambda moment: f"{moment.day:02}",
    "j": lambda moment: str(moment.day),
    "D": lambda moment: _DAYS[moment.weekday()][:3],
    "l": lambda moment: _DAYS[moment.weekday()],
    "N": lambda moment: str(moment.isoweekday()),
    "w": lambda moment: str(moment.isoweekday() % 7),
    "z": lambda moment: str(_day_of_year(moment)),
    "S": lambda moment: _ending(moment.day),
    "W": lambda moment: f"{moment.isocalendar().week:02}",
    "o": lambda moment: f"{moment.isocalendar().year:04}",
    "m": lambda moment: f"{moment.month:02}",
    "n": lambda moment: str(moment.month),
    "M": lambda moment: _MONTHS[moment.month - 1][:3],
    "F": lambda moment: _MONTHS[moment.month - 1],
    "t": lambda moment: str(monthrange(moment.year, moment.month)[1]),
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "L": lambda moment: str(int(isleap(moment.year))),
    "a": _half_day,
    "A": lambda moment: _half_day(moment).upper(),
    "g": lambda moment: str(moment.hour % 12 or 12),
    "G": lambda moment: str(moment.hour),
    "h": lambda moment: f"{moment.hour % 12 or 12:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "i": lambda moment: f"{moment.minute:02}",
    "s": lambda moment: f"{moment.second:02}",
    "v": lambda moment: f"{moment.microsecond // 1000:03}",
    "u": lambda moment: f"{moment.microsecond:06}",
    "e": _zone_name,
    "T": _zone_name,
    "P": _offset,
    "p": lambda moment: _offset(moment) if _offset_seconds(moment) else "Z",
    "O": lambda moment: _offset(moment, ""),
    "Z": lambda moment: str(_offset_seconds(moment)),
    "c": _iso_8601,
    "r": _rfc_5322,
    "U": lambda moment: str(to_seconds(moment)),
}
"""What each letter of a format writes."""
