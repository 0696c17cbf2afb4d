"""A plug-in for pytest that collects features: `pytest --livecontract-features`, or `livecontract_features = true`.

It does nothing until it is switched on, so that it surprises nobody who has this project installed. Each case is a test
of its own; scenarios are looked up as `livecontract scenario test` does. This module alone imports pytest, which is
installed by whoever runs it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.running import Failure, Test

_OPTION = "livecontract_features"
_HELP = "collect *.feature files as tests of scenarios (livecontract)"


class FeatureFailedError(Exception):
    """A case failed; it carries what is told of it."""

    def __init__(self, failure: "Failure") -> None:
        super().__init__(f"expected {failure.expected}, but {failure.actual}")
        self.failure = failure


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option and the setting that switch the plug-in on."""
    group = parser.getgroup("livecontract")
    group.addoption("--livecontract-features", action="store_true", default=False, dest=_OPTION, help=_HELP)
    parser.addini(_OPTION, _HELP, type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a feature, where the plug-in is switched on."""
    config = parent.config
    if file_path.suffix != ".feature" or not (config.getoption(_OPTION) or config.getini(_OPTION)):
        return None
    file: FeatureFile = FeatureFile.from_parent(parent, path=file_path)
    return file


class FeatureFile(pytest.File):
    """A feature; its cases are tests."""

    def collect(self) -> Iterable["FeatureCase"]:
        """Read the feature; what is wrong with it is an error of collection."""
        from eventchain.core.errors import InvalidError
        from workflow_engine.testing.discovery import read_tests
        from workflow_engine.testing.lookup import Scenarios

        try:
            found = read_tests(self.path)
        except InvalidError as error:
            raise self.CollectError(str(error)) from None
        scenarios = Scenarios()
        for test in found.tests:
            yield FeatureCase.from_parent(self, name=test.name, test=test, scenarios=scenarios)


class FeatureCase(pytest.Item):
    """One case of a feature."""

    def __init__(self, *, test: "Test", scenarios: "Scenarios", **rest: Any) -> None:
        super().__init__(**rest)
        self._test = test
        self._scenarios = scenarios

    def runtest(self) -> None:
        """Run the case.

        Raises:
            FeatureFailedError: A step failed.
        """
        result = self._test.run(self._scenarios.near(self.path.parent))
        if result.failure is not None:
            raise FeatureFailedError(result.failure)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Tell of a failure in words; of everything else as pytest does."""
        from workflow_engine.testing.report import failure_lines

        if isinstance(excinfo.value, FeatureFailedError):
            return "\n".join([str(excinfo.value), *failure_lines(excinfo.value.failure)])
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where the case stands."""
        return self.path, None if self._test.line is None else self._test.line - 1, self.name
