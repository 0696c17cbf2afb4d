"""A body that cites an event of another chain: what is verified of it, and what it is taken for."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain import event as events
from eventchain import event_json
from eventchain.chain import EventChain
from eventchain.citation import cite, find_problems, read
from eventchain.core import base58, canonical_json
from eventchain.core.entry import ORIGIN_SCHEMA, Entry
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import ChainId, Generation
from eventchain.core.keys import KeyPair
from eventchain.errors import InvalidEventError
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA, Identities
from eventchain.tip import entries_of

SIGNER, CITER = KeyPair.from_seed_phrase("signer"), KeyPair.from_seed_phrase("citer")
CHAIN = ChainId.create(SIGNER.public_key, bytes(20))
OTHER = ChainId.create(CITER.public_key, bytes(20))
BODY = {"$schema": "urn:livecontract:response:1", "process": "p", "action": "say", "data": {"words": "å 𝄞"}}
NOBODY = Identities()
KNOWN = NOBODY.apply({"$schema": IDENTITY_SCHEMA, "id": "citer", "signkeys": {"user": str(CITER.public_key)}})
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "citation.json").read_text("utf-8"))


def signed(data: bytes = canonical_json.encode(BODY), key: KeyPair = SIGNER, **more: Any) -> Event:
    return events.sign(previous=bytes(32), key=key, timestamp=1_700_000_000_000, data=data, **more)


def body(event: Event | None = None) -> dict[str, Any]:
    return {"$schema": "urn:example:note:1", "origin": cite(CHAIN, event or signed())}


def test_cited_event_is_told_with_what_was_verified() -> None:
    event = signed()
    origin = read(body(event), NOBODY)
    assert origin is not None
    assert (origin.chain, origin.hash, origin.timestamp) == (str(CHAIN), base58.encode(event.hash), 1_700_000_000_000)
    assert (origin.signer, origin.identity, origin.body) == (str(SIGNER.public_key), None, BODY)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["what"] for vector in VECTORS])
def test_citation_is_what_the_vectors_say(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(LiveContractError) as caught:
            read(vector["body"], KNOWN)
        assert (caught.value.code, caught.value.path) == (vector["refused"], vector["path"])
    else:
        origin = read(vector["body"], KNOWN)
        assert (None if origin is None else origin.to_dict()) == vector["origin"]


def test_signer_who_is_known_here_is_named() -> None:
    origin = read(body(signed(key=CITER)), KNOWN)
    assert origin is not None
    assert origin.identity == "citer"


@pytest.mark.parametrize("value", [None, "China", {}, {"$schema": "urn:example:origin:1", "chain": 7}, [ORIGIN_SCHEMA]])
def test_other_members_called_origin_mean_nothing(value: Any) -> None:
    assert read({"origin": value}, NOBODY) is None
    assert read({}, NOBODY) is None


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(origin: dict[str, Any]) -> None:
        for name in path[:-1]:
            origin = origin[name]
        origin[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "forge",
    [
        put("event", "data", value="base64:e30="),
        put("event", "timestamp", value=1_700_000_000_001),
        put("event", "signKey", "publicKey", value=str(CITER.public_key)),
        put("event", "signature", value=base58.encode(CITER.sign(signed().signed))),
        put("event", "hash", value=base58.encode(bytes(32))),
        put("event", "previous", value=base58.encode(b"\x01" * 32)),
        put("event", "attachments", value=[{"name": "a", "mediaType": "text/plain", "data": ""}]),
        put("event", value=None),
        put("event", value=[]),
        put("event", value="text"),
        put("chain", value=None),
        put("chain", value="junk"),
        put("chain", value=str(CHAIN)[:-1]),
        put("more", value=1),
    ],
)
def test_forged_citation_is_refused_with_its_place(forge: Callable[[dict[str, Any]], None]) -> None:
    document = copy.deepcopy(body())
    forge(document["origin"])
    with pytest.raises(LiveContractError) as caught:
        read(document, NOBODY)
    assert str(caught.value.path).startswith("$.origin")


def test_cited_event_whose_data_is_no_strict_json_is_refused() -> None:
    with pytest.raises(LiveContractError):
        read(body(signed(b'{"a": 1, "a": 2}')), NOBODY)


def test_cited_event_that_is_no_json_says_nothing() -> None:
    origin = read(body(signed(b"\x00", media_type="image/png")), NOBODY)
    assert origin is not None
    assert origin.body == {}


@pytest.mark.parametrize("generation", [Generation.G1, Generation.V1])
def test_chains_of_older_formats_are_not_cited(generation: Generation) -> None:
    old = ChainId.create(SIGNER.public_key, bytes(20), generation=generation)
    with pytest.raises(InvalidEventError):
        cite(old, signed())
    document = body()
    document["origin"]["chain"] = str(old)
    with pytest.raises(InvalidEventError):
        read(document, NOBODY)


def test_event_with_a_false_citation_cannot_stand_on_a_chain() -> None:
    identity = {"$schema": IDENTITY_SCHEMA, "id": "citer", "signkeys": {"user": str(CITER.public_key)}}
    chain, previous = EventChain(OTHER), OTHER.initial_hash
    for document in (identity, body()):
        data = canonical_json.encode(document)
        chain = chain.append(events.sign(previous=previous, key=CITER, timestamp=1, data=data))
        previous = chain.latest_hash
    *_, (_, entry) = entries_of(chain)
    assert entry.origin is not None
    assert Entry.from_dict(entry.to_dict()) == entry
    forged = body(replace(signed(), signature=bytes(64)))
    data = canonical_json.encode(forged)
    false = chain.append(events.sign(previous=previous, key=CITER, timestamp=1, data=data))
    with pytest.raises(InvalidEventError, match="signature"):
        list(entries_of(false))
    assert [problem.check for problem in find_problems(false)] == ["citation"]
    assert list(find_problems(chain)) == []


@given(data=st.binary(max_size=200), key=st.sampled_from([SIGNER, CITER]))
def test_whatever_is_cited_comes_out_as_it_was_signed(data: bytes, key: KeyPair) -> None:
    event = signed(data, key, media_type="application/octet-stream")
    origin = read(body(event), NOBODY)
    assert origin is not None
    assert (origin.hash, origin.signer) == (base58.encode(event.hash), str(key.public_key))
    assert event_json.read_event(cite(CHAIN, event)["event"], Generation.V2) == event
