"""Servers that our own calls over TLS trust: named certificates, or any server."""

from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import ClassVar, Self

from OpenSSL import SSL, crypto

from ccfpy.base.limits import SERVER_HANDSHAKE_BYTES_MAX
from ccfpy.http.openssl import (
    OpenSslConnection,
    der_of,
    library,
    load_certificates,
    load_identity,
    new_context,
    present,
)
from ccfpy.http.tls import HTTP_1_1

_NO_PARTIAL_WILDCARDS = 0x4
_NAME_MISMATCHES = (
    SSL.X509VerificationCodes.ERR_HOSTNAME_MISMATCH,
    SSL.X509VerificationCodes.ERR_IP_ADDRESS_MISMATCH,
)


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

    handshake_bytes_max: ClassVar[int] = SERVER_HANDSHAKE_BYTES_MAX

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
        context = new_context(SSL.TLS_CLIENT_METHOD)
        trusted = load_certificates(trusted_pem)
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
            partial(_is_acceptable, frozenset(map(der_of, trusted))),
        )
        context.set_alpn_protos([HTTP_1_1])
        store = context.get_cert_store()
        assert store is not None, "a context always has a store"
        for certificate in trusted:
            store.add_cert(certificate)
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(now)
        if certificate_pem is not None and key_pem is not None:
            present(context, load_identity(certificate_pem, key_pem))
        self._context = context

    def offer(self, *protocols: bytes) -> Self:
        """Say which protocols the caller can speak, of which the server chooses one."""
        self._context.set_alpn_protos([*protocols])
        return self

    def connect(self) -> OpenSslConnection:
        """Make the client's end of a connection."""
        connection = _asking_for(self._host, self._context)
        if self._checks_name:
            _check_name(connection, self._host)
        return OpenSslConnection(connection)


class UncheckedClientContext:
    """Accepts any server.

    Use it only for data that proves itself, such as certificates that lead to a pinned
    root. Nothing private may be sent this way.

    Args:
        host: the name that is asked for; servers of many names choose by it.
    """

    handshake_bytes_max: ClassVar[int] = SERVER_HANDSHAKE_BYTES_MAX

    def __init__(self, host: str) -> None:
        self._host = host
        self._context = new_context(SSL.TLS_CLIENT_METHOD)
        self._context.set_verify(SSL.VERIFY_NONE)
        self._context.set_alpn_protos([HTTP_1_1])

    def connect(self) -> OpenSslConnection:
        """Make the client's end of a connection."""
        return OpenSslConnection(_asking_for(self._host, self._context))


def _asking_for(host: str, context: SSL.Context) -> SSL.Connection:
    """Make the client's end of a connection; a host is named, an address is not."""
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    if _address(host) is None:
        connection.set_tlsext_host_name(host.encode("idna"))
    return connection


def _check_name(connection: SSL.Connection, host: str) -> None:
    """Ask OpenSSL to check that the peer's certificate is for a host or address."""
    # pyOpenSSL keeps its handle to itself and has no call for this
    parameters = library.SSL_get0_param(connection._ssl)  # noqa: SLF001
    address = _address(host)
    if address is not None:
        is_set = library.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address))
    else:
        name = host.encode("idna")
        library.X509_VERIFY_PARAM_set_hostflags(parameters, _NO_PARTIAL_WILDCARDS)
        is_set = library.X509_VERIFY_PARAM_set1_host(parameters, name, len(name))
    assert is_set == 1, "OpenSSL took the name"


def _address(host: str) -> bytes | None:
    try:
        return ip_address(host).packed
    except ValueError:
        return None


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
        return der_of(certificate) in trusted
    return bool(is_sound)
