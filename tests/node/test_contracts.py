"""Whole contracts over three nodes, from the first event to evidence that anybody can verify."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from anchor import receipt as receipts
from eventchain.core import base58, canonical_json
from livecontract import evidence
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, make_evidence, play_quotation, silence
from workflow_engine.engine import replay

NAMES = ("buyer", "seller", "inspector")


@pytest.fixture(scope="module", params=["seller", "buyer"])
def played(request: pytest.FixtureRequest) -> Stage:
    """The quotation of the library, played to its end, whoever signs first."""
    with silence():
        stage = Stage.of(Simulation(1))
        play_quotation(stage, first_signer=request.param)
        stage.simulation.settle()
        return stage


@pytest.fixture(scope="module")
def proof() -> bytes:
    with silence():
        stage = Stage.of(Simulation(1))
        play_quotation(stage)
        stage.simulation.settle()
        return make_evidence(stage, "inspector")


def test_contract_ends_in_success_on_every_node(played: Stage) -> None:
    assert [played.state(name) for name in NAMES] == [":success"] * 3


def test_chains_and_projections_are_equal_everywhere_and_equal_to_a_replay(played: Stage) -> None:
    check_equal(played)
    documents = [json.dumps(played.canonical(name).to_dict()).encode() for name in NAMES]
    assert len(set(documents)) == 1


def test_every_event_has_a_receipt_that_verifies_on_every_node(played: Stage) -> None:
    for name in NAMES:
        found = played.node(name).receipts.of_chain(played.id)
        assert list(found) == [base58.encode(event.hash) for event in played.canonical(name).events]
        for event in played.canonical(name).events:
            receipt = found[base58.encode(event.hash)]
            assert receipt is not None
            receipts.verify(receipt, event.hash)


def test_outside_world_is_told_once(played: Stage) -> None:
    (request,) = played.simulation.world.requests
    assert request.method == "POST"
    assert request.url == "http://127.0.0.1:8080/orders"
    assert [mail.to for mail in played.simulation.world.mails] == ["seller@example.com", "inspector@example.com"]


def test_no_message_died(played: Stage) -> None:
    for name in NAMES:
        assert played.node(name).parts.broker.dead_letters() == []


def test_both_orders_of_signing_lead_to_the_same_contract(played: Stage) -> None:
    process = played.node("inspector").workflow.process("process", played.chain)
    assert process.assets["contract"]["total"] == 1011
    assert process.actors["buyer"]["signed"] is process.actors["seller"]["signed"] is True


@pytest.mark.parametrize("name", NAMES)
def test_evidence_of_every_party_verifies(played: Stage, name: str) -> None:
    checks = evidence.verify(make_evidence(played, name), replay)
    assert [check.check for check in checks if not check.ok] == []
    assert len(checks) == 11


def failed(data: bytes, **arguments: Any) -> list[str]:
    """Return the names of the checks that fail; a file that is none at all fails the check `file`."""
    try:
        return [check.check for check in evidence.verify(data, replay, **arguments) if not check.ok]
    except evidence.NotEvidenceError:
        return ["file"]


@settings(max_examples=60)
@given(data=st.data())
def test_evidence_with_any_byte_changed_does_not_verify(proof: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(proof) - 1))
    flip = data.draw(st.integers(1, 255))
    assert failed(proof[:place] + bytes([proof[place] ^ flip]) + proof[place + 1 :])


@pytest.mark.parametrize(
    ("member", "check"),
    [
        ("version", "file"),
        ("created", "document"),
        ("issuer", "issuer"),
        ("chain", "chain"),
        ("projection", "replay"),
        ("receipts", "receipts"),
        ("public_chain", "public chain"),
        ("digest", "document"),
        ("signature", "document"),
    ],
)
def test_evidence_without_a_member_fails_the_check_of_that_member(proof: bytes, member: str, check: str) -> None:
    document = json.loads(proof)
    del document[member]
    assert check in failed(canonical_json.encode(document))


def forged(proof: bytes, change: Any) -> bytes:
    """Change an evidence file and give it a digest that fits, as a forger without the issuer's key can."""
    document = json.loads(proof)
    change(document)
    content = {name: value for name, value in document.items() if name not in ("digest", "signature")}
    document["digest"] = base58.encode(canonical_json.digest(content))
    return canonical_json.encode(document)


def _swap_receipts(document: dict[str, Any]) -> None:
    one, two, *_ = document["receipts"]
    found = document["receipts"]
    found[one], found[two] = found[two], found[one]


