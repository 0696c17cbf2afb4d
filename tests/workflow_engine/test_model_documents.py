"""Exploring scenarios that write documents, which hang on texts that nobody tries."""

import copy
from typing import Any

import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.model import examine
from workflow_engine.model.graph import NATURE, Graph
from workflow_engine.testing.exploring import UNWRITABLE
from workflow_engine.testing.generating import generate


def graph_of(document: Any) -> Graph:
    graph = examine(document).graph
    assert graph is not None
    return graph


@pytest.fixture
def agreement() -> dict[str, Any]:
    return copy.deepcopy(scenarios.load("nda"))


def test_document_may_be_written_or_not_and_nobody_chooses_which(agreement: dict[str, Any]) -> None:
    graph = graph_of(agreement)
    moves = [move for row in graph.moves for move in row if move.action == "write"]
    assert {(move.mover, move.response) for move in moves} == {(NATURE, "ok"), (NATURE, "error")}
    assert graph.untried == ()


def test_run_beyond_a_document_can_be_played_since_its_data_is_left_out(agreement: dict[str, Any]) -> None:
    del agreement["states"]["signing"]["timeout"]
    agreement["states"]["signing"]["transitions"].pop()
    agreement["states"]["signing"]["actions"] = ["sign"]
    (finding,) = [
        finding for finding in examine(agreement).findings if finding.problem.path == "$.states.signing"
        and finding.problem.severity == "warning"
    ][:1]  # fmt: skip
    assert finding.run is not None
    assert finding.run.is_certain
    (written,) = [step for step in finding.run.responses if step["action"] == "write"]
    assert "data" not in written
    assert simulate.play(load(agreement), list(finding.run.responses)).current.key == "signing"


def test_run_through_a_document_that_cannot_be_written_is_called_possible(agreement: dict[str, Any]) -> None:
    agreement["states"]["unwritten"]["actions"] = ["decline"]
    del agreement["states"]["unwritten"]["timeout"]
    agreement["states"]["unwritten"]["transitions"] = [{"action": "decline", "transition": ":failed"}]
    found = [item for item in examine(agreement).findings if item.problem.path == "$.states.unwritten"]
    assert [(item.problem.rule, item.run is not None and item.run.is_certain) for item in found] == [
        ("can-stall", False)
    ]


def test_generated_feature_makes_up_a_text_that_no_document_can_hold() -> None:
    made = generate("signing", load(scenarios.load("signing")))
    assert made.missing == []
    assert UNWRITABLE.partition("\v")[2] in made.texts[0]
