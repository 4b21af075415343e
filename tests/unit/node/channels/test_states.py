"""A channel moves as its table says."""

import itertools

import pytest

from ccfpy.node.channels.channel import MOVES, ChannelState, advance

PAIRS = list(itertools.product(ChannelState, ChannelState))


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_a_channel_makes_the_tables_moves_and_no_other(
    state: ChannelState, to: ChannelState
) -> None:
    if to in MOVES[state]:
        assert advance(state, to) is to
    else:
        with pytest.raises(AssertionError, match="cannot move"):
            advance(state, to)


def test_a_channel_is_established_only_by_an_exchange() -> None:
    before = {state for state in MOVES if ChannelState.ESTABLISHED in MOVES[state]}
    assert before == {ChannelState.INITIATED, ChannelState.WAITING_FOR_FINAL}


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(ChannelState)
