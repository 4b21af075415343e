"""Who an enclave is: what its code is, and who vouches for it with what numbers."""

from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.fields import Fields
from ccfpy.base.json import JsonObject
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256

NUMBER_MAX = (1 << 16) - 1
"""The highest product id and security version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnclaveIdentity:
    """An enclave as evidence names it.

    Attributes:
        unique_id: the digest of all its code and configuration: it changes with a byte.
        signer_id: the digest of the signer's public key.
        product_id: the signer's number for the product.
        security_version: raised by the signer when older versions are not to be
            trusted any more.
        debug: whether the enclave can be debugged; such an enclave must get no secret.
    """

    unique_id: bytes
    signer_id: bytes
    product_id: int
    security_version: int
    debug: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read its five fields from a record.

        Raises:
            Malformed: one of them is not as it must be.
        """
        return cls(
            unique_id=fields.hexadecimal("unique_id"),
            signer_id=fields.hexadecimal("signer_id"),
            product_id=fields.number("product_id", NUMBER_MAX),
            security_version=fields.number("security_version", NUMBER_MAX),
            debug=fields.flag("debug"),
        )

    def fields(self) -> JsonObject:
        """Return the fields of a record."""
        return {
            "unique_id": self.unique_id.hex(),
            "signer_id": self.signer_id.hex(),
            "product_id": self.product_id,
            "security_version": self.security_version,
            "debug": self.debug,
        }


def signer_id_of(key: PublicKey) -> bytes:
    """Return the id of the signer with this key: the digest of the key's DER."""
    return sha256(key.der)
