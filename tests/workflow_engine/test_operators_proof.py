"""`<proof>` judges what parties submitted, and never lets it stop a process."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from tests.workflow_engine.test_proofs_sigma import VECTORS
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError
from workflow_engine.operators import evaluate, holds

MEMBERS = ("statement", "announcement", "challenge", "answer")
GOOD = [{name: vector[name] for name in MEMBERS} for vector in VECTORS["proofs"]]
BAD = [{name: vector[name] for name in MEMBERS} for vector in VECTORS["refused"]]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just("00" * 32),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "commitment", "value", "values", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("argument", GOOD)
def test_proof_that_holds_is_true(argument):
    assert evaluate({"<proof>": argument}, {}) is True
    assert holds({"<proof>": argument}, {})


@pytest.mark.parametrize("argument", BAD)
def test_proof_that_does_not_hold_is_false(argument):
    assert evaluate({"<proof>": argument}, {}) is False


@pytest.mark.parametrize("name", MEMBERS)
def test_missing_data_is_no_proof(name):
    context = {"given": GOOD[0]}
    parts = {member: {"<ref>": f"given.{member}"} for member in MEMBERS}
    assert evaluate({"<proof>": parts}, context) is True
    assert evaluate({"<proof>": {**parts, name: {"<ref>": "given.nothing"}}}, context) is False


@given(st.sampled_from(MEMBERS), JUNK)
def test_junk_is_no_proof(name, junk):
    if junk != GOOD[2][name]:
        assert evaluate({"<proof>": {**GOOD[2], name: junk}}, {}) is False


@pytest.mark.parametrize("argument", ["yes", [], {}, {**GOOD[0], "more": 1}, {"statement": GOOD[0]["statement"]}])
def test_argument_of_another_form_is_the_scenarios_fault(argument):
    with pytest.raises(InvalidInstructionError, match=r"^<proof> (takes|needs|has)"):
        evaluate({"<proof>": argument}, {})


def test_no_argument_gives_nothing():
    assert evaluate({"<proof>": None}, {}) is None


def test_proofs_are_paid_for_by_their_targets():
    long = {**GOOD[1], "statement": {"commitment": GOOD[1]["statement"]["commitment"], "values": [-1] * 64}}
    assert evaluate([{"<proof>": long}] * 30, {}) == [False] * 30
    with pytest.raises(BudgetExceededError):
        evaluate([{"<proof>": long}] * 32, {})
    with pytest.raises(BudgetExceededError):
        evaluate([{"<proof>": GOOD[1]}] * 2000, {})


def test_example_of_the_page_decides_the_outcome():
    page = (Path(__file__).parents[2] / "docs" / "zero-knowledge.md").read_text("utf-8")
    example = json.loads(re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1))["determine_response"]
    for title, outcome in (
        ("Class 6 of at least 4, shown without being told", "shown"),
        ("An answer to another challenge shows nothing", "not_shown"),
    ):
        data = {given["action"]: given["data"] for given in scenarios.runs("solvency")[title]["responses"]}
        context = {
            "assets": {"certificate": data["certify"], "proof": {**data["announce"], **data["challenge"]}},
            "current": {"response": {"data": data["answer"]}},
        }
        assert evaluate(example, context) == outcome
