"""Chains that published LTO clients wrote verify here, and not one part of them can be changed unnoticed.

The files and what is expected of them are described in `tests/vectors/chains/README.md`.
"""

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from eventchain.chain import EventChain, check_data, find_problems, read_chain, verify
from eventchain.core import base58, strict_json
from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId, Generation
from eventchain.core.keys import KeyPair
from eventchain.event import Event, sign
from eventchain.event_json import read_event
from tests.conftest import VECTORS

CHAINS = VECTORS / "chains"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CHAINS / "expected.json").read_text())
WHOLE = [name for name, facts in EXPECTED.items() if not facts["partial"]]
STRANGER = KeyPair.from_seed_phrase("a stranger who takes no part in any of these chains")

Document = dict[str, Any]


def load(name: str) -> Document:
    document: Document = strict_json.parse((CHAINS / f"{name}.json").read_bytes())
    for event in document["events"]:
        if "_hash" in event:  # clients 0.6 to 0.8 keep the hash in a private member
            event["hash"] = event.pop("_hash")
    return document


def problems_of(document: Document) -> list[str]:
    """Names of the checks that fail; `form` where the document cannot even be read."""
    try:
        chain = read_chain(document)
    except InvalidError as error:
        return [getattr(error, "check", "form")]
    return [problem.check for problem in (*find_problems(chain), *check_data(chain))]


@pytest.mark.parametrize("name", EXPECTED)
def test_chain_of_a_published_client_verifies(name: str) -> None:
    chain = read_chain(load(name))
    verify(chain)
    assert list(check_data(chain)) == []


@pytest.mark.parametrize(("name", "facts"), EXPECTED.items())
def test_chain_is_understood_as_its_client_understands_it(name: str, facts: dict[str, Any]) -> None:
    chain = read_chain(load(name))
    assert str(chain.id) == facts["id"]
    assert chain.id.generation.name == facts["generation"]
    assert len(chain.events) == facts["events"]
    assert chain.is_partial == facts["partial"]
    assert base58.encode(chain.latest_hash) == facts["latest_hash"]
    assert chain.state == (base58.decode(facts["state"]) if "state" in facts else None)


@pytest.mark.parametrize("name", [name for name in EXPECTED if not name.startswith("g1")])
def test_chain_is_written_as_its_client_wrote_it(name: str) -> None:
    document = load(name)
    assert read_chain(document).to_dict() == document


@pytest.mark.parametrize("name", WHOLE)
def test_derived_ids_of_the_client_belong_to_the_chain(name: str) -> None:
    chain = read_chain(load(name))
    other = read_chain(load(next(other for other in WHOLE if EXPECTED[other]["id"] != EXPECTED[name]["id"])))
    for text in EXPECTED[name].get("derived_ids", {}).values():
        assert chain.id.is_resource_id(text)
        assert not other.id.is_resource_id(text)


@pytest.mark.parametrize("name", WHOLE)
def test_bodies_keep_their_text(name: str) -> None:
    bodies = [event.body() for event in read_chain(load(name)).events]
    assert bodies[2]["title"] == "Prijsopgave \N{EN DASH} Größe & “总价”"
    assert bodies[4]["data"] == {"price": 1234.5, "currency": "€", "note": 'Ünïcödé: żółw, 見積書, 🐢/\\"'}


@pytest.mark.parametrize("name", ["v2-lto-0.15.15", "v2-lto-0.16.15"])
def test_attachments_are_read(name: str) -> None:
    event = read_chain(load(name)).events[-1]
    assert [(item.name, item.media_type, item.data) for item in event.attachments] == [
        ("Angebot \N{EN DASH} 見積書.txt", "text/plain", "Zwölf Boxkämpfer".encode()),
        ("empty", "application/octet-stream", b""),
        ("terms.json", "application/json", b'{"terms":["a","b"]}'),
    ]


