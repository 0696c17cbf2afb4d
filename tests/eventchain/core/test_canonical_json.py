"""Canonical JSON against JavaScript itself, whose forms of numbers and strings RFC 8785 prescribes."""

import json
import math
import random
import struct
import subprocess
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json, strict_json
from eventchain.core.errors import InvalidJsonError
from eventchain.core.hashing import sha256
from tests import needs

JAVASCRIPT = """
const write = (value) => Array.isArray(value) ? '[' + value.map(write).join(',') + ']'
  : value !== null && typeof value === 'object'
    ? '{' + Object.keys(value).sort().map((key) => JSON.stringify(key) + ':' + write(value[key])).join(',') + '}'
    : JSON.stringify(value);
let text = '';
process.stdin.on('data', (part) => { text += part; }).on('end', () => {
  process.stdout.write(JSON.stringify(JSON.parse(text).map(write)));
});
"""
SAFE = strict_json.MAX_SAFE_INTEGER

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.one_of(st.integers(-SAFE, SAFE), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def by_javascript(documents: list[Any]) -> list[str]:
    node = needs.program("node", "nodejs")
    done = subprocess.run(
        [node, "-e", JAVASCRIPT], input=json.dumps(documents), capture_output=True, text=True, check=True
    )
    written: list[str] = json.loads(done.stdout)
    return written


def test_numbers_are_written_as_javascript_writes_them() -> None:
    source = random.Random(8785)
    patterns = (struct.unpack(">d", source.randbytes(8))[0] for _ in range(20_000))
    sample = [value for value in patterns if math.isfinite(value)]
    sample += [float(source.randrange(-SAFE, SAFE)) / 10 ** source.randrange(0, 25) for _ in range(5_000)]
    sample += [sign * 10.0**power for power in range(-30, 30) for sign in (1, -1)]
    sample += [0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53, 1e21, 999999999999999900000.0, 1e-6, 1e-7]
    assert [canonical_json.encode(value).decode() for value in sample] == by_javascript(sample)


def test_documents_are_written_as_javascript_writes_them() -> None:
    documents: list[Any] = []

    @given(values)
    def collect(value: Any) -> None:
        documents.append(value)

    collect()
    documents.append({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "ö": 7, "</script>": 8})
    documents.append("".join(map(chr, range(0x250))) + "\u2028\u2029\ufffe\U0010ffff")
    assert [canonical_json.encode(value).decode() for value in documents] == by_javascript(documents)


def test_example_of_rfc_8785() -> None:
    # RFC 8785, 3.2.2 and 3.2.4
    document = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json.encode(document).decode() == expected


def test_keys_are_sorted_by_utf_16_units_not_by_code_points() -> None:
    # RFC 8785, 3.2.3: U+1F600 is written with surrogates and comes before U+FB33.
    assert canonical_json.encode({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@given(values)
def test_canonical_form_is_json_of_the_same_value_and_canonical_again(value: Any) -> None:
    written = canonical_json.encode(value)
    assert json.loads(written, parse_int=_number) == value
    assert canonical_json.encode(json.loads(written, parse_int=_number)) == written


def _number(text: str) -> int | float:
    return int(text) if abs(int(text)) <= SAFE else float(text)


@given(values)
def test_what_strict_reading_accepts_has_a_canonical_form_that_it_accepts(value: Any) -> None:
    try:
        read = strict_json.parse(json.dumps(value))
    except InvalidJsonError:
        return
    written = canonical_json.encode(read)
    assert strict_json.parse(written) == read
    assert canonical_json.encode(strict_json.parse(written)) == written


@given(st.dictionaries(texts, st.integers(-SAFE, SAFE), max_size=6), st.randoms())
def test_order_of_keys_does_not_matter(document: dict[str, int], source: random.Random) -> None:
    pairs = list(document.items())
    source.shuffle(pairs)
    assert canonical_json.encode(dict(pairs)) == canonical_json.encode(document)


def test_digest_is_the_sha256_of_the_form() -> None:
    assert canonical_json.digest({"b": 1, "a": 1.0}) == sha256(b'{"a":1,"b":1}')


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        SAFE + 2,
        -SAFE - 2,
        math.nan,
        math.inf,
        -math.inf,
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {"a": 1, 2: 3},
        {None: 1},
        {True: 1},
        b"bytes",
        {"a"},
        object(),
        {"a": [object()]},
        _nested(100_000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_without_a_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(InvalidJsonError, match="no canonical JSON form"):
        canonical_json.encode(value)


@given(values)
def test_values_are_written_as_the_library_writes_them(value: Any) -> None:
    assert canonical_json.encode(value) == rfc8785.dumps(value)


@given(st.floats(min_value=1e-5, max_value=1e17) | st.floats(min_value=-1e17, max_value=-1e-5))
def test_ordinary_decimals_are_written_as_the_library_writes_them(value: float) -> None:
    assert canonical_json.encode([value]) == rfc8785.dumps([value])


@given(st.dictionaries(st.text(alphabet="aé\uffee\U0001f600\n\x7f\x1f", max_size=3), st.none(), max_size=6))
def test_keys_are_sorted_as_the_library_sorts_them(value: dict[str, None]) -> None:
    assert canonical_json.encode(value) == rfc8785.dumps(value)
