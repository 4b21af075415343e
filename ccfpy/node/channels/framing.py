"""What a protected message is made of: header, GCM header, ciphertext, entries.

No length is written. A header's first eight bytes say its kind and with it its length,
in one way for consensus and in another for forwarding; a kind of one has never the
length of the same kind of the other, so neither passes for the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ccfpy.base.errors import Malformed
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus import messages
from ccfpy.node.channels.keys import GCM_HEADER_BYTES

_KIND_BYTES = 8

FORWARDED_HEADER_BYTES: Mapping[int, int] = {0: 9, 1: 9, 2: 17, 3: 17, 4: 25, 5: 18}
"""By kind (``src/node/node_types.h``): commands are even and responses odd, in three
versions. The second adds the command's id; the third a command's view, and to a
response whether its session ends."""


@dataclass(slots=True, kw_only=True)
class Protected:
    """A protected message in its parts; unfrozen, as one is made for each message.

    Attributes:
        header: sent in the clear and covered by the tag.
        sealed: the GCM header and the ciphertext, which consensus messages have not.
        entries: ledger entries behind an ``AppendEntries``, outside the protection.
    """

    header: bytes
    sealed: bytes
    entries: bytes


def split(kind: PeerTraffic, payload: bytes) -> Protected:
    """Part a message of consensus or forwarding.

    Raises:
        Malformed: its kind is unknown, it is cut short, or it goes on where it may not.
    """
    is_consensus = kind is PeerTraffic.CONSENSUS
    size = (messages.header_bytes if is_consensus else _forwarded_bytes)(payload)
    end = size + GCM_HEADER_BYTES
    if len(payload) < end:
        raise Malformed(f"a protected message of {len(payload)} bytes, expected {end}")
    if not is_consensus:
        return Protected(header=payload[:size], sealed=payload[size:], entries=b"")
    if size != messages.AppendEntries.LAYOUT.size and len(payload) != end:
        raise Malformed(f"{len(payload) - end} unexpected bytes at {end}")
    return Protected(
        header=payload[:size], sealed=payload[size:end], entries=payload[end:]
    )


def _forwarded_bytes(payload: bytes) -> int:
    kind = int.from_bytes(payload[:_KIND_BYTES], "little")
    size = FORWARDED_HEADER_BYTES.get(kind)
    if size is None or len(payload) < _KIND_BYTES:
        raise Malformed(f"not a forwarded message: kind {kind}, {len(payload)} bytes")
    return size
