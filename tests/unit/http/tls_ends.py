"""Identities, and the other ends of TLS that tests speak to."""

import contextlib
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ccfpy.http.tls import TlsSession

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
END = datetime(2040, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def make_identity(
    name: str,
    *,
    issuer: Identity | None = None,
    is_ca: bool = False,
    sans: tuple[x509.GeneralName, ...] = (),
) -> Identity:
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            False,
        )
    )
    if is_ca:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), False)
    return Identity(key=key, certificate=builder.sign(signer, hashes.SHA384()))


SERVICE = make_identity("CCF Service", is_ca=True)
NODE = make_identity(
    "CCF Node",
    issuer=SERVICE,
    sans=(
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.DNSName("node.example"),
        x509.DNSName("*.wild.example"),
    ),
)
USER = make_identity("user0")


class Client:
    """The standard library's TLS as a client in memory."""

    def __init__(
        self,
        *,
        setup: Callable[[ssl.SSLContext], None] = lambda _context: None,
        session: ssl.SSLSession | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if context is None:
            context = ssl.create_default_context(cadata=SERVICE.pem)
            setup(context)
        self.context = context
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_hostname="127.0.0.1", session=session
        )

    def hello(self) -> bytes:
        """Begin the handshake; return the client's first bytes."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def shake_hands(self, server: TlsSession) -> None:
        for _ in range(5):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            server.feed(self.outgoing.read())
            self.incoming.write(server.take_output())
        assert server.is_established

    def send(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()

    def receive(self, server: TlsSession) -> bytes:
        self.incoming.write(server.take_output())
        parts: list[bytes] = []
        while True:
            try:
                part = self.tls.read(100_000)
            except ssl.SSLWantReadError:
                part = b""
            if not part:
                return b"".join(parts)
            parts.append(part)


def pump(client: TlsSession, server: TlsSession) -> None:
    for _ in range(5):
        server.feed(client.take_output())
        client.feed(server.take_output())


VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)
