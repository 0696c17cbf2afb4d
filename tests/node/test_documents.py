"""A document that one node makes and the other checks, signed by both parties."""

from collections.abc import Iterator

import pytest

from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, silence
from tests.workflow_engine.documents.templates import nda_with_document, text_in
from workflow_engine.documents import fill
from workflow_engine.documents.action import description, template_of

TERMS = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}
NAMES = ("buyer", "seller")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Two parties, of whom one has proposed terms; no person makes the document."""
    with silence():
        stage = Stage.of(Simulation(1), NAMES).found()
        stage["buyer"].post(stage.chain, nda_with_document())
        stage["buyer"].start_process(stage.chain, "process", "nda", {"discloser": "buyer", "recipient": "seller"})
        stage.simulation.settle(receipts=False)
        stage.act("buyer", "propose", TERMS)
        stage.simulation.settle(receipts=False)
        stage.act("seller", "agree")
        stage.simulation.settle(receipts=False)
        yield stage


def test_node_makes_the_document_and_both_have_the_same(stage: Stage) -> None:
    assert [stage.state(name) for name in NAMES] == ["signing"] * 2
    check_equal(stage, NAMES)
    for name in NAMES:
        process = stage.node(name).workflow.process("process", stage.chain)
        template = template_of(process.scenario, "document")
        document = fill(template, {"title": process.title, "actors": process.actors, "assets": process.assets})
        assert process.assets["document"] == description(document, template)
        assert "A joint bid" in text_in(document)


def test_signed_document_is_the_one_that_was_made(stage: Stage) -> None:
    before = stage.node("seller").workflow.process("process", stage.chain).assets["document"]
    for name in NAMES:
        stage.act(name, "sign")
        stage.simulation.settle(receipts=False)
    assert [stage.state(name) for name in NAMES] == [":success"] * 2
    assert stage.node("buyer").workflow.process("process", stage.chain).assets["document"] == before
    check_equal(stage, NAMES)
