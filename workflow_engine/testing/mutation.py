"""Mutation of a scenario: without this part of it, does any test fail?

The tests are run on every mutant until one fails, those first that come to the state or do the action which is changed.
A mutant that no test notices survives: either a test is missing, or
the part changes nothing (then a comment in a feature says why), or the passive tests refuse the mutant anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workflow_engine.checks import check
from workflow_engine.compiling import compile_scenario
from workflow_engine.errors import Path, quote
from workflow_engine.scenario import Scenario
from workflow_engine.testing.coverage import given_places
from workflow_engine.testing.discovery import TestFile
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.mutants import Mutant, mutants
from workflow_engine.testing.running import Result, Test

Outcome = Literal["noticed", "survived", "explained", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one mutant.

    Attributes:
        kind: What was done.
        path: JSON path in the scenario as it was written.
        outcome: A test failed; none did; none did and a feature says why; the passive tests refuse it.
        message: A sentence.
        by: Name of the test that noticed it, the reason that a feature gives, or None.
    """

    kind: str
    path: str
    outcome: Outcome
    message: str
    by: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the attributes under their names."""
        return {
            "kind": self.kind, "path": self.path, "outcome": self.outcome, "message": self.message, "by": self.by
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all mutants.

    Attributes:
        failed: Tests that fail on the scenario as it is; then no mutant was tried.
        verdicts: One for each mutant.
        needless: Explanations in features of mutants that do not survive, or that there are not.
    """

    failed: Sequence[Result] = ()
    verdicts: Sequence[Verdict] = ()
    needless: Sequence[str] = ()

    def of(self, outcome: Outcome) -> list[Verdict]:
        """Return the verdicts of one outcome."""
        return [verdict for verdict in self.verdicts if verdict.outcome == outcome]


def mutate(scenario: Scenario, files: Sequence[TestFile], scenarios: Scenarios) -> Report:
    """Run tests on every mutant of a scenario.

    Raises:
        InvalidFeatureError: None of the tests is about this scenario.
    """
    results = [(file, test, test.run(scenarios.near(file.path.parent))) for file in files for test in file.tests]
    failed = [result for _, _, result in results if result.failure is not None]
    if failed:
        return Report(failed=failed)
    concerned = [(file, test) for file, test, result in results if _concerns(result, scenario)]
    touched = {id(test): _touched(result) for _, test, result in results}
    if not concerned:
        raise InvalidFeatureError(
            f"None of the tests is about the scenario {quote(scenario.name or scenario.id)}.",
            hint="A feature names it: … creates the … process using the … scenario.",
        )
    features = [file.feature for file, _ in concerned if file.feature is not None]
    explained = {key: reason for feature in features for key, reason in feature.explained.items()}
    place = given_places(scenarios.documents.get(scenario.id, scenario.normal_form))
    verdicts = []
    for mutant in mutants(scenario):
        ordered = [item for item in concerned if mutant.path[:2] in touched[id(item[1])]]
        ordered += [item for item in concerned if mutant.path[:2] not in touched[id(item[1])]]
        verdicts.append(_verdict(mutant, scenario, ordered, scenarios, place(mutant.path), explained))
    used = {f"{verdict.kind} {verdict.path}" for verdict in verdicts if verdict.outcome == "explained"}
    return Report(verdicts=verdicts, needless=sorted(explained.keys() - used))


def _concerns(result: Result, scenario: Scenario) -> bool:
    return any(process.base.id == scenario.id for trace in result.traces for process in trace)


def _touched(result: Result) -> set[Path]:
    """Return the places in the normal form of the states that a test came to, and of the actions that it did."""
    found: set[Path] = set()
    for trace in result.traces:
        for process in trace:
            found.add(("states", process.current.key))
            found.update(("actions", given["action"]["key"]) for given in process.previous[-1:])
    return found


def _verdict(
    mutant: Mutant,
    scenario: Scenario,
    tests: Sequence[tuple[TestFile, Test]],
    scenarios: Scenarios,
    path: str,
    explained: dict[str, str],
) -> Verdict:
    changed = scenarios.replacing(scenario, compile_scenario(mutant.form))
    noticed = next(
        (test.name for file, test in tests if test.run(changed.near(file.path.parent)).failure is not None), None
    )
    reason = explained.get(f"{mutant.kind} {path}")
    outcome: Outcome = "survived"
    if noticed is not None:
        outcome, message = "noticed", f"{mutant.sentence}, a test fails."
    elif not check(mutant.form).valid:
        outcome, message = "refused", f"{mutant.sentence}, the scenario would not pass its check."
    else:
        outcome = "survived" if reason is None else "explained"
        message = f"{mutant.sentence}, no test fails."
    by = noticed if outcome == "noticed" else reason if outcome == "explained" else None
    return Verdict(kind=mutant.kind, path=path, outcome=outcome, message=message, by=by)
