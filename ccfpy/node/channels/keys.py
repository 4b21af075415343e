"""The two keys of a channel, one for each direction, and the layout of its messages.

The message counter is the nonce. A key never encrypts two messages under one nonce, and
a message that was decrypted, or one sent before it, is not accepted again. Messages may
be lost. The AES-GCM nonce has 8 bytes, the first of which is always zero in CCF.

A protected message is a header, a GCM header, the ciphertext and the entries. No length
is written. The first eight bytes of a header give its kind, and so its length. The
kinds of consensus and of forwarding differ in length, so that neither passes for the
other.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus import messages
from ccfpy.crypto.aead import TAG_BYTES, AesGcm

IV_BYTES = 8
GCM_HEADER_BYTES = TAG_BYTES + IV_BYTES
COUNT_BITS = 56
_IV = struct.Struct("<Q")
_UNUSED_BITS = 8


class Keys:
    """Both keys of a channel, at one of its ends.

    Attributes:
        sent: messages sealed so far.
        received: the count of the last message opened.
    """

    __slots__ = ("_receive", "_send", "received", "sent")

    def __init__(self, *, send: bytes, receive: bytes) -> None:
        self._send = AesGcm(send)
        self._receive = AesGcm(receive)
        self.sent = 0
        self.received = 0

    @property
    def used(self) -> int:
        """Messages in both directions, lost ones included, as CCF limits them."""
        return self.sent + self.received

    def seal(self, header: bytes, plaintext: bytes = b"") -> bytes:
        """Seal the next message; return its tag, nonce and ciphertext."""
        self.sent += 1
        iv = _IV.pack(self.sent << _UNUSED_BITS)
        ciphertext, tag = self._send.encrypt(iv, plaintext, header)
        return tag + iv + ciphertext

    def open(self, header: bytes, sealed: bytes) -> bytes:
        """Return the plaintext that the other end sealed for ``header``.

        Raises:
            Malformed: it is too short.
            VerificationFailed: it was opened before or is older than one that was, or
                it was not sealed so by the other end.
        """
        if len(sealed) < GCM_HEADER_BYTES:
            raise Malformed(f"a sealed message of {len(sealed)} bytes lacks its header")
        tag, iv = sealed[:TAG_BYTES], sealed[TAG_BYTES:GCM_HEADER_BYTES]
        nonce: int = _IV.unpack(iv)[0]
        count = nonce >> _UNUSED_BITS
        if count <= self.received:
            raise VerificationFailed(
                f"message {count} is not newer than {self.received}"
            )
        plaintext = self._receive.decrypt(iv, sealed[GCM_HEADER_BYTES:], tag, header)
        self.received = count
        return plaintext


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
