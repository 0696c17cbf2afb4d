"""Bombs with a guard taken away: each has to reach a limit, or the limits would show nothing."""

import re
from typing import Any

from workflow_engine import schema, schema_keywords
from workflow_engine.operators import Budget, evaluate

from .limits import Attack
from .parts import doubling
from .stepping import RIPE

ENDLESS = 10**15


def without_end() -> None:
    while True:
        pass


def schema_without_budget() -> None:
    with schema_keywords.shared_work(ENDLESS):
        schema.validate(doubling(24, leaf={"minimum": 0}), 1)


def instructions_without_steps() -> None:
    evaluate({"<eval>": "map(&map(&map(&(@ * @), $.a), $.a), a)"}, {"a": list(range(3000))}, Budget(ENDLESS, ENDLESS))


def instructions_without_size() -> None:
    value: Any = {"<ref>": "a"}
    for _ in range(5):
        value = {"<merge>": [value] * 16}
    evaluate({"x": value}, {"a": "x" * 10_000}, Budget(ENDLESS, ENDLESS))


def pattern_that_backtracks() -> None:
    re.compile("^(a+)+$").search(RIPE)


BOMBS: dict[str, Attack] = {
    "loop": without_end,
    "memory": lambda: bytearray(2**40),
    "schema": schema_without_budget,
    "instructions that take steps": instructions_without_steps,
    "instructions that make texts": instructions_without_size,
    "pattern": pattern_that_backtracks,
}
