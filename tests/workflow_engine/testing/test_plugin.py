"""The plug-in for pytest: silent until it is switched on, and then as good as the command."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FEATURE = """Feature: F
  Background:
    Given "Ann" creates the "main" process using the "signing" scenario
    And "Ann" is the "sender" actor
    And "Bob" is the "recipient" actor

  Scenario: It is withdrawn
    When "Ann" runs the "withdraw" action
    Then the process is cancelled

  Scenario: It is completed
    Then the process is completed
"""

pytestmark = pytest.mark.slow


HERE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
"""Runs pytest with the project as it is here, wherever it may be installed."""


def pytest_of(folder: Path, *options: str) -> tuple[int, str]:
    """Run pytest in a folder, with the plug-in whether it is installed or not."""
    plugin = ["-p", "no:livecontract", "-p", "workflow_engine.testing.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-c", HERE, *plugin, *options, "--rootdir", str(folder), "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.feature").write_text(FEATURE, "utf-8")
    return tmp_path


def test_features_are_left_alone_without_the_option(folder: Path) -> None:
    code, said = pytest_of(folder)
    assert (code, "no tests ran" in said) == (5, True)


def test_each_case_is_a_test_and_a_failure_is_told_in_words(folder: Path) -> None:
    code, said = pytest_of(folder, "--livecontract-features", "-v", "-n", "2")
    assert code == 1
    assert "PASSED a.feature::It is withdrawn" in said
    assert "FAILED a.feature::It is completed" in said
    assert 'Expected  the process "main" to be in the state ":success"' in said
    assert "a.feature, line 12" in said
    assert "Traceback" not in said


def test_setting_switches_it_on_and_names_choose(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\nlivecontract_features = true\n", "utf-8")
    code, said = pytest_of(folder, "-k", "withdrawn")
    assert (code, "1 passed, 1 deselected" in said) == (0, True)


def test_feature_that_cannot_be_read_is_an_error_of_collection(folder: Path) -> None:
    (folder / "a.feature").write_text("Feature: F\nScenario: S\nWhen something happens\n", "utf-8")
    code, said = pytest_of(folder, "--livecontract-features")
    assert code == 2
    assert "line 3: No sentence reads: something happens" in said
    assert "Traceback" not in said
