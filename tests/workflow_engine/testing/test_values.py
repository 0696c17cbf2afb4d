"""Cells, tables and `${…}`: what is written is read back as the same value, and nothing grows without bound."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import canonical_json
from workflow_engine.testing import values
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.feature import read_feature

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def unknown(name: str) -> Any:
    raise InvalidFeatureError(f"{name} is not known")


def cell_of(text: str) -> str:
    """What Gherkin reads of a cell."""
    feature = read_feature(f"Feature: F\nScenario: S\nGiven a:\n| x | {text} |".encode(), "a.feature")
    table = feature.cases[0].steps[0].table
    assert table is not None
    return table[0][1]


@given(JSON)
def test_cell_that_was_written_means_the_same_value(value: Any) -> None:
    assert values.is_same(values.read_cell(cell_of(values.write_cell(value)), unknown), value)


@given(JSON.filter(lambda value: canonical_json.encode(value) is not None), JSON)
def test_sameness_is_that_of_canonical_json(left: Any, right: Any) -> None:
    assert values.is_same(left, right) == (canonical_json.encode(left) == canonical_json.encode(right))
    assert values.is_same(left, left)


NAMES = st.sampled_from(["a", "b", "c-d", "e_f", "G", "item"])


@given(
    st.dictionaries(
        NAMES,
        st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6),
        max_size=3,
    )
)
def test_table_of_leaves_builds_the_same_object(value: dict[str, Any]) -> None:
    if value:
        assert values.is_same(values.build(values.leaves(value)), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ('"12"', "12"),
        ("[1, 2]", [1, 2]),
        ("Oak chair", "Oak chair"),
        ("2026-12-01", "2026-12-01"),
        ("", ""),
        ("007", "007"),
        ("{", "{"),
        ("NaN", "NaN"),
        ("99999999999999999999", "99999999999999999999"),
    ],
)
def test_cell_is_json_where_it_reads_as_json(text: str, value: Any) -> None:
    assert values.read_cell(text, unknown) == value


def test_lists_are_built_item_by_item() -> None:
    assert values.build([("a.0.b", 1), ("a.0.c", 2), ("a.1", 3)]) == {"a": [{"b": 1, "c": 2}, 3]}


@pytest.mark.parametrize(
    "paths",
    [["a", "a"], ["a", "a.b"], ["a.b", "a"], ["a.1"], ["a.0", "a.x"], ["a.0", "a.2"], ["a.0", "a.0"], ["", "b"],
     ["a..b"], ["$"], [".".join("a" * 40)], ["a." * 2_000 + "b"]],
)  # fmt: skip
def test_paths_that_contradict_each_other_are_refused(paths: list[str]) -> None:
    with pytest.raises(InvalidFeatureError):
        values.build((path, 1) for path in paths)


def test_reference_alone_keeps_its_kind_and_within_a_text_becomes_text() -> None:
    known = {"p.n": 12, "p.o": {"a": 1}}.__getitem__
    assert values.read_cell("${p.n}", known) == 12
    assert values.read_cell("${p.o}", known) == {"a": 1}
    assert values.read_cell("n ${p.n}", known) == "n 12"
    with pytest.raises(InvalidFeatureError, match="a list or an object"):
        values.read_cell("o ${p.o}", known)


def test_text_that_many_references_blow_up_is_refused() -> None:
    with pytest.raises(InvalidFeatureError, match="more than"):
        values.substitute("${a}" * 1_000, lambda _: "x" * 1_000)


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert values.substitute("${a}", lambda name: "${b}" if name == "a" else "no") == "${b}"


@pytest.mark.parametrize(
    ("wanted", "found"), [(1, True), (0, False), (1, "1"), (None, {}), ({"a": 1}, {"a": 1, "b": 2}), ([1], [1, 2])]
)
def test_different_values_are_told_apart(wanted: Any, found: Any) -> None:
    with pytest.raises(UnmetError) as caught:
        values.expect([("x", wanted)], {"x": found}, "the thing")
    assert caught.value.expected.startswith("x of the thing to be ")
    assert not values.is_same(found, wanted)


def test_long_values_are_cut_in_messages() -> None:
    assert len(values.show("x" * 10_000)) <= 200
