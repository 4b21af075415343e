"""TLS over memory: ciphertext in and out by bytes, no socket.

A server asks every client for a certificate and takes any, known or not: the handshake
proves that the client holds its key, and endpoints decide what that is worth. A client
session, for calls out, trusts only the certificates it is given.

The profile is CCF's (``src/tls/context.h``): TLS 1.2 and 1.3, AES-GCM with ECDHE, NIST
curves, the server's order, no renegotiation; no session is ever resumed, so that a
client's certificate is asked for on each connection.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Any, Protocol, Self

from OpenSSL import SSL, crypto

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.http.openssl import (
    BUFFER_BYTES,
    give_ciphertext,
    give_plaintext,
    library,
    take_ciphertext,
    take_plaintext,
)

_TLS12_SUITES = (
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    b"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
)
_TLS13_SUITES = b"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
_GROUPS = b"P-521:P-384:P-256"
HTTP_1_1 = b"http/1.1"
HTTP_2 = b"h2"

_RECORD_HEADER_BYTES = 5

_NO_PARTIAL_WILDCARDS = 0x4
_NAME_MISMATCHES = (
    SSL.X509VerificationCodes.ERR_HOSTNAME_MISMATCH,
    SSL.X509VerificationCodes.ERR_IP_ADDRESS_MISMATCH,
)
_NOT_TRUSTED = "certificate verify failed"
"""OpenSSL's reason, whatever it found wrong with the chain."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
"""No dash within, so that a text of beginnings alone is read once and not for each."""


class TlsFailure(CcfpyError):
    """A peer broke the protocol, or its certificate is not trusted; the session died.

    What ``take_output`` still gives is the alert that tells the peer.
    """


class PeerNotTrusted(TlsFailure):
    """The peer's certificate is not by anybody whom this context trusts."""


class TlsContext(Protocol):
    """What sessions are made from."""

    def connect(self) -> SSL.Connection:
        """Make one end of a connection, ready to shake hands."""
        ...


class ServerContext:
    """A node's identity on an interface, and the terms on which it talks.

    ``replace`` gives it a new certificate; sessions made before keep the old one.
    """

    __slots__ = ("_context", "_protocols")

    def __init__(
        self,
        certificate_pem: str,
        key_pem: str,
        *,
        protocols: Sequence[bytes] = (HTTP_1_1,),
    ) -> None:
        self._protocols = protocols
        self._context = self._build(certificate_pem, key_pem)

    def replace(self, certificate_pem: str, key_pem: str) -> None:
        """Present another certificate (with its chain, if any) from now on.

        Raises:
            Malformed: they are not PEM or do not belong together.
        """
        self._context = self._build(certificate_pem, key_pem)

    def connect(self) -> SSL.Connection:
        """Make the server's end of a connection."""
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        return connection

    def _build(self, certificate_pem: str, key_pem: str) -> SSL.Context:
        context = _context(SSL.TLS_SERVER_METHOD)
        context.set_session_id(b"ccfpy")
        context.set_verify(SSL.VERIFY_PEER, _accept_any_certificate)
        context.set_alpn_select_callback(self._select_protocol)
        _present(context, certificate_pem, key_pem)
        return context

    def _select_protocol(
        self, _connection: SSL.Connection, offered: list[bytes]
    ) -> bytes | SSL._NoOverlappingProtocols:
        for protocol in self._protocols:
            if protocol in offered:
                return protocol
        return SSL.NO_OVERLAPPING_PROTOCOLS


