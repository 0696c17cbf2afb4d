"""Comments: read strictly, kept with the point of the procedure, listed in bounded pieces, and never a step."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from eventchain.core import base58, canonical_json
from eventchain.core.errors import LiveContractError
from eventchain.core.hashing import sha256
from eventchain.store.memory import MemoryStore
from workflow_engine import comment, schema
from workflow_engine.comment import OWN_COMMENT, read_comment
from workflow_engine.errors import (
    ActorNotAllowedError,
    CommentNotFoundError,
    InvalidCommentError,
    InvalidDataError,
    ProcessNotFoundError,
)
from workflow_engine.reading import MAX_INTEGER
from workflow_engine.records import STATES
from workflow_engine.service import COLLECTIONS, WorkflowService
from workflow_engine.triggers import Triggers

from .samples import Chain, HashedChain, played

HASH = base58.encode(sha256(b"a drawing"))
LTO_COMMENT = "https://specs.livecontracts.io/v0.1.0/comment/schema.json#"


def make(chain: Chain) -> WorkflowService:
    service = WorkflowService(MemoryStore(COLLECTIONS), lambda: 0, Triggers({}))
    for entry in chain.entries:
        service.apply(entry)
    return service


def started() -> HashedChain:
    chain = HashedChain()
    chain.entry({"$schema": "https://specs.livecontracts.io/v0.2.0/identity/schema.json#", "id": "acme"})
    chain.scenario()
    chain.process()
    return chain


def listed(service: WorkflowService, process: str | None = "p") -> list[dict[str, Any]]:
    return [dict(item) for _, item in service.beside.comments("chain", process)]


def test_comment_is_kept_with_author_time_and_the_point_at_which_it_was_made() -> None:
    chain = started()
    ordered = chain.response("order", data={"price": 1})
    added = chain.comment("beta", process="p")
    assert listed(make(chain)) == [
        {
            "event": added.hash,
            "author": "beta",
            "timestamp": added.timestamp,
            "process": "p",
            "point": {
                "state": "signing",
                "title": "Signing for 1",
                "entered": ordered.hash,
                "after": ordered.hash,
            },
            "content_media_type": "text/plain",
            "size": 11,
            "content": "I disagree.",
        }
    ]


def test_point_tells_apart_what_happened_within_one_state() -> None:
    chain = started()
    chain.comment(process="p")
    line = chain.response("add_line", data={"item": "chair"})
    chain.comment(process="p")
    points = [item["point"] for item in listed(make(chain))]
    assert points[0]["entered"] == points[1]["entered"] == points[0]["after"]
    assert points[1]["after"] == line.hash


def test_comment_never_changes_the_process_in_any_state_finished_ones_included() -> None:
    chain, commented = started(), started()
    steps: list[Callable[[Chain], Any]] = [
        lambda c: c.response("add_line", data={"item": "chair"}),
        lambda c: c.response("order", data={"price": 12.5}),
        lambda c: c.response("sign", "beta"),
        lambda c: c.response("cancel"),
    ]
    for step in steps:
        commented.comment("beta", process="p")
        commented.comment("acme")
        for one in (chain, commented):
            step(one)
    commented.comment(process="p")
    plain, with_comments = make(chain).process("p"), make(commented).process("p")
    assert with_comments.is_finished
    assert [item["action"] for item in with_comments.previous] == [item["action"] for item in plain.previous]
    assert (with_comments.assets, with_comments.actors, with_comments.current.key) == (
        plain.assets,
        plain.actors,
        plain.current.key,
    )
    assert [item["point"]["state"] for item in listed(make(commented))][-1] == ":cancelled"


def test_comments_are_in_the_projection_without_their_content_and_survive_a_replay() -> None:
    chain = started()
    chain.comment(process="p", content="x" * 5000)
    chain.comment(hash=HASH, url="https://example.com/plan.png", content_media_type="image/png")
    service = make(chain)
    before = service.projection("chain")
    assert [item.get("size") for item in before["comments"]] == [5000, None]
    assert not any("content" in item for item in before["comments"])
    service.forget("chain")
    for entry in chain.entries:
        service.apply(entry)
    assert canonical_json.encode(service.projection("chain")) == canonical_json.encode(before)


def test_projection_of_a_chain_without_comments_is_as_it_always_was() -> None:
    assert set(make(started()).projection("chain")) == {"chain", "head", "scenarios", "processes"}


def test_reply_is_about_what_it_replies_to() -> None:
    chain = started()
    first = chain.comment(process="p")
    reply = chain.comment("beta", reply_to=first.hash)
    chain.comment(reply_to=reply.hash, process={"id": "p"})
    assert [item.get("reply_to") for item in listed(make(chain))] == [None, first.hash, reply.hash]


def test_comment_about_the_chain_stands_at_no_point_and_is_listed_with_the_chain() -> None:
    chain = started()
    chain.comment()
    service = make(chain)
    assert listed(service) == []
    (found,) = listed(service, None)
    assert not {"process", "point"} & set(found)


def test_comment_of_lto_is_kept_and_one_of_another_form_is_an_event_like_others() -> None:
    chain = started()
    chain.entry({"$schema": LTO_COMMENT, "content": "hello", "identity": {"id": "acme"}, "receipt": None})
    chain.entry({"$schema": LTO_COMMENT, "text": "hello"})
    service = make(chain)
    assert [item["content"] for item in listed(service, None)] == ["hello"]
    assert service.head("chain") == chain.head


def test_comment_of_somebody_who_is_not_on_the_chain_is_refused() -> None:
    chain = started()
    service = make(chain)
    with pytest.raises(ActorNotAllowedError):
        service.apply(chain.comment("mallory"))


@pytest.mark.parametrize(
    ("members", "error", "path"),
    [
        ({"process": "q"}, ProcessNotFoundError, "$.process"),
        ({"reply_to": HASH}, InvalidCommentError, "$.reply_to"),
        ({"process": "p", "reply_to": "scenario"}, InvalidCommentError, "$.reply_to"),
        ({"process": "q", "reply_to": "about p"}, ProcessNotFoundError, "$.process"),
        ({"process": "p", "reply_to": "about the chain"}, InvalidCommentError, "$.process"),
    ],
)
def test_comment_that_refers_to_nothing_is_refused(members: dict[str, Any], error: type[Exception], path: str) -> None:
    chain = started()
    names = {
        "scenario": chain.entries[1].hash,
        "about p": chain.comment(process="p").hash,
        "about the chain": chain.comment().hash,
    }
    members = {name: names.get(value, value) for name, value in members.items()}
    service = make(chain)
    with pytest.raises(error) as caught:
        service.apply(chain.comment(**members))
    assert isinstance(caught.value, LiveContractError)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({}, "$.content"),
        ({"content": ""}, "$.content"),
        ({"content": 3}, "$.content"),
        ({"content": {"html": "x"}}, "$.content"),
        ({"content": "a", "hash": HASH}, "$.content"),
        ({"content": "a", "url": "https://example.com"}, "$.content"),
        ({"url": "https://example.com"}, "$.content"),
        ({"hash": "0OIl"}, "$.hash"),
        ({"hash": base58.encode(b"short")}, "$.hash"),
        ({"hash": HASH, "url": "javascript:alert(1)"}, "$.url"),
        ({"hash": HASH, "url": "file:///etc/passwd"}, "$.url"),
        ({"hash": HASH, "url": "https://user:password@example.com/"}, "$.url"),
        ({"hash": HASH, "url": "https://example.com/ a"}, "$.url"),
        ({"hash": HASH, "url": "https://example.com/" + "a" * 2048}, "$.url"),
        ({"hash": HASH, "content_encoding": "base64"}, "$.content_encoding"),
        ({"content": "a", "content_media_type": "image/png"}, "$.content_encoding"),
        ({"content": "a", "content_media_type": "text/plain; charset=utf-8"}, "$.content_media_type"),
        ({"content": "a", "content_media_type": "text"}, "$.content_media_type"),
        ({"content": "a", "content_media_type": 3}, "$.content_media_type"),
        ({"content": "a", "content_encoding": "gzip"}, "$.content_encoding"),
        ({"content": "a", "content_encoding": "base64"}, "$.content"),
        ({"content": "YQ", "content_encoding": "base64"}, "$.content"),
        ({"content": "YR==", "content_encoding": "base64"}, "$.content"),
        ({"content": "Y\nQ==", "content_encoding": "base64"}, "$.content"),
        ({"content": "ä", "content_encoding": "base64"}, "$.content"),
        ({"content": "a", "reply_to": 3}, "$.reply_to"),
        ({"content": "a", "process": ""}, "$.process"),
        ({"content": "a", "process": {"id": 3}}, "$.process.id"),
        ({"content": "a", "title": "a" * 257}, "$.title"),
        ({"content": "a", "txt": 1}, "$.txt"),
    ],
)
def test_malformed_comment_is_refused_at_its_place(members: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidCommentError) as caught:
        read_comment({"$schema": OWN_COMMENT, **members})
    assert caught.value.path == path


@given(st.binary(min_size=1, max_size=200))
def test_size_of_a_picture_is_that_of_its_bytes(data: bytes) -> None:
    body = {"content": base64.b64encode(data).decode(), "content_encoding": "base64", "content_media_type": "image/png"}
    assert read_comment({"$schema": OWN_COMMENT, **body}).size == len(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.just(HASH),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "a"]), inner, max_size=2),
    max_leaves=3,
)
NAMES = st.sampled_from(["id", "process", "reply_to", "title", "content_media_type", "content_encoding", "content",
                         "hash", "url", "x-own", "other"])  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_whatever_is_read_fits_the_published_schema(members: dict[str, Any]) -> None:
    body = {"$schema": OWN_COMMENT, **{name: value for name, value in members.items() if value is not None}}
    published = schema.compile_schema(scenarios.schema("comment"))
    try:
        read_comment(body)
    except InvalidCommentError:
        return
    try:
        published.validate(body)
    except InvalidDataError as error:
        pytest.fail(f"{json.dumps(body)}: {error}")


def test_comment_ranks_below_every_action() -> None:
    assert comment.PRIORITY < -MAX_INTEGER


def test_comment_is_found_by_its_event_and_nothing_else_is() -> None:
    chain = started()
    added = chain.comment(process="p")
    service = make(chain)
    assert service.beside.comment("chain", added.hash)["content"] == "I disagree."
    for hash_ in (chain.entries[1].hash, HASH, ""):
        with pytest.raises(CommentNotFoundError):
            service.beside.comment("chain", hash_)


def test_slow_copy_that_applies_an_entry_again_does_not_take_the_state_away_when_a_comment_followed() -> None:
    chain = started()
    service = make(chain)
    ordered = chain.response("order", data={"price": 1})
    commented = chain.comment(process="p")
    store = service._store

    class SlowStore:
        """Lets another copy apply the same entry, and a comment after it, before its own insert."""

        def insert(self, collection: Any, documents: Any) -> Any:
            if collection.name == "workflow_entries":
                for entry in (ordered, commented):
                    WorkflowService(store, lambda: 0, Triggers({})).apply(entry)
            return store.insert(collection, documents)

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    WorkflowService(SlowStore(), lambda: 0, Triggers({})).apply(ordered)  # type: ignore[arg-type]  # a stand-in
    assert [row["hash"] for row in store.find(STATES)] == [ordered.hash]
    assert WorkflowService(store, lambda: 0, Triggers({})).process("p").current.key == "signing"


def test_sample_chain_of_other_tests_has_its_comment_kept() -> None:
    assert [item["content"] for item in listed(make(played()), None)] == ["hello"]
