"""The formats of JSON Schema that are looked at: the same on every platform, and in time that follows the length."""

import contextlib
import re
from datetime import date

from jsonschema import FormatChecker

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII | re.I)
_DURATION = re.compile(r"P(?!$)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|\d+W)", re.ASCII)
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]\x00-\x1f]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.I)


def is_date(text: object) -> bool:
    """Tell whether a text is a calendar date (RFC 3339 full-date); other values are not the business of a format."""
    if not isinstance(text, str):
        return True
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    with contextlib.suppress(ValueError):
        date(year or 2000, month, day)
        return True
    return False


def is_date_time(text: object) -> bool:
    """Tell whether a text is a date and time with an offset (RFC 3339 date-time)."""
    if not isinstance(text, str):
        return True
    return len(text) > 11 and text[10] in "Tt" and is_date(text[:10]) and is_time(text[11:])


def is_time(text: object) -> bool:
    """Tell whether a text is a time with an offset (RFC 3339 full-time)."""
    return not isinstance(text, str) or _TIME.fullmatch(text) is not None


def is_duration(text: object) -> bool:
    """Tell whether a text is an ISO 8601 duration of whole numbers (`P1DT2H`, `P2W`)."""
    return not isinstance(text, str) or (len(text) <= 64 and _DURATION.fullmatch(text) is not None)


def is_email(text: object) -> bool:
    """Tell whether a text can be a mail address (not whether the mailbox exists)."""
    return not isinstance(text, str) or (_EMAIL.fullmatch(text) is not None and ".." not in text)


def is_uri(text: object) -> bool:
    """Tell whether a text is an absolute URI (RFC 3986)."""
    return not isinstance(text, str) or _URI.fullmatch(text) is not None


def is_uuid(text: object) -> bool:
    """Tell whether a text is a UUID (RFC 9562)."""
    return not isinstance(text, str) or _UUID.fullmatch(text) is not None


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checkers = {
        "date": (is_date, ()),
        "date-time": (is_date_time, ()),
        "time": (is_time, ()),
        "duration": (is_duration, ()),
        "email": (is_email, ()),
        "uri": (is_uri, ()),
        "uuid": (is_uuid, ()),
    }
    return checker


FORMATS = _formats()
"""The formats that are looked at; all others say something to people only."""
