"""The vectors of data instructions: what every node has to make of them, to the byte."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventchain.core import canonical_json
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import OPERATORS, evaluate

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "operators.json").read_text("utf-8"))
CONTEXT = VECTORS["context"]
RESULTS = [(case["instruction"], case["result"]) for cases in VECTORS["results"].values() for case in cases]
REFUSED = [instruction for cases in VECTORS["refused"].values() for instruction in cases]


def shown(value: Any) -> str:
    return json.dumps(value)[:80]


@pytest.mark.parametrize(("instruction", "result"), RESULTS, ids=shown)
def test_instruction_gives_its_result(instruction: Any, result: Any) -> None:
    assert canonical_json.encode(evaluate(instruction, CONTEXT)) == canonical_json.encode(result)


@pytest.mark.parametrize("instruction", REFUSED, ids=shown)
def test_instruction_is_refused_in_a_sentence(instruction: Any) -> None:
    with pytest.raises(InvalidInstructionError) as caught:
        evaluate(instruction, CONTEXT)
    assert caught.value.path == "$"
    assert len(str(caught.value)) < 600


ELSEWHERE = """
import sys
sys.modules["_decimal"] = None
import decimal
from eventchain.core import canonical_json
from tests.workflow_engine.test_operators_vectors import CONTEXT, RESULTS
from workflow_engine.operators import evaluate
for instruction, result in RESULTS:
    assert canonical_json.encode(evaluate(instruction, CONTEXT)) == canonical_json.encode(result), instruction
print(decimal.Decimal.sqrt.__class__.__name__, len(RESULTS))
"""


def test_results_are_those_of_another_zone_language_hash_seed_and_decimal_library() -> None:
    """Decimal arithmetic is done by a library in C; without it Python's own, written independently, takes its place."""
    environment = {**os.environ, "TZ": "Pacific/Apia", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["function", str(len(RESULTS))]


def test_every_newer_operator_has_vectors() -> None:
    text = json.dumps(RESULTS)
    assert [
        name for name in list(OPERATORS)[6:] if name not in text and name not in ("<apply>", "<equal>", "<if>")
    ] == []