CHANGES: dict[str, tuple[Any, str]] = {
    "data": (lambda d: d["chain"]["events"][3].update(data="base64:e30="), "hashes"),
    "signature": (lambda d: d["chain"]["events"][3].update(signature=base58.encode(bytes(64))), "signatures"),
    "order": (lambda d: d["chain"]["events"].reverse(), "chain"),
    "left out": (lambda d: d["chain"]["events"].pop(5), "links"),
    "last left out": (lambda d: d["chain"]["events"].pop(), "replay"),
    "state": (lambda d: d["projection"]["processes"][0]["current"].update(key=":failed"), "replay"),
    "receipt missing": (lambda d: d["receipts"].popitem(), "receipts"),
    "receipts swapped": (_swap_receipts, "receipts"),
    "header missing": (lambda d: d["public_chain"]["headers"].pop(1), "public chain"),
    "other genesis": (lambda d: d["public_chain"].update(genesis=base58.encode(bytes(64))), "public chain"),
    "issuer": (lambda d: d["issuer"].update(identity="mallory"), "issuer"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_forged_evidence_fails_the_check_of_what_was_forged(proof: bytes, name: str) -> None:
    change, check = CHANGES[name]
    found = failed(forged(proof, change))
    assert check in found
    assert "document" in found


@settings(max_examples=60)
@given(data=st.data())
def test_evidence_with_a_changed_character_inside_a_member_names_a_check(proof: bytes, data: st.DataObject) -> None:
    """The forger can make digests, but not the signature of the issuer."""
    document = json.loads(proof)
    places = list(_texts(document))
    path, text = data.draw(st.sampled_from(places))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([letter for letter in "1abcXYZ" if letter != text[at]]))

    def change(target: Any) -> None:
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = text[:at] + other + text[at + 1 :]

    assert failed(forged(proof, change))


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, str) and value and path[-1:] not in (("digest",),):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _texts(item, (*path, name))


def test_evidence_names_the_public_chain_its_reader_knows(proof: bytes) -> None:
    genesis = json.loads(proof)["public_chain"]["genesis"]
    assert failed(proof, genesis=genesis) == []
    assert failed(proof, genesis=base58.encode(bytes(64))) == ["public chain"]


RUNS = [
    (name, title)
    for name in ("nda", "signing", "demo-transaction")
    for title in scenarios.runs(name)
    if not title.endswith("is never written")  # nodes that are here write
]
LONGER_THAN_ANY_TIMEOUT = 400 * 24 * 60 * 60 * 1000


@pytest.mark.parametrize(("name", "title"), RUNS)
def test_run_of_the_library_ends_the_same_on_both_nodes(name: str, title: str) -> None:
    run = scenarios.runs(name)[title]
    actors = sorted(scenarios.load(name)["actors"])
    stage = Stage.of(Simulation(3, names=("buyer", "seller"))).found()
    names = dict(zip(actors, ("buyer", "seller"), strict=True))
    stage.start(name, names)
    for step in run["responses"]:
        if step.get("action") == "write":
            continue
        if "wait" in step or step["action"] == ":timeout":
            stage.simulation.clock.now += LONGER_THAN_ANY_TIMEOUT
            stage.simulation.settle(receipts=False)
            continue
        stage.act(names[step["actor"]], step["action"], step.get("data"))
        stage.simulation.settle(receipts=False)
    stage.simulation.settle()
    assert {stage.state("buyer"), stage.state("seller")} == {run["state"]}
    check_equal(stage, ("buyer", "seller"))


def test_timeout_that_cannot_be_performed_is_told_of_more_and_more_rarely() -> None:
    """RabbitMQ keeps every message that it is given."""
    name, title = next(
        (name, title)
        for name, title in RUNS
        if any(step["action"] == ":timeout" for step in scenarios.runs(name)[title]["responses"])
    )
    names = dict(zip(sorted(scenarios.load(name)["actors"]), ("buyer", "seller"), strict=True))
    stage = Stage.of(Simulation(3, names=("buyer", "seller"))).found()
    stage.start(name, names)
    for step in scenarios.runs(name)[title]["responses"]:
        if step["action"] == ":timeout":
            break
        stage.act(names[step["actor"]], step["action"], step.get("data"))
        stage.simulation.settle(receipts=False)
    told = 0
    stage.simulation.clock.now += LONGER_THAN_ANY_TIMEOUT
    for _ in range(24 * 60 * 60 // 10):
        told += sum(stage.node(node).eventchain.remind() for node in ("buyer", "seller"))
        stage.simulation.clock.now += 10_000
    assert 20 < told < 50
