"""TLS over memory: ciphertext in and out by bytes, no socket.

A server asks every client for a certificate and takes any, known or not: the handshake
proves that the client holds its key, and endpoints decide what that is worth. The chain
and the key are bounded, so that a stranger's handshake costs little. Whom calls out
trust is in `tls_calls`.

The profile is CCF's (``src/tls/context.h``) but for X25519: TLS 1.2 and 1.3, AES-GCM
with ECDHE, the server's order, no renegotiation; no session is ever resumed, so that a
client's certificate is asked for on each connection.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Final, Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import CLIENT_HANDSHAKE_BYTES_MAX
from ccfpy.http.openssl import (
    RECORD_BYTES_MAX,
    OpenSslConnection,
    OpenSslServer,
    load_identity,
)

HTTP_1_1 = b"http/1.1"
HTTP_2 = b"h2"

_RECORD_HEADER_BYTES: Final = 5

_NOT_TRUSTED = "certificate verify failed"
"""OpenSSL's reason, whatever it found wrong with the chain."""


class TlsFailure(CcfpyError):
    """A peer broke the protocol, or its certificate is not trusted; the session died.

    What ``take_output`` still gives is the alert that tells the peer.
    """


class PeerNotTrusted(TlsFailure):
    """The peer's certificate is not by anybody whom this context trusts."""


class TlsContext(Protocol):
    """What sessions are made from.

    Attributes:
        handshake_bytes_max: the most bytes that a peer's handshake may have.
    """

    handshake_bytes_max: ClassVar[int]

    def connect(self) -> OpenSslConnection:
        """Make one end of a connection, ready to shake hands."""
        ...


class ServerContext:
    """A node's identity on an interface, and the terms on which it talks.

    ``replace`` gives it a new certificate; sessions made before keep the old one.

    Args:
        certificate_pem: with its chain, if any.
        key_pem: of the certificate.
        protocols: that it speaks, the preferred first.

    Raises:
        Malformed: certificate and key are not PEM or do not belong together.
    """

    handshake_bytes_max: ClassVar[int] = CLIENT_HANDSHAKE_BYTES_MAX

    def __init__(
        self,
        certificate_pem: str,
        key_pem: str,
        *,
        protocols: Sequence[bytes] = (HTTP_1_1,),
    ) -> None:
        self._protocols = protocols
        self._server = self._build(certificate_pem, key_pem)

    def replace(self, certificate_pem: str, key_pem: str) -> None:
        """Present another certificate (with its chain, if any) from now on.

        Raises:
            Malformed: they are not PEM or do not belong together.
        """
        self._server = self._build(certificate_pem, key_pem)

    def connect(self) -> OpenSslConnection:
        """Make the server's end of a connection."""
        return self._server.connect()

    def _build(self, certificate_pem: str, key_pem: str) -> OpenSslServer:
        identity = load_identity(certificate_pem, key_pem)
        return OpenSslServer(identity, self._protocols)


