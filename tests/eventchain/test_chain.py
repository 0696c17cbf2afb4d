import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain import event as events
from eventchain.chain import EventChain, Stub, find_problems, read_chain, verify
from eventchain.core import base58
from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId, Generation, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.errors import InvalidChainError, InvalidEventError
from eventchain.event import Event, decode
from eventchain.event_json import read_event, to_dict
from eventchain.wire import Attachment

KEY = KeyPair.from_seed_phrase("test")
CHAIN = ChainId.create(KEY.public_key, nonce_from_text("a test"))


def make_chain(length: int) -> EventChain:
    chain = EventChain(CHAIN)
    for number in range(length):
        body = json.dumps({"number": number}).encode()
        chain = chain.append(
            events.sign(previous=chain.latest_hash, key=KEY, timestamp=1_700_000_000_000 + number, data=body)
        )
    return chain


def test_published_v2_chain_is_reproduced(eventchain_vectors):
    vector = eventchain_vectors["v2_two_events"]
    chain = EventChain(ChainId.create(KEY.public_key, nonce_from_text(vector["nonce"])))
    assert str(chain.id) == vector["id"]
    for item in vector["events"]:
        event = events.sign(previous=chain.latest_hash, key=KEY, timestamp=item["timestamp"], data=b"{}")
        assert base58.encode(event.hash) == item["hash"]
        if "signature" in item:
            assert base58.encode(event.signature) == item["signature"]
        chain = chain.append(event)
    assert base58.encode(chain.state or b"") == vector["final_state"]
    verify(chain)


def test_published_classic_event_is_verified(eventchain_vectors):
    event = read_event(eventchain_vectors["g1_event"], Generation.G1)
    event.verify_hash()
    event.verify_signature()
    assert event.body() == {"foo": "bar", "color": "red"}


texts = st.text(max_size=20)
attachments = st.builds(Attachment, name=texts, media_type=texts, data=st.binary(max_size=50))


@given(
    timestamp=st.integers(0, 2**53 - 1),
    media_type=texts,
    data=st.binary(max_size=200),
    files=st.lists(attachments, max_size=3),
)
def test_event_survives_json_and_binary(timestamp: int, media_type: str, data: bytes, files: list[Attachment]):
    event = events.sign(
        previous=bytes(32), key=KEY, timestamp=timestamp, media_type=media_type, data=data, attachments=files
    )
    event.verify_hash()
    event.verify_signature()
    assert read_event(json.loads(json.dumps(to_dict(event))), Generation.V2) == event
    assert decode(event.signed, event.signature) == event


@given(st.binary(max_size=300))
def test_junk_bytes_are_refused_as_an_event(data: bytes):
    try:
        event = decode(data, bytes(64))
    except InvalidError:
        return
    assert event.signed == data


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(list(Generation)))
def test_junk_json_is_refused_as_an_event(value: object, generation: Generation):
    with pytest.raises(InvalidError):
        read_event(value, generation)


@given(st.dictionaries(st.sampled_from(["id", "events", "latestHash"]), json_values))
def test_junk_json_is_refused_as_a_chain(value: object):
    with pytest.raises(InvalidError):
        read_chain(value)


MEMBERS = list(to_dict(make_chain(1).events[0]))


@given(st.sampled_from(MEMBERS), json_values)
def test_event_with_one_foreign_member_is_refused_or_fails_verification(name: str, value: object):
    good = make_chain(1).events[0]
    try:
        event = read_event(to_dict(good) | {name: value}, Generation.V2)
        event.verify_hash()
        event.verify_signature()
    except InvalidError:
        return
    assert event == good


def test_data_up_to_the_limit_is_taken_and_beyond_it_refused():
    options = {"previous": bytes(32), "key": KEY, "timestamp": 0, "media_type": "text/plain"}
    assert len(events.sign(data=bytes(65_535), **options).data) == 65_535
    with pytest.raises(InvalidEventError, match="65535"):
        events.sign(data=bytes(65_536), **options)


def test_partial_chain_keeps_hash_and_state_of_what_it_leaves_out():
    whole = make_chain(5)
    part = read_chain(json.loads(json.dumps(whole.after(whole.events[1].hash).to_dict())))
    assert part.is_partial
    assert part.stub == Stub(whole.events[1].hash, EventChain(CHAIN, whole.events[:2]).state)
    assert part.latest_hash == whole.latest_hash
    assert part.state == whole.state
    verify(part)


def test_part_without_stub_is_partial_with_unknown_state():
    document = make_chain(3).to_dict()
    document["events"] = document["events"][1:]
    part = read_chain(document)
    assert part.is_partial
    assert part.state is None
    verify(part)


def test_event_that_does_not_follow_is_not_appended():
    chain = make_chain(2)
    with pytest.raises(InvalidChainError, match="broken"):
        chain.append(events.sign(previous=bytes(32), key=KEY, timestamp=0, data=b"{}"))


def checks(chain: EventChain, threads: int = 1) -> set[str]:
    return {problem.check for problem in find_problems(chain, threads=threads)}


def test_every_manipulation_is_named_by_its_check():
    chain = make_chain(4)
    first, second, third, last = chain.events
    forged = KeyPair.from_seed_phrase("somebody else")

    def with_second(event: Event) -> EventChain:
        return replace(chain, events=(first, event, third, last))

    assert checks(chain) == set()
    assert checks(with_second(replace(second, signature=bytes(64)))) == {"signature"}
    assert checks(with_second(replace(second, hash=bytes(32)))) == {"hash", "link"}
    assert checks(with_second(replace(second, sign_key=forged.public_key))) == {"signature"}
    assert checks(with_second(replace(second, signed=second.signed + b"x"))) == {"hash", "signature"}
    assert checks(replace(chain, events=(first, third, last))) == {"link"}
    assert checks(replace(chain, events=(first, third, second, last))) == {"link"}
    other = ChainId.create(forged.public_key, nonce_from_text("a test"))
    start = events.sign(previous=other.initial_hash, key=KEY, timestamp=0, data=b"{}")
    assert checks(EventChain(other, (start,))) == {"creator"}
    assert checks(replace(chain, claimed_latest=bytes(32))) == {"latest_hash"}


def test_threads_find_the_same_problems():
    chain = make_chain(200)
    broken = tuple(
        replace(event, signature=bytes(64)) if number in (3, 120, 199) else event
        for number, event in enumerate(chain.events)
    )
    one, two = (list(find_problems(replace(chain, events=broken), threads=threads)) for threads in (1, 2))
    assert one == two
    assert len(one) == 3


def test_signature_with_scalar_beyond_the_group_order_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    event = make_chain(1).events[0]
    scalar = int.from_bytes(event.signature[32:], "little") + order
    again = replace(event, signature=event.signature[:32] + scalar.to_bytes(32, "little"))
    with pytest.raises(InvalidEventError, match="signature"):
        again.verify_signature()
