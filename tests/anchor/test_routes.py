"""The routes: LTO's shapes, errors that say what is wrong, and who may spend the service's money."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from anchor import receipt as receipts
from anchor import transaction_json
from anchor.account import address_of
from anchor.parameters import LTO
from anchor.payload import Lease, Transfer
from anchor.routes import create_blueprint
from anchor.transaction import Transaction
from eventchain.core import base58
from tests.anchor.http_server import make_app
from tests.anchor.strategies import ADDRESSES
from tests.anchor.world import ACCOUNT, World, hash_of

HASH = hash_of("a")
HEX = base58.decode(HASH).hex()
OWN = base58.encode(address_of(ACCOUNT.public_key, "T"))


@pytest.fixture
def world() -> World:
    world = World()
    world.turn_until_height(2)
    return world


@pytest.fixture
def client(world: World) -> Iterator[FlaskClient]:
    """A client whose requests carry a caller; `anonymous` is one whose do not."""
    app = flask.Flask("test")
    app.register_blueprint(create_blueprint(world.service))

    @app.before_request
    def identify() -> None:
        flask.g.caller = ACCOUNT.public_key

    with app.test_client() as client:
        yield client


@pytest.fixture
def anonymous(world: World) -> FlaskClient:
    return make_app(world.service).test_client()


def signed(world: World, payload: Transfer | Lease, **members: Any) -> dict[str, Any]:
    item = Transaction(network="T", timestamp=world.now, sender=ACCOUNT.public_key, fee=LTO, payload=payload).signed_by(
        ACCOUNT
    )
    return {**transaction_json.to_dict(item), **members}


def check_problem(response: TestResponse, status: int, number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(response.data)
    assert response.status_code == status, document
    assert response.content_type == "application/problem+json"
    assert (document["status"], document["error"]) == (status, number)
    assert document["message"]
    assert document["detail"]
    return document


def test_hash_is_anchored_and_found_in_every_encoding(world: World, client: FlaskClient) -> None:
    waiting = client.post("/hash", json={"hash": HEX}).json
    assert waiting["chainpoint"]["targetHash"] == HEX
    assert (waiting["block"], waiting["final"]) == (None, False)
    world.final_receipt(HASH)
    raw = base58.decode(HASH)
    standard, safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    for path, target in (
        (f"/hash/{HEX}", HEX),
        (f"/hash/{HEX}/encoding/hex", HEX),
        (f"/hash/{HASH}/encoding/base58", HASH),
        (f"/hash/{standard}/encoding/base64", standard),
        (f"/hash/{safe}/encoding/base64", safe),
    ):
        found = client.get(path).json
        assert found["chainpoint"] == {
            "@context": "https://w3id.org/chainpoint/v2",
            "type": "ChainpointSHA256v2",
            "targetHash": target,
            "anchors": [{"type": "LTODataTransaction", "sourceId": waiting["transaction"]["id"]}],
            "block": {"height": 2},
            "transaction": {"position": 0},
        }
        assert found["block"]["height"] == 2
        assert found["transaction"]["position"] == 0
        assert found["final"]


def test_receipt_verifies_and_is_asked_for_again_until_final(world: World, client: FlaskClient) -> None:
    check_problem(client.get(f"/hash/{HEX}/receipt"), 404, 0)
    client.post("/hash", json={"hash": HEX})
    assert "not final" in check_problem(client.get(f"/hash/{HEX}/receipt"), 404, 0)["detail"]
    world.final_receipt(HASH)
    for path in (f"/hash/{HEX}/receipt", f"/hash/{HASH}/encoding/base58/receipt"):
        receipts.verify(client.get(path).json, base58.decode(HASH))


def test_receipts_of_many_hashes_come_in_one_answer(world: World, anonymous: FlaskClient) -> None:
    world.service.submit([HASH])
    world.final_receipt(HASH)
    world.service.submit([hash_of("waiting")])
    wanted = [HASH, hash_of("waiting"), hash_of("unknown")]
    found = anonymous.post("/hash/receipts", json={"hashes": wanted, "encoding": "base58"}).json
    assert found is not None
    assert list(found["receipts"]) == [HASH]
    receipts.verify(found["receipts"][HASH], base58.decode(HASH))
    check_problem(anonymous.post("/hash/receipts", json={"hashes": [HEX] * 1_001}), 400, 199)
    check_problem(anonymous.post("/hash/receipts", json={}), 400, 199)


def test_anchoring_needs_a_caller(anonymous: FlaskClient, world: World) -> None:
    check_problem(anonymous.post("/hash", json={"hash": HEX}), 401, 0)
    assert world.service.unconfirmed() == ()


def test_all_but_anchoring_is_public(world: World) -> None:
    app = make_app(world.service)
    views = {name for name, view in app.view_functions.items() if not getattr(view, "public", False)}
    assert views == {"anchor.submit_hash", "static"}


def test_many_hashes_in_one_request(client: FlaskClient) -> None:
    hashes = [hash_of(f"{index}") for index in range(3)]
    answer = client.post("/hash", json={"hashes": hashes, "encoding": "base58"}).json
    assert [item["hash"] for item in answer["anchors"]] == hashes
    assert len({item["transaction"]["id"] for item in answer["anchors"]}) == 1


def test_hashes_are_verified_by_those_who_know_them(world: World, anonymous: FlaskClient) -> None:
    world.service.submit([HASH])
    assert anonymous.post("/hash/verify", json=[HEX]).json == {"verified": False, "anchors": {HEX: None}}
    receipt = world.final_receipt(HASH)
    found = anonymous.post("/hash/verify", json=[HEX]).json
    assert found == {"verified": True, "anchors": {HEX: base58.encode(receipt.transaction_id)}}
    mixed = anonymous.post("/hash/verify?encoding=base58", json=[HASH, hash_of("b")]).json
    assert mixed["verified"] is False


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"hash":"aa","hash":"bb"}', b"{}", b'{"hash":7}', b'{"hash":"zz"}',
     b'{"hash":"abcd"}', b'{"hashes":7}', b'{"hashes":[7]}', b'{"hashes":["00"]}', b'{"hash":"00","encoding":"rot13"}',
     b'{"hash":"00","encoding":{}}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_malformed_submissions_are_refused(client: FlaskClient, world: World, body: bytes) -> None:
    response = client.post("/hash", data=body)
    assert response.status_code in (400, 413)
    assert json.loads(response.data)["detail"]
    assert world.service.unconfirmed() == ()


def test_huge_body_is_refused(client: FlaskClient, anonymous: FlaskClient) -> None:
    assert client.post("/hash", data=b" " * (2 * 1024 * 1024)).status_code == 413
    assert anonymous.post("/transactions/broadcast", data=b" " * (2 * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize("path", ["/hash/zz", "/hash/abcd", f"/hash/{HEX}/encoding/rot13", f"/hash/{'a' * 5000}"])
def test_what_is_no_hash_is_refused(anonymous: FlaskClient, path: str) -> None:
    check_problem(anonymous.get(path), 400, 199)


def test_unknown_hash_answers_as_the_indexer(anonymous: FlaskClient) -> None:
    response = anonymous.get(f"/hash/{HEX}")
    assert response.status_code == 404
    assert response.json is not None
    assert response.json["chainpoint"] is None


def test_broadcast_answers_the_transaction(world: World, anonymous: FlaskClient) -> None:
    document = signed(world, Transfer(recipient=ADDRESSES[1], amount=5))
    response = anonymous.post("/transactions/broadcast", json=document)
    assert response.status_code == 200
    assert response.json == document
    identifier = document["id"]
    assert anonymous.get("/transactions/unconfirmed").json == [document]
    assert anonymous.get("/transactions/unconfirmed/size").json == {"size": 1}
    assert anonymous.get(f"/transactions/unconfirmed/info/{identifier}").json == document
    missing = anonymous.get(f"/transactions/info/{identifier}")
    assert (missing.status_code, missing.json["status"]) == (404, "error")  # type: ignore[index]
    world.turn(3_000)
    found = anonymous.get(f"/transactions/info/{identifier}").json
    assert found == {**document, "height": found["height"], "position": 0, "effectiveFee": LTO}
    check_problem(anonymous.get(f"/transactions/unconfirmed/info/{identifier}"), 404, 0)
    again = check_problem(anonymous.post("/transactions/broadcast", json=document), 400, 112)
    assert again["message"].startswith("State check failed. Reason: ")


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"proofs": [base58.encode(b"x" * 64)]}, 199),
        ({"proofs": []}, 199),
        ({"fee": 1}, 199),
        ({"amount": 10**15}, 199),
        ({"type": 99}, 199),
        ({"timestamp": 1}, 199),
        ({"recipient": "3N"}, 199),
        ({"senderPublicKey": None}, 199),
    ],
)
def test_wrong_transaction_is_refused(
    world: World, anonymous: FlaskClient, change: dict[str, Any], number: int
) -> None:
    document = signed(world, Transfer(recipient=ADDRESSES[1], amount=5), **change)
    check_problem(anonymous.post("/transactions/broadcast", json=document), 400, number)
    assert world.service.unconfirmed() == ()


def test_malformed_json_has_the_nodes_number(anonymous: FlaskClient) -> None:
    check_problem(anonymous.post("/transactions/broadcast", data=b"{"), 400, 1)


def test_blocks_are_shown_in_the_nodes_shape(world: World, anonymous: FlaskClient) -> None:
    world.service.submit([HASH])
    world.final_receipt(HASH)
    get = lambda path: anonymous.get(path).json  # noqa: E731
    height = get("/blocks/height")["height"]
    assert height == world.service.chain.height
    assert get("/blocks/last")["height"] == height
    first = get("/blocks/first")
    assert first["transactions"][0]["recipient"] == OWN
    block = get("/blocks/at/2")
    assert block["reference"] == first["signature"]
    assert (block["transactionCount"], block["fee"]) == (1, 35_000_000)
    assert block["transactions"][0]["anchors"] == [HASH]
    assert set(block["nxt-consensus"]) == {"base-target", "generation-signature"}
    assert get(f"/blocks/signature/{block['signature']}") == block
    assert get(f"/blocks/height/{block['signature']}") == {"height": 2}
    assert get("/blocks/seq/1/2") == [first, block]
    header = {name: value for name, value in block.items() if name not in ("transactions", "fee")}
    assert get("/blocks/headers/at/2") == header
    assert get("/blocks/headers/seq/2/2") == [header]
    assert get("/blocks/headers/last")["height"] == height
    texts = get(f"/blocks/headers/signed/1/{height}")["headers"]
    headers = [receipts.parse_header_text(text) for text in texts]
    assert len(headers) == height - 1
    receipts.verify_header_chain(headers, base58.decode(first["signature"]), world.parameters)


@pytest.mark.parametrize(
    ("path", "status", "number"),
    [
        ("/blocks/at/999", 404, 301),
        ("/blocks/at/0", 404, 301),
        (f"/blocks/signature/{HASH}", 404, 301),
        ("/blocks/signature/0OIl", 400, 199),
        ("/blocks/seq/1/101", 400, 199),
        ("/blocks/headers/seq/1/101", 400, 199),
        ("/blocks/headers/signed/1/1001", 400, 199),
        ("/transactions/info/0OIl", 400, 199),
        ("/addresses/balance/nobody", 400, 102),
        ("/addresses/balance/details/3N", 400, 102),
        ("/leasing/active/x", 400, 102),
    ],
)
def test_wrong_questions_are_answered_so(anonymous: FlaskClient, path: str, status: int, number: int) -> None:
    check_problem(anonymous.get(path), status, number)


def test_heights_beyond_all_bounds_are_answered(anonymous: FlaskClient) -> None:
    assert anonymous.get(f"/blocks/headers/signed/{2**70}/{2**70}").json == {"headers": []}
    assert anonymous.get(f"/blocks/seq/{2**70}/{2**70}").json == []
    check_problem(anonymous.get(f"/blocks/at/{2**70}"), 404, 301)


def test_balances_leases_and_sponsors(world: World, anonymous: FlaskClient) -> None:
    lease = signed(world, Lease(recipient=ADDRESSES[1], amount=7 * LTO))
    anonymous.post("/transactions/broadcast", json=lease)
    world.turn(3_000)
    details = anonymous.get(f"/addresses/balance/details/{OWN}").json
    assert details is not None
    assert details["leasing"] == 7 * LTO
    assert details["available"] == details["regular"] - 7 * LTO
    balance = anonymous.get(f"/addresses/balance/{OWN}").json
    assert balance == {"address": OWN, "confirmations": 0, "balance": details["regular"]}
    lessee = base58.encode(ADDRESSES[1])
    for address in (OWN, lessee):
        assert [item["id"] for item in anonymous.get(f"/leasing/active/{address}").json] == [lease["id"]]
    assert anonymous.get(f"/addresses/validate/{lessee}").json == {"address": lessee, "valid": True}
    assert anonymous.get("/addresses/validate/3N").json == {"address": "3N", "valid": False}
    assert anonymous.get(f"/sponsorship/status/{lessee}").json == {"sponsor": []}


def test_node_says_how_far_it_is(world: World, anonymous: FlaskClient) -> None:
    status = anonymous.get("/node/status").json
    assert status is not None
    assert status["blockchainHeight"] == world.service.chain.height
    assert status["updatedDate"].endswith("Z")
    assert "version" in anonymous.get("/node/version").json  # type: ignore[operator]
