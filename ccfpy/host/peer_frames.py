"""How messages between nodes are framed on their TCP connections.

A frame is a ``u32`` of the bytes that follow, the kind of message as a ``u64``, the
sender's id as a string, and the message to the frame's end
(``src/host/node_connections.h``). After bytes that are not a frame the receiver cannot
find the next frame, so the connection ends.
"""

import struct

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, is_hex_id
from ccfpy.base.limits import PEER_FRAME_BYTES_MAX
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic

SIZE_BYTES = 4
SENDER_BYTES = 64
HEADER_BYTES = 8 + 8 + SENDER_BYTES
"""Of a frame, its size not counted: kind, the sender's length, the sender."""

_HEAD = struct.Struct(f"<IQQ{SENDER_BYTES}s")
_KINDS = frozenset(PeerTraffic)


def frame_head(kind: int, sender: NodeId, payload_bytes: int) -> bytes:
    """Write what comes before a message of ``payload_bytes``."""
    size = HEADER_BYTES + payload_bytes
    return _HEAD.pack(size, kind, SENDER_BYTES, sender.encode())


def fits_a_frame(payload_bytes: int) -> bool:
    """Return whether a message of this size may be sent."""
    return HEADER_BYTES + payload_bytes <= PEER_FRAME_BYTES_MAX


class PeerFrames:
    """Cuts the bytes of one connection into messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held_bytes(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._held)

    def feed(self, data: bytes) -> list[PeerMessage]:
        """Add bytes and return the messages that they complete.

        Raises:
            Malformed: no node of a service sends that.
        """
        held = self._held
        held += data
        messages: list[PeerMessage] = []
        at, end = 0, len(held)
        while end - at >= SIZE_BYTES:
            size = int.from_bytes(held[at : at + SIZE_BYTES], "little")
            if not HEADER_BYTES <= size <= PEER_FRAME_BYTES_MAX:
                raise Malformed(f"a frame between nodes of {size} bytes")
            following = at + SIZE_BYTES + size
            if end - at >= _HEAD.size:
                kind, sender = _read_head(held, at)
                if following <= end:
                    payload = bytes(held[at + _HEAD.size : following])
                    messages.append(
                        PeerMessage(kind=kind, sender=sender, payload=payload)
                    )
            if following > end:
                break
            at = following
        del held[:at]
        return messages


def _read_head(held: bytearray, at: int) -> tuple[int, NodeId]:
    """Read kind and sender; nothing is kept for a head that is wrong."""
    _, kind, length, raw = _HEAD.unpack_from(held, at)
    sender = raw.decode("latin-1")
    if length != SENDER_BYTES or not is_hex_id(sender):
        raise Malformed("a frame between nodes whose sender is no node's id")
    if kind not in _KINDS:
        raise Malformed(f"a frame between nodes of the unknown kind {kind}")
    return kind, NodeId(sender)
