"""Extensions of certificates whose meaning lies elsewhere: bytes, and uses of keys."""

from cryptography import x509

from ccfpy.base.errors import Malformed
from ccfpy.crypto.certs import Certificate


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
