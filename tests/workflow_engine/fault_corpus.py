"""Sound scenarios, and the same with one seeded fault each (`faults/*.json`).

A file holds `sound`, a scenario without findings, and `faults`: what is wrong (`fault`), the change that makes it so
(`put`: values by path in the scenario, null to leave a member or item out), the one `rule` that has to find it, and the
`path` at which it has to.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "faults"


class Fault(NamedTuple):
    """A scenario with one fault."""

    name: str
    scenario: dict[str, Any]
    rule: str
    path: str


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def sound(name: str) -> dict[str, Any]:
    scenario: dict[str, Any] = _file(name)["sound"]
    return scenario


def faults() -> Iterator[Fault]:
    for name in names():
        file = _file(name)
        for item in file["faults"]:
            scenario = copy.deepcopy(file["sound"])
            for path, value in item["put"].items():
                _put(scenario, path.split("/"), value)
            yield Fault(f"{name}: {item['fault']}", scenario, item["rule"], item["path"])


def _file(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def _put(value: Any, path: list[str], new: Any) -> None:
    for name in path[:-1]:
        value = value[int(name)] if isinstance(value, list) else value[name]
    key: Any = int(path[-1]) if isinstance(value, list) else path[-1]
    if new is None:
        del value[key]
    else:
        value[key] = new
