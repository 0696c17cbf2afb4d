"""Documents of the library between nodes: one node writes them, and every node has the same bytes."""

from typing import Any

import pytest

import scenarios
from eventchain.core.keys import KeyPair
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from tests.workflow_engine.documents.templates import text_in
from workflow_engine.documents import fill
from workflow_engine.documents.action import description
from workflow_engine.documents.retrieval import document_in


def begin(scenario: str, title: str) -> tuple[Stage, list[dict[str, Any]]]:
    """Start a process of the library in which each actor has a node, and return what people do in a run of it."""
    names = tuple(sorted(scenarios.load(scenario)["actors"]))
    stage = Stage.of(Simulation(8, names=names), names).found(names[0], names[1:])
    stage.start(scenario, {name: name for name in names}, names[0])
    return stage, [step for step in scenarios.runs(scenario)[title]["responses"] if step["action"] != "write"]


def act(stage: Stage, step: dict[str, Any]) -> None:
    stage.act(step["actor"], step["action"], step.get("data"))
    stage.simulation.settle(receipts=False)


def documents(stage: Stage, asset: str) -> dict[str, bytes]:
    """Return the document as each node makes it for its own people."""
    nodes = {name: stage.node(name).workflow for name in stage.parties}
    return {name: document_in(engine.process("process", stage.chain), asset) for name, engine in nodes.items()}


@pytest.mark.parametrize(
    ("scenario", "title", "asset", "before", "signers", "part"),
    [
        ("nda", "Signed in the other order", "agreement", 2, 2, "These duties last 3 years from the last signature."),
        ("lease", "Three months, paid in time", "lease", 1, 1, "The lease is for 3 months."),
        ("signing", "The sender signs first", "page", 1, 2, "Those named below sign the document"),
        ("purchase", "Ordered, sent, accepted, paid", "contract", 1, 1, "Oak chair, oiled"),
    ],
)
def test_every_node_has_the_same_bytes_before_and_after_the_last_signature(
    scenario: str, title: str, asset: str, before: int, signers: int, part: str
) -> None:
    stage, steps = begin(scenario, title)
    for step in steps[:before]:
        act(stage, step)
    unsigned = documents(stage, asset)
    (document,) = set(unsigned.values())
    assert part in text_in(document)
    for step in steps[before : before + signers]:
        act(stage, step)
    assert documents(stage, asset) == unsigned
    check_equal(stage, tuple(stage.parties))
    process = stage.node(steps[0]["actor"]).workflow.process("process", stage.chain)
    assert process.assets[asset] == description(document, scenarios.template(scenario))


def test_node_that_describes_another_document_is_believed_by_nobody() -> None:
    stage, steps = begin("lease", "Declined")
    stage["landlord"].respond(stage.chain, "process", "propose", steps[0]["data"])
    terms = {**steps[0]["data"], "rent": 1}
    forged = description(fill(scenarios.template("lease"), {"actors": {}, "assets": {"terms": terms}}), b"")
    stage["landlord"].key = KeyPair.from_seed_phrase("landlord node")
    error = refusal(lambda: stage["landlord"].respond(stage.chain, "process", "write", forged))
    assert "does not describe the document" in str(error)