class TlsSession:
    """One connection's TLS, as a server or a client by its context."""

    __slots__ = (
        "_connection",
        "_handshake_room",
        "_has_output",
        "_heard",
        "_is_between_records",
        "_parts",
        "_peer_certificate",
        "_records",
        "is_closed_by_peer",
        "is_established",
        "is_failed",
    )

    def __init__(self, context: TlsContext) -> None:
        connection = context.connect()
        self._connection = connection
        self._records = _RecordCounter()
        self._peer_certificate: bytes | None = None
        self._has_output = False
        self._heard: bytes | None = b""
        self._is_between_records = False
        self._parts: list[bytes] | None = None
        self._handshake_room = context.handshake_bytes_max
        self.is_established = False
        self.is_closed_by_peer = False
        self.is_failed = False
        if not connection.is_server:
            self._handshake()

    @property
    def peer_certificate_der(self) -> bytes | None:
        """The certificate whose key the peer proved to hold; ``None`` if it has none.

        Of a client this says nothing more: nobody vouches for it.
        """
        return self._peer_certificate

    @property
    def is_midway(self) -> bool:
        """Whether the peer has yet to end its handshake, or a record that it began."""
        return not self.is_established or self._records.is_midway

    @property
    def protocol(self) -> bytes:
        """What ALPN settled on; empty if the client did not ask."""
        return self._connection.protocol()

    def feed(self, ciphertext: bytes) -> bytes:
        """Decrypt bytes from the peer and return the plaintext that they complete.

        Raises:
            TlsFailure: the peer broke the protocol or is not trusted.
        """
        self.hear(ciphertext)
        return self.read()

    def hear(self, ciphertext: bytes) -> None:
        """Take bytes from the peer, for ``read``."""
        size = len(ciphertext)
        if (
            self._is_between_records
            and size > _RECORD_HEADER_BYTES
            and size == _RECORD_HEADER_BYTES + (ciphertext[3] << 8 | ciphertext[4])
        ):
            # One record and nothing else, as requests mostly come.
            self._connection.give(ciphertext)
            self._heard = None
        else:
            self._heard = ciphertext

    def read(self) -> bytes:
        """Decrypt what ``hear`` took and return the plaintext that it completes.

        Raises:
            TlsFailure: the peer broke the protocol or is not trusted.
        """
        heard, self._heard = self._heard, b""
        if heard is None:
            return self._read()
        return self._feed_any(heard)

    def _feed_any(self, ciphertext: bytes) -> bytes:
        """Do what ``feed`` does, whatever comes."""
        if not ciphertext or self.is_failed:
            return b""
        whole_records = self._records.count(ciphertext)
        is_one = self.is_established and whole_records == 1
        if self.is_established:
            self._connection.give(ciphertext)
        elif not self._shake_hands_over(ciphertext):
            return b""
        self._is_between_records = not self._records.is_midway
        if is_one:
            return self._read()
        parts = []
        while part := self._read():
            parts.append(part)
        return b"".join(parts)

    def write(self, plaintext: bytes) -> None:
        """Encrypt for the peer; ``take_output`` has the result.

        Raises:
            TlsFailure: the session is over.
        """
        assert self.is_established, "nothing can be written before the handshake"
        if not plaintext:
            return
        self._has_output = True
        try:
            if len(plaintext) <= RECORD_BYTES_MAX:
                self._connection.write(plaintext)
            else:
                self._write_records(plaintext)
        except self._connection.broken as error:
            raise self._failure(error) from error

    def take_output(self) -> bytes:
        """Return the bytes to send to the peer, in order, each byte once."""
        if not self._has_output:
            return b""
        self._has_output = False
        if self._parts is None:
            return self._connection.take()
        parts, self._parts = self._parts, None
        parts.append(self._connection.take())
        return b"".join(parts)

    def close(self) -> None:
        """End the session towards the peer; ``take_output`` returns the alert."""
        if self.is_established and not self.is_failed:
            self._has_output = True
            # Said before, or the peer is beyond hearing it.
            with suppress(self._connection.broken):
                self._connection.shut_down()

    def _write_records(self, plaintext: bytes) -> None:
        """Encrypt one record after another, and take each out of OpenSSL's buffer.

        The buffer keeps the size that it grew to, as long as the connection lives. To
        let it grow past one record costs more than the calls.
        """
        if self._parts is None:
            self._parts = []
        for start in range(0, len(plaintext), RECORD_BYTES_MAX):
            self._connection.write(plaintext[start : start + RECORD_BYTES_MAX])
            self._parts.append(self._connection.take())

    def _shake_hands_over(self, ciphertext: bytes) -> bool:
        """Go on with the handshake; return whether it has ended.

        Raises:
            TlsFailure: as ``feed``; the peer's handshake is longer than any may be.
        """
        room = self._handshake_room
        own, rest = ciphertext[:room], ciphertext[room:]
        self._handshake_room = room - len(own)
        self._connection.give(own)
        self._handshake()
        if not rest:
            return self.is_established
        if not self.is_established:
            self.is_failed = True
            raise TlsFailure("a handshake that is too long")
        self._connection.give(rest)
        return True

    def _handshake(self) -> None:
        self._has_output = True
        try:
            self._connection.shake_hands()
        except self._connection.wants_more:
            return
        except self._connection.broken as error:
            raise self._failure(error) from error
        self.is_established = True
        self._peer_certificate = self._connection.peer_certificate()

    def _read(self) -> bytes:
        """Decrypt one record; nothing if none is whole, or at the end."""
        try:
            plaintext = self._connection.read()
        except self._connection.wants_more:
            self._has_output = True
        except self._connection.closed:
            self.is_closed_by_peer = True
        except self._connection.broken as error:
            raise self._failure(error) from error
        else:
            if not plaintext:
                self.is_closed_by_peer = True
            return plaintext
        return b""

    def _failure(self, error: Exception) -> TlsFailure:
        self.is_failed = True
        self._is_between_records = False
        self._has_output = True
        reasons = self._connection.reasons(error)
        kind = PeerNotTrusted if _NOT_TRUSTED in reasons else TlsFailure
        return kind("; ".join(reasons) or type(error).__name__)


class _RecordCounter:
    """Counts the TLS records that have arrived whole.

    Knowing that there is but one saves the read, and its exception, that would find
    out; that is a fifth of what TLS costs a small request.
    """

    __slots__ = ("_header", "_missing")

    def __init__(self) -> None:
        self._header = b""
        self._missing = 0

    @property
    def is_midway(self) -> bool:
        """Whether a record has begun and is not whole."""
        return bool(self._missing or self._header)

    def count(self, data: bytes) -> int:
        """Count the records that the arrived bytes complete."""
        size = len(data)
        completed = 0
        position = 0
        while position < size:
            if not self._missing:
                wanted = _RECORD_HEADER_BYTES - len(self._header)
                self._header += data[position : position + wanted]
                position += wanted
                if len(self._header) < _RECORD_HEADER_BYTES:
                    break
                self._missing = self._header[3] << 8 | self._header[4]
                self._header = b""
                if self._missing:
                    continue
            else:
                step = min(self._missing, size - position)
                position += step
                self._missing -= step
                if self._missing:
                    break
            completed += 1
        return completed
