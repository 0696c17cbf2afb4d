"""The vectors of data instructions: what every node has to make of them, to the byte."""

import json
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


def test_every_newer_operator_has_vectors() -> None:
    text = json.dumps(RESULTS)
    assert [
        name for name in list(OPERATORS)[6:] if name not in text and name not in ("<apply>", "<equal>", "<if>")
    ] == []
