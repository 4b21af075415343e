"""COSE_Sign1 messages whose signer a ``did:x509`` names, with certificates inside.

Such an identifier pins an authority by its digest and says what the signer's own
certificate must be good for. The validity periods of certificates do not matter: the
messages describe software, and stay true (``3rdparty/internal/didx509cpp``).
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.limits import DID_CHAIN_CERTIFICATES_MAX
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.certs import Certificate, extended_key_usages
from ccfpy.crypto.cose import Sign1
from ccfpy.crypto.encodings import check_affordable
from ccfpy.crypto.guest_keys import check_rsa_bits
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.jwk import encode_base64url

X5CHAIN = 33
ISSUER = "iss"
_PREFIX = ["did", "x509", "0", "sha256"]
_PSS: Mapping[int, Callable[[], hashes.HashAlgorithm]] = {
    -37: hashes.SHA256,
    -38: hashes.SHA384,
    -39: hashes.SHA512,
}


class Named(NamedTuple):
    """A message whose signer is known.

    Attributes:
        did: the signer's identifier.
        message: the signed message.
    """

    did: str
    message: Sign1


def verify(data: bytes) -> Named:
    """Check a message by the certificates in it and the name that it claims.

    Raises:
        Malformed: it is no such message.
        VerificationFailed: the certificates do not bear the name out, or the signature
            is not by the first of them.
    """
    message = cose.parse(data)
    did = message.protected.get(ISSUER)
    if not isinstance(did, str):
        raise Malformed("a signed message without an issuer")
    chain = _chain(message)
    check_name(did, chain)
    _check_signature(message, chain[0])
    return Named(did, message)


def check_name(did: str, chain: list[Certificate]) -> None:
    """Check that ``did`` names a chain, which begins with the signer's certificate.

    Raises:
        Malformed: ``did`` is not an identifier, or uses an unknown policy.
        VerificationFailed: the chain is broken, or ``did`` names another.
    """
    name, *policies = did.split("::")
    *prefix, fingerprint = name.split(":")
    if prefix != _PREFIX or not policies:
        raise Malformed(f"not a did:x509 by SHA-256 with a policy: {did[:200]!r}")
    for certificate, issuer in pairwise(chain):
        certificate.verify_signed_by(issuer)
        if not issuer.is_authority:
            raise VerificationFailed(f"{issuer} is no authority")
    digests = [encode_base64url(sha256(authority.der)) for authority in chain[1:]]
    if fingerprint not in digests:
        raise VerificationFailed("the pinned authority is not in the chain")
    for policy in policies:
        _check_policy(policy, chain[0])


def _check_policy(policy: str, certificate: Certificate) -> None:
    kind, _, value = policy.partition(":")
    if kind != "eku":
        raise Malformed(f"a did:x509 with the policy {kind[:80]!r}, which is unknown")
    if value not in extended_key_usages(certificate):
        raise VerificationFailed(f"the key of {certificate} is not for {value[:80]}")


def _chain(message: Sign1) -> list[Certificate]:
    listed = message.protected.get(X5CHAIN)
    if not isinstance(listed, list | tuple):
        raise Malformed("a signed message without a chain of certificates")
    if len(listed) > DID_CHAIN_CERTIFICATES_MAX:
        raise Malformed(f"a chain of more than {DID_CHAIN_CERTIFICATES_MAX}")
    if len(listed) <= 1 or not all(isinstance(der, bytes) for der in listed):
        raise Malformed("a chain is a certificate and those above it")
    return [Certificate.from_der(der) for der in listed]


def _check_signature(message: Sign1, signer: Certificate) -> None:
    algorithm = message.protected[cose.ALG]
    make_hash = _PSS.get(algorithm) if type(algorithm) is int else None
    if make_hash is None:
        message.verify(signer.public_key)
        return
    key = signer.library_certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise VerificationFailed("the signer's key is not for the message's algorithm")
    check_rsa_bits(key.key_size)
    check_affordable(key)
    if message.payload is None:
        raise Malformed("a signed message without its payload")
    hash_ = make_hash()
    pss = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
    signed = cbor.encode(["Signature1", message.protected_bytes, b"", message.payload])
    try:
        key.verify(message.signature, signed, pss, hash_)
    except InvalidSignature as error:
        raise VerificationFailed("the signature does not hold") from error
