"""Library of scenarios and the JSON Schemas of everything that travels. Data only.

- `library/NAME.json`: scenarios in our own dialect, ready to be used or changed.
- `library/runs/NAME.json`: for each of them, runs to each of its ends: `{title: {state, responses}}`, the responses as
  `livecontract scenario simulate` takes them.
- `library/features/NAME.feature`: for each of them, tests in Gherkin (`livecontract scenario test`).
- `library/templates/NAME.odt`: for some of them, the OpenDocument template of what the parties sign.
- `library/deviations/NAME.json`: proposals to deviate from one of them, ready to be changed and made.
- `schema/NAME.json`: JSON Schemas (2020-12) of scenario, process, response, identity, event, chain, comment,
  deviation, consent, document, template and form.
"""

import json
from importlib import resources
from typing import Any


def names() -> tuple[str, ...]:
    """Return the names of the scenarios, sorted."""
    return _names("library")


def load(name: str) -> dict[str, Any]:
    """Return a scenario of the library.

    Raises:
        KeyError: There is none of this name.
    """
    return _read("library", name)


def runs(name: str) -> dict[str, dict[str, Any]]:
    """Return runs of a scenario by title: `state`, the state that it ends in, and `responses`.

    Raises:
        KeyError: There is no scenario of this name.
    """
    return _read("library/runs", name)


def template_names() -> tuple[str, ...]:
    """Return the names of the scenarios that have a template of a document, sorted."""
    files = (resources.files(__name__) / "library/templates").iterdir()
    return tuple(sorted(file.name.removesuffix(".odt") for file in files if file.name.endswith(".odt")))


def template(name: str) -> bytes:
    """Return the OpenDocument template of a scenario.

    Raises:
        KeyError: There is none of this name.
    """
    if name not in template_names():
        raise KeyError(name)
    return (resources.files(__name__) / "library/templates" / f"{name}.odt").read_bytes()


def deviation_names() -> tuple[str, ...]:
    """Return the names of the deviations, sorted."""
    return _names("library/deviations")


def deviation(name: str) -> dict[str, Any]:
    """Return a proposal to deviate from a scenario of the library.

    Raises:
        KeyError: There is none of this name.
    """
    return _read("library/deviations", name)


def schema_names() -> tuple[str, ...]:
    """Return the names of the JSON Schemas, sorted."""
    return _names("schema")


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema.

    Raises:
        KeyError: There is none of this name.
    """
    return _read("schema", name)


def _names(folder: str) -> tuple[str, ...]:
    files = (resources.files(__name__) / folder).iterdir()
    return tuple(sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json")))


def _read(folder: str, name: str) -> dict[str, Any]:
    if name not in _names(folder):
        raise KeyError(name)
    found: dict[str, Any] = json.loads((resources.files(__name__) / folder / f"{name}.json").read_text("utf-8"))
    return found
