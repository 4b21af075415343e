"""What travels between nodes, by the number that heads each frame.

The numbers are CCF's (``src/node/node_types.h``).
"""

from enum import IntEnum


class PeerTraffic(IntEnum):
    """What kind of message a frame between nodes holds."""

    CHANNEL = 0
    """A step of the key exchange."""
    CONSENSUS = 1
    FORWARDED = 2
    """A request for the primary, or its answer."""
