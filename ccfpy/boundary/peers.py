"""The kinds of messages between nodes; the numbers are CCF's (``node_types.h``)."""

from enum import IntEnum


class PeerTraffic(IntEnum):
    """The kind of message in a frame between nodes."""

    CHANNEL = 0
    """A step of the key exchange."""
    CONSENSUS = 1
    FORWARDED = 2
    """A request to the primary, or its response."""
