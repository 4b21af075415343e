"""What an operator chooses about consensus, and the randomness that elections need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ccfpy.base.limits import (
    APPEND_ENTRIES_FIRST,
    ELECTION_TIMEOUT_MS,
    MESSAGE_TIMEOUT_MS,
    UNCOMMITTED_TX_MAX,
)

Jitter: TypeAlias = Callable[[int], int]
"""Gives a number from 0 to the argument, both included, as good as any other.

It spreads elections out in time. It keeps no secret, and a seed may feed it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """CCF's ``consensus`` configuration, and further settings for tests.

    Attributes:
        message_timeout_ms: how often a leader speaks to each node at least.
        election_timeout_ms: how long a backup waits for a leader at most (and half of
            it at least), and how long a leader waits for a majority.
        first_batch_entries: how many entries go into one message until their sizes are
            known.
        uncommitted_tx_max: see `Raft.is_at_capacity`; 0 sets no bound.
        is_pre_vote_enabled: whether a node asks for votes that do not bind before it
            begins a view. Nodes with and without it work together.
    """

    message_timeout_ms: int = MESSAGE_TIMEOUT_MS
    election_timeout_ms: int = ELECTION_TIMEOUT_MS
    first_batch_entries: int = APPEND_ENTRIES_FIRST
    uncommitted_tx_max: int = UNCOMMITTED_TX_MAX
    is_pre_vote_enabled: bool = False
