"""Finding tests in files and folders: `*.feature`, and runs in JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import MAX_BYTES, Feature, read_feature
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.running import IsOver, Result, Test, as_tests, never
from workflow_engine.testing.runs import runs_as_tests

MAX_FILES = 1_000
MAX_RUN_BYTES = 16 * 1024 * 1024

RUNS = "runs"
"""The folder in which JSON files are taken for runs without being named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """One file with tests.

    Attributes:
        path: Where it lies.
        tests: In the order of the file.
        feature: What it holds where it is a feature, else None.
    """

    __test__ = False
    """pytest takes nothing called so for a test of its own."""

    path: Path
    tests: Sequence[Test]
    feature: Feature | None = None

    def run(self, scenarios: Scenarios) -> Iterator[Result]:
        """Run the tests one after the other, on scenarios that are looked up from the file's folder."""
        for test in self.tests:
            yield test.run(scenarios.near(self.path.parent))


def find_tests(paths: Iterable[Path], is_over: IsOver = never) -> list[TestFile]:
    """Return the tests of files, and of all files in folders, in the order of their names.

    Args:
        paths: Files and folders.
        is_over: Whether the time for running them is over; running one then raises TestTimeOverError.

    Raises:
        InvalidFeatureError: A file is not there or no test, a folder holds none, or there are too many.
    """
    found = [file for path in paths for file in _files(path)]
    if len(found) > MAX_FILES:
        raise InvalidFeatureError(f"There are more than {MAX_FILES} files with tests.", hint="Name a smaller folder.")
    return [read_tests(path, is_over) for path in dict.fromkeys(found)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        runs = (file for file in path.rglob("*.json") if file.parent.name == RUNS)
        found = sorted([*path.rglob("*.feature"), *runs])
        if not found:
            raise InvalidFeatureError(
                "There are no tests in this folder.",
                file=str(path),
                hint=f"Tests are *.feature files, and *.json files in a folder called {RUNS}.",
            )
        return [file for file in found if file.is_file()]
    return [path]


def read_tests(path: Path, is_over: IsOver = never) -> TestFile:
    """Return the tests of one file.

    Raises:
        InvalidFeatureError: It cannot be read, or holds no tests.
    """
    shown = str(path)
    try:
        if path.suffix == ".feature":
            feature = read_feature(_bytes(path, MAX_BYTES), shown)
            return TestFile(path=path, tests=as_tests(feature, is_over), feature=feature)
        if path.suffix == ".json":
            document = strict_json.parse(_bytes(path, MAX_RUN_BYTES), max_bytes=MAX_RUN_BYTES)
            return TestFile(path=path, tests=runs_as_tests(document, shown, path.stem, is_over))
    except FileNotFoundError:
        raise InvalidFeatureError("This file does not exist.", file=shown) from None
    except (OSError, ValueError):
        raise InvalidFeatureError("This file cannot be read.", file=shown) from None
    except InvalidFeatureError:
        raise
    except InvalidError as error:
        raise InvalidFeatureError(f"These are no runs: {error.message}.", file=shown) from None
    raise InvalidFeatureError("This is no file with tests.", file=shown, hint="Name a .feature or a .json file.")


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(most + 1)
