"""X.509 as CCF issues and reads it: service, node, member and user certificates.

A chain has two links: the service signs its nodes. Validity is not checked here, since
the only clock is the host's; callers that need dates compare them. CCF's own verifiers
and OpenSSL agree on the set of extensions (``src/crypto/openssl/key_pair.cpp``).

The signature at the end of a certificate or of a list: whole bytes.

It is a bit string, which begins by saying how many bits of its last byte do not count.
The library takes any such number if those bits are zero: the same certificate or list
in other bytes.

Extensions of certificates whose meaning lies elsewhere: bytes, and uses of keys.
"""

import ipaddress
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto import negative_serials
from ccfpy.crypto.ec import KeyPair, PublicKey, expect_ec
from ccfpy.crypto.encodings import check_affordable, public_der
from ccfpy.crypto.hashing import sha256_hex

_ALL_COUNT = b"\0"


def check_whole(der: bytes, signature: bytes, *, of: object) -> None:
    """Check that all bits of the signature at the end of ``der`` count.

    Args:
        der: the signed bytes, with the signature.
        signature: as the library reads it.
        of: the name of the signed object, for the message.

    Raises:
        VerificationFailed: some do not.
    """
    if not der.endswith(_ALL_COUNT + signature):
        raise VerificationFailed(f"{of} has a signature of odd length")


SERIAL_BYTES = 16
SERVICE_PATH_LENGTH = 1
_SECOND = timedelta(seconds=1)
_X509_TIME = re.compile(r"([0-9]{2}|[0-9]{4})[0-9]{10}Z")
_SHORT_YEAR = 2
_UNREADABLE = (
    ValueError,
    TypeError,  # for a part of a name that is of a type it may not have
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _quiet() -> AbstractContextManager[object]:
    """Keep the library from warning on stderr of what a stranger's bytes hold."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


@contextmanager
def reading(failure: str) -> Iterator[None]:
    """Read a stranger's bytes: whatever the library raises, they are malformed."""
    try:
        with _quiet():
            yield
    except _UNREADABLE as error:
        raise Malformed(f"{failure}: {error}") from error


class Certificate:
    """A certificate, parsed once; equal certificates have equal ``der``.

    Attributes:
        der: its bytes.
        pem: the same as text.
        digest_hex: hex SHA-256 of ``der``: a member's or user's id.
    """

    __slots__ = (
        "_certificate",
        "_is_odd",
        "_public_key",
        "_validity_s",
        "der",
        "digest_hex",
        "pem",
    )

    def __init__(self, certificate: x509.Certificate, der: bytes = b"") -> None:
        self._certificate = certificate
        self._public_key: PublicKey | None = None
        self._validity_s: tuple[int, int] | None = None
        read = certificate.public_bytes(serialization.Encoding.DER)
        self.der = der or read
        self._is_odd = self.der != read
        self.pem = negative_serials.to_pem(certificate, self.der)
        self.digest_hex = sha256_hex(self.der)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read the first certificate of a PEM text.

        Raises:
            Malformed: there is none.
        """
        data = pem.encode() if isinstance(pem, str) else pem
        with reading("not a PEM certificate"):
            return cls(*negative_serials.from_pem(data, first=True)[0])

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read DER.

        Raises:
            Malformed: it is no certificate.
        """
        with reading("not a DER certificate"):
            return cls(negative_serials.from_der(der), der)

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
            self._public_key = PublicKey(expect_ec(self._certified_key()))
        return self._public_key

    @property
    def public_key_der(self) -> bytes:
        """The certified key, of whatever kind, as DER SubjectPublicKeyInfo.

        Raises:
            Malformed: it cannot be read.
        """
        return public_der(self._certified_key())

    def _certified_key(self) -> CertificatePublicKeyTypes:
        """Read the key, which the library does not do before it is asked."""
        with reading("a certificate of an unreadable key"):
            return self._certificate.public_key()

    @property
    def not_before(self) -> datetime:
        """When it begins to be valid, UTC."""
        return self._certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """The last second at which it is valid, UTC."""
        return self._certificate.not_valid_after_utc

    @property
    def validity_s(self) -> tuple[int, int]:
        """Both as seconds since 1970; worked out once, as requests ask each time."""
        if self._validity_s is None:
            self._validity_s = (
                int(self.not_before.timestamp()),
                int(self.not_after.timestamp()),
            )
        return self._validity_s

    @property
    def subject(self) -> str:
        """The subject in RFC 4514's form, such as ``CN=CCF Node``.

        Raises:
            Malformed: it cannot be read.
        """
        with reading("a certificate of an unreadable name"):
            return self._certificate.subject.rfc4514_string()

    @property
    def sans(self) -> tuple[str, ...]:
        """The alternative names, as ``iPAddress:…`` and ``dNSName:…``."""
        names = self._extension(x509.SubjectAlternativeName)
        if names is None:
            return ()
        return (
            *(f"iPAddress:{a}" for a in names.get_values_for_type(x509.IPAddress)),
            *(f"dNSName:{n}" for n in names.get_values_for_type(x509.DNSName)),
        )

    @property
    def is_authority(self) -> bool:
        """Whether it may sign other certificates."""
        constraints = self._extension(x509.BasicConstraints)
        return constraints is not None and constraints.ca

    def _extension(self, kind: type[_Extension]) -> _Extension | None:
        """Look for an extension; among unreadable ones there is none."""
        try:
            with reading("a certificate of unreadable extensions"):
                return self._certificate.extensions.get_extension_for_class(kind).value
        except (x509.ExtensionNotFound, Malformed):
            return None

    def verify_signed_by(self, issuer: "Certificate") -> None:
        """Check that ``issuer`` issued this certificate; dates are not considered.

        Raises:
            VerificationFailed: its name or signature is not the issuer's, or the
                issuer's key is dear to check with.
        """
        check_whole(self.der, self._certificate.signature, of=self)
        try:
            with _quiet():
                by = issuer.library_certificate
                check_affordable(by.public_key())
                if self._is_odd:
                    negative_serials.verify(self.der, self._certificate, by)
                else:
                    self._certificate.verify_directly_issued_by(by)
        except (InvalidSignature, Malformed, *_UNREADABLE) as error:
            raise VerificationFailed(f"{self} was not issued by {issuer}") from error

    def __str__(self) -> str:
        """Name it in messages, by its digest if by nothing else."""
        try:
            return f"certificate {self.subject}"
        except Malformed:
            return f"certificate {self.digest_hex}"

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
    with reading("not a bundle of PEM certificates"):
        return [Certificate(*c) for c in negative_serials.from_pem(data, first=False)]


def parse_time(text: str) -> datetime:
    """Read a time as CCF's governance takes it: X.509's forms, or ISO 8601.

    A time without a zone is UTC.

    Raises:
        Malformed: it is none of these.
    """
    match = _X509_TIME.fullmatch(text)
    try:
        if match is not None:
            year = "%y" if len(match[1]) == _SHORT_YEAR else "%Y"
            moment = datetime.strptime(text, f"{year}%m%d%H%M%S%z")
        else:
            moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"not a time: {text!r}") from error


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
    builder = _valid(_builder(name, name, public, entropy), not_before, validity_days)
    return _sign(_identified(_authority(builder), public, public), key)


