"""The budgets: each guard by itself, and the page that states them."""

from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine import machine, pattern_weight, schema, schema_keywords, simulate, update
from workflow_engine.advice import nearest
from workflow_engine.checks import MAX_PROBLEMS, RULES, check, limits
from workflow_engine.compiling import load
from workflow_engine.errors import BudgetExceededError, InvalidDataError, InvalidInstructionError, InvalidSchemaError
from workflow_engine.kept import FEW, kept
from workflow_engine.model import Limits
from workflow_engine.operators import budget, evaluate
from workflow_engine.value_size import size_within

from .bombs.parts import DRAFT_07, doubling, instructions, scenario

PAGE = (Path(__file__).parents[2] / "docs" / "budgets.md").read_text("utf-8")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
ARABIC = "\u0663"
"""A digit for Python's patterns and none for RE2's."""


def test_page_has_the_numbers_of_the_code() -> None:
    numbers = {
        *(limits.MAX_BYTES, limits.MAX_VALUES, budget.MAX_STEPS, budget.MAX_SIZE, schema_keywords.MAX_WORK),
        *(update.LARGE, update.MAX_PROJECTION, machine.MAX_TITLES, pattern_weight.MAX_WEIGHT),
        *(Limits().configurations, Limits().steps, Limits().weight),
    }
    assert {number for number in numbers if f"{number:,}" not in PAGE} == set()
    assert f"| {MAX_PROBLEMS} |" in PAGE


def test_rules_are_listed_errors_first_as_findings_end_at_a_bound() -> None:
    assert [rule.severity for rule in RULES] == sorted((rule.severity for rule in RULES), key="error warning".index)


def test_reference_to_a_root_that_names_its_dialect_stays_with_our_keywords() -> None:
    with_root = {"$schema": DRAFT, "properties": {"a": {"$ref": "#"}}, "pattern": r"^\d$"}
    with pytest.raises(InvalidDataError):
        schema.validate(with_root, {"a": ARABIC})
    with pytest.raises(InvalidDataError):
        schema.compile_schema({"$schema": DRAFT, "pattern": r"^\d$"}).part(()).validate(ARABIC)


def test_values_that_are_checked_together_share_one_budget() -> None:
    costly = schema.compile_schema(doubling(6, leaf={"minimum": 0}))
    with schema_keywords.shared_work(500):
        costly.validate(1)
        with schema_keywords.shared_work(), pytest.raises(InvalidDataError, match="too much work"):
            costly.validate(1)
    costly.validate(1)


def test_checking_without_a_budget_of_ones_own_ends_as_well() -> None:
    with pytest.raises(InvalidDataError, match="too much work"):
        schema.validate(doubling(20, "anyOf", {"minimum": 5}), 1)


