"""A developer's signature under a bundle: who vouches for it, as what, how new.

It stands beside the application and names every file of it by its digest. The product
number, the security version and the mark of a debug build are the signer's word; the
unique id follows from the bytes, and is checked against them.
"""

from dataclasses import dataclass
from typing import Final, Self

from ccfpy.attestation.bundle import Bundle
from ccfpy.attestation.fields import inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity, signer_id_of
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.version import VERSION
from ccfpy.crypto.ec import KeyPair, PublicKey

MANIFEST = "application/ccfpy-enclave-manifest+json"
_INLINED: Final = ("identity", "bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What is signed; the fields of identity and bundle stand beside the others."""

    signer_key: str
    name: str
    version: str
    identity: EnclaveIdentity
    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A signed bundle.

    Attributes:
        raw: the signed statement.
        name: of the file or folder that the application is.
        version: of the framework, for people; its digest decides.
    """

    raw: bytes
    name: str
    version: str
    bundle: Bundle
    identity: EnclaveIdentity

    @classmethod
    def sign(
        cls,
        bundle: Bundle,
        key: KeyPair,
        *,
        name: str,
        product_id: int,
        security_version: int,
        debug: bool,
    ) -> Self:
        """Vouch for a bundle.

        Raises:
            Malformed: a number is out of its bounds, or the name is no file's.
        """
        identity = EnclaveIdentity(
            unique_id=bundle.unique_id,
            signer_id=signer_id_of(key.public_key),
            product_id=product_id,
            security_version=security_version,
            debug=debug,
        )
        content = _Content(
            signer_key=key.public_key.pem,
            name=name,
            version=VERSION,
            identity=identity,
            bundle=bundle,
        )
        return cls.read(sign(key, MANIFEST, inlined_fields(content, *_INLINED)))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a manifest, and check that the key which it names signed it.

        Raises:
            Malformed: it is none.
            VerificationFailed: another key signed it, or its ids are not of what it
                names.
        """
        statement = Statement.read(data, MANIFEST)
        said = read_exactly(_Content, statement.content, "a manifest", *_INLINED)
        key, name = PublicKey.from_pem(said.signer_key), said.name
        identity, bundle = said.identity, said.bundle
        if "/" in name or name in ("", ".", ".."):
            raise Malformed(f"{name!r:.80} is not the name of a file or folder")
        statement.verify(key)
        if identity.signer_id != signer_id_of(key):
            raise VerificationFailed("a manifest's signer id is not that of its key")
        if identity.unique_id != bundle.unique_id:
            raise VerificationFailed("a manifest's unique id is not that of its parts")
        return cls(
            raw=data, name=name, version=said.version, bundle=bundle, identity=identity
        )
