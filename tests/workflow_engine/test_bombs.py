"""The corpus of bombs: each is refused with a sentence, or finished, before the system ends its process at a limit."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .bombs.__main__ import modules

FOLDER = Path(__file__).parent / "bombs"
EXPECTED: dict[str, dict[str, str]] = json.loads((FOLDER / "outcomes.json").read_text("utf-8"))
"""How each bomb ends, by module and name: `end: words of what is said`."""


@cache
def set_off(module: str, *options: str) -> dict[str, dict[str, Any]]:
    """Set off the bombs of a module in a process of its own, and return how they ended by name."""
    command = [sys.executable, "-m", "tests.workflow_engine.bombs", "--json", *options, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER.parents[2])
    return {outcome["name"]: outcome for outcome in map(json.loads, done.stdout.splitlines())}


def test_every_bomb_has_an_outcome_that_is_expected() -> None:
    assert set(EXPECTED) == {*modules(), "unguarded"}
    for module, expected in EXPECTED.items():
        assert module == "unguarded" or {words.split(":")[0] for words in expected.values()} <= {"refused", "finished"}


@pytest.mark.slow
@pytest.mark.parametrize("module", modules())
def test_bombs_end_within_the_limits_and_with_a_sentence(module: str) -> None:
    ended = set_off(module)
    assert ended.keys() == EXPECTED[module].keys()
    for name, words in EXPECTED[module].items():
        end, _, said = words.partition(": ")
        outcome = ended[name]
        assert (name, outcome["end"]) == (name, end), outcome
        assert said in outcome["said"], outcome


@pytest.mark.slow
def test_bombs_without_their_guards_reach_the_limits() -> None:
    ended = set_off("unguarded", "--seconds", "1")
    assert ended.keys() == EXPECTED["unguarded"].keys()
    for name, limits in EXPECTED["unguarded"].items():
        assert ended[name]["end"] in limits.split(" or "), ended[name]
