"""A developer's signature under a bundle: who vouches for it, as what, how new.

It stands beside the application and names every file of it by its digest. The product
number, the security version and the mark of a debug build are the signer's word; the
unique id follows from the bytes, and is checked against them.

The unit of trust: all the bytes that decide what an enclave does, and their digest.

A bundle is the framework's own files, the libraries beneath it by their versions, the
application's files, the interface to the host and the configuration. Its digest is the
enclave's unique id: it changes with any of them, and with nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from ccfpy.attestation.fields import Digest, inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity, signer_id_of
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base import json
from ccfpy.base.annotations import REQUIRED
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.base.version import VERSION
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256

Files = Mapping[str, Digest]
"""The SHA-256 of each file by its path, written with slashes."""

_FILES_LABEL = b"ccfpy enclave files v1\0"
_BUNDLE_LABEL = b"ccfpy enclave bundle v1\0"
_NAMES_TOLD_MAX = 5


def files_digest(files: Files) -> bytes:
    """Return the digest of files: of their paths and contents, in order of paths."""
    parts = [_FILES_LABEL]
    for path, digest in sorted((name.encode(), it) for name, it in files.items()):
        parts += [len(path).to_bytes(4, "little"), path, digest]
    return sha256(b"".join(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One enclave's bytes, as digests.

    Attributes:
        framework: the digest of the framework's own files.
        dependencies: the versions of the interpreter and of the libraries beneath. They
            are installed apart, and their own files are not measured.
        application: the application's files.
        interface: the digest of all that host and enclave can say, with its bounds.
        configuration: what the enclave is bound to besides.
    """

    framework: Digest
    dependencies: Mapping[str, str]
    application: Files
    interface: Digest
    configuration: JsonObject = field(default_factory=dict, metadata=REQUIRED)

    @property
    def parts(self) -> dict[str, bytes]:
        """The digest of each part, in the order in which they are digested again."""
        return {
            "framework": self.framework,
            "dependencies": sha256(json.dumps(dict(self.dependencies))),
            "application": files_digest(self.application),
            "interface": self.interface,
            "configuration": sha256(json.dumps(self.configuration)),
        }

    @property
    def unique_id(self) -> bytes:
        """The digest of it all."""
        return sha256(_BUNDLE_LABEL + b"".join(self.parts.values()))

    def check_same(self, signed: "Bundle") -> None:
        """Check that this, which was measured, is what was signed.

        Raises:
            VerificationFailed: it is not; the text names what differs.
        """
        mine, theirs = self.parts, signed.parts
        differing = [name for name in mine if mine[name] != theirs[name]]
        if not differing:
            return
        details = {
            "dependencies": _changed(self.dependencies, signed.dependencies),
            "application": _changed(self.application, signed.application),
        }
        told = (
            f"{name} ({details[name]})" if details.get(name) else name
            for name in differing
        )
        raise VerificationFailed(
            f"measured as {self.unique_id.hex()} and signed as "
            f"{signed.unique_id.hex()}: they differ in {', '.join(told)}"
        )


def _changed(mine: Mapping[str, object], theirs: Mapping[str, object]) -> str:
    names = sorted(
        n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n)
    )
    more = ["…"] if len(names) > _NAMES_TOLD_MAX else []
    return ", ".join(names[:_NAMES_TOLD_MAX] + more)


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
