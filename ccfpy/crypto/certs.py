"""X.509 as CCF issues and reads it: service, node, member and user certificates.

A chain has two links: the service signs its nodes. Validity is not judged here, since
the only clock is the host's; who cares about dates compares them himself. The set of
extensions is the one that CCF's own verifiers and OpenSSL agree on
(``src/crypto/openssl/key_pair.cpp``).
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtensionOID

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256_hex

SERIAL_BYTES = 16
SERVICE_PATH_LENGTH = 1
_SECOND = timedelta(seconds=1)
_X509_TIME = ("%y%m%d%H%M%SZ", "%Y%m%d%H%M%SZ")


class Certificate:
    """A certificate, parsed once; equal certificates have equal ``der``.

    Attributes:
        der: its bytes.
        pem: the same as text.
        digest_hex: hex SHA-256 of ``der``: a member's or user's id.
    """

    __slots__ = ("_certificate", "_public_key", "der", "digest_hex", "pem")

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate
        self._public_key: PublicKey | None = None
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.digest_hex = sha256_hex(self.der)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read the first certificate of a PEM text.

        Raises:
            Malformed: there is none.
        """
        data = pem.encode() if isinstance(pem, str) else pem
        try:
            return cls(x509.load_pem_x509_certificate(data))
        except ValueError as error:
            raise Malformed(f"not a PEM certificate: {error}") from error

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read DER.

        Raises:
            Malformed: it is no certificate.
        """
        try:
            return cls(x509.load_der_x509_certificate(der))
        except ValueError as error:
            raise Malformed(f"not a DER certificate: {error}") from error

    @property
    def library_certificate(self) -> x509.Certificate:
        """The certificate as this package's other files use it."""
        return self._certificate

    @property
    def public_key(self) -> PublicKey:
        """The elliptic-curve key it certifies.

        Raises:
            Malformed: it certifies a key of another kind.
        """
        if self._public_key is None:
            key = self._certified_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise Malformed(
                    f"expected an elliptic-curve key, found {type(key).__name__}"
                )
            self._public_key = PublicKey(key)
        return self._public_key

    @property
    def public_key_der(self) -> bytes:
        """The certified key, of whatever kind, as DER SubjectPublicKeyInfo.

        Raises:
            Malformed: it cannot be read.
        """
        return self._certified_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def _certified_key(self) -> CertificatePublicKeyTypes:
        """Read the key, which the library does not do before it is asked."""
        try:
            return self._certificate.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise Malformed(f"a certificate of an unreadable key: {error}") from error

    @property
    def not_before(self) -> datetime:
        """When it begins to be valid, UTC."""
        return self._certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """The last second at which it is valid, UTC."""
        return self._certificate.not_valid_after_utc

    @property
    def subject(self) -> str:
        """The subject in RFC 4514's form, such as ``CN=CCF Node``.

        Raises:
            Malformed: it cannot be read.
        """
        try:
            return self._certificate.subject.rfc4514_string()
        except ValueError as error:
            raise Malformed(f"a certificate of an unreadable name: {error}") from error

    @property
    def sans(self) -> tuple[str, ...]:
        """The alternative names, as ``iPAddress:…`` and ``dNSName:…``."""
        try:
            extension = self._certificate.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
        except (x509.ExtensionNotFound, ValueError):
            return ()
        names = extension.value
        return (
            *(f"iPAddress:{a}" for a in names.get_values_for_type(x509.IPAddress)),
            *(f"dNSName:{n}" for n in names.get_values_for_type(x509.DNSName)),
        )

    @property
    def is_authority(self) -> bool:
        """Whether it may sign other certificates."""
        try:
            constraints = self._certificate.extensions.get_extension_for_class(
                x509.BasicConstraints
            )
        except (x509.ExtensionNotFound, ValueError):
            return False
        return constraints.value.ca

    def verify_signed_by(self, issuer: "Certificate") -> None:
        """Check that ``issuer`` issued this certificate; dates are not considered.

        Raises:
            VerificationFailed: its name or signature is not the issuer's.
            Malformed: a name cannot be read.
        """
        try:
            self._certificate.verify_directly_issued_by(issuer.library_certificate)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise VerificationFailed(
                f"certificate {self.subject} was not issued by {issuer.subject}"
            ) from error

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self.der)


def parse_bundle(pem: str | bytes) -> list[Certificate]:
    """Read every certificate of a PEM text.

    Raises:
        Malformed: there is none, or one of them is broken.
    """
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        return [Certificate(c) for c in x509.load_pem_x509_certificates(data)]
    except ValueError as error:
        raise Malformed(f"not a bundle of PEM certificates: {error}") from error


