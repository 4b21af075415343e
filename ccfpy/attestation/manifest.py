"""A developer's signature under a bundle: who vouches for it, as what, how new.

It stands beside the application and names every file of it by its digest. The product
number, the security version and the mark of a debug build are the signer's word; the
unique id follows from the bytes, and is checked against them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ccfpy.attestation.bundle import Bundle
from ccfpy.attestation.fields import Fields
from ccfpy.attestation.identity import EnclaveIdentity, signer_id_of
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.version import VERSION
from ccfpy.crypto.ec import KeyPair, PublicKey

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

MANIFEST = "application/ccfpy-enclave-manifest+json"


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
        fields: JsonObject = {
            **identity.fields(),
            "signer_key": key.public_key.pem,
            "name": name,
            "version": VERSION,
            "framework": bundle.framework.hex(),
            "dependencies": dict(bundle.dependencies),
            "application": {
                path: digest.hex() for path, digest in bundle.application.items()
            },
            "interface": bundle.interface.hex(),
            "configuration": bundle.configuration,
        }
        return cls.read(sign(key, MANIFEST, fields))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a manifest, and check that the key which it names signed it.

        Raises:
            Malformed: it is none.
            VerificationFailed: another key signed it, or its ids are not of what it
                names.
        """
        statement = Statement.read(data, MANIFEST)
        fields = statement.fields
        identity = EnclaveIdentity.read(fields)
        key = PublicKey.from_pem(fields.text("signer_key"))
        name, version = fields.text("name"), fields.text("version")
        bundle = _bundle(fields)
        fields.end()
        if "/" in name or name in ("", ".", ".."):
            raise Malformed(f"{name!r:.80} is not the name of a file or folder")
        statement.verify(key)
        if identity.signer_id != signer_id_of(key):
            raise VerificationFailed("a manifest's signer id is not that of its key")
        if identity.unique_id != bundle.unique_id:
            raise VerificationFailed("a manifest's unique id is not that of its parts")
        return cls(
            raw=data, name=name, version=version, bundle=bundle, identity=identity
        )


def _bundle(fields: Fields) -> Bundle:
    dependencies, application = (
        fields.object("dependencies"),
        fields.object("application"),
    )
    versions = Fields(dependencies, "dependencies")
    digests = Fields(application, "application")
    return Bundle(
        framework=fields.hexadecimal("framework"),
        dependencies={name: versions.text(name) for name in dependencies},
        application={path: digests.hexadecimal(path) for path in application},
        interface=fields.hexadecimal("interface"),
        configuration=fields.object("configuration"),
    )
