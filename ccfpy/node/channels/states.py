"""The states of one side of a key exchange, and the moves between them.

Names are those of ``src/node/channels.h``, as its log lines print them. A state says
which message of an exchange is awaited, not whether there are keys: those of an earlier
exchange are used until the next one is complete.
"""

from collections.abc import Mapping
from enum import StrEnum


class ChannelState(StrEnum):
    """What this side of a channel waits for."""

    INACTIVE = "INACTIVE"
    """Nothing: no exchange was begun, or its keys were given up."""
    INITIATED = "INITIATED"
    """We asked; the response is awaited."""
    WAITING_FOR_FINAL = "WAITING_FOR_FINAL"
    """We were asked and responded; the final message is awaited."""
    ESTABLISHED = "ESTABLISHED"
    """Nothing: both sides have the keys of the last exchange."""


_S = ChannelState

MOVES: Mapping[ChannelState, frozenset[ChannelState]] = {
    _S.INACTIVE: frozenset({_S.INITIATED, _S.WAITING_FOR_FINAL}),
    _S.INITIATED: frozenset({_S.WAITING_FOR_FINAL, _S.ESTABLISHED, _S.INACTIVE}),
    _S.WAITING_FOR_FINAL: frozenset(
        {_S.WAITING_FOR_FINAL, _S.ESTABLISHED, _S.INACTIVE}
    ),
    _S.ESTABLISHED: frozenset({_S.WAITING_FOR_FINAL, _S.INACTIVE}),
}
"""Every legal move; what is not here is a bug of ours. What we begin, begins from
``INACTIVE``, also when it replaces an attempt or the keys of a long-used channel."""


def advance(state: ChannelState, to: ChannelState) -> ChannelState:
    """Return ``to`` if the table allows the move.

    Raises:
        AssertionError: it does not.
    """
    assert to in MOVES[state], f"a channel cannot move from {state} to {to}"
    return to
