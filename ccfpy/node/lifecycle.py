"""The states of a node from start to membership, and the moves between them.

Names are those ``GET /node/state`` reports (``include/ccf/node_startup_state.h``).
"""

from collections.abc import Mapping
from enum import StrEnum


class NodeState(StrEnum):
    """How far a node has come in its service."""

    UNINITIALIZED = "Uninitialized"
    INITIALIZED = "Initialized"
    """It has an identity, and not yet a service."""
    PENDING = "Pending"
    """It asked to join and waits for the members' vote."""
    PART_OF_PUBLIC_NETWORK = "PartOfPublicNetwork"
    """It serves a recovered service whose private state is still sealed."""
    PART_OF_NETWORK = "PartOfNetwork"
    READING_PUBLIC_LEDGER = "ReadingPublicLedger"
    READING_PRIVATE_LEDGER = "ReadingPrivateLedger"


_S = NodeState
IN_NETWORK = frozenset(
    {_S.PART_OF_NETWORK, _S.PART_OF_PUBLIC_NETWORK, _S.READING_PRIVATE_LEDGER}
)
"""The states in which members may call, and other nodes may join."""

MOVES: Mapping[NodeState, frozenset[NodeState]] = {
    _S.UNINITIALIZED: frozenset({_S.INITIALIZED}),
    _S.INITIALIZED: frozenset(
        {_S.PENDING, _S.PART_OF_NETWORK, _S.READING_PUBLIC_LEDGER}
    ),
    _S.PENDING: frozenset({_S.PART_OF_NETWORK, _S.PART_OF_PUBLIC_NETWORK}),
    _S.READING_PUBLIC_LEDGER: frozenset({_S.PART_OF_PUBLIC_NETWORK}),
    _S.PART_OF_PUBLIC_NETWORK: frozenset({_S.READING_PRIVATE_LEDGER}),
    _S.READING_PRIVATE_LEDGER: frozenset({_S.PART_OF_NETWORK}),
    _S.PART_OF_NETWORK: frozenset(),
}
"""Every legal move; what is not here is a bug of ours."""


def advance(state: NodeState, to: NodeState) -> NodeState:
    """Return ``to`` if the table allows the move.

    Raises:
        AssertionError: it does not.
    """
    assert to in MOVES[state], f"a node cannot move from {state} to {to}"
    return to
