"""The states of a node, enumerated: every pair is either in the table or refused."""

from itertools import product

import pytest

from ccfpy.node.lifecycle import MOVES, NodeState, advance


@pytest.mark.parametrize(("state", "to"), list(product(NodeState, NodeState)))
def test_a_move_is_legal_exactly_if_the_table_has_it(
    state: NodeState, to: NodeState
) -> None:
    if to in MOVES[state]:
        assert advance(state, to) is to
    else:
        with pytest.raises(AssertionError, match=f"from {state} to {to}"):
            advance(state, to)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {NodeState.UNINITIALIZED}
    while True:
        following = reached.union(*(MOVES[state] for state in reached))
        if following == reached:
            break
        reached = following
    assert reached == set(NodeState)
