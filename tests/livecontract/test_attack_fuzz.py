"""Mutated documents to every route that takes one: an answer always, and never one that blames the node."""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenarios
from anchor import transaction_json
from anchor.account import address_of
from anchor.parameters import LTO
from anchor.payload import Transfer
from anchor.transaction import Transaction
from eventchain.core.clock import system_clock
from eventchain.core.errors import LiveContractError
from eventchain.identity import IDENTITY_SCHEMA
from livecontract.agent import PROCESS_SCHEMA, RESPONSE_SCHEMA
from tests.livecontract.bad_input import ORDER
from tests.livecontract.running import OWNER, PARTNER, PROCESS, Answer, running
from tests.livecontract.test_attack import NOTE, Target

pytestmark = [
    pytest.mark.slow,
    # A thread of the node that draws a random number while an example is made is taken for the example itself.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text(max_size=20),
    st.sampled_from(
        ["", "initial", ":success", "buyer", "seller", "order", "$schema", "base64:", "<ref>", "1" * 64, "P1D"]
    ),
    st.sampled_from([[], {}, [[]], [{}], [None], {"": ""}, {"<eval>": "@"}, {"<ref>": "assets"}, {"<tpl>": "{{a}}"}]),
    st.recursive(
        st.none() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
)

NAMES = st.text(max_size=8) | st.sampled_from(["$ref", "<if>", "actor", "id", "x-"])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a document."""
    yield path
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        yield from places(item, (*path, key))


def mutate(data: st.DataObject, document: Any) -> Any:
    """Replace, remove, rename, repeat or move a few parts of a document."""
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        if not path:
            continue
        *above, last = path
        place = document
        for step in above:
            place = place[step]
        kind = data.draw(st.sampled_from(["replace", "replace", "remove", "add", "move"]))
        if kind == "remove":
            del place[last]
        elif kind == "add" and isinstance(place, dict):
            place[data.draw(NAMES)] = copy.deepcopy(data.draw(JUNK))
        elif kind == "move":
            source = document
            for step in data.draw(st.sampled_from(list(places(document)))):
                source = source[step]
            place[last] = copy.deepcopy(source)
        else:
            place[last] = copy.deepcopy(data.draw(JUNK))
    return document


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("node"), store="memory:", broker="memory:") as node:
        yield Target(node)


FUZZ = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def check_answer(answer: Answer) -> None:
    """An answer is a success, or a problem that is the sender's; or something is awaited that the sender named."""
    assert answer.status < 500 or answer.status == 503, answer.data
    if answer.status >= 400:
        document = answer.json
        assert document["status"] in (answer.status, "error")  # "error" in the form of the LTO node
        assert document.get("detail") or document["details"]


def valid_documents(target: Target) -> dict[str, Any]:
    """Return, by route, a document that would be taken."""
    transfer = Transfer(recipient=address_of(OWNER.public_key, "T"), amount=LTO, attachment=b"")
    transaction = Transaction(
        network="T", timestamp=system_clock(), sender=OWNER.public_key, fee=LTO, payload=transfer
    ).signed_by(OWNER)
    invitation = {"chain": target.chain, "identity": "x", "email": "x@x.example", "name": "X", "title": "Title"}
    response = {"process": PROCESS, "action": "order", "key": "ok", "actor": "buyer", "data": {"text": "x"}}
    hashes = ["ab" * 32, "cd" * 32]
    return {
        "/event-chains": target.part(NOTE),
        "/queue": target.part(NOTE),
        "/scenarios": scenarios.load("quotation"),
        f"/responses?chain={target.chain}": response,
        f"/processes/{PROCESS}/response?chain={target.chain}": response,
        "/invitations": invitation,
        "/hash": {"hash": "ab" * 32, "encoding": "hex"},
        "/hash/verify": hashes,
        "/hash/receipts": {"hashes": hashes, "encoding": "hex"},
        "/transactions/broadcast": transaction_json.to_dict(transaction),
    }


@FUZZ
@given(data=st.data())
def test_a_mutated_document_is_answered(target: Target, data: st.DataObject) -> None:
    documents = valid_documents(target)
    route = data.draw(st.sampled_from(list(documents)))
    check_answer(target.owner.post(route, mutate(data, documents[route])))


BODIES: dict[str, Any] = {
    "identity": {
        "$schema": IDENTITY_SCHEMA,
        "id": "third",
        "node": None,
        "signkeys": {"user": str(PARTNER.public_key)},
        "encryptkey": "1" * 32,
        "privileges": [{"schema": "urn:example:note", "only": True}],
    },
    "scenario": ORDER,
    "process": {
        "$schema": PROCESS_SCHEMA,
        "id": PROCESS,
        "scenario": "order",
        "actors": {"buyer": {"identity": "owner"}, "seller": {"identity": "owner"}},
    },
    "response": {
        "$schema": RESPONSE_SCHEMA,
        "process": PROCESS,
        "action": "order",
        "key": "ok",
        "actor": {"key": "buyer"},
        "data": {"text": "x"},
    },
}


@FUZZ
@given(data=st.data())
def test_a_mutated_event_of_a_member_is_answered(target: Target, data: st.DataObject) -> None:
    chain = target.agent.create_chain({})
    bodies = [BODIES["scenario"], BODIES["process"], BODIES["response"]]
    for body in bodies[: data.draw(st.integers(0, 2))]:
        target.agent.add(chain, body)
    for _ in range(data.draw(st.integers(1, 3))):
        body = mutate(data, BODIES[data.draw(st.sampled_from(list(BODIES)))])
        try:
            document = target.part(body, chain=chain)
        except LiveContractError:  # what has no canonical form cannot be signed
            continue
        check_answer(target.owner.post("/event-chains", document))
    for route in (
        f"/event-chains/{chain}",
        f"/identities?chain={chain}",
        f"/processes/{PROCESS}?chain={chain}",
        "/processes",
    ):
        check_answer(target.owner.get(route))


TARGETS = [
    "/event-chains/{}", "/event-chains/{}/receipts", "/event-chains/{}/conflicts", "/event-chains/{}/evidence",
    "/identities/{}", "/scenarios/{}", "/processes/{}", "/hash/{}", "/hash/{}/encoding/base58",
    "/hash/{}/encoding/{}", "/hash/{}/receipt", "/transactions/info/{}", "/transactions/unconfirmed/info/{}",
    "/blocks/at/{}", "/blocks/height/{}", "/blocks/signature/{}", "/blocks/seq/{}/{}", "/blocks/headers/signed/{}/{}",
    "/addresses/balance/{}", "/addresses/validate/{}", "/leasing/active/{}", "/identities?chain={}",
    "/invitations?chain={}", "/processes/x?chain={}", "/queue/dead-letters?queue={}", "/dev/mail?to={}", "/{}",
    "/?{}",
]  # fmt: skip


@FUZZ
@given(data=st.data())
def test_any_query_and_path_is_answered(target: Target, data: st.DataObject) -> None:
    text = data.draw(
        st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(["..", "%2e%2e", "%00", "-1", "1" * 400])
    )
    quoted = data.draw(
        st.sampled_from([text.encode().hex(), "".join(f"%{byte:02x}" for byte in text.encode()) or "%20"])
    )
    template = data.draw(st.sampled_from(TARGETS))
    with contextlib.suppress(ConnectionError):
        check_answer(target.owner.get(template.replace("{}", quoted)))
