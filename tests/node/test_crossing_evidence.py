"""What evidence of a chain shows of the events on another one that it cites."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eventchain import citation
from eventchain.chain import read_chain
from eventchain.core import base58
from livecontract import evidence
from livecontract.cli.chain_report import verify_document
from livecontract.cli.main import app
from livecontract.evidence import Check
from tests.node.crossing import WORDS, Crossing, hearing, telling
from tests.node.stage import make_evidence
from workflow_engine.engine import replay


@pytest.fixture(scope="module")
def chains() -> Crossing:
    chains = Crossing.begin(telling(), hearing())
    chains.say(WORDS)
    chains.here.simulation.settle()
    return chains


@pytest.fixture(scope="module")
def heard(chains: Crossing) -> bytes:
    return make_evidence(chains.there, "answerer")


@pytest.fixture(scope="module")
def told(chains: Crossing) -> bytes:
    return make_evidence(chains.here, "carrier")


def last(checks: list[Check]) -> tuple[str, bool, str]:
    return checks[-1].check, checks[-1].ok, checks[-1].message


def test_evidence_says_what_it_shows_of_the_other_chain_and_what_not(chains: Crossing, heard: bytes) -> None:
    checks = evidence.verify(heard, replay)
    assert all(check.ok for check in checks)
    name, _, message = last(checks)
    assert name == "citations"
    assert "hash and signature of the 1 cited events" in message
    assert f"not compared: whether 1 of them stand on {chains.here.chain}" in message


def test_evidence_of_the_other_chain_shows_the_rest(heard: bytes, told: bytes) -> None:
    checks = evidence.verify(heard, replay, others=[told])
    assert [(check.check, check.ok) for check in checks[-2:]] == [("other file", True), ("citations", True)]
    assert "1 of them stand on the chains" in checks[-1].message
    assert "not compared" not in checks[-1].message


def test_chain_that_cites_nothing_says_nothing_of_it_unless_it_is_asked(heard: bytes, told: bytes) -> None:
    assert "citations" not in [check.check for check in evidence.verify(told, replay)]
    assert last(evidence.verify(told, replay, others=[heard]))[2] == "no event of another chain is cited"


def test_event_that_does_not_stand_where_it_is_said_to_stand_is_found(chains: Crossing) -> None:
    """The carrier signs an event that never was on the chain, and brings it."""
    false = Crossing.begin(telling({"chain": {"<ref>": "assets.there.nothing"}}), hearing())
    false.say(WORDS)
    node, stage = false.here.node("carrier"), false.here
    draft = stage["asker"].sign(
        stage.chain, {"$schema": "urn:livecontract:response:1", "process": "process", "action": "say"}
    )
    event = read_chain(draft).events[0]
    body = {
        "$schema": "urn:livecontract:response:1",
        "process": "process",
        "action": "hear",
        "origin": citation.cite(stage.id, event),
    }
    node.chains.submit(false.there.chain, body)
    stage.simulation.settle()
    theirs, ours = make_evidence(false.there, "answerer"), make_evidence(stage, "asker")
    assert all(check.ok for check in evidence.verify(theirs, replay))
    name, ok, message = last(evidence.verify(theirs, replay, others=[ours]))
    assert (name, ok) == ("citations", False)
    assert base58.encode(event.hash) in message


def test_other_file_that_does_not_verify_shows_nothing(heard: bytes, told: bytes) -> None:
    document = json.loads(told)
    document["projection"]["processes"] = []
    checks = evidence.verify(heard, replay, others=[json.dumps(document).encode()])
    assert [(check.check, check.ok) for check in checks[-2:]] == [("other file", False), ("citations", True)]
    assert "not compared" in checks[-1].message


def test_command_takes_files_of_other_chains(tmp_path: Path, heard: bytes, told: bytes) -> None:
    for name, data in (("heard", heard), ("told", told)):
        (tmp_path / name).write_bytes(data)
    run = CliRunner().invoke(app, ["verify", str(tmp_path / "heard"), "--other", str(tmp_path / "told")])
    assert (run.exit_code, "stand on the chains" in run.stdout) == (0, True)
    alone = CliRunner().invoke(app, ["verify", str(tmp_path / "heard"), "--json"])
    assert json.loads(alone.stdout)["valid"]


def test_chain_that_cites_verifies_by_itself(chains: Crossing) -> None:
    assert verify_document(chains.there.canonical("answerer").to_dict())["valid"]
