"""Conditions: what Writer writes is read as Writer means it, and what could mean two things is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.documents import InvalidTemplateError
from workflow_engine.documents.conditions import holds, names_in, parse

DATA = {
    "years": 3, "half": 0.5, "law": "NL", "empty": "", "zero": 0, "yes": True, "no": False, "none": None,
    "lines": [1], "nothing": [], "digits": "3",
}  # fmt: skip


def is_met(text):
    return holds(parse(text), DATA.get)


@pytest.mark.parametrize(
    "text",
    [
        "ooow:years == 3", "years EQ 3", "years eq 3.0", "years != 4", "years NEQ 4", "years > 2", "years G 2.5",
        "years >= 3", "years GEQ 3", "years < 4", "years L 4", "years <= 3", "years LEQ 3", "half == 0.5",
        'law == "NL"', 'law EQ "NL"', 'law != "DE"', '"NL" == law', "law", "yes", "NOT no", "!no", "! (years > 3)",
        "NOT NOT yes", "(years > 2) AND (years < 4)", '(law == "DE") OR (years > 2) OR no', "lines", "NOT nothing",
        "NOT missing", "NOT empty", "NOT zero", "NOT none", 'missing == ""', "missing == 0", "missing < 1",
        "yes == TRUE", "yes == 1", "no == 0", "TRUE", "not FALSE", "((yes))", 'digits == "3"', 'digits != 3',
        'years != "3"', 'law AND (years == 3) AND NOT no',
    ],
)  # fmt: skip
def test_condition_is_met(text):
    assert is_met(text)
    assert not is_met(f"NOT ({text.removeprefix('ooow:')})")


@pytest.mark.parametrize(
    "text",
    [
        "", "ooow:", "years ==", "== 3", "years = 3", "years == 3 AND law", "a AND b OR c", "1 < years < 4", "a b",
        "(a", "a)", "()", '"open', "years + 1 > 3", "years * 2", "sum(1|2)", "[Database.Table.Field]", "a & b", "a | b",
        "NOT", "a AND", "AND a", "a -1", "'x'", "a; b", "__import__('os')", "years == -1", "x" * 1025,
        "(" * 20 + "a" + ")" * 20, "NOT " * 20 + "a", "1e9 > 2 > 1", "1..2 == 3", "a\u00a0== 1 2",
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_only_is_refused(text):
    with pytest.raises(InvalidTemplateError):
        is_met(text)


@pytest.mark.parametrize("text", ['law > "DE"', "law > 2", "lines == 1", "digits > 2", 'years < "4"'])
def test_what_cannot_be_compared_is_refused(text):
    with pytest.raises(InvalidTemplateError):
        is_met(text)


def test_names_keep_their_dots_and_numbers():
    assert names_in(parse("(assets.lines.0.price > 1) AND NOT actors.buyer_1.name")) == (
        "assets.lines.0.price",
        "actors.buyer_1.name",
    )


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        is_met(text)
    except InvalidTemplateError:
        return


@given(
    st.recursive(
        st.sampled_from([("yes", True), ("no", False), ("years == 3", True), ('law == "DE"', False)]),
        lambda inner: st.one_of(
            inner.map(lambda one: (f"NOT ({one[0]})", not one[1])),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda some: (" AND ".join(f"({text})" for text, _ in some), all(value for _, value in some))
            ),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda some: (" OR ".join(f"({text})" for text, _ in some), any(value for _, value in some))
            ),
        ),
        max_leaves=8,
    ).filter(lambda case: len(case[0]) < 1000 and case[0].count("(") < 16)
)
def test_brackets_and_words_mean_what_logic_says(case):
    text, wanted = case
    assert is_met(text) == wanted
