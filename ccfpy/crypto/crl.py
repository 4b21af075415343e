"""Lists of revoked certificates (RFC 5280), as hardware makers publish them."""

from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate, check_whole, reading


class RevocationList:
    """A list, parsed."""

    __slots__ = ("_list",)

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        self._list = parsed

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a list in PEM or, failing that, DER.

        Raises:
            Malformed: it is none.
        """
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        load = x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl
        with reading("not a list of revoked certificates"):
            return cls(load(data))

    @property
    def der(self) -> bytes:
        """Its bytes."""
        return self._list.public_bytes(serialization.Encoding.DER)

    @property
    def not_before(self) -> datetime:
        """When it was issued."""
        return self._list.last_update_utc

    @property
    def not_after(self) -> datetime | None:
        """When the next is due; nothing if none is promised."""
        return self._list.next_update_utc

    def verify_signed_by(self, issuer: Certificate) -> None:
        """Check that ``issuer`` issued this list; dates are not considered.

        Raises:
            VerificationFailed: its name or signature is not the issuer's.
        """
        check_whole(
            self.der, self._list.signature, of="the list of revoked certificates"
        )
        try:
            with reading("an unreadable list"):
                is_issued = (
                    self._list.is_signature_valid(issuer.public_key.library_key)
                    and self._list.issuer == issuer.library_certificate.subject
                )
        except (Malformed, UnsupportedAlgorithm):
            is_issued = False
        if not is_issued:
            raise VerificationFailed(
                f"the list of revoked certificates was not issued by {issuer}"
            )

    def revokes(self, certificate: Certificate) -> bool:
        """Return whether a certificate of the list's issuer is on the list."""
        serial = certificate.library_certificate.serial_number
        with reading("an unreadable list"):
            found = self._list.get_revoked_certificate_by_serial_number(serial)
        return found is not None