class ClientContext:
    """Whom a call out trusts, and under which name.

    The name keeps one of an authority's servers from posing as another. A certificate
    that is itself trusted has been singled out already, and needs no name.

    Attributes of the constructor:
        trusted_pem: certificates, each of which suffices as the end of a chain.
        host: the name or address that the peer's certificate must be for, unless that
            certificate is itself one of ``trusted_pem``.
        now: the time at which certificates must be valid.
        checks_name: ``False`` when the trusted certificates alone decide.
    """

    __slots__ = ("_checks_name", "_context", "_host")

    def __init__(
        self,
        *,
        trusted_pem: str,
        host: str,
        now: datetime,
        checks_name: bool = True,
        certificate_pem: str | None = None,
        key_pem: str | None = None,
    ) -> None:
        self._host = host
        self._checks_name = checks_name
        context = _context(SSL.TLS_CLIENT_METHOD)
        trusted = _load_certificates(trusted_pem)
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
            partial(_is_acceptable, frozenset(map(_der, trusted))),
        )
        context.set_alpn_protos([HTTP_1_1])
        store = context.get_cert_store()
        assert store is not None, "a context always has a store"
        for certificate in trusted:
            store.add_cert(certificate)
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(now)
        if certificate_pem is not None and key_pem is not None:
            _present(context, certificate_pem, key_pem)
        self._context = context

    def offer(self, *protocols: bytes) -> Self:
        """Say which protocols the caller can speak, of which the server chooses one."""
        self._context.set_alpn_protos([*protocols])
        return self

    def connect(self) -> SSL.Connection:
        """Make the client's end of a connection."""
        connection = SSL.Connection(self._context, None)
        connection.set_connect_state()
        try:
            address = ip_address(self._host).packed
        except ValueError:
            address = None
            connection.set_tlsext_host_name(self._host.encode("idna"))
        if self._checks_name:
            # pyOpenSSL keeps its handle to itself and has no call for this
            parameters = library.SSL_get0_param(connection._ssl)  # noqa: SLF001
            if address is not None:
                is_set = library.X509_VERIFY_PARAM_set1_ip(
                    parameters, address, len(address)
                )
            else:
                name = self._host.encode("idna")
                library.X509_VERIFY_PARAM_set_hostflags(
                    parameters, _NO_PARTIAL_WILDCARDS
                )
                is_set = library.X509_VERIFY_PARAM_set1_host(
                    parameters, name, len(name)
                )
            assert is_set == 1, "OpenSSL took the name"
        return connection


class UncheckedClientContext:
    """Talks to whoever answers.

    For what anybody may serve since it proves itself, such as certificates that lead to
    a pinned root; nothing private may be sent this way.

    Args:
        host: the name that is asked for; servers of many names choose by it.
    """

    __slots__ = ("_context", "_host")

    def __init__(self, host: str) -> None:
        self._host = host
        self._context = _context(SSL.TLS_CLIENT_METHOD)
        self._context.set_verify(SSL.VERIFY_NONE, _accept_any_certificate)
        self._context.set_alpn_protos([HTTP_1_1])

    def connect(self) -> SSL.Connection:
        """Make the client's end of a connection."""
        connection = SSL.Connection(self._context, None)
        connection.set_connect_state()
        try:
            ip_address(self._host)
        except ValueError:
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


