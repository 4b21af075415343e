"""Who an enclave is: what its code is, and who vouches for it with what numbers."""

from dataclasses import dataclass
from typing import Annotated, Self, TypeAlias

from ccfpy.attestation.fields import Digest, read_exactly
from ccfpy.base.annotations import IntegerRange
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import ENCLAVE_NUMBER_MAX
from ccfpy.base.schema import fields_of
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256

Number: TypeAlias = Annotated[int, IntegerRange("number", 0, ENCLAVE_NUMBER_MAX)]


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

    unique_id: Digest
    signer_id: Digest
    product_id: Number
    security_version: Number
    debug: bool

    @classmethod
    def read(cls, record: JsonObject) -> Self:
        """Read a record.

        Raises:
            Malformed: it is none.
        """
        return read_exactly(cls, record, "an identity")

    def fields(self) -> JsonObject:
        """Return the fields of a record."""
        return fields_of(self)


def signer_id_of(key: PublicKey) -> bytes:
    """Return the id of the signer with this key: the digest of the key's DER."""
    return sha256(key.der)
