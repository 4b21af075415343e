"""The keys two nodes have agreed on: one for each direction, each message counted.

The count is the nonce, so a key never seals two messages alike, and a message that was
opened, or one sent before it, does not open again. Messages may be lost. The AES-GCM
nonce has 8 bytes, of which CCF has the first always zero.
"""

import struct

from ccfpy.base.errors import Malformed, VerificationFailed
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
