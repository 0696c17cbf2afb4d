"""Strict reading against JSON that was written to harm."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import strict_json
from eventchain.core.errors import InvalidJsonError, TooLargeError

SAFE = strict_json.MAX_SAFE_INTEGER

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10)
readable = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-SAFE, SAFE), st.floats(-1e15, 1e15), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=10,
)
fragments = st.lists(
    st.sampled_from(
        [*'{}[]",:\\ \n\t\0', "\\u", "d800", "null", "true", "-", "0", "1e9", ".5", "NaN", '"a":', "\ufeff", "é"]
    ),
    max_size=30,
).map("".join)


@given(readable, st.booleans(), st.sampled_from([None, 1]))
def test_proper_json_reads_as_the_standard_reader_reads_it(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert strict_json.parse(text) == strict_json.parse(text.encode()) == value


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60), fragments))
def test_anything_is_read_as_the_standard_reader_reads_it_or_refused(data: bytes | str) -> None:
    try:
        value = strict_json.parse(data)
    except InvalidJsonError:
        return
    assert json.loads(data) == value


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a":1,"a":2}', '"a"'),
        ('{"a":1,"b":2,"a":1}', '"a"'),
        ('{"a":1,"\\u0061":2}', '"a"'),
        ('[{"x":{"deep":[{"":1,"":2}]}}]', '""'),
        ('{"\\/":1,"/":2}', '"/"'),
        ('{"é":1,"\\u00e9":2}', '"\\\\u00e9"'),
        ('{"\\ud83d\\ude00":1,"\U0001f600":2}', '"\\\\ud83d\\\\ude00"'),
        ('{"a":{"a":1},"b":[],"a":{"a":1}}', '"a"'),
    ],
)
def test_key_that_stands_twice_is_refused_however_it_is_spelled(text: str, key: str) -> None:
    with pytest.raises(InvalidJsonError, match=f"the key {key} stands twice"):
        strict_json.parse(text)


def test_keys_that_only_look_alike_are_two_keys() -> None:
    assert strict_json.parse('{"\u00e9":1,"e\u0301":2,"E\u0301":3}') == {"\u00e9": 1, "e\u0301": 2, "E\u0301": 3}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '[{"a":NaN}]', "[1,-Infinity]"])
def test_constants_of_javascript_are_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError, match="is not JSON"):
        strict_json.parse(text)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1e309", "1" + "0" * 400 + ".0", "1E" + "9" * 10_000])
def test_number_beyond_a_double_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError, match="too large"):
        strict_json.parse(text)


@pytest.mark.parametrize(
    "text",
    ["9007199254740992", "-9007199254740992", "9007199254740992.0", "1e16", "9.9e20", "9" * 100, "-" + "1" * 1_000_000],
)
def test_number_that_not_every_reader_keeps_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError, match=r"beyond 2\^53 - 1"):
        strict_json.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740991", SAFE),
        ("-9007199254740991", -SAFE),
        ("-0", 0),
        ("-0.0", 0),
        ("1e-999", 0),
        ("1e300", 1e300),
        ("-1.5E+2", -150),
        ("0." + "1" * 100_000, 1 / 9),
    ],
)
def test_number_at_the_edge_is_read(text: str, value: float) -> None:
    assert strict_json.parse(text) == value


@pytest.mark.parametrize(
    "text",
    ["01", "+1", ".5", "1.", "0x10", "1_000", "--1", "1e", "٣", "'a'", "{a:1}", "[1,]", '{"a":1,}', "[1 2]", "//c\n1",
     "nul", "True", "", " ", "1 1", "[", "]", "{", '"', '"\\', '{"a"', '{"a":', '"\n"', '"\0"', '"\\x41"', '"\\u12"'],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError):
        strict_json.parse(text)


@pytest.mark.parametrize(
    "text", ['"\\ud800"', '"\\udc00\\ud800"', '["a\\udfffb"]', '{"\\uD83D":1}', '{"a":[{"b":"\\ud83d\\u0041"}]}']
)
def test_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError, match="lone surrogate"):
        strict_json.parse(text)
    with pytest.raises(InvalidJsonError, match="lone surrogate"):
        strict_json.parse('"\ud800"')


def test_escaped_pair_of_surrogates_is_one_character() -> None:
    assert strict_json.parse('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings_than_utf_8_are_refused(encoding: str) -> None:
    with pytest.raises(InvalidJsonError):
        strict_json.parse('{"é":"ü"}'.encode(encoding))


@pytest.mark.parametrize("data", [b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xff"', b'"\xc3'])
def test_bytes_utf_8_forbids_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidJsonError, match="not UTF-8"):
        strict_json.parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '[{"a":' * 50_000,
        '"[[[[" ' + "[" * 100_000,
        '["\\"",' * 100_000,
        '"' + "\\\\" * 1000 + '"' + "[" * 65,
    ],
)
def test_deep_nesting_is_refused_without_recursion(text: str) -> None:
    with pytest.raises(TooLargeError, match="deeper than 64"):
        strict_json.parse(text)


def test_depth_is_counted_exactly() -> None:
    assert strict_json.parse("[" * 64 + "]" * 64) is not None
    with pytest.raises(TooLargeError):
        strict_json.parse("[" * 65 + "]" * 65)
    assert strict_json.parse("[[1]]", max_depth=2) == [[1]]
    with pytest.raises(TooLargeError):
        strict_json.parse("[[[1]]]", max_depth=2)


def test_brackets_that_do_not_nest_are_not_depth() -> None:
    assert strict_json.parse('"' + "[{" * 10_000 + '"') == "[{" * 10_000
    assert len(strict_json.parse("[" + "[],{}," * 10_000 + "[]]")) == 20_001
    assert strict_json.parse('["\\\\","' + "[" * 100 + '\\""]') == ["\\", "[" * 100 + '"']


@pytest.mark.parametrize(
    "text", ["[]," * 65 + '"\\' * 1_000_000, "[]," * 65 + '"' * 1_000_001, '"\\' * 500_000 + "[" * 65]
)
def test_broken_strings_cost_time_in_proportion_to_their_length(text: str) -> None:
    # Trying again at each quotation mark would take hours here.
    with pytest.raises(InvalidJsonError):
        strict_json.parse(text)


def test_size_is_limited() -> None:
    assert strict_json.parse(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(TooLargeError, match="larger than 4 bytes"):
        strict_json.parse(b'"abc"', max_bytes=4)
    with pytest.raises(TooLargeError):
        strict_json.parse(b" " * (strict_json.MAX_BYTES + 1))


def test_message_names_line_and_column() -> None:
    with pytest.raises(InvalidJsonError, match=r"line 2, column 8"):
        strict_json.parse('{\n  "a": oops}')


def depth_of(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


awkward_texts = st.text(alphabet='"\\[]{}ab\n', max_size=6)
awkward_values = st.recursive(
    awkward_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(awkward_texts, inner, max_size=3),
    max_leaves=8,
)


@given(awkward_values)
def test_depth_is_that_of_the_value_whatever_its_strings_hold(value: Any) -> None:
    text, depth = json.dumps(value), depth_of(value)
    assert strict_json.parse(text, max_depth=depth) == value
    if depth:
        with pytest.raises(TooLargeError):
            strict_json.parse(text, max_depth=depth - 1)


def test_depth_is_counted_across_long_strings() -> None:
    text = json.dumps([[']"\\' * 50_000, ["[" * 200_000, {"]" * 70_000: ["deep"]}]]])
    assert strict_json.parse(text, max_depth=5)[0][1][0] == "[" * 200_000
    with pytest.raises(TooLargeError):
        strict_json.parse(text, max_depth=4)
