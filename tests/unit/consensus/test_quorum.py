"""Majorities, against definitions too plain to be wrong."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import NodeId
from ccfpy.consensus.quorum import (
    agreed_seqno,
    is_quorum,
    is_quorum_of_each,
    quorum_size,
)

NODES = [NodeId(name) for name in "abcdefg"]
SETS = st.frozensets(st.sampled_from(NODES), min_size=1)


@given(st.integers(1, 99))
def test_a_quorum_is_the_least_majority(nodes: int) -> None:
    size = quorum_size(nodes)
    assert 2 * size > nodes
    assert 2 * (size - 1) <= nodes


@given(SETS, SETS)
def test_only_members_count(some: frozenset[NodeId], of: frozenset[NodeId]) -> None:
    members = [node for node in some if node in of]
    assert is_quorum(some, of) == (2 * len(members) > len(of))


def test_where_there_is_nobody_nothing_is_agreed() -> None:
    assert agreed_seqno([]) == 0
    assert not is_quorum(NODES, frozenset())


def test_two_majorities_of_one_set_meet() -> None:
    nodes = frozenset(NODES[:5])
    majorities = [
        frozenset(some)
        for size in range(6)
        for some in combinations(sorted(nodes), size)
        if is_quorum(some, nodes)
    ]
    assert all(a & b for a in majorities for b in majorities)


@given(SETS, st.lists(SETS, max_size=3))
def test_each_configuration_needs_its_own_majority(
    some: frozenset[NodeId], configurations: list[frozenset[NodeId]]
) -> None:
    expected = True
    for nodes in configurations:
        expected = expected and is_quorum(some, nodes)
    assert is_quorum_of_each(some, configurations) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_a_majority_holds_the_agreed_seqno_and_none_holds_more(
    held: list[int],
) -> None:
    def holders(seqno: int) -> int:
        return sum(1 for h in held if h >= seqno)

    agreed = agreed_seqno(held)
    naive = max(s for s in range(10) if 2 * holders(s) > len(held))
    assert agreed == naive
