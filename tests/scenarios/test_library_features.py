"""The features of the library: all pass, together they come to everything, and no mutant is left unexplained."""

from functools import cache
from pathlib import Path

import pytest

import scenarios
from workflow_engine.compiling import load
from workflow_engine.testing.coverage import Coverage
from workflow_engine.testing.discovery import TestFile, find_tests
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.mutation import mutate
from workflow_engine.testing.running import Result

FEATURES = Path(scenarios.__file__).parent / "library" / "features"
FEATURED = scenarios.names()


@cache
def played(name: str) -> tuple[TestFile, list[Result]]:
    """The tests of a scenario, and what came of them: each is run once."""
    (file,) = find_tests([FEATURES / f"{name}.feature"])
    return file, list(file.run(Scenarios()))


def test_every_scenario_has_a_feature_and_every_feature_a_scenario() -> None:
    assert sorted(path.stem for path in FEATURES.iterdir()) == sorted(FEATURED)


@pytest.mark.parametrize("name", FEATURED)
def test_every_case_passes(name: str) -> None:
    _, results = played(name)
    assert [result.failure for result in results if result.failure is not None] == []


@pytest.mark.parametrize("name", FEATURED)
def test_cases_come_to_every_state_transition_response_and_outcome_of_a_condition(name: str) -> None:
    coverage = Coverage()
    for result in played(name)[1]:
        coverage.add(result.traces)
    own = {item.id for item in load(scenarios.load(name)).with_embedded()}
    missing = {item["id"]: item["missing"] for item in coverage.report({}) if item["id"] in own}
    assert missing == {id_: [] for id_ in own}


@pytest.mark.slow
@pytest.mark.parametrize("name", FEATURED)
def test_no_mutant_is_left_unexplained(name: str) -> None:
    known = Scenarios()
    report = mutate(known.prefer(name, scenarios.load(name)), [played(name)[0]], known)
    assert [(verdict.kind, verdict.path) for verdict in report.of("survived")] == []
    assert list(report.needless) == []
