"""What the tests of features share: running a text as a feature, on scenarios that come as documents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import scenarios
from tests.workflow_engine.samples import ORDER
from workflow_engine.compiling import load
from workflow_engine.scenario import Scenario
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import read_feature
from workflow_engine.testing.lookup import is_proposal
from workflow_engine.testing.running import Failure, Result, as_tests

FEATURES = Path(scenarios.__file__).parent / "library" / "features"
TESTED = ("demo-transaction", "nda", "quotation", "signing")
"""Scenarios of the library on which generating and recording are tried."""

BEGIN = """
Given a chain is created by "Ann"
And "Ann" creates the "main" process using the "order" scenario
And "Ann" is the "buyer" actor of the "main" process
And "Bob" is the "seller" actor of the "main" process
"""


class Found:
    """Finds scenarios and proposals that come as documents, by name, as a feature does."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._scenarios = {name: load(item) for name, item in documents.items() if not is_proposal(item)}
        self._proposals = {name: item for name, item in documents.items() if is_proposal(item)}

    def __call__(self, name: str) -> Scenario:
        """Return a scenario."""
        if name not in self._scenarios:
            raise InvalidFeatureError(f"There is no scenario {name}.")
        return self._scenarios[name]

    def proposal(self, name: str) -> Mapping[str, Any]:
        """Return a proposal."""
        if name not in self._proposals:
            raise InvalidFeatureError(f"There is no proposal {name}.")
        found: Mapping[str, Any] = self._proposals[name]
        return found


def results(text: str, **documents: Any) -> list[Result]:
    """The results of a whole feature."""
    feature = read_feature(text.encode(), "test.feature")
    find = Found(documents or {"order": ORDER})
    return [test.run(find) for test in as_tests(feature)]


def run(steps: str, begin: str = BEGIN, **documents: Any) -> Result:
    """The result of one case, which begins with a process called main."""
    (result,) = results(f"Feature: F\nScenario: S\n{begin}\n{steps}", **documents)
    return result


def passes(steps: str, begin: str = BEGIN, **documents: Any) -> Result:
    """See that a case passes."""
    result = run(steps, begin, **documents)
    assert result.failure is None, result.failure
    return result


def fails(steps: str, begin: str = BEGIN, **documents: Any) -> Failure:
    """See that a case fails, at its last sentence, and return what is told of it."""
    failure = run(steps, begin, **documents).failure
    assert failure is not None
    sentences = [line for line in steps.splitlines() if line.strip().startswith(("Given", "When", "Then", "And"))]
    assert failure.step.split(" ", 1)[1] == sentences[-1].strip().split(" ", 1)[1]
    return failure
