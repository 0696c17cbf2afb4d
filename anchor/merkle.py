"""Merkle trees after RFC 6962, section 2.1, with SHA-256.

```
leaf hash = SHA-256(0x00 ‖ data)        node hash = SHA-256(0x01 ‖ left ‖ right)
```

The first bytes keep a node from being passed off as a leaf. A tree of n leaves splits at the largest power of two
below n, so trees only ever grow to the right: every earlier tree is a prefix of the later one and can be proven so.

The leaves of a block are its anchored hashes in list order (paper section 16.1); the leaves of a day are the anchor
roots of its key blocks in order of height (sections 17 and 23.1). A block without anchors has `EMPTY_ROOT`, 32 zero
bytes, instead of RFC 6962's hash of nothing: "no anchors" is seen at a glance and no data hashes to it.
"""

import hashlib
from collections.abc import Sequence

from anchor.errors import InvalidProofError

HASH_LENGTH = 32
EMPTY_ROOT = bytes(HASH_LENGTH)
MAX_PATH = 64
"""Hashes. No tree has more than 2^64 leaves."""

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(_NODE + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the data of the leaves; `EMPTY_ROOT` if there are none.

    Level by level: joining neighbours and carrying an odd last node up unchanged gives the same tree as RFC 6962's
    recursive split, with one hash call per node and no recursion.
    """
    if not leaves:
        return EMPTY_ROOT
    sha256 = hashlib.sha256
    level = [sha256(_LEAF + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def _next_level(level: list[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    pairs = iter(level)
    above = [sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the audit path (RFC 6962, 2.1.1) of the leaf at `index`, nearest sibling first.

    Raises:
        IndexError: There is no such leaf.
    """
    return path_in(levels(leaves), index)


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the hashes of a tree level by level, leaves first: for the paths of many leaves of one tree."""
    found = [[leaf_hash(leaf) for leaf in leaves]]
    while len(found[-1]) > 1:
        found.append(_next_level(found[-1]))
    return found


def path_in(tree: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """Return the audit path of the leaf at `index` in a tree that `levels` made.

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(tree[0]):
        raise IndexError(f"there is no leaf {index} among {len(tree[0])}")
    path = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index >>= 1
    return tuple(path)


def verify_inclusion(data: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> None:
    """Check that `data` is the leaf at `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).

    Raises:
        InvalidProofError: The path does not lead there.
    """
    if not 0 <= index < size:
        raise InvalidProofError(f"there is no leaf {index} in a tree of {size}")
    node, last, computed = index, size - 1, leaf_hash(data)
    for sibling in path:
        if len(sibling) != HASH_LENGTH:
            raise InvalidProofError("a hash of the inclusion path has another length than 32 bytes")
        if last == 0:
            raise InvalidProofError("the inclusion path is too long for its tree")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise InvalidProofError("the inclusion path is too short for its tree")
    if computed != expected_root:
        raise InvalidProofError("the inclusion path leads to another root")


def consistency_path(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of the first `old_size` leaves is a prefix of this one (RFC 6962, 2.1.2).

    Raises:
        IndexError: The older tree is empty or larger.
    """
    if not 0 < old_size <= len(leaves):
        raise IndexError(f"a tree of {old_size} leaves is no prefix of one of {len(leaves)}")
    hashes: list[bytes] = []
    start, end, old_end, complete = 0, len(leaves), old_size, True
    while old_end != end:
        split = start + _split(end - start)
        if old_end <= split:
            hashes.append(root(leaves[split:end]))
            end = split
        else:
            hashes.append(root(leaves[start:split]))
            start, complete = split, False
    if not complete:
        hashes.append(root(leaves[start:end]))
    return tuple(reversed(hashes))


def _split(size: int) -> int:
    """Return the largest power of two below `size` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def verify_consistency(old_size: int, size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of `old_size` leaves is a prefix of the one of `size` (RFC 9162, 2.1.4.2).

    Raises:
        InvalidProofError: It is not shown.
    """
    if not 0 < old_size <= size:
        raise InvalidProofError(f"a tree of {old_size} leaves is no prefix of one of {size}")
    if any(len(item) != HASH_LENGTH for item in path):
        raise InvalidProofError("a hash of the consistency path has another length than 32 bytes")
    if old_size == size:
        if path or old_root != new_root:
            raise InvalidProofError("trees of one size have one root and need no path")
        return
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not hashes or _replay_consistency(old_size, size, hashes) != (old_root, new_root):
        raise InvalidProofError("the consistency path does not lead to both roots")


def _replay_consistency(old_size: int, size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots of both trees the path leads to, or None if it is too long or too short."""
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_root = new_root = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_root, new_root = node_hash(item, old_root), node_hash(item, new_root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_root = node_hash(new_root, item)
        node, last = node >> 1, last >> 1
    return None if last else (old_root, new_root)
