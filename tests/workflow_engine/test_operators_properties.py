"""What holds for every value: round trips, independent libraries as oracles, one meaning of what was valid before."""

import base64
import re
import string
import urllib.parse
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import base58 as base58_library
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jmespath import exceptions
from jmespath.parser import Parser

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import codecs, dates, dialect, evaluate, number_format, patterns, serialization
from workflow_engine.operators.budget import Budget

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@given(TEXT)
def test_encoding_is_that_of_independent_libraries_and_decodes(text: str) -> None:
    data = text.encode("utf-8")
    wanted = {
        "base64": base64.standard_b64encode(data).decode("ascii"),
        "base58": base58_library.b58encode(data).decode("ascii"),
        "url": urllib.parse.quote_plus(text, safe="").replace("~", "%7E"),
    }
    for algorithm in codecs.ALGORITHMS:
        encoded = codecs.encode(text, algorithm, Budget())
        assert encoded == wanted[algorithm]
        assert codecs.decode(encoded, algorithm, Budget()) == text


@given(st.text(string.ascii_letters + string.digits + "+/=% ", max_size=12))
def test_text_that_decodes_is_the_one_encoding_of_what_it_gives(text: str) -> None:
    for algorithm in ("base64", "base58"):
        try:
            decoded = codecs.decode(text, algorithm, Budget())
        except InvalidInstructionError:
            continue
        assert codecs.encode(decoded, algorithm, Budget()) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_value_is_read_again_from_its_json(value: Any) -> None:
    text = serialization.serialize(value, "json", Budget())
    assert serialization.unserialize(text, "json", Budget()) == value


NAME = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=6).filter(
    lambda name: not name.isdigit()
)
QUERY = st.recursive(
    TEXT,
    lambda inner: st.lists(inner, min_size=1, max_size=12) | st.dictionaries(NAME, inner, min_size=1, max_size=3),
    max_leaves=14,
)


@given(st.dictionaries(NAME, QUERY, max_size=3))
def test_object_of_texts_is_read_again_from_its_query(value: Any) -> None:
    text = serialization.serialize(value, "url", Budget())
    assert serialization.unserialize(text, "url", Budget()) == value


@given(st.dictionaries(NAME, TEXT, max_size=4))
def test_flat_query_is_that_of_an_independent_library(value: dict[str, str]) -> None:
    text = serialization.serialize(value, "url", Budget())
    assert urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(value)) == sorted(value.items())


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)  # noqa: DTZ001  # zones come beside


@given(MOMENTS)
def test_date_is_written_as_the_standard_library_writes_it(moment: datetime) -> None:
    wanted = {
        "d": "%d", "D": "%a", "l": "%A", "N": "%u", "w": "%w", "W": "%V", "m": "%m", "M": "%b", "F": "%B", "y": "%y",
        "A": "%p", "h": "%I", "H": "%H", "i": "%M", "s": "%S", "u": "%f", "O": "%z",
    }  # fmt: skip
    for letter, directive in wanted.items():
        assert dates.write(moment, letter) == moment.strftime(directive)
    assert int(dates.write(moment, "z")) == int(moment.strftime("%j")) - 1
    assert dates.write(moment, "c") == moment.isoformat(timespec="seconds")
    assert (
        int(dates.write(moment, "U")) == (moment.astimezone(UTC).replace(microsecond=0) - dates.EPOCH).total_seconds()
    )


@given(MOMENTS)
def test_date_that_was_written_is_read_as_the_same_moment(moment: datetime) -> None:
    text = moment.isoformat()
    assert dates.read(text, UTC) == moment
    assert dates.read(text.replace("T", " "), UTC).utcoffset() == moment.utcoffset()
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    milliseconds = (whole - dates.EPOCH) // timedelta(milliseconds=1)
    assert dates.read(milliseconds, UTC) == whole
    assert dates.to_seconds(moment) == milliseconds // 1000


@given(st.text(string.digits + "-T: .Z+", max_size=25))
def test_date_that_is_read_is_one_of_iso_8601(text: str) -> None:
    try:
        moment = dates.read(text, UTC)
    except InvalidInstructionError:
        return
    assert datetime.fromisoformat(text).replace(tzinfo=moment.tzinfo) == moment or "." in text


@given(
    st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e12, 1e12),
    st.integers(0, number_format.MAX_DECIMALS),
    st.sampled_from(sorted(number_format.LOCALES)),
)
def test_number_that_was_written_means_the_rounded_number(number: float, decimals: int, locale: str) -> None:
    form = number_format.LOCALES[locale]
    written = number_format.write(number, locale, decimals, None)
    plain = written.replace(form.group, "").replace(form.decimal, ".")
    exact = Decimal(repr(number)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, Context(prec=60))
    assert Decimal(plain) == exact
    if locale == "en_US":
        assert written == f"{exact if exact else abs(exact):,.{decimals}f}"


@given(
    st.text("ab€-", max_size=12),
    st.sampled_from(["a", "a*", "b|a", "(a)(b)?", "", "[^a]", "^a", "a$", "(?:ab)+", "€", "."]),
    st.sampled_from(["", "x", "[$0]", "$0$0"]),
)
@example("aab", "a*", "x")
def test_pattern_replaces_as_the_standard_library_does(text: str, pattern: str, replacement: str) -> None:
    wanted = re.sub(pattern, lambda match: replacement.replace("$0", match.group()), text)
    assert patterns.replace(pattern, "", text, replacement, Budget()) == wanted


PIECES = st.sampled_from(
    ["a", "b", ".", "*", "[*]", "[0]", "[-1]", "[1:]", "[:-1]", "[]", "[?a]", "|", "||", "&&", "==", "<", "!", "&", "(",
     ")", "{a:", "}", ",", "@", "'x'", "`1`", "length(", "-1", "1", " ", "[", "]", ":"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10).map("".join))
@example("a[-1].*")
@example("a.*[*]")
@example("[a,*]")
@example("*.*|*")
@example("a[?*]")
@example("sort_by(a,&*)")
def test_expression_that_was_valid_before_keeps_its_tree(text: str) -> None:
    try:
        before = Parser().parse(text).parsed
    except (exceptions.JMESPathError, KeyError):
        return
    assert dialect.parse(text) == before


NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_expression_calculates_like_the_calculator(a: float, b: float, c: float) -> None:
    variables = {"a": a, "b": b, "c": c}
    for text in ("a + b * c", "(a - b) * c", "a - b - c", "a * b % c", "a / b / c"):
        outcomes = []
        for instruction in ({"<math>": text, **variables}, {"<eval>": text}):
            try:
                outcomes.append(evaluate(instruction, variables))
            except InvalidInstructionError:
                outcomes.append(None)
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "text", ["a * b", "a*b", "a.b*2", "a[0]*2", "a[]*2", "a(b)*2", "{a: b}*2", "'x'*2", "@*2", "$*2"]
)
def test_star_after_an_operand_multiplies(text: str) -> None:
    assert dialect.parse(text)["type"] == "arithmetic"
