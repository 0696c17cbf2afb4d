"""Data objects: named by their hash, never changed, and kept as they are whatever their type."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import base58
from workflow_engine.data_objects import (
    MAX_LINKS,
    InvalidObjectError,
    link_to,
    linked_id,
    links_in,
    object_id,
    resolve,
)
from workflow_engine.normalise import OWN_SCENARIO, normalise, scenario_id

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=10,
)
UNKNOWN = {"$schema": "https://example.com/unheard-of.json#", "anything": [1, {"<eval>": "not looked at"}]}


def test_id_is_the_hash_of_the_canonical_json():
    assert object_id({"b": 1, "a": [True, None]}) == object_id({"a": [True, None], "b": 1})
    assert base58.decode(object_id({"a": 1})) == hashlib.sha256(b'{"a":1}').digest()


def test_scenario_is_named_in_the_same_way():
    form = normalise({"$schema": OWN_SCENARIO, "states": {"initial": {"transition": ":success"}}})
    assert object_id(form) == scenario_id(form)


@given(JSON, JSON)
def test_another_content_is_another_object(one, other):
    assert (object_id(one) == object_id(other)) == (_canonical(one) == _canonical(other))


def _canonical(value):
    from eventchain.core import canonical_json

    return canonical_json.encode(value)


@given(st.dictionaries(st.sampled_from("abc"), JSON.filter(lambda value: "$link" not in str(value)), max_size=3))
def test_links_lead_to_what_they_name(members):
    objects = {object_id(value): value for value in members.values()}
    linked = {key: link_to(value) for key, value in members.items()}
    assert resolve(linked, objects) == members
    assert dict(links_in(linked)) == {(key,): object_id(value) for key, value in members.items()}


def test_object_of_an_unknown_type_is_kept_as_it_is():
    assert resolve(link_to(UNKNOWN), {object_id(UNKNOWN): UNKNOWN}) == UNKNOWN


def test_links_in_linked_objects_are_followed():
    inner, outer = {"x": 1}, {"in": [link_to({"x": 1})]}
    assert resolve({"o": link_to(outer)}, {object_id(inner): inner, object_id(outer): outer}) == {"o": {"in": [inner]}}


def test_wrong_missing_and_malformed_objects_are_refused_with_the_place():
    name = object_id({"x": 1})
    for value, objects, path in (
        ({"a": [{"$link": name}]}, {}, "$.a[0]"),
        ({"a": {"$link": name}}, {name: {"x": 2}}, "$.a"),
    ):
        with pytest.raises(InvalidObjectError) as caught:
            resolve(value, objects)
        assert caught.value.path == path


@pytest.mark.parametrize(
    "link",
    [{"$link": None}, {"$link": ""}, {"$link": "x"}, {"$link": 3}, {"$link": base58.encode(bytes(31))},
     {"$link": base58.encode(b"x" * 32), "more": 1}, {"$link": "0" * 44}, {"$link": "1" * 100_000}],
)  # fmt: skip
def test_what_is_no_id_is_no_link(link):
    with pytest.raises(InvalidObjectError):
        linked_id(link)
    with pytest.raises(InvalidObjectError) as caught:
        list(links_in({"a": [link]}))
    assert caught.value.path == "$.a[0]"


def test_doubling_objects_are_followed_only_so_far():
    """Each holds the one before it twice: forty of them would be a million million values."""
    objects, last = {}, {"x": 1}
    for _ in range(40):
        objects[object_id(last)] = last
        last = {"a": link_to(last), "b": link_to(last)}
    with pytest.raises(InvalidObjectError, match=f"{MAX_LINKS} links|64 levels"):
        resolve(last, objects)


def test_long_rows_of_objects_are_followed_only_so_deep():
    objects, last = {}, {"x": 1}
    for _ in range(100):
        objects[object_id(last)] = last
        last = {"a": link_to(last)}
    with pytest.raises(InvalidObjectError, match="64 levels"):
        resolve(last, objects)
