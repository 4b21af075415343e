"""TLS by pyOpenSSL: contexts to the profile, and the calls that every request makes.

These calls go to OpenSSL itself. pyOpenSSL's own methods allocate a buffer for each
call; here one buffer serves all sessions of the process, of whose threads one at a time
uses them. Other cases are left to pyOpenSSL's methods, and a test holds the two against
each other.

Only this file and `tls_calls` use pyOpenSSL's private handles.

The TLS profile: suites, groups, and which clients' keys cost too much to check.

The profile is CCF's (``src/tls/context.h``), with one more group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Final

from OpenSSL import SSL, crypto

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import (
    CLIENT_CHAIN_CERTIFICATES_MAX,
    DSA_BITS_MAX,
    RSA_BITS_MAX,
    RSA_EXPONENT_BITS_MAX,
)

TLS12_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2"
)
"""With OpenSSL's own level of security, so that no file of settings has another."""
TLS13_SUITES: Final = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
GROUPS: Final = "X25519:P-256:P-384:P-521"
"""The cheapest first. Most clients begin with X25519: a server without it asks for a
second hello, which costs a round trip, and P-521 costs a third of a handshake."""
SESSION_ID_CONTEXT: Final = b"ccfpy"

RECORD_BYTES_MAX: Final = 16 * 1024
"""Of plaintext in one record (RFC 8446, 5.1)."""


def is_costly_key(kind: "KeyKind", *, bits: int, exponent_bits: int = 0) -> bool:
    """Return whether checking a signature by a client's key takes too long.

    OpenSSL checks the signature by which a client proves its key, whatever key it is.

    Args:
        kind: of the key.
        bits: of its modulus.
        exponent_bits: of an RSA key's public exponent.
    """
    if kind is KeyKind.RSA:
        return bits > RSA_BITS_MAX or exponent_bits > RSA_EXPONENT_BITS_MAX
    return kind is KeyKind.DSA and bits > DSA_BITS_MAX


class KeyKind(Enum):
    """What a key is of, as far as its cost is concerned."""

    RSA = auto()
    DSA = auto()
    OTHER = auto()
    """Of a size that its standard fixes: TLS takes no curve that it has not named."""


library: Final[Any] = SSL._lib  # type: ignore[attr-defined]  # noqa: SLF001 - as said above
_ffi: Final[Any] = SSL._ffi  # type: ignore[attr-defined]  # noqa: SLF001 - as said above

BUFFER_BYTES: Final = 17 * 1024
"""A full record and its overhead: most answers leave in one read."""

_buffer: Final = _ffi.new("char[]", BUFFER_BYTES)
_ssl_read: Final = library.SSL_read
_ssl_write: Final = library.SSL_write
_bio_read: Final = library.BIO_read
_bio_write: Final = library.BIO_write
_written: Final = _ffi.buffer(_buffer)
"""The same buffer as bytes, of which a slice is a copy."""
_encoded: Final = library.BIO_new(library.BIO_s_mem())
"""Where a peer's certificate is encoded, to be read at once."""

_OWN_CERTIFICATE_ONLY: Final = -2
"""Of a chain's depth: not even the issuer of a client's certificate is looked for, so
that no certificate's signature is checked. OpenSSL's own call to check nothing is not
to be had here, and its -1 means that nothing was set."""
_KINDS: Final = {
    crypto.TYPE_RSA: KeyKind.RSA,
    912: KeyKind.RSA,  # that signs by PSS alone; by OpenSSL's number
    crypto.TYPE_DSA: KeyKind.DSA,
}
_TOO_LONG: Final = "certificate chain too long"

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


