"""Issuers whose identifier names an authority and what it certified: ``did:x509``.

An identifier pins one authority of a statement's chain by its digest, and says what the
signer's own certificate must hold. The periods of validity do not matter: a statement
about software stays true (https://github.com/microsoft/did-x509).

The chain is checked as far as it decides who signed. Certificates that would need more
than that are refused: those with name constraints, or with critical extensions that
nobody here understands.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, Self, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from apps.scitt.encoding import base64url
from apps.scitt.limits import DID_CHARS_MAX, DID_POLICIES_MAX
from ccfpy.app import Certificate, Malformed, VerificationFailed

PREFIX: Final = "did:x509"
_VERSION = "0"
_HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_ATTRIBUTES: Final = {
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
}
_FULCIO_ISSUER = "1.3.6.1.4.1.57264.1.1"
_ENCODED = re.compile(r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+")
_OID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_CERTIFICATES_MIN = 2

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
_Policy: TypeAlias = Callable[[x509.Certificate], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class DidX509:
    """An identifier, taken apart.

    Attributes:
        hash_name: of the digest.
        fingerprint: the authority's digest, in base64url.
        policies: what the signer's certificate must hold, by their texts.
    """

    hash_name: str
    fingerprint: str
    policies: tuple[tuple[str, _Policy], ...]

    @classmethod
    def parse(cls, did: str) -> Self:
        """Read an identifier.

        Raises:
            Malformed: it is none, or one with an unknown policy.
        """
        if len(did) > DID_CHARS_MAX:
            raise Malformed(f"a did:x509 of more than {DID_CHARS_MAX} characters")
        name, *policies = did.split("::")
        match name.split(":"):
            case ["did", "x509", version, hash_name, fingerprint]:
                pass
            case _:
                raise Malformed("not a did:x509")
        if version != _VERSION or hash_name not in _HASHES or not fingerprint:
            raise Malformed("a did:x509 of an unknown version or digest")
        if not 0 < len(policies) <= DID_POLICIES_MAX:
            raise Malformed(f"a did:x509 has 1 to {DID_POLICIES_MAX} policies")
        return cls(
            hash_name=hash_name,
            fingerprint=fingerprint,
            policies=tuple((text, _policy(text)) for text in policies),
        )

    def check(self, chain: Sequence[Certificate]) -> None:
        """Check that the identifier names whom a chain certifies.

        Args:
            chain: the signer's certificate, and those above it.

        Raises:
            VerificationFailed: the chain does not hold, or names somebody else.
        """
        check_chain(chain)
        make_hash = _HASHES[self.hash_name]
        if self.fingerprint not in {
            base64url(above.library_certificate.fingerprint(make_hash()))
            for above in chain[1:]
        }:
            raise VerificationFailed("the authority of the did:x509 is not in x5chain")
        for text, holds in self.policies:
            if not _reading(holds, chain[0]):
                raise VerificationFailed(
                    f"the signer's certificate does not hold {text!r}"
                )


def read_chain(chain: Sequence[bytes]) -> list[Certificate]:
    """Read the certificates of a statement.

    Raises:
        Malformed: one is none.
    """
    return [Certificate.from_der(der) for der in chain]


def check_chain(chain: Sequence[Certificate]) -> None:
    """Check that each certificate was issued by the one above it, which may do so.

    Raises:
        VerificationFailed: one was not, or the chain has nothing above the signer.
    """
    if len(chain) < _CERTIFICATES_MIN:
        raise VerificationFailed("x5chain has no authority above the signer")
    for certificate in chain:
        _reading(_check_understood, certificate)
    for below, (certificate, issuer) in enumerate(pairwise(chain)):
        _reading(partial(_check_may_issue, below=below), issuer)
        certificate.verify_signed_by(issuer)


def _check_understood(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.NameConstraints):
            raise VerificationFailed("a certificate with name constraints")
        if extension.critical and isinstance(value, x509.UnrecognizedExtension):
            raise VerificationFailed(
                "a certificate with an unknown critical extension, "
                f"{extension.oid.dotted_string}"
            )


def _check_may_issue(issuer: x509.Certificate, below: int) -> None:
    """Check that a certificate may issue, with so many authorities below it."""
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise VerificationFailed("x5chain has an issuer that is no authority")
    if constraints.path_length is not None and below > constraints.path_length:
        raise VerificationFailed("x5chain is longer than one of its issuers allows")
    usage = _extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise VerificationFailed("x5chain has an issuer whose key may not issue")


def _reading(look: Callable[[x509.Certificate], bool | None], at: Certificate) -> bool:
    """Look into a stranger's certificate: what cannot be read does not hold.

    Raises:
        VerificationFailed: it cannot be read, or ``look`` says so.
    """
    try:
        return bool(look(at.library_certificate))
    except (
        ValueError,
        TypeError,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise VerificationFailed("a certificate that cannot be read") from error


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


# Policies


def _policy(text: str) -> _Policy:
    kind, _, value = text.partition(":")
    read = _KINDS.get(kind)
    if read is None:
        raise Malformed(f"a did:x509 with the policy {kind[:80]!r}, which is unknown")
    return read(value)


def _decoded(text: str) -> str:
    if not _ENCODED.fullmatch(text):
        raise Malformed("a did:x509 with a value that is not percent-encoded")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise Malformed("a did:x509 with a value that is not UTF-8") from error


def _eku(value: str) -> _Policy:
    if not _OID.fullmatch(value):
        raise Malformed("a did:x509 whose eku is no object identifier")

    def holds(certificate: x509.Certificate) -> bool:
        usages = _extension(certificate, x509.ExtendedKeyUsage)
        return usages is not None and value in {each.dotted_string for each in usages}

    return holds


def _subject(value: str) -> _Policy:
    parts = value.split(":")
    keys, values = parts[::2], [_decoded(part) for part in parts[1::2]]
    if len(keys) != len(values) or len(set(keys)) != len(keys):
        raise Malformed("a did:x509 whose subject is not pairs of different keys")
    wanted = dict(zip(map(_attribute, keys), values, strict=True))

    def holds(certificate: x509.Certificate) -> bool:
        subject = certificate.subject
        return all(
            text in {each.value for each in subject.get_attributes_for_oid(oid)}
            for oid, text in wanted.items()
        )

    return holds


def _attribute(key: str) -> x509.ObjectIdentifier:
    known = _ATTRIBUTES.get(key)
    if known is not None:
        return known
    if not _OID.fullmatch(key):
        raise Malformed("a did:x509 whose subject has an unknown key")
    try:
        return x509.ObjectIdentifier(key)
    except ValueError as error:
        raise Malformed("a did:x509 whose subject has an unknown key") from error


def _san(value: str) -> _Policy:
    kind, _, encoded = value.partition(":")
    name = _NAMES.get(kind)
    if name is None:
        raise Malformed("a did:x509 whose san is none of email, dns and uri")
    wanted = _decoded(encoded)

    def holds(certificate: x509.Certificate) -> bool:
        names = _extension(certificate, x509.SubjectAlternativeName)
        return names is not None and wanted in names.get_values_for_type(name)

    return holds


def _fulcio_issuer(value: str) -> _Policy:
    wanted = f"https://{_decoded(value)}".encode()

    def holds(certificate: x509.Certificate) -> bool:
        return any(
            extension.oid.dotted_string == _FULCIO_ISSUER
            and isinstance(extension.value, x509.UnrecognizedExtension)
            and extension.value.value == wanted
            for extension in certificate.extensions
        )

    return holds


_NAMES: Final[
    Mapping[str, type[x509.RFC822Name | x509.DNSName | x509.UniformResourceIdentifier]]
] = {
    "email": x509.RFC822Name,
    "dns": x509.DNSName,
    "uri": x509.UniformResourceIdentifier,
}
_KINDS: Final[Mapping[str, Callable[[str], _Policy]]] = {
    "eku": _eku,
    "subject": _subject,
    "san": _san,
    "fulcio-issuer": _fulcio_issuer,
}
