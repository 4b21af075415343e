"""Any client certificate is taken, and none without its key."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession
from tests.attacks import attack
from tests.unit.http.tls_ends import NODE, USER, VERSIONS, Client, make_identity

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]

YEARS = [datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2001, 2090, 2091)]


def _valid(start: datetime, end: datetime) -> Change:
    # Both at once: a builder refuses an end before the start it has.
    def change(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        return builder.not_valid_before(start).not_valid_after(end)

    return change


def _only_for(purpose: x509.ObjectIdentifier) -> Change:
    def change(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        usage = x509.ExtendedKeyUsage([purpose])
        return _usual(builder).add_extension(usage, critical=True)

    return change


def _unheard_of(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.9.9"), b"?")
    return _usual(builder).add_extension(extension, critical=True)


def _names_no_certificates(
    builder: x509.CertificateBuilder,
) -> x509.CertificateBuilder:
    """Make an authority of it whose key may not sign anything."""
    return _usual(builder).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )


_usual = _valid(YEARS[1], YEARS[2])

CASES: dict[str, tuple[Callable[[], Key], Change]] = {
    "expired": (lambda: ec.generate_private_key(ec.SECP384R1()), _valid(*YEARS[:2])),
    "of the future": (
        lambda: ec.generate_private_key(ec.SECP384R1()),
        _valid(*YEARS[2:]),
    ),
    "for servers": (
        lambda: ec.generate_private_key(ec.SECP256R1()),
        _only_for(ExtendedKeyUsageOID.SERVER_AUTH),
    ),
    "for signing code": (
        lambda: ec.generate_private_key(ec.SECP256R1()),
        _only_for(ExtendedKeyUsageOID.CODE_SIGNING),
    ),
    "an authority": (
        lambda: ec.generate_private_key(ec.SECP521R1()),
        _names_no_certificates,
    ),
    "of an unknown extension": (
        lambda: ec.generate_private_key(ec.SECP384R1()),
        _unheard_of,
    ),
    "of RSA": (lambda: rsa.generate_private_key(65537, 2048), _usual),
    "of a weak RSA": (lambda: rsa.generate_private_key(65537, 1024), _usual),
    "of Ed25519": (ed25519.Ed25519PrivateKey.generate, _usual),
}


def _certificate(name: str, key: Key, change: Change) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = change(
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
    )
    is_edwards = isinstance(key, ed25519.Ed25519PrivateKey)
    return builder.sign(key, None if is_edwards else hashes.SHA256())


def _files(path: Path, key: bytes, *chain: x509.Certificate) -> Path:
    blocks = [it.public_bytes(serialization.Encoding.PEM) for it in chain]
    path.write_bytes(b"".join([*blocks, key]))
    return path


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _served(version: ssl.TLSVersion, files: Path) -> tuple[TlsSession, Client]:
    def setup(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(files)

    session = TlsSession(ServerContext(NODE.pem, NODE.key_pem))
    client = Client(setup=setup)
    client.shake_hands(session)
    return session, client


@VERSIONS
@pytest.mark.parametrize("case", CASES)
def test_a_certificate_is_taken_whatever_is_wrong_with_it(
    version: ssl.TLSVersion, case: str, tmp_path: Path
) -> None:
    make, change = CASES[case]
    key = make()
    certificate = _certificate(case, key, change)
    files = _files(tmp_path / "client.pem", _pem(key), certificate)
    session, client = _served(version, files)
    assert session.peer_certificate_der == certificate.public_bytes(
        serialization.Encoding.DER
    )
    assert session.feed(client.send(b"request")) == b"request"


@VERSIONS
@pytest.mark.parametrize("serial", [b"\xff", b"\x00"], ids=["-1", "0"])
def test_a_certificate_is_taken_whose_serial_number_is_not_positive(
    version: ssl.TLSVersion, serial: bytes, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    usual = _certificate("odd", key, _usual).public_bytes(serialization.Encoding.DER)
    # The first number of one byte is the serial number, and it was 1.
    odd = usual.replace(b"\x02\x01\x01", b"\x02\x01" + serial, 1)
    assert odd != usual
    files = tmp_path / "client.pem"
    files.write_bytes(ssl.DER_cert_to_PEM_cert(odd).encode() + _pem(key))
    session, _ = _served(version, files)
    assert session.peer_certificate_der == odd


@VERSIONS
def test_a_chain_is_taken_whose_root_nobody_knows(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    root = make_identity("root", is_ca=True)
    middle = make_identity("middle", issuer=root, is_ca=True)
    member = make_identity("member", issuer=middle)
    chain = (member.certificate, middle.certificate, root.certificate)
    files = _files(tmp_path / "client.pem", _pem(member.key), *chain)
    session, _ = _served(version, files)
    assert session.peer_certificate_der == member.der


@VERSIONS
def test_a_chain_is_taken_whose_signatures_are_wrong(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    issuer = make_identity("root", is_ca=True)
    impostor = make_identity("root", is_ca=True)
    member = make_identity("member", issuer=issuer)
    chain = (member.certificate, impostor.certificate)
    files = _files(tmp_path / "client.pem", _pem(member.key), *chain)
    session, _ = _served(version, files)
    assert session.peer_certificate_der == member.der


def _key_that_claims(own: ec.EllipticCurvePrivateKey, public: bytes) -> bytes:
    """Write a private key that says its public part is another's (RFC 5915)."""
    der = bytearray(
        own.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    point = own.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    place = der.index(point)
    der[place : place + len(point)] = public
    text = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "EC PRIVATE KEY")
    return text.encode()


@attack("tls: a client's certificate without its key")
@VERSIONS
def test_a_certificate_without_its_key_proves_nothing(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    thief = ec.generate_private_key(ec.SECP384R1())
    public = USER.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    files = _files(
        tmp_path / "client.pem", _key_that_claims(thief, public), USER.certificate
    )
    with pytest.raises(TlsFailure, match="bad signature"):
        _served(version, files)
    files = _files(
        tmp_path / "client.pem", _key_that_claims(USER.key, public), USER.certificate
    )
    session, _ = _served(version, files)
    assert session.peer_certificate_der == USER.der, "it is the key that was missing"
