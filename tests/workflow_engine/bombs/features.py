"""Tests of scenarios that are to cost a lot when a person runs them."""

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from workflow_engine.compiling import load
from workflow_engine.testing.discovery import find_tests
from workflow_engine.testing.feature import read_feature
from workflow_engine.testing.lookup import Scenarios
from workflow_engine.testing.mutation import mutate
from workflow_engine.testing.running import IsOver, as_tests

from .limits import Attack
from .parts import scenario
from .stepping import conditions_on_history

HEAD = """Feature: Bomb
  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "bomb" scenario
    And "Ann" is the "one" actor of the "main" process
"""


def read(make: Callable[[], str]) -> Attack:
    """Return a bomb that is a feature to read."""
    return lambda: f"{len(as_tests(read_feature(make().encode(), 'bomb.feature')))} tests"


def until(steps: int) -> IsOver:
    """Return what says that the time is over when it was asked that often, as a clock would say it."""
    asked = count()
    return lambda: next(asked) >= steps


def run(make: Callable[[], str], form: Callable[[], Any]) -> Attack:
    """Return a bomb that is a feature to run on a scenario."""

    def attack() -> str:
        loaded = load(form())
        tests = as_tests(read_feature(make().encode(), "bomb.feature"), until(300))
        results = [test.run(lambda _: loaded) for test in tests]
        failed = [result.failure.actual for result in results if result.failure]
        return f"{len(results)} run, {len(failed)} failed: {failed[:1]}"

    return attack


def mutated(make: Callable[[], str], form: Callable[[], Any]) -> Attack:
    """Return a bomb that is a feature to run on every mutant of a scenario."""

    def attack() -> str:
        loaded = load(form())
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "bomb.feature"
            path.write_text(make(), "utf-8")
            report = mutate(loaded, find_tests([path], until(10)), Scenarios(preferred={"bomb": loaded}))
        return f"{len(report.verdicts)} mutants, {len(report.failed)} failed"

    return attack


def outline(rows: int, columns: int) -> str:
    names = [f"c{index}" for index in range(columns)]
    table = "\n".join("      | " + " | ".join(["x" * 20] * columns) + " |" for _ in range(rows))
    return (
        HEAD
        + '  Scenario Outline: <c0>\n    When "Ann" runs the "go" action with:\n'
        + "\n".join(f"      | {name} | <{name}><{name}> |" for name in names)
        + f"\n    Examples:\n      | {' | '.join(names)} |\n{table}\n"
    )


def growing() -> str:
    """Each step holds what the step before it left, twice."""
    steps = "\n".join(
        '    When "Ann" runs the "go" action with:\n      | text | ${main.assets.made.text}${main.assets.made.text}x |'
        for _ in range(200)
    )
    return f"{HEAD}  Scenario: Grow\n{steps}\n"


def going(cases: int, steps: int) -> str:
    case = '    When "Ann" runs the "go" action\n' * steps
    return HEAD + "".join(f"  Scenario: Case {index}\n{case}" for index in range(cases))


def waiting(duration: str) -> str:
    return f"{HEAD}  Scenario: Wait\n    When {duration} pass\n"


def circling() -> Any:
    """A state that time alone leads back to."""
    return scenario(
        states={
            "initial": {
                "action": "go",
                "timeout": "PT1M",
                "transitions": [
                    {"action": ":timeout", "transition": "again"},
                    {"action": "go", "transition": ":success"},
                ],
            },
            "again": {
                "action": "go",
                "timeout": "PT1M",
                "transitions": [
                    {"action": ":timeout", "transition": "initial"},
                    {"action": "go", "transition": ":success"},
                ],
            },
        }
    )


def keeping() -> Any:
    return scenario(
        assets={"made": {}}, actions={"go": {"actor": "one", "update": "assets.made"}, "end": {"actor": "one"}}
    )


def costly() -> Any:
    """Each response costs nearly what a step may cost."""
    heavy = {"<eval>": "length(map(&length(map(&(@ * @), $.definitions.a)), definitions.a)) > 1000"}
    return scenario(
        definitions={"a": list(range(150))},
        actions={"go": {"actor": "one", "condition": heavy}, "end": {"actor": "one"}, "look": {"actor": "one"}},
        states={
            "initial": {"actions": ["look", "go", "end"], "transitions": [{"action": "end", "transition": ":success"}]}
        },
    )


BOMBS: dict[str, Attack] = {
    "outline with a great many rows": read(lambda: outline(1900, 20)),
    "outline that grows": read(lambda: outline(400, 100)),
    "cases with a great many steps": read(lambda: going(60, 990)),
    "line without an end": read(lambda: HEAD + "  Scenario: " + "x" * 1_000_000),
    "tables in a million characters": read(
        lambda: HEAD + '  Scenario: A\n    When "Ann" runs the "go" action with:\n' + "      | a | b |\n" * 50_000
    ),
    "quotes that might be names": read(lambda: HEAD + "  Scenario: A\n" + ("    When " + '"a" ' * 2000 + "\n") * 60),
    "text that doubles with each step": run(growing, keeping),
    "wait of a thousand years in a circle of timeouts": run(lambda: waiting("P1000Y"), circling),
    "history read by each of many actions": run(
        lambda: going(1, 300), lambda: {**conditions_on_history("length(previous[?action.key == 'go']) > 1000")}
    ),
    "responses that each cost what a step may cost": mutated(lambda: going(20, 900).replace('"go"', '"look"'), costly),
    "mutants of a costly scenario": mutated(lambda: going(4, 200).replace('"go"', '"look"'), costly),
}
