"""Reading features: what is taken, what is refused, and that nothing grows without bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.testing import feature as features
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import Feature, read_feature

OUTLINE = """Feature: F
  Scenario Outline: Buy <what>
    When "Ann" runs the "<what>" action with:
      | price | <price> |

    Examples:
      | what  | price |
      | chair | 1     |
      | table | 2     |
"""


def read(text: str) -> Feature:
    return read_feature(text.encode(), "a.feature")


def test_steps_are_what_the_step_before_them_is() -> None:
    (case,) = read("Feature: F\nScenario: S\nGiven a\nAnd b\nWhen c\nBut d\nThen e\nAnd f\n* g").cases
    assert [step.kind for step in case.steps] == ["given", "given", "when", "when", "then", "then", "then"]
    assert [step.line for step in case.steps] == [3, 4, 5, 6, 7, 8, 9]


def test_backgrounds_of_feature_and_rule_go_before_each_case() -> None:
    text = "Feature: F\nBackground:\nGiven a\nScenario: S\nWhen b\nRule: R\nBackground:\nGiven c\nScenario: T\nWhen d"
    first, second = read(text).cases
    assert [step.text for step in first.steps] == ["a", "b"]
    assert [step.text for step in second.steps] == ["a", "c", "d"]


def test_each_row_of_an_outline_is_a_case_with_its_line() -> None:
    first, second = read(OUTLINE).cases
    assert (first.name, second.name) == ("Buy chair", "Buy table")
    assert (first.line, second.line) == (8, 9)
    assert second.steps[0].text == '"Ann" runs the "table" action with:'
    assert second.steps[0].table == (("price", "2"),)
    assert second.steps[0].line == 3


def test_cases_of_one_name_are_told_apart() -> None:
    cases = read("Feature: F\nScenario: S\nGiven a\nScenario: S\nGiven a").cases
    assert [case.name for case in cases] == ["S (line 2)", "S (line 4)"]


def test_doc_strings_keep_their_text_and_type() -> None:
    (case,) = read('Feature: F\nScenario: S\nWhen a:\n  """json\n  {\n    "b": 1\n  }\n  """').cases
    assert (case.steps[0].doc, case.steps[0].doc_type) == ('{\n  "b": 1\n}', "json")


def test_keywords_may_be_in_another_language() -> None:
    (case,) = read('# language: nl\nFunctionaliteit: F\nScenario: S\nStel "a"\nDan b').cases
    assert [step.kind for step in case.steps] == ["given", "then"]


def test_explanations_of_mutants_are_read_from_comments() -> None:
    text = "Feature: F\n# survives: update-dropped $.actions.a: It is said twice.\n# a remark\nScenario: S\nGiven a"
    assert read(text).explained == {"update-dropped $.actions.a": "It is said twice."}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "There is no feature"),
        ("Feature: F", None, "no scenario"),
        ("Feature: F\nScenario: S", 2, "no steps"),
        ("Feature: F\nScenario: S\nGiven a\nwhatever", 4, '"whatever" cannot stand here'),
        ('Feature: F\nScenario: S\nGiven a\n"""\nb', 6, "the end of the file cannot stand here"),
        ("Feature: F\nScenario: S\nGiven a:\n|a|\n|b|c|", 5, "not as many cells"),
        ("# language: xx\nFeature: F", 1, "Language not supported"),
        ("Feature: F\nScenario Outline: S\nGiven <a>\nExamples:\n|a|", 4, "no rows"),
        ("Feature: F\nScenario Outline: S\nGiven a\nExamples:\n|(a+)+$|\n|b|", 5, "names of these columns"),
        ("Feature: F\nScenario Outline: S\nGiven a\nExamples:\n|a|a|\n|b|c|", 5, "names of these columns"),
        ("Feature: F\nScenario: S\nGiven a\n# survives: nothing", 4, "An explanation is written"),
        ("Feature: F\nScenario: S\nGiven \0", 3, "null character"),
        ("Feature: F\nScenario: S\nGiven " + "a" * features.MAX_LINE, 3, "longer than"),
        ("Feature: F\nScenario: S\n" + "Given a\n" * (features.MAX_STEPS_OF_CASE + 1), 2, "at most"),
        ("Feature: F\n" + "Scenario: S\nGiven a\n" * (features.MAX_CASES + 1), 4002, "grows too large"),
    ],
)
def test_what_is_no_feature_is_refused_with_its_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(InvalidFeatureError) as caught:
        read(text)
    assert caught.value.line == line
    assert said in caught.value.message
    assert caught.value.message.startswith("a.feature")


def test_outline_that_grows_a_thousandfold_is_refused_before_it_is_expanded() -> None:
    text = "Feature: F\nScenario Outline: S\nGiven " + "<a>" * 2_000 + "\nExamples:\n|a|\n" + f"|{'x' * 8_000}|\n"
    with pytest.raises(InvalidFeatureError, match="grows too large"):
        read(text)


def test_values_with_placeholders_in_them_are_counted_as_they_grow() -> None:
    row = "|" + "<b>" * 1_000 + "|" + "<c>" * 1_000 + "|" + "x" * 1_000 + "|"
    with pytest.raises(InvalidFeatureError, match="grows too large"):
        read(f"Feature: F\nScenario Outline: S\nGiven <a>\nExamples:\n|a|b|c|\n{row}")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"Feature: \xe9", b"x" * (features.MAX_BYTES + 1)])
def test_bytes_that_are_no_text_or_too_many_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidFeatureError):
        read_feature(data, "a.feature")


@given(
    st.lists(st.sampled_from([*OUTLINE.splitlines(), '"""', "|a|", "Rule: R", "@tag", "Background:", "#", "\u202e"]))
)
def test_any_order_of_lines_is_read_or_refused(lines: list[str]) -> None:
    try:
        assert read("\n".join(lines)).cases
    except InvalidFeatureError as error:
        assert error.message  # noqa: PT017  # either is right; nothing else may be raised