class OpenSslConnection:
    """One end of a connection, driven through pyOpenSSL.

    Attributes:
        is_server: whether the peer speaks first.
    """

    __slots__ = ("_from_ssl", "_into_ssl", "_ssl", "connection", "is_server")

    wants_more: ClassVar[type[Exception]] = SSL.WantReadError
    closed: ClassVar[type[Exception]] = SSL.ZeroReturnError
    broken: ClassVar[type[Exception]] = SSL.Error

    def __init__(self, connection: SSL.Connection, *, is_server: bool = False) -> None:
        self.connection = connection
        self.is_server = is_server
        handles: Any = connection
        self._ssl = handles._ssl  # noqa: SLF001 - as said above
        self._into_ssl = handles._into_ssl  # noqa: SLF001 - as said above
        self._from_ssl = handles._from_ssl  # noqa: SLF001 - as said above

    def give(self, data: bytes) -> None:
        """Hand the library bytes from the peer."""
        written: int = _bio_write(self._into_ssl, data, len(data))
        assert written == len(data), "a memory BIO takes everything"

    def read(self) -> bytes:
        """Decrypt what is there, a record at most.

        Raises:
            SSL.Error: as ``Connection.recv``.
        """
        count: int = _ssl_read(self._ssl, _buffer, BUFFER_BYTES)
        if count <= 0:
            self._raise(count)
        plaintext: bytes = _written[:count]
        return plaintext

    def write(self, data: bytes) -> None:
        """Encrypt; what does not fit one record is left to the plain path.

        Raises:
            SSL.Error: as ``Connection.sendall``.
        """
        count: int = _ssl_write(self._ssl, data, len(data))
        if count <= 0:
            self._raise(count)
        elif count < len(data):
            self.connection.sendall(data[count:])

    def take(self) -> bytes:
        """Return all bytes for the peer."""
        return _read_all(self._from_ssl)

    def shake_hands(self) -> None:
        """Go on with the handshake."""
        self.connection.do_handshake()
        if self.is_server and _is_long(self.connection):
            raise SSL.Error([("", "", _TOO_LONG)])

    def shut_down(self) -> None:
        """Send the alert that ends the session."""
        self.connection.shutdown()

    def peer_certificate(self) -> bytes | None:
        """Return the peer's certificate in DER."""
        certificate = library.SSL_get_peer_certificate(self._ssl)
        if certificate == _ffi.NULL:
            return None
        try:
            assert library.i2d_X509_bio(_encoded, certificate) == 1
        finally:
            library.X509_free(certificate)
        return _read_all(_encoded)

    def protocol(self) -> bytes:
        """Return the protocol that ALPN settled on."""
        return self.connection.get_alpn_proto_negotiated()

    def reasons(self, error: Exception) -> list[str]:
        """Return the words of all errors in OpenSSL's queue."""
        queue = error.args[0] if error.args else ()
        return (
            [entry[-1] for entry in queue] if isinstance(queue, list) else [str(error)]
        )

    def _raise(self, count: int) -> None:
        self.connection._raise_ssl_error(self._ssl, count)  # noqa: SLF001 - as said above


def _read_all(bio: object) -> bytes:
    """Return all bytes that wait in a memory of OpenSSL."""
    count: int = _bio_read(bio, _buffer, BUFFER_BYTES)
    if count <= 0:
        return b""
    data: bytes = _written[:count]
    if count < BUFFER_BYTES:
        return data
    parts = [data]
    while (count := _bio_read(bio, _buffer, BUFFER_BYTES)) > 0:
        parts.append(_written[:count])
    return b"".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsIdentity:
    """What one end shows, and the key that proves it.

    Attributes:
        chain: its own certificate first.
        key_pem: not read yet.
    """

    chain: Sequence[crypto.X509]
    key_pem: str


class OpenSslServer:
    """A server's identity and terms."""

    def __init__(self, identity: TlsIdentity, protocols: Sequence[bytes]) -> None:
        self._protocols = protocols
        context = new_context(SSL.TLS_SERVER_METHOD)
        context.set_session_id(SESSION_ID_CONTEXT)
        library.SSL_CTX_set_verify(
            context._context,  # noqa: SLF001 - as said above
            SSL.VERIFY_PEER,
            _verify_callback,
        )
        context.set_verify_depth(_OWN_CERTIFICATE_ONLY)
        context.set_alpn_select_callback(self._select_protocol)
        present(context, identity)
        self._context = context

    def connect(self) -> OpenSslConnection:
        """Make the server's end of a connection."""
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        return OpenSslConnection(connection, is_server=True)

    def _select_protocol(
        self, _connection: SSL.Connection, offered: list[bytes]
    ) -> bytes | SSL._NoOverlappingProtocols:
        for protocol in self._protocols:
            if protocol in offered:
                return protocol
        return SSL.NO_OVERLAPPING_PROTOCOLS