def parse_time(text: str) -> datetime:
    """Read a time as CCF's governance takes it: X.509's forms, or ISO 8601.

    A time without a zone is UTC.

    Raises:
        Malformed: it is none of these.
    """
    for form in _X509_TIME:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"not a time: {text!r}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def service_certificate(
    key: KeyPair,
    *,
    subject: str,
    not_before: datetime,
    validity_days: int,
    entropy: Entropy,
) -> Certificate:
    """Make a service's self-signed certificate, the root of its nodes'."""
    name = _name(subject)
    public = key.library_key.public_key()
    builder = _builder(name, name, public, entropy)
    builder = _valid(builder, not_before, validity_days)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=SERVICE_PATH_LENGTH), critical=True
    )
    builder = builder.add_extension(_AUTHORITY_USAGE, critical=True)
    return _sign(_identified(builder, public, public), key)


def node_self_signed(
    key: KeyPair,
    *,
    subject: str,
    sans: Sequence[str],
    not_before: datetime,
    validity_days: int,
    entropy: Entropy,
) -> Certificate:
    """Make the certificate a node presents before its service vouches for it."""
    name = _name(subject)
    public = key.library_key.public_key()
    builder = _valid(
        _builder(name, name, public, entropy), not_before, validity_days
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = _identified(builder, public, public)
    names = _alternative_names(sans)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return _sign(builder, key)


def certificate_request(key: KeyPair, *, subject: str, sans: Sequence[str]) -> str:
    """Make a request for a certificate over this key; give PEM.

    CCF signs requests under SHA-512 whatever the curve.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(subject))
    names = _alternative_names(sans)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    request = builder.sign(key.library_key, hashes.SHA512(), ecdsa_deterministic=True)
    return request.public_bytes(serialization.Encoding.PEM).decode()


def request_public_key(request_pem: str) -> PublicKey:
    """Give the key that a certificate request is for, having checked its signature.

    Raises:
        Malformed: it is no request, or for a key of another kind.
        VerificationFailed: its maker does not hold the key.
    """
    request = _load_request(request_pem)
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Malformed(f"expected an elliptic-curve key, found {type(key).__name__}")
    if not request.is_signature_valid:
        raise VerificationFailed("a certificate request's signature does not match")
    return PublicKey(key)


def endorse_request(
    request_pem: str,
    *,
    issuer_key: KeyPair,
    issuer_cert: Certificate,
    not_before: datetime,
    validity_days: int,
    entropy: Entropy,
) -> Certificate:
    """Issue the certificate that a node asked for: its subject, key and names.

    Raises:
        Malformed: it is no certificate request.
        VerificationFailed: its maker does not hold the key.
    """
    public = request_public_key(request_pem).library_key
    request = _load_request(request_pem)
    issuer = issuer_cert.library_certificate.subject
    builder = _valid(
        _builder(request.subject, issuer, public, entropy), not_before, validity_days
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = _identified(builder, public, issuer_key.library_key.public_key())
    try:
        names = request.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except x509.ExtensionNotFound:
        pass
    else:
        builder = builder.add_extension(names.value, critical=False)
    return _sign(builder, issuer_key)


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _load_request(pem: str) -> x509.CertificateSigningRequest:
    try:
        return x509.load_pem_x509_csr(pem.encode())
    except ValueError as error:
        raise Malformed(f"not a certificate request: {error}") from error


def _name(subject: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(subject)
    except ValueError as error:
        raise Malformed(f"not a subject name: {subject!r}") from error


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    entropy: Entropy,
) -> x509.CertificateBuilder:
    serial = int.from_bytes(entropy.random_bytes(SERIAL_BYTES), "big") >> 1 or 1
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
    )


def _valid(
    builder: x509.CertificateBuilder, not_before: datetime, days: int
) -> x509.CertificateBuilder:
    """Let it be valid for ``days``, whose last second is left out, as in CCF."""
    start = not_before.replace(microsecond=0)
    end = start + timedelta(days=days) - _SECOND
    return builder.not_valid_before(start).not_valid_after(end)


def _identified(
    builder: x509.CertificateBuilder,
    subject: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(subject), critical=False
    ).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
    )


def _alternative_names(sans: Sequence[str]) -> x509.SubjectAlternativeName | None:
    names: list[x509.GeneralName] = []
    for san in sans:
        kind, _, name = san.partition(":")
        try:
            match kind:
                case "iPAddress":
                    names.append(x509.IPAddress(ipaddress.ip_address(name)))
                case "dNSName":
                    names.append(x509.DNSName(name))
                case _:
                    raise Malformed(f"not a subject alternative name: {san!r}")
        except ValueError as error:
            raise Malformed(f"not a subject alternative name: {san!r}") from error
    return x509.SubjectAlternativeName(names) if names else None


def _sign(builder: x509.CertificateBuilder, key: KeyPair) -> Certificate:
    return Certificate(
        builder.sign(
            key.library_key, key.public_key.curve.hash, ecdsa_deterministic=True
        )
    )
