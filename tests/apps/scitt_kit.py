"""A transparency service, and issuers who sign statements for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from apps import scitt
from apps.scitt.encoding import base64url
from apps.scitt.statement import ALG, CWT_CLAIMS, SIGN1_TAG, X5CHAIN
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto import cbor
from ccfpy.testing.apps import Answer, Service

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "governance" / "constitutions" / "default"
CONSTITUTION = [
    DEFAULT / "actions.js",
    Path(scitt.__file__).parent / "constitution" / "actions.js",
    DEFAULT / "validate.js",
    DEFAULT / "resolve.js",
    DEFAULT / "apply.js",
]
SCRAPI = "api-version=2026-03-26"
PASSES = "export const apply = () => true;"
HEADERS = {"host": "scitt.example", "content-type": "application/cose"}
EKU = "1.3.6.1.4.1.311.10.3.13"
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
"""Certificates that ended long ago, as those of signed software may."""

AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
ALGORITHMS: Mapping[str, int] = {
    "ES256": -7,
    "ES384": -35,
    "ES512": -36,
    "PS256": -37,
    "PS384": -38,
    "PS512": -39,
    "EdDSA": -8,
}
HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}


@cache
def key_for(algorithm: str) -> AnyKey:
    """Return the key of an algorithm, always the same."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("PS"):
        return rsa.generate_private_key(65537, 2048)
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    return ec.generate_private_key(curves[algorithm])


def sign_raw(key: AnyKey, algorithm: str, data: bytes) -> bytes:
    """Sign as COSE does."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    hash_ = HASHES[algorithm[2:]]()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
        return key.sign(data, pss, hash_)
    width = (key.curve.key_size + 7) // 8
    halves = decode_dss_signature(key.sign(data, ec.ECDSA(hash_)))
    return b"".join(half.to_bytes(width, "big") for half in halves)


def sign1(
    key: AnyKey,
    algorithm: str,
    protected: Mapping[Any, Any],
    payload: bytes | None,
    unprotected: Mapping[Any, Any] | None = None,
) -> bytes:
    """Write a signed message."""
    header = cbor.encode(dict(protected))
    signed = cbor.encode(["Signature1", header, b"", payload or b""])
    signature = sign_raw(key, algorithm, signed)
    parts = [header, dict(unprotected or {}), payload, signature]
    return cbor.encode(cbor.Tag(SIGN1_TAG, parts))


Extensions = Sequence[tuple[x509.ExtensionType, bool]]


def certify(
    subject: Sequence[tuple[x509.ObjectIdentifier, str]],
    key: AnyKey,
    *,
    issuer: "tuple[x509.Certificate, AnyKey] | None",
    extensions: Extensions = (),
) -> x509.Certificate:
    """Issue a certificate, by itself if nobody else is the issuer."""
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in subject])
    by = key if issuer is None else issuer[1]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    hash_ = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(by, hash_)


def authority(path_length: int | None = None) -> tuple[x509.ExtensionType, bool]:
    """Return the extension of a certificate that may issue others."""
    return x509.BasicConstraints(ca=True, path_length=path_length), True


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Somebody whose certificate a chain leads to, from a root of its own.

    Attributes:
        chain: the issuer's certificate, and those above it.
        did: as statements name the issuer.
    """

    algorithm: str
    key: AnyKey
    chain: tuple[x509.Certificate, ...]
    did: str

    @property
    def x5chain(self) -> list[bytes]:
        """The chain as statements carry it."""
        return [each.public_bytes(serialization.Encoding.DER) for each in self.chain]

    @property
    def protected(self) -> dict[Any, Any]:
        """The header of a statement."""
        return {
            ALG: ALGORITHMS[self.algorithm],
            CWT_CLAIMS: {1: self.did, 2: "artifact", 6: 1_700_000_000, "svn": 1},
            X5CHAIN: self.x5chain,
        }

    def sign(
        self,
        payload: bytes | None = b"an artifact",
        header: Mapping[Any, Any] | None = None,
        unprotected: Mapping[Any, Any] | None = None,
    ) -> bytes:
        """Sign a statement; a part of the header that is ``...`` is left out."""
        protected = {
            label: value
            for label, value in {**self.protected, **(header or {})}.items()
            if value is not ...
        }
        return sign1(self.key, self.algorithm, protected, payload, unprotected)

    def named(self, policies: str, *, hash_name: str = "sha256", at: int = -1) -> str:
        """Return the did:x509 that pins an authority of the chain."""
        digest = self.chain[at].fingerprint(HASHES[hash_name[3:]]())
        return f"did:x509:0:{hash_name}:{base64url(digest)}::{policies}"


AUTHORITY: Extensions = (authority(),)
LEAF: Extensions = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.ExtendedKeyUsage([x509.ObjectIdentifier(EKU)]), False),
)


def issuer(
    algorithm: str = "ES256",
    *,
    leaf: Extensions = LEAF,
    middle: Extensions = AUTHORITY,
    root: Extensions = AUTHORITY,
    subject: Sequence[tuple[x509.ObjectIdentifier, str]] = (
        (NameOID.COMMON_NAME, "Signer"),
        (NameOID.ORGANIZATION_NAME, "Acme & Co"),
    ),
) -> Issuer:
    """Make an issuer below a root and an authority between."""
    root_key, middle_key = key_for("ES384"), key_for("ES512")
    key = key_for(algorithm)
    top = certify(
        [(NameOID.COMMON_NAME, "Root")], root_key, issuer=None, extensions=root
    )
    between = certify(
        [(NameOID.COMMON_NAME, "Middle")],
        middle_key,
        issuer=(top, root_key),
        extensions=middle,
    )
    own = certify(subject, key, issuer=(between, middle_key), extensions=leaf)
    made = Issuer(algorithm=algorithm, key=key, chain=(own, between, top), did="")
    return replace(made, did=made.named(f"eku:{EKU}"))


def configuration(script: str | None = PASSES, **fields: Json) -> JsonObject:
    """Return a configuration that lets anybody register what a script passes."""
    policy: Json = {} if script is None else {"policyScript": script}
    return {
        "policy": policy,
        "authentication": {"allowUnauthenticated": True},
        **fields,
    }


def set_configuration(to: Json) -> JsonObject:
    """Return the action."""
    return {"name": "set_scitt_configuration", "args": {"configuration": to}}


@dataclass
class Transparency:
    """A service, and what callers ask of it."""

    service: Service
    issuer: Issuer = field(default_factory=issuer)

    @classmethod
    def open(cls, to: Json = None, *, nodes: int = 1) -> "Transparency":
        """Open a service, configured if anything is said."""
        service = Service.open(
            scitt.app,
            constitution=CONSTITUTION,
            actions=() if to is None else [set_configuration(to)],
            nodes=nodes,
        )
        return cls(service)

    def configure(self, to: Json) -> None:
        """Decide as members."""
        self.service.decide(set_configuration(to))

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path at the root."""
        return self.service.anybody.get(path, headers=HEADERS | headers)

    def register(
        self, statement: bytes | None = None, *, query: str = SCRAPI
    ) -> Answer:
        """Register a statement."""
        return self.service.anybody.request(
            "POST",
            f"/entries?{query}",
            self.issuer.sign() if statement is None else statement,
            headers=HEADERS,
        )


def problem(answer: Answer) -> tuple[int, str, str]:
    """Return status, title and detail of a refusal in CBOR."""
    kind = answer.headers["content-type"]
    assert kind == "application/concise-problem-details+cbor", answer
    told = cbor.decode(answer.body)
    return answer.status, told[-1], told[-2]
