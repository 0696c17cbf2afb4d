"""Finding the scenario that a feature names: beside the feature, in the folder above it, and in the library.

`"quotation"` is looked for as `quotation.json` and `quotation/scenario.json`. A name is no path: it leads nowhere else.
A proposal to deviate is looked for as `NAME.json` in these places, in their folders `deviations`, and in the library.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scenarios
from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidScenarioError, quote
from workflow_engine.proposal import OWN_DEVIATION
from workflow_engine.scenario import Scenario
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.runs import are_runs

MAX_BYTES = 1024 * 1024
"""Of the file of a scenario: sixteen times what an event carries, for people who indent."""

DEVIATIONS = "deviations"
"""The folder beside the scenarios in which proposals lie."""

_NAME = re.compile(r"\w[\w .-]{0,99}")


class Scenarios:
    """The scenarios of a run of tests, each read once.

    Args:
        replaced: Scenarios by the id of those that they stand in for (mutants).
        preferred: Scenarios by the name under which they are found wherever it is used.
    """

    def __init__(
        self, replaced: Mapping[str, Scenario] | None = None, *, preferred: Mapping[str, Scenario] | None = None
    ) -> None:
        self._replaced = dict(replaced or {})
        self._preferred = dict(preferred or {})
        self._read: dict[Path | str, Scenario] = {}
        self.documents: dict[str, Any] = {}

    def replacing(self, original: Scenario, mutant: Scenario) -> "Scenarios":
        """Return the same scenarios with one of them changed; what was read is kept."""
        other = Scenarios({**self._replaced, original.id: mutant}, preferred=self._preferred)
        other._read, other.documents = self._read, self.documents
        return other

    def near(self, folder: Path) -> "Near":
        """Return what finds scenarios and proposals for the files of a folder."""
        return Near(self, folder)

    def find(self, folder: Path, name: str) -> Scenario:
        """Return the scenario of a name, for the files of a folder.

        Raises:
            InvalidFeatureError: There is none, or it has errors.
        """
        check_name(name)
        stem = name.removesuffix(".json")
        if stem in self._preferred:
            return self._present(self._preferred[stem])
        for place in (folder.absolute(), folder.absolute().parent):
            for path in (place / f"{stem}.json", place / stem / "scenario.json"):
                if path in self._read or (path.is_file() and _is_scenario(_document(path))):
                    return self._present(self.read(path))
        if stem in scenarios.names():
            if stem not in self._read:
                self._read[stem] = self._loaded(scenarios.load(stem), stem)
            return self._present(self._read[stem])
        raise InvalidFeatureError(
            f"There is no scenario {quote(name)} beside the feature, in the folder above it, or in the library.",
            hint=f"The library has {', '.join(quote(known) for known in scenarios.names())}.",
        )

    def read(self, path: Path) -> Scenario:
        """Return the scenario in a file, as it stands there.

        Raises:
            InvalidFeatureError: It cannot be read, or has errors.
        """
        if path not in self._read:
            document = _document(path)
            self._read[path] = self._loaded(document, path.name)
        return self._read[path]

    def prefer(self, name: str, document: Any) -> Scenario:
        """Return the scenario of a document, which is found under this name from then on. Raises what `read` raises."""
        self._preferred[name] = self._loaded(document, name)
        return self._preferred[name]

    def _loaded(self, document: Any, name: str) -> Scenario:
        try:
            scenario = load(document)
        except InvalidScenarioError as error:
            place = f" (at {error.path})" if error.path else ""
            raise InvalidFeatureError(
                f"The scenario has errors: {error.message}{place}",
                file=name,
                hint="Run `livecontract scenario check` on it.",
            ) from None
        self.documents.setdefault(scenario.id, document)
        return scenario

    def _present(self, scenario: Scenario) -> Scenario:
        return self._replaced.get(scenario.id, scenario)


@dataclass(frozen=True, slots=True)
class Near:
    """Finds what the features of a folder name (`world.Finder`)."""

    scenarios: Scenarios
    folder: Path

    def __call__(self, name: str) -> Scenario:
        """Return a scenario. Raises what `Scenarios.find` raises."""
        return self.scenarios.find(self.folder, name)

    def proposal(self, name: str) -> Mapping[str, Any]:
        """Return the body of a proposal to deviate.

        Raises:
            InvalidFeatureError: There is none of the name, or it is no object.
        """
        check_name(name)
        stem = name.removesuffix(".json")
        for folder in (self.folder.absolute(), self.folder.absolute().parent):
            for path in (folder / f"{stem}.json", folder / DEVIATIONS / f"{stem}.json"):
                if path.is_file() and is_proposal(found := _document(path)):
                    return dict(found)
        if stem in scenarios.deviation_names():
            return scenarios.deviation(stem)
        known = ", ".join(quote(known) for known in scenarios.deviation_names())
        raise InvalidFeatureError(
            f"There is no proposal {quote(name)} beside the feature, in the folder above it, or in the library.",
            hint=f"Its file begins with {quote('$schema')}: {quote(OWN_DEVIATION)}. The library has {known}.",
        )


def is_proposal(document: Any) -> bool:
    """Tell whether a document is a proposal to deviate."""
    return isinstance(document, dict) and document.get("$schema") == OWN_DEVIATION


def check_name(name: str) -> None:
    """See that a feature can name a scenario so.

    Raises:
        InvalidFeatureError: It cannot: the name is a path, or has characters that no such name has.
    """
    if not _NAME.fullmatch(name):
        raise InvalidFeatureError(
            f"{quote(name)} cannot be the name of a scenario.",
            hint="It is the name of its file without folder and `.json`: letters, digits, spaces, `_`, `-` and `.`.",
        )


def _is_scenario(document: Any) -> bool:
    return not are_runs(document) and not is_proposal(document)


def _document(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            return strict_json.parse(stream.read(MAX_BYTES + 1), max_bytes=MAX_BYTES)
    except OSError:
        raise InvalidFeatureError("The scenario cannot be read.", file=path.name) from None
    except InvalidError as error:
        raise InvalidFeatureError(f"The scenario is not JSON: {error.message}.", file=path.name) from None
