"""Evidence: what is no evidence, what is damaged, what is forged, and by whom a file was made."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from eventchain.core import base58, canonical_json
from eventchain.core.keys import KeyPair
from livecontract import evidence
from livecontract.simulation import Simulation
from tests.node.stage import Stage, make_evidence, silence
from workflow_engine.engine import replay

THIEF = KeyPair.from_seed_phrase("thief")


@pytest.fixture(scope="module")
def stage() -> Stage:
    with silence():
        stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found().start_quotation()
        stage.act("buyer", "request", {"item": "x", "quantity": 1})
        stage.simulation.settle()
        return stage


@pytest.fixture(scope="module")
def proof(stage: Stage) -> bytes:
    return make_evidence(stage, "seller")


def failed(data: bytes, **arguments: Any) -> list[str]:
    return [check.check for check in evidence.verify(data, replay, **arguments) if not check.ok]


def test_file_of_a_running_contract_verifies(proof: bytes) -> None:
    checks = evidence.verify(proof, replay)
    assert all(check.ok for check in checks)
    assert all(check.message for check in checks)
    assert failed(proof + b"\n") == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'"text"', b"\xff\xfe", b"PK\x03\x04", b'{"version":1}'])
def test_another_file_is_no_evidence(data: bytes) -> None:
    with pytest.raises(evidence.NotEvidenceError):
        evidence.verify(data, replay)


def test_another_version_is_not_guessed_at(proof: bytes) -> None:
    with pytest.raises(evidence.NotEvidenceError, match="reads urn:livecontract:evidence:1"):
        evidence.verify(proof.replace(b"evidence:1", b"evidence:2"), replay)


@pytest.mark.parametrize("length", [0.2, 0.5, 0.9, 0.999])
def test_file_that_is_cut_off_is_damaged(proof: bytes, length: float) -> None:
    part = proof[: int(len(proof) * length)]
    if evidence.VERSION.encode() in part:
        assert failed(part) == ["document"]
    else:
        with pytest.raises(evidence.NotEvidenceError):
            evidence.verify(part, replay)


@pytest.mark.parametrize(
    "write",
    [
        lambda document: json.dumps(document).encode(),
        lambda document: json.dumps(document, indent=1).encode(),
        lambda document: canonical_json.encode(document).replace(b'{"chain"', b'{"chain":{},"chain"', 1),
        lambda document: b"\xef\xbb\xbf" + canonical_json.encode(document),
        lambda document: canonical_json.encode(document) + b" ",
    ],
    ids=["spaces", "lines", "member twice", "mark", "space at the end"],
)
def test_file_in_another_form_was_changed(proof: bytes, write: Callable[[Any], bytes]) -> None:
    assert "document" in failed(write(json.loads(proof)))


def signed_by(proof: bytes, key: KeyPair, issuer: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Change a file and sign it again."""
    document = json.loads(proof)
    document["issuer"] = {"identity": issuer, "key": str(key.public_key)}
    change(document)
    content = {name: value for name, value in document.items() if name not in ("digest", "signature")}
    digest = canonical_json.digest(content)
    signature = {"digest": base58.encode(digest), "signature": base58.encode(key.sign(digest))}
    return canonical_json.encode({**content, **signature})


def test_file_made_by_no_party_names_its_issuer_as_wrong(proof: bytes) -> None:
    assert failed(signed_by(proof, THIEF, "seller", lambda _: None)) == ["issuer"]


def test_party_is_not_made_out_to_be_another(stage: Stage, proof: bytes) -> None:
    key = stage.node("seller").parts.key
    assert failed(signed_by(proof, key, "buyer", lambda _: None)) == ["issuer"]
    assert failed(signed_by(proof, key, "seller", lambda _: None)) == []


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], set[str]]] = {
    "another end": (lambda d: d["chain"]["events"].pop(), {"replay", "receipts", "public chain", "times"}),
    "another state": (lambda d: d["projection"]["processes"][0]["current"].update(key=":success"), {"replay"}),
    "another time": (lambda d: d["chain"]["events"][1].update(timestamp=1), {"hashes"}),
    "no receipts": (lambda d: d.update(receipts={}), {"receipts", "public chain", "times"}),
    "receipts of nothing": (lambda d: d.update(receipts=[]), {"receipts", "public chain", "times"}),
    "no headers": (lambda d: d["public_chain"].update(headers=[]), {"public chain"}),
    "easier rules": (lambda d: d["public_chain"]["parameters"].update(block_time=1), {"public chain"}),
    "unknown rules": (lambda d: d["public_chain"]["parameters"].update(more=1), {"public chain"}),
    "no chain": (lambda d: d.update(chain=None), {"chain", "links", "hashes", "signatures", "members"}),
    "deep": (lambda d: d.update(chain=json.loads("[" * 50 + "]" * 50)), {"chain"}),
}


@pytest.mark.parametrize("name", LIES)
def test_lie_that_a_party_signed_itself_is_found(stage: Stage, proof: bytes, name: str) -> None:
    """The issuer may write what it likes into its own file; the other signatures do not bend."""
    change, checks = LIES[name]
    found = failed(signed_by(proof, stage.node("seller").parts.key, "seller", change))
    assert checks <= set(found)
    assert "document" not in found


def test_clock_that_is_a_little_ahead_does_not_spoil_the_evidence() -> None:
    simulation = Simulation(4, names=("buyer", "seller"))
    with silence():
        late = Stage.of(simulation, ("buyer", "seller")).found()
        tolerated = 4 * 60 * 1000
        simulation.clock.now += tolerated
        document = late["buyer"].sign(late.chain, late.note())
        simulation.clock.now -= tolerated
        late["buyer"].send(document)
        simulation.settle()
        assert failed(make_evidence(late, "buyer")) == []


def test_branch_is_no_part_of_the_evidence() -> None:
    with silence():
        forked = Stage.of(Simulation(4, names=("buyer", "seller")), ("buyer", "seller")).found()
        for name in ("buyer", "seller"):
            forked[name].post(forked.chain, forked.note(name))
        forked.simulation.settle()
        for name in ("buyer", "seller"):
            data = make_evidence(forked, name)
            assert failed(data) == []
            assert len(json.loads(data)["chain"]["events"]) == 3