def test_alternatives_are_judged_as_before() -> None:
    one = {"oneOf": [{"minimum": 1}, {"maximum": 5}, {"const": "x"}]}
    schema.validate(one, 9)
    for value in (3, [3]):
        with pytest.raises(InvalidDataError, match="exactly one"):
            schema.validate({"oneOf": [*one["oneOf"], {"type": "array"}, {"items": True}]}, value)
    schema.validate({"anyOf": [{"type": "string"}, {"minimum": 1}]}, 2)
    schema.validate(
        {"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}}, {"a": 1, "b": 2}
    )
    with pytest.raises(InvalidDataError, match="needs another"):
        schema.validate({"dependentRequired": {"a": ["b"]}}, {"a": 1})
    dependent = {"$schema": DRAFT_07, "dependencies": {"a": {"properties": {"a": {"type": "integer"}}}}}
    with pytest.raises(InvalidDataError, match="whole number"):
        schema.validate(dependent, {"a": "x"})


def test_process_that_grows_too_large_is_refused_with_what_to_do() -> None:
    process = simulate.start(load(scenario(assets={f"a{index}": {"type": "string"} for index in range(5)})))
    large = update.Projection(title=None, actors=process.actors, assets=dict.fromkeys(process.assets, "x" * 900000))
    one = update.Projection(title=None, actors=process.actors, assets={**large.assets, "a0": None})
    with pytest.raises(BudgetExceededError, match="data of the process becomes too large") as caught:
        update.validate_changes(one, large, process.scenario)
    assert "Keep what is larger elsewhere" in str(caught.value)
    with pytest.raises(BudgetExceededError, match="too large"):
        update.validate_changes(update.initial(process.scenario), large, process.scenario)


def test_title_that_makes_the_history_large_is_refused() -> None:
    title = {"<merge>": [{"<ref>": "definitions.x.t"}] * 2}
    go = {"actor": "one", "responses": {"ok": {"title": title}}}

    def of(length: int) -> Any:
        return scenario(actions={"go": go, "end": {"actor": "one"}}, definitions={"x": {"t": "y" * length}})

    played = simulate.run(of(machine.MAX_TITLES // 2 - 100), [{"actor": "one", "action": "go"}])
    assert played["previous"] == ["go.ok"]
    with pytest.raises(InvalidInstructionError, match="titles that the history keeps are too long"):
        simulate.run(of(machine.MAX_TITLES // 2), [{"actor": "one", "action": "go"}])


ATOMS = st.sampled_from(
    [
        *("a", "Z", "9", "\u00e9", "\U0001f600", "\u017f", ".", r"\d", r"\W", r"\pN", r"\p{Greek}", r"\x{10FFFF}"),
        *("[a-z]", "[^a-z]", "[\u0430-\u044f\u0451]", r"[\w.-]", r"[\p{Nd} -]", "[[:^alpha:]]", "[]a]"),
        *(r"\Qa(b\E", "^", r"\b", "(?i)k", "[!-~]"),
    ]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(%s|%s)".__mod__),
        inner.map("(?i:%s)".__mod__),
        st.tuples(inner, st.sampled_from(["*", "+?", "?", "{2}", "{3,}", "{0,5}", "{10}", "{1,20}"])).map(
            "(?:%s)%s".__mod__
        ),
    ),
    max_leaves=8,
)


def compiled(pattern: str, memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


@settings(max_examples=200)
@given(PATTERNS)
def test_weight_of_a_pattern_bounds_what_re2_makes_of_it(pattern: str) -> None:
    weight = pattern_weight.pattern_weight(pattern)
    if weight > 10 * pattern_weight.MAX_WEIGHT:
        return
    made = compiled(pattern, 1 << 28)
    if made is None:
        return
    assert max(made.programsize, made.reverseprogramsize) <= weight + 16
    if weight <= pattern_weight.MAX_WEIGHT:
        assert compiled(pattern, pattern_weight.COMPILED_BYTES) is not None


@given(st.text(max_size=60))
def test_every_text_has_a_weight(text: str) -> None:
    assert pattern_weight.pattern_weight(text) >= 0


def test_nested_repetitions_are_multiplied() -> None:
    weight = pattern_weight.pattern_weight
    assert weight("(?:a{10}){10}") > 10 * weight("a{10}")
    assert weight("((a{30}){30})") < pattern_weight.MAX_WEIGHT < weight(r"((\W{31}){31})")


def test_pattern_that_is_too_large_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidSchemaError, match="too large with its repetitions written out") as of_schema:
        schema.compile_schema({"pattern": r"^\pL{1,50}$"})
    assert "maxLength" in str(of_schema.value)
    with pytest.raises(InvalidInstructionError, match="too large with its repetitions written out"):
        evaluate({"x": {"<match>": {"input": "a", "regex": r"^\pL{1,50}$"}}}, {})
    problems = check(instructions([{"<match>": {"input": {"<ref>": "title"}, "regex": r"^\pL{1,50}$"}}])).problems
    assert [item.rule for item in problems] == ["bad-argument"]


def test_nearest_name_is_found_among_names_of_about_its_length() -> None:
    known = [f"{letter}{'x' * length}" for length in range(40) for letter in "ab"]
    assert nearest("offred", [*known, "offered"]) == "offered"
    assert nearest("qqqqqq", known) is None
    assert nearest("stat", ["states", "stat1"]) == "stat1"
    assert nearest("x", []) is None


def test_size_is_counted_as_it_would_be_written_and_no_further_than_asked() -> None:
    value: Any = 1
    for _ in range(40):
        value = [value, value]
    assert size_within(value, 1_000) is None
    assert size_within({"a": [1, 2], "b": "x" * 640}, 100) == 15
    assert size_within([0] * 100, 50) is None


def test_few_long_texts_are_kept_and_many_short_ones() -> None:
    reads: list[str] = []

    @kept(short=4, many=100)
    def length(text: str) -> int:
        reads.append(text)
        return len(text)

    for texts in ([f"{number:03}" for number in range(100)], [f"{number:05}" for number in range(FEW)]):
        for text in (*texts, *texts):
            assert length(text) == len(text)
        assert reads == texts
        reads.clear()
    for number in range(2):
        assert [length(f"{number}-{place:05}") for place in range(FEW + 1)] == [7] * (FEW + 1)
    assert len(reads) == 2 * (FEW + 1)
