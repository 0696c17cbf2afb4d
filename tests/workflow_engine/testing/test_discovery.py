"""Finding tests and their scenarios: in files and folders, beside the feature, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest

import scenarios
from tests.workflow_engine.samples import ORDER
from workflow_engine.testing import lookup
from workflow_engine.testing.discovery import find_tests
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.running import Result

from .features import BEGIN

LIBRARY = Path(scenarios.__file__).parent / "library"
TEXT = f'Feature: F\nScenario: S\n{BEGIN}\nThen the process is in the "initial" state\n'
RUNS: dict[str, Any] = {"Cancelled": {"state": ":cancelled", "responses": [
    {"actor": "buyer", "action": "order", "data": {"price": 1}}, {"actor": "seller", "action": "cancel"}]}}  # fmt: skip


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def played(*paths: Path) -> list[Result]:
    known = Scenarios()
    return [result for file in find_tests(paths) for result in file.run(known)]


def test_runs_of_the_library_are_tests() -> None:
    results = played(LIBRARY / "runs" / "signing.json")
    assert len(results) == len(scenarios.runs("signing"))
    assert not any(result.failure for result in results)


def test_folder_is_searched_for_features_and_runs(tmp_path: Path) -> None:
    write(tmp_path / "order.json", ORDER)
    write(tmp_path / "deep" / "features" / "a.feature", TEXT.replace('"order"', '"signing"').replace("buyer", "sender")
          .replace("seller", "recipient"))  # fmt: skip
    write(tmp_path / "features" / "b.feature", TEXT)
    write(tmp_path / "runs" / "order.json", RUNS)
    write(tmp_path / "notes.json", {"a": 1})
    results = played(tmp_path)
    assert [result.name for result in results] == ["S", "S", "Cancelled"]
    assert not any(result.failure for result in results)


@pytest.mark.parametrize("place", ["order.json", "order/scenario.json", "../order.json"])
def test_scenario_is_found_beside_the_feature_and_above(tmp_path: Path, place: str) -> None:
    feature = write(tmp_path / "features" / "a.feature", TEXT)
    write(tmp_path / "features" / place, ORDER)
    assert played(feature)[0].failure is None


def test_scenario_beside_the_feature_goes_before_that_of_the_library(tmp_path: Path) -> None:
    write(tmp_path / "quotation.json", ORDER)
    feature = write(tmp_path / "a.feature", TEXT.replace('"order"', '"quotation"'))
    assert played(feature)[0].traces[0][0].scenario.name == "order"


@pytest.mark.parametrize("name", ["../order", "/etc/passwd", "a/b", ".", "..", "a\\b", "", "x" * 200, "order\n"])
def test_name_of_a_scenario_is_no_path(tmp_path: Path, name: str) -> None:
    write(tmp_path / "order.json", ORDER)
    with pytest.raises(InvalidFeatureError, match="cannot be the name"):
        Scenarios().near(tmp_path / "features")(name)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "is not JSON"), ({"$schema": "x"}, "has errors"), ("[" * 1000, "is not JSON"), ("", "is not JSON"),
     (" " * (lookup.MAX_BYTES + 1), "is not JSON")],
)  # fmt: skip
def test_scenario_that_cannot_be_used_is_told_by_name(tmp_path: Path, content: Any, said: str) -> None:
    write(tmp_path / "order.json", content)
    result = played(write(tmp_path / "a.feature", TEXT))[0]
    assert result.failure is not None
    assert said in result.failure.actual
    assert "order.json" in result.failure.actual


def test_scenario_that_is_nowhere_is_told_with_those_of_the_library(tmp_path: Path) -> None:
    failure = played(write(tmp_path / "a.feature", TEXT))[0].failure
    assert failure is not None
    assert "nda" in (failure.hint or "")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.feature", None, "does not exist"),
        ("a.txt", "x", "no file with tests"),
        ("a.json", "{", "no runs"),
        ("a.json", {}, "no runs"),
        ("a.json", ORDER, "no runs"),
        ("a.json", {"t": {"state": 1, "responses": []}}, "a state"),
        ("a.json", {"t": {"state": "x", "responses": {}}}, "a state"),
        ("empty/x.txt", "x", "no file with tests"),
    ],
)
def test_file_that_is_no_test_is_refused_by_name(tmp_path: Path, name: str, content: Any, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
    with pytest.raises(InvalidFeatureError, match=said) as caught:
        find_tests([path])
    assert str(path) in caught.value.message


def test_folder_without_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFeatureError, match="no tests in this folder"):
        find_tests([tmp_path])


@pytest.mark.parametrize(
    ("responses", "state", "step", "actual"),
    [
        ([{"actor": "seller", "action": "order"}], "signing", "Response 1: order by seller", "it was refused"),
        ([7], "signing", "Response 1", "it was refused"),
        ([], "signing", 'The process is in the state "signing"', 'it is in "initial"'),
    ],
)
def test_run_that_fails_says_where(tmp_path: Path, responses: list[Any], state: str, step: str, actual: str) -> None:
    write(tmp_path / "order.json", ORDER)
    (result,) = played(write(tmp_path / "runs" / "order.json", {"T": {"state": state, "responses": responses}}))
    assert result.failure is not None
    assert (result.failure.step, result.failure.line) == (step, None)
    assert actual in result.failure.actual