class TlsSession:
    """One connection's TLS, as a server or a client by its context."""

    __slots__ = (
        "_connection",
        "_has_output",
        "_peer_certificate",
        "_records",
        "is_closed_by_peer",
        "is_established",
        "is_failed",
    )

    def __init__(self, context: TlsContext) -> None:
        self._connection = context.connect()
        self._records = _RecordCounter()
        self._peer_certificate: bytes | None = None
        self._has_output = False
        self.is_established = False
        self.is_closed_by_peer = False
        self.is_failed = False
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
        return self._connection.get_alpn_proto_negotiated()

    def feed(self, ciphertext: bytes) -> bytes:
        """Take bytes from the peer; give the plaintext that they complete.

        Raises:
            TlsFailure: the peer broke the protocol or is not trusted.
        """
        if not ciphertext or self.is_failed:
            return b""
        give_ciphertext(self._connection, ciphertext)
        whole_records = self._records.count(ciphertext)
        if not self.is_established:
            self._handshake()
            if not self.is_established:
                return b""
        elif whole_records == 1:
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
            give_plaintext(self._connection, plaintext)
        except SSL.Error as error:
            raise self._failure(error) from error

    def take_output(self) -> bytes:
        """Give what must be sent to the peer, in order, each byte once."""
        if not self._has_output:
            return b""
        self._has_output = False
        output = take_ciphertext(self._connection)
        if len(output) < BUFFER_BYTES:
            return output
        parts = []
        while output:
            parts.append(output)
            output = take_ciphertext(self._connection)
        return b"".join(parts)

    def close(self) -> None:
        """Tell the peer that nothing more will come; ``take_output`` has the alert."""
        if self.is_established and not self.is_failed:
            self._has_output = True
            with suppress(SSL.Error):  # said before, or the peer is beyond hearing it
                self._connection.shutdown()

    def _handshake(self) -> None:
        self._has_output = True
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise self._failure(error) from error
        self.is_established = True
        certificate = self._connection.get_peer_certificate()
        if certificate is not None:
            self._peer_certificate = _der(certificate)

    def _read(self) -> bytes:
        """Decrypt one record; nothing if none is whole, or at the end."""
        try:
            return take_plaintext(self._connection)
        except SSL.WantReadError:
            self._has_output = True
        except SSL.ZeroReturnError:
            self.is_closed_by_peer = True
        except SSL.Error as error:
            raise self._failure(error) from error
        return b""

    def _failure(self, error: SSL.Error) -> TlsFailure:
        self.is_failed = True
        self._has_output = True
        queue = error.args[0] if error.args else ()
        reasons = (
            [entry[-1] for entry in queue] if isinstance(queue, list) else [str(error)]
        )
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
        """Take the bytes that arrived; say how many records they completed."""
        size = len(data)
        if (
            size > _RECORD_HEADER_BYTES
            and not self._missing
            and not self._header
            and size == _RECORD_HEADER_BYTES + (data[3] << 8 | data[4])
        ):
            return 1
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


def _accept_any_certificate(*_details: object) -> bool:
    return True


def _is_acceptable(
    trusted: frozenset[bytes],
    _connection: SSL.Connection,
    certificate: crypto.X509,
    flaw: int,
    depth: int,
    is_sound: int,
) -> bool:
    """Say, of each certificate of a chain and each flaw of it, whether to go on."""
    if depth == 0 and flaw in _NAME_MISMATCHES:
        return _der(certificate) in trusted
    return bool(is_sound)


def _context(method: int) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    context.set_options(
        SSL.OP_CIPHER_SERVER_PREFERENCE
        | SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_NO_TICKET
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_TLS12_SUITES)
    context.set_tls13_ciphersuites(_TLS13_SUITES)
    # pyOpenSSL can name one curve, not a list, and keeps its handle to itself
    handle = context._context  # noqa: SLF001
    assert library.SSL_CTX_set1_curves_list(handle, _GROUPS) == 1
    return context


def _present(context: SSL.Context, certificate_pem: str, key_pem: str) -> None:
    own, *chain = _load_certificates(certificate_pem)
    try:
        loaded = crypto.load_privatekey(crypto.FILETYPE_PEM, key_pem.encode())
        key: Any = loaded.to_cryptography_key()  # typed as if it might be public
        context.use_certificate(own.to_cryptography())
        for certificate in chain:
            context.add_extra_chain_cert(certificate.to_cryptography())
        context.use_privatekey(key)
        context.check_privatekey()
    except (SSL.Error, crypto.Error) as error:
        raise Malformed("a certificate and a key that do not fit together") from error


def _der(certificate: crypto.X509) -> bytes:
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def _load_certificates(pem: str) -> list[crypto.X509]:
    try:
        certificates = [
            crypto.load_certificate(crypto.FILETYPE_PEM, block.encode())
            for block in _CERTIFICATE.findall(pem)
        ]
    except crypto.Error as error:
        raise Malformed("a PEM certificate that cannot be read") from error
    if not certificates:
        raise Malformed("expected a PEM certificate, found none")
    return certificates