def endorse_authority(
    key: PublicKey,
    *,
    subject: str,
    issuer_key: KeyPair,
    issuer_cert: Certificate,
    entropy: Entropy,
) -> Certificate:
    """Vouch for an earlier service's key, for as long as the issuer itself is valid.

    A node that the earlier service endorsed is then vouched for by the later one
    (``src/node/historical_queries_utils.cpp``).
    """
    public, issuer = key.library_key, issuer_cert.library_certificate.subject
    builder = (
        _builder(_name(subject), issuer, public, entropy)
        .not_valid_before(issuer_cert.not_before)
        .not_valid_after(issuer_cert.not_after)
    )
    by = issuer_key.library_key.public_key()
    return _sign(_identified(_authority(builder), public, by), issuer_key)


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
    builder = _valid(_builder(name, name, public, entropy), not_before, validity_days)
    return _sign(_node(builder, public, public, _alternative_names(sans)), key)


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
    """Return the key that a certificate request is for; verify its signature first.

    Raises:
        Malformed: it is no request, or for a key of another kind.
        VerificationFailed: its maker does not hold the key.
    """
    request = _load_request(request_pem)
    with reading("a certificate request of an unreadable key"):
        key = expect_ec(request.public_key())
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
    subject, names = _requested(request)
    builder = _builder(subject, issuer, public, entropy)
    builder = _valid(builder, not_before, validity_days)
    by = issuer_key.library_key.public_key()
    return _sign(_node(builder, public, by, names), issuer_key)


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
    with reading("not a certificate request"):
        return x509.load_pem_x509_csr(pem.encode())


def _requested(
    request: x509.CertificateSigningRequest,
) -> tuple[x509.Name, x509.SubjectAlternativeName | None]:
    """Read what a request asks for; nothing else of it reaches a certificate."""
    with reading("an unreadable certificate request"):
        subject = request.subject
        try:
            names = request.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
        except x509.ExtensionNotFound:
            return subject, None
        return subject, names.value


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
    """Set a validity of ``days``, whose last second is left out, as in CCF."""
    start = not_before.replace(microsecond=0)
    try:
        end = start + timedelta(days=days) - _SECOND
        return builder.not_valid_before(start).not_valid_after(end)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"no certificate holds {days} days from {start}") from error


def _authority(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=SERVICE_PATH_LENGTH), critical=True
    ).add_extension(_AUTHORITY_USAGE, critical=True)


def _node(
    builder: x509.CertificateBuilder,
    subject: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePublicKey,
    names: x509.SubjectAlternativeName | None,
) -> x509.CertificateBuilder:
    no_authority = x509.BasicConstraints(ca=False, path_length=None)
    builder = builder.add_extension(no_authority, critical=True)
    builder = _identified(builder, subject, issuer)
    return builder if names is None else builder.add_extension(names, critical=False)


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


def raw_extension(certificate: Certificate, oid: str) -> bytes | None:
    """Return the bytes of an extension, if the certificate has it.

    Raises:
        Malformed: the certificate's extensions cannot be read.
    """
    for extension in _extensions(certificate):
        if extension.oid.dotted_string == oid:
            value = extension.value
            return (
                value.value if isinstance(value, x509.UnrecognizedExtension) else None
            )
    return None


def extended_key_usages(certificate: Certificate) -> frozenset[str]:
    """Return the purposes of a certificate's key, as object identifiers.

    Raises:
        Malformed: the certificate's extensions cannot be read.
    """
    for extension in _extensions(certificate):
        if isinstance(extension.value, x509.ExtendedKeyUsage):
            return frozenset(usage.dotted_string for usage in extension.value)
    return frozenset()


def _extensions(certificate: Certificate) -> x509.Extensions:
    try:
        return certificate.library_certificate.extensions
    except (ValueError, TypeError, x509.DuplicateExtension) as error:
        raise Malformed("a certificate of unreadable extensions") from error
