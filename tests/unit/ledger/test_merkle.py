"""The tree against a naive recursive twin, and its stored form against itself."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.ledger.merkle import (
    FIRST_LEAF,
    MerkleTree,
    PathStep,
    climb,
)
from tests.damage import with_a_bit_changed

LEAVES = [FIRST_LEAF] + [hashlib.sha256(b"%d" % i).digest() for i in range(1, 80)]


def naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(left + right).digest()


def naive_path(leaves: list[bytes], index: int) -> list[tuple[bool, bytes]]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(leaves[:split], index), (False, naive_root(leaves[split:]))]
    below = naive_path(leaves[split:], index - split)
    return [*below, (True, naive_root(leaves[:split]))]


def tree_of(count: int) -> MerkleTree:
    tree = MerkleTree()
    tree.extend(LEAVES[1:count])
    return tree


counts = st.integers(1, len(LEAVES))


@given(counts)
def test_the_root_is_the_naive_one(count: int) -> None:
    assert tree_of(count).root() == naive_root(LEAVES[:count])


@given(counts, st.data())
def test_every_earlier_root_stays_available(count: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, count))
    assert tree_of(count).root(size) == naive_root(LEAVES[:size])


@given(counts, st.data())
def test_a_path_is_the_naive_one_and_climbs_to_the_root(
    count: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    path = tree_of(count).path(index, size)
    assert list(path) == naive_path(LEAVES[:size], index)
    assert climb(LEAVES[index], path) == naive_root(LEAVES[:size])


@given(counts, st.data())
def test_a_changed_sibling_leads_elsewhere(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    tree = tree_of(count)
    path = list(tree.path(index))
    for at, (is_left, digest) in enumerate(path):
        other = with_a_bit_changed(digest)
        changed = [*path[:at], PathStep(is_left, other), *path[at + 1 :]]
        assert climb(LEAVES[index], changed) != tree.root()


@given(st.lists(st.tuples(st.sampled_from("arfs"), st.integers(0, 40)), max_size=40))
def test_any_history_of_changes_keeps_the_naive_root(
    changes: list[tuple[str, int]],
) -> None:
    tree, leaves = MerkleTree(), [FIRST_LEAF]
    for at, (change, amount) in enumerate(changes):
        if change == "a":
            new = [hashlib.sha256(b"%d.%d" % (at, i)).digest() for i in range(amount)]
            leaves += new
            tree.extend(new)
        elif change == "r":
            last = max(len(leaves) - 1 - amount, tree.first)
            del leaves[last + 1 :]
            tree.retract(last)
        elif change == "f":
            tree.flush(min(tree.first + amount, len(leaves) - 1))
        else:
            tree = MerkleTree.deserialise(tree.serialise())
        assert len(tree) == len(leaves)
        assert tree.root() == naive_root(leaves)
        middle = (tree.first + len(leaves) - 1) // 2
        assert tree.leaf(middle) == leaves[middle]
        assert list(tree.path(middle)) == naive_path(leaves, middle)


@given(counts, st.data())
def test_the_stored_form_holds_the_tail_and_the_left_edge(
    count: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, count - 1))
    stored = tree_of(count).serialise(first)
    assert stored[:16] == (count - first).to_bytes(8, "big") + first.to_bytes(8, "big")
    assert stored[16 : 16 + 32 * (count - first)] == b"".join(LEAVES[first:count])
    flushed = tree_of(count)
    flushed.flush(first)
    assert flushed.serialise() == stored
    assert MerkleTree.first_of(stored) == first
    tree = MerkleTree.deserialise(stored)
    assert (len(tree), tree.first) == (count, first)
    assert tree.root() == naive_root(LEAVES[:count])
    assert tree.serialise() == stored
    tree.append(LEAVES[0])
    assert tree.root() == naive_root([*LEAVES[:count], LEAVES[0]])


def test_retracting_or_flushing_to_where_the_tree_already_is_changes_nothing() -> None:
    tree = tree_of(9)
    before = tree.serialise()
    tree.retract(8)
    tree.retract(100)
    tree.flush(0)
    assert tree.serialise() == before


def test_a_flushed_leaf_is_gone() -> None:
    tree = tree_of(9)
    tree.flush(5)
    with pytest.raises(AssertionError):
        tree.leaf(4)
    with pytest.raises(AssertionError):
        tree.path(4)
    with pytest.raises(AssertionError):
        tree.root(4)


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        bytes(15),
        bytes(16),
        tree_of(5).serialise()[:-1],
        tree_of(5).serialise() + b"\0",
        b"\xff" * 16,
        (1).to_bytes(8, "big") + b"\xff" * 8 + bytes(32 * 65),
        (1 << 40).to_bytes(8, "big") + bytes(8) + bytes(32),
    ],
)
def test_a_stored_tree_whose_counts_do_not_fit_is_refused(stored: bytes) -> None:
    with pytest.raises(Malformed):
        MerkleTree.deserialise(stored)


@given(st.binary(max_size=200))
def test_noise_is_a_tree_or_malformed(data: bytes) -> None:
    try:
        tree = MerkleTree.deserialise(data)
    except Malformed:
        return
    assert tree.serialise() == data
