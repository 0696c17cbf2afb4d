"""RFC 6962 trees against the recursive definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor import merkle
from anchor.errors import InvalidProofError

# Computed with a separate, recursive program from the RFC's text over the leaves 0x00, 0x01, ... (one byte each).
ROOTS = {
    1: "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    2: "a20bf9a7cc2dc8a08f5f415a71b19f6ac427bab54d24eec868b5d3103449953a",
}

leaves_lists = st.lists(st.binary(max_size=80), min_size=1, max_size=70)


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_root_of_known_leaves(size: int, root: str) -> None:
    assert merkle.root([bytes([index]) for index in range(size)]).hex() == root


def test_root_of_no_leaves_is_zero_bytes() -> None:
    assert merkle.root([]) == bytes(32)


@given(leaves_lists)
def test_root_is_that_of_the_recursive_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == recursive_root(leaves)


@given(leaves_lists, st.data())
def test_inclusion_path_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.inclusion_path(leaves, index)
    merkle.verify_inclusion(leaves[index], index, len(leaves), path, recursive_root(leaves))


@given(leaves_lists, st.data())
def test_changed_inclusion_path_is_refused(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = list(merkle.inclusion_path(leaves, index))
    change = data.draw(st.sampled_from(["leaf", "longer", "shorter", "flip"]))
    leaf = leaves[index]
    if change == "leaf" or not path:
        leaf += b"x"
    elif change == "longer":
        path.append(bytes(32))
    elif change == "shorter":
        path.pop()
    else:
        place = data.draw(st.integers(0, len(path) - 1))
        path[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
    with pytest.raises(InvalidProofError):
        merkle.verify_inclusion(leaf, index, len(leaves), path, merkle.root(leaves))


def test_inner_node_does_not_pass_as_a_leaf() -> None:
    leaves = [b"a", b"b", b"c", b"d"]
    inner = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    path = [merkle.root(leaves[2:])]
    with pytest.raises(InvalidProofError):
        merkle.verify_inclusion(inner, 0, 2, path, merkle.root(leaves))


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_leaf_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(InvalidProofError):
        merkle.verify_inclusion(b"a", index, size, [], merkle.root([b"a"]))


def test_hash_of_another_length_in_a_path_is_refused() -> None:
    with pytest.raises(InvalidProofError, match="32 bytes"):
        merkle.verify_inclusion(b"a", 0, 2, [b"short"], merkle.root([b"a", b"b"]))


@given(leaves_lists, st.data())
def test_consistency_path_shows_that_a_tree_grew(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    path = merkle.consistency_path(leaves, old)
    merkle.verify_consistency(old, len(leaves), recursive_root(leaves[:old]), recursive_root(leaves), path)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40), st.data())
def test_rewritten_history_is_not_consistent(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves) - 1))
    rewritten = [leaves[0] + b"x", *leaves[1:old]]
    path = merkle.consistency_path(leaves, old)
    with pytest.raises(InvalidProofError):
        merkle.verify_consistency(old, len(leaves), merkle.root(rewritten), merkle.root(leaves), path)


@given(st.integers(1, 60), st.integers(1, 60), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_invented_consistency_paths_are_refused(old: int, size: int, path: list[bytes]) -> None:
    with pytest.raises(InvalidProofError):
        merkle.verify_consistency(old, size, b"o" * 32, b"n" * 32, path)


def test_day_path_extends_a_block_path() -> None:
    blocks = [[b"a", b"b"], [], [b"c"], []]
    roots = [merkle.root(block) for block in blocks]
    day = merkle.root(roots)
    merkle.verify_inclusion(b"c", 0, 1, merkle.inclusion_path(blocks[2], 0), roots[2])
    merkle.verify_inclusion(roots[2], 2, 4, merkle.inclusion_path(roots, 2), day)
