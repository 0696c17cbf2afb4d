"""Mutation: each kind of change is made, and tests that would notice do (the library: tests/scenarios)."""

from pathlib import Path
from typing import Any

import pytest

import scenarios
from tests.workflow_engine.samples import ORDER
from workflow_engine.compiling import load
from workflow_engine.testing.discovery import find_tests
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.mutants import mutants, replaced
from workflow_engine.testing.mutation import Report, mutate

from .features import BEGIN, FEATURES


def mutated(tmp_path: Path, text: str, document: Any = ORDER) -> Report:
    (tmp_path / "a.feature").write_text(f"Feature: F\nScenario: S\n{BEGIN}\n{text}", "utf-8")
    known = Scenarios()
    return mutate(known.prefer("order", document), find_tests([tmp_path / "a.feature"]), known)


def test_mutants_differ_from_the_scenario_and_change_one_place() -> None:
    scenario = load(ORDER)
    kinds = set()
    for mutant in mutants(scenario):
        kinds.add(mutant.kind)
        assert mutant.form != scenario.normal_form
        top = [key for key in mutant.form if mutant.form[key] is not scenario.normal_form[key]]
        assert top == [mutant.path[0]]
    assert kinds == {
        "condition-dropped", "condition-negated", "transition-dropped", "end-changed", "timeout-dropped",
        "timeout-doubled", "action-dropped", "actor-dropped", "form-dropped", "update-dropped", "patch-flipped",
    }  # fmt: skip


def test_remaining_kinds_are_made_where_there_is_something_to_change() -> None:
    document = {
        **ORDER,
        "allow_actions": ["cancel"],
        "definitions": {"who": ["buyer"]},
        "actions": {**ORDER["actions"], "cancel": {
            "actors": {"<ref>": "definitions.who"},
            "determine_response": "ok", "update": {"select": "title", "projection": "a"}}},
        "states": {**ORDER["states"], "initial": {"actions": ["order"], "transitions": [
            {"action": "order", "response": "ok", "transition": "signing"}, {"transition": ":failed"}]}},
    }  # fmt: skip
    made = {(mutant.kind, mutant.path) for mutant in mutants(load(document))}
    assert ("determination-dropped", ("actions", "cancel", "determine_response")) in made
    assert ("projection-dropped", ("actions", "cancel", "responses", "ok", "update", 0, "projection")) in made
    assert ("transitions-swapped", ("states", "initial", "transitions", 0)) in made
    assert ("action-dropped", ("allow_actions", 0)) in made


def test_change_shares_what_it_does_not_change() -> None:
    form: Any = {"a": [{"b": 1}, {"c": 2}], "d": {}}
    changed = replaced(form, ("a", 0, "b"), 3)
    assert changed == {"a": [{"b": 3}, {"c": 2}], "d": {}}
    assert changed["a"][1] is form["a"][1]
    assert form["a"][0] == {"b": 1}


def test_mutant_that_a_test_notices_is_named_with_the_test(tmp_path: Path) -> None:
    report = mutated(tmp_path, 'Then "Bob" cannot run the "order" action')
    verdicts = {(verdict.kind, verdict.path): verdict for verdict in report.verdicts}
    assert verdicts["action-dropped", "$.states.initial.actions[1]"].outcome == "survived"
    report = mutated(tmp_path, 'When "Ann" runs the "add_line" action')
    verdicts = {(verdict.kind, verdict.path): verdict for verdict in report.verdicts}
    noticed = verdicts["action-dropped", "$.states.initial.actions[1]"]
    assert (noticed.outcome, noticed.by) == ("noticed", "S")
    survivor = verdicts["condition-dropped", "$.actions.sign.condition"]
    assert (survivor.outcome, survivor.by) == ("survived", None)
    assert survivor.message == 'Without the condition of the action "sign", no test fails.'


def test_survivor_may_be_explained_and_what_explains_nothing_is_told(tmp_path: Path) -> None:
    report = mutated(
        tmp_path,
        """
        When "Ann" runs the "add_line" action
        # survives: condition-dropped $.actions.sign.condition: Not yet tested.
        # survives: action-dropped $.states.initial.actions[1]: It is noticed.
        # survives: nothing $.x: There is none.
        """,
    )
    (explained,) = report.of("explained")
    assert (explained.path, explained.by) == ("$.actions.sign.condition", "Not yet tested.")
    assert list(report.needless) == ["action-dropped $.states.initial.actions[1]", "nothing $.x"]


def test_mutant_that_the_check_refuses_does_not_survive(tmp_path: Path) -> None:
    report = mutated(tmp_path, 'When "Ann" runs the "add_line" action')
    refused = {verdict.path: verdict.message for verdict in report.of("refused")}
    assert refused["$.states.initial.transitions[0]"].endswith("the scenario would not pass its check.")


def test_tests_that_fail_anyway_end_it(tmp_path: Path) -> None:
    report = mutated(tmp_path, "Then the process is completed")
    assert (len(report.failed), report.verdicts) == (1, ())


def test_tests_of_another_scenario_are_no_use(tmp_path: Path) -> None:
    (tmp_path / "a.feature").write_text(f"Feature: F\nScenario: S\n{BEGIN}\n".replace('"order"', '"signing"')
                                        .replace('"buyer"', '"sender"').replace('"seller"', '"recipient"'))  # fmt: skip
    known = Scenarios()
    with pytest.raises(InvalidFeatureError, match="None of the tests is about"):
        mutate(known.prefer("order", ORDER), find_tests([tmp_path]), known)


def test_explanations_for_other_scenarios_are_left_alone() -> None:
    known = Scenarios()
    files = find_tests([FEATURES / "signing.feature", FEATURES / "nda.feature"])
    report = mutate(known.prefer("signing", scenarios.load("signing")), files, known)
    assert (list(report.needless), len(report.of("explained"))) == ([], 2)
