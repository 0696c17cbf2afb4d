"""What docs/operators.md shows is so: every example, every row of its tables, every name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eventchain.core import canonical_json
from workflow_engine.checks.arguments import doubts
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import OPERATORS, budget, dates, digests, evaluate, number_format, transformation

PAGE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text("utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
CONTEXT, COMMITMENT = BLOCKS
REFUSED = object()

CELL = r"(?:``\s(.+?)\s``|`(.+?)`)"
EXAMPLES = re.findall(r"^- `(\{.*\})` → `(.*)`$", PAGE, re.MULTILINE)
EXPRESSIONS = re.findall(rf"^\| {CELL} \|.*\| (`.*`|refused) \|$", PAGE.partition("## Expressions")[2], re.MULTILINE)


def rows() -> list[tuple[Any, Any]]:
    """Return instructions with their results, or with `REFUSED`."""
    found: list[tuple[Any, Any]] = [(json.loads(given), json.loads(result)) for given, result in EXAMPLES]
    for in_two, in_one, result in EXPRESSIONS:
        given = in_two or in_one
        instruction = json.loads(given) if given.startswith('{"<') else {"<eval>": given}
        text = result.partition("`")[2].rpartition("`")[0]
        found.append((instruction, json.loads(text) if text else REFUSED))
    return found


ROWS = rows()


def test_page_has_as_many_rows_as_were_found() -> None:
    tables = PAGE.partition("## Expressions")[2]
    written = [line for line in tables.splitlines() if line.startswith("| `")]
    assert len(EXPRESSIONS) == len(written)
    assert len(EXAMPLES) == len(re.findall(r"^- `\{", PAGE, re.MULTILINE))
    assert len(ROWS) > 80


@pytest.mark.parametrize(("instruction", "result"), ROWS, ids=lambda value: json.dumps(value, default=str)[:80])
def test_example_gives_what_the_page_says(instruction: Any, result: Any) -> None:
    if result is REFUSED:
        with pytest.raises(InvalidInstructionError):
            evaluate(instruction, CONTEXT)
    else:
        assert canonical_json.encode(evaluate(instruction, CONTEXT)) == canonical_json.encode(result)


def test_commitment_of_the_page_is_met_by_what_it_commits_to() -> None:
    shown = {"bid": 1200, "salt": "6f1c7d0f2c3a4b5e8d9c0a1b2c3d4e5f"}
    digest = canonical_json.digest({**shown, "bidder": "buyer", "process": "p1"}).hex()
    current = {"actor": {"key": "buyer", "commitment": digest}, "response": {"data": shown}}
    assert evaluate(COMMITMENT, {**CONTEXT, "current": current}) is True
    copied = {**current, "actor": {"key": "seller", "commitment": digest}}
    assert evaluate(COMMITMENT, {**CONTEXT, "current": copied}) is False


def test_pattern_with_delimiters_is_warned_about() -> None:
    assert list(doubts("<match>", {"input": "Foo", "regex": "/foo/i"}))


def test_every_name_is_listed() -> None:
    listed = set(re.findall(r"[\w<>]+", PAGE))
    assert set(OPERATORS) <= listed
    assert set(digests.ALGORITHMS) <= listed
    assert set(number_format.LOCALES) <= listed
    assert set(number_format.CURRENCIES) <= listed
    assert set(transformation.FUNCTIONS) | set(transformation.REFUSED) <= listed
    assert set(dates.LETTERS) <= listed


def test_locales_write_what_the_page_shows() -> None:
    table = re.findall(r"^\| `((?:[a-z]{2}_[A-Z]{2} ?)+)` \| (.*) \| (.*), (.*) \|$", PAGE, re.MULTILINE)
    shown = {name: forms for names, *forms in table for name in names.split()}
    assert shown.keys() == number_format.LOCALES.keys()
    for name, forms in shown.items():
        numbers = [
            number_format.write(1000.5, name, None, None),
            number_format.write(1000.5, name, None, "EUR"),
            number_format.write(-1000.5, name, None, "EUR"),
        ]
        assert [re.sub("[\u00a0\u202f]", " ", number) for number in numbers] == forms


def test_operators_stand_in_the_order_in_which_they_run() -> None:
    tables = PAGE.partition("## Expressions")[0]
    order = {name: index for index, name in enumerate(OPERATORS)}
    for section in tables.split("\n## ")[2:]:
        names = [name for row in re.findall(r"^\| ((?:`<\w+>` ?)+)\|", section, re.MULTILINE) for name in row.split()]
        found = [order[name.strip("`")] for name in names]
        assert found == sorted(found)


def test_budget_is_that_of_the_code() -> None:
    assert f"{budget.MAX_STEPS:,} steps and {budget.MAX_SIZE:,} characters" in PAGE
    assert f"nest {budget.MAX_DEPTH} deep" in PAGE