def _judge(_is_sound: int, verification: object) -> int:
    """Accept a client's certificate, whatever its flaw, unless its key is costly.

    OpenSSL asks three times for most certificates: once for each flaw, and once for the
    certificate. pyOpenSSL would make objects of its own each time, which takes 25 us of
    a handshake (2.3 %).

    Returns:
        1 to go on, or 0 to end the handshake.
    """
    certificate = library.X509_STORE_CTX_get_current_cert(verification)
    key = library.X509_get_pubkey(certificate)
    if key == _ffi.NULL:  # of a kind that OpenSSL cannot read, and will refuse
        library.ERR_clear_error()
    else:
        kind = _KINDS.get(library.EVP_PKEY_id(key), KeyKind.OTHER)
        bits = library.EVP_PKEY_bits(key)
        library.EVP_PKEY_free(key)
        if is_costly_key(kind, bits=bits):
            return 0
        if kind is KeyKind.RSA and _has_costly_exponent(certificate, bits):
            return 0
    library.X509_STORE_CTX_set_error(verification, library.X509_V_OK)
    return 1


_verify_callback: Final = _ffi.callback("int (*)(int, X509_STORE_CTX *)", _judge)
"""If it raises, it refuses: cffi then returns 0."""


def _has_costly_exponent(handle: object, bits: int) -> bool:
    """Return whether a certificate's RSA key is costly, or of impossible numbers."""
    library.X509_up_ref(handle)
    make: Any = crypto.X509
    certificate: crypto.X509 = make._from_raw_x509_ptr(handle)  # noqa: SLF001 - as said above
    try:
        public: Any = certificate.get_pubkey().to_cryptography_key()
    except ValueError:  # numbers that no key has
        return True
    exponent_bits = public.public_numbers().e.bit_length()
    return is_costly_key(KeyKind.RSA, bits=bits, exponent_bits=exponent_bits)


def _is_long(connection: SSL.Connection) -> bool:
    """Return whether a client sent more certificates than it may."""
    handles: Any = connection
    others = library.SSL_get_peer_cert_chain(handles._ssl)  # noqa: SLF001 - as said above
    if others == _ffi.NULL:
        return False
    count: int = library.sk_X509_num(others)
    return count > CLIENT_CHAIN_CERTIFICATES_MAX - 1


def new_context(method: int) -> SSL.Context:
    """Make a context to the profile."""
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
    context.set_cipher_list(TLS12_SUITES.encode())
    context.set_tls13_ciphersuites(TLS13_SUITES.encode())
    # Buffers of idle sessions are most of what these keep in memory.
    context.set_mode(library.SSL_MODE_RELEASE_BUFFERS)
    # pyOpenSSL can name one curve, not a list, and keeps its handle to itself
    handle = context._context  # noqa: SLF001
    assert library.SSL_CTX_set1_curves_list(handle, GROUPS.encode()) == 1
    return context


def load_identity(certificate_pem: str, key_pem: str) -> TlsIdentity:
    """Read a certificate, with its chain if any, and take its key along.

    Raises:
        Malformed: the certificates cannot be read.
    """
    return TlsIdentity(chain=load_certificates(certificate_pem), key_pem=key_pem)


def present(context: SSL.Context, identity: TlsIdentity) -> None:
    """Set the identity that a context presents.

    Raises:
        Malformed: the key cannot be read, or is another's.
    """
    own, *chain = identity.chain
    try:
        loaded = crypto.load_privatekey(crypto.FILETYPE_PEM, identity.key_pem.encode())
        key: Any = loaded.to_cryptography_key()  # typed as if it might be public
        context.use_certificate(own.to_cryptography())
        for certificate in chain:
            context.add_extra_chain_cert(certificate.to_cryptography())
        context.use_privatekey(key)
        context.check_privatekey()
    except (SSL.Error, crypto.Error) as error:
        raise Malformed(NO_PAIR) from error


NO_PAIR: Final = "a certificate and a key that do not fit together"


def der_of(certificate: crypto.X509) -> bytes:
    """Return a certificate in DER."""
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def load_certificates(pem: str) -> list[crypto.X509]:
    """Read all certificates of a text; what is between them means nothing.

    Raises:
        Malformed: one cannot be read, or there is none.
    """
    try:
        certificates = [
            crypto.load_certificate(crypto.FILETYPE_PEM, block.encode())
            for block in _blocks(pem)
        ]
    except crypto.Error as error:
        raise Malformed("a PEM certificate that cannot be read") from error
    if not certificates:
        raise Malformed("expected a PEM certificate, found none")
    return certificates


def _blocks(pem: str) -> Iterator[str]:
    """Yield each certificate of a text as it stands there.

    No pattern is used: a text of nothing but beginnings is read once, not once each.
    """
    end = 0
    while (begin := pem.find(_BEGIN, end)) >= 0:
        end = pem.find(_END, begin)
        if end < 0:
            return
        end += len(_END)
        yield pem[begin:end]