@pytest.mark.parametrize("version", ["v1-lto-0.10.10", "v1-lto-0.12.5", "v2-lto-0.15.15", "v2-lto-0.16.15"])
@pytest.mark.parametrize(("suffix", "left_out"), [("after", 3), ("with", 1)])
def test_partial_chain_is_the_later_part_of_the_whole(version: str, suffix: str, left_out: int) -> None:
    whole, part = read_chain(load(version)), read_chain(load(f"{version}-{suffix}"))
    ours = whole.after(whole.events[left_out - 1].hash)
    assert ours.events == part.events
    assert ours.base.hash == part.base.hash
    if version.startswith("v2"):  # the state of V1 clients before 0.14 followed another rule
        assert ours == part


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", WHOLE)
def test_a_forged_event_is_found_by_any_number_of_threads(name: str, threads: int) -> None:
    document = load(name)
    document["events"] = document["events"][:1] * 100 + [_forged(document["events"][1])]
    checks = {problem.check for problem in find_problems(read_chain(document), threads=threads)}
    assert checks == {"link", "signature"}


def test_published_classic_event_verifies_and_is_signed_the_same(eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["g1_event"]
    event = read_event({key: vector[key] for key in vector if key != "secret_key_64"}, Generation.G1)
    event.verify_hash()
    event.verify_signature()
    assert KeyPair.from_private_key(vector["secret_key_64"]).sign(event.signed) == event.signature


def test_published_events_are_made_here_byte_for_byte(eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["v2_two_events"]
    key = KeyPair.from_seed_phrase(vector["seed_phrase"])
    chain = EventChain(ChainId.parse(vector["id"]))
    for facts in vector["events"]:
        event = sign(previous=chain.latest_hash, key=key, timestamp=facts["timestamp"], data=b"{}")
        assert base58.encode(event.hash) == facts["hash"]
        assert base58.encode(event.signature) == facts.get("signature", base58.encode(event.signature))
        chain = chain.append(event)
    verify(chain)
    assert chain.state == base58.decode(vector["final_state"])


# --- Not one part can be changed unnoticed ----------------------------------------------------------------------------

MANIPULATED = (
    "g1-lto-api-0.5.14",
    "g1-lto-0.8.9",
    "v1-lto-0.12.5",
    "v1-lto-0.12.5-with",
    "v2-lto-0.15.15-secp256r1",
    "v2-lto-0.16.15",
    "v2-lto-0.16.15-secp256k1",
    "v2-lto-0.16.15-after",
)
Path = tuple[str | int, ...]


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of all values in a document; of its events only the first, the second and the last."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_in(item, (*path, key))
    elif isinstance(value, list):
        for index in {0, 1, len(value) - 1} & set(range(len(value))):
            yield from paths_in(value[index], (*path, index))


def other_values(value: Any) -> Iterator[Any]:
    """What may stand in the place of a value: neighbours of its own kind, and values of every other kind."""
    if isinstance(value, str) and value:
        for at in {0, len(value) // 2, len(value) - 1}:
            replacement = "2" if value[at] != "2" else "3"
            yield value[:at] + replacement + value[at + 1 :]
        yield from (value + "2", value[:-1], value + "\n", " " + value, "\x00", "é")
    if type(value) is int:
        yield from (value + 1, value - 1, -value, value + 2**53, float(value), str(value))
    if isinstance(value, list):
        yield from (value + value[-1:], value[::-1])
    yield from (None, True, 0, -1, 2**64, 1.5, "", "1" * 10_000, [], [[]], {}, {"hash": 1})


def manipulations(document: Document) -> Iterator[tuple[str, Document]]:
    """Every copy of the document in which one value is replaced or left out, with what was done to it."""
    for path in paths_in(document):
        if path:
            changed = copy.deepcopy(document)
            del _container(changed, path)[path[-1]]
            yield f"drop {path}", changed
        for value in other_values(_container((document,), (0, *path))[(0, *path)[-1]]):
            wrapped = [copy.deepcopy(document)]
            _container(wrapped, (0, *path))[(0, *path)[-1]] = value
            yield f"set {path} to {str(value)[:40]!r}", wrapped[0]


def _container(value: Any, path: Path) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def is_harmless(what: str, document: Document) -> bool:
    """Whether the result is another correct chain: its beginning or end left out, or a stub's unproven state set."""
    last = len(document["events"]) - 1
    stub = "signature" not in document["events"][0]
    return (
        what in ("drop ('events', 0)", f"drop ('events', {last})", "set ('events',) to '[]'")
        or (stub and "('events', 0, 'state')" in what)
        or (stub and "set ('events', 0) to" in what)
    )


@pytest.mark.parametrize("name", MANIPULATED)
def test_any_change_of_any_part_is_noticed_or_changes_nothing(name: str) -> None:
    document = load(name)
    original = read_chain(document)
    unnoticed = [
        what
        for what, changed in manipulations(document)
        if not is_harmless(what, document) and not problems_of(changed) and read_chain(changed) != original
    ]
    assert unnoticed == []


@pytest.mark.parametrize("name", MANIPULATED)
def test_events_out_of_order_break_the_chain(name: str) -> None:
    document = load(name)
    document["events"][-2:] = document["events"][:-3:-1]
    assert "link" in problems_of(document)


@pytest.mark.parametrize("name", MANIPULATED)
def test_a_left_out_event_breaks_the_chain(name: str) -> None:
    document = load(name)
    del document["events"][-2]
    assert problems_of(document) == ["link"]


@pytest.mark.parametrize("name", MANIPULATED)
def test_a_chain_without_its_beginning_is_partial(name: str) -> None:
    document = load(name)
    del document["events"][:2]
    assert problems_of(document) == []
    assert read_chain(document).is_partial


@pytest.mark.parametrize("name", ["v1-lto-0.12.5", "v2-lto-0.16.15", "v2-lto-0.16.15-secp256k1"])
def test_right_hash_over_changed_data_does_not_save_a_forged_event(name: str) -> None:
    document = load(name)
    last = document["events"][-1]
    last["timestamp"] += 1
    last["hash"] = _hash_of(document)
    assert problems_of(document) == ["signature"]


@pytest.mark.parametrize("name", WHOLE)
def test_genesis_event_of_a_stranger_is_not_the_creators(name: str) -> None:
    document = load(name)
    generation = Generation[EXPECTED[name]["generation"]]
    document["events"] = document["events"][:1]
    first = document["events"][0]
    if generation is Generation.G1:
        first["signkey"] = str(STRANGER.public_key)
    else:
        first["signKey"] = {"keyType": "ed25519", "publicKey": str(STRANGER.public_key)}
    first["hash"] = _hash_of(document)
    first["signature"] = base58.encode(STRANGER.sign(_last_event(document).signed))
    assert problems_of(document) == ["creator"]


@pytest.mark.parametrize("name", WHOLE)
def test_events_of_another_chain_do_not_belong_to_this_id(name: str) -> None:
    document = load(name)
    generation = EXPECTED[name]["generation"]
    same = [other for other in WHOLE if other != name and EXPECTED[other]["generation"] == generation]
    document["id"] = next(EXPECTED[other]["id"] for other in same if EXPECTED[other]["id"] != document["id"])
    chain = read_chain(document)
    assert chain.is_partial  # its first event follows nothing that this id fixes
    assert chain.state is None


def _last_event(document: Document) -> Event:
    return read_chain(document).events[-1]


def _hash_of(document: Document) -> str:
    return base58.encode(hashlib.sha256(_last_event(document).signed).digest())


def _forged(event: Document) -> Document:
    raw = bytearray(base58.decode(event["signature"]))
    raw[0] ^= 1
    return {**event, "signature": base58.encode(bytes(raw))}
