"""A key that signs tokens under RS256, with the certificate that issuers publish it in.

For stand-ins of issuers: a service verifies tokens and makes none.
"""

import base64
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.base.ports import Entropy
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.crypto.jwt import RS256
from ccfpy.crypto.rsa import RsaKeyPair

_VALID = timedelta(days=30)


class TokenSigner:
    """One key.

    Args:
        key: signs.
        subject: what its certificate is for.
        not_before: from when on its certificate is valid.
        entropy: numbers the certificate.
    """

    def __init__(
        self, key: RsaKeyPair, *, subject: str, not_before: datetime, entropy: Entropy
    ) -> None:
        self._key = key.library_key
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(int.from_bytes(entropy.random_bytes(16)) >> 1 or 1)
            .not_valid_before(not_before)
            .not_valid_after(not_before + _VALID)
            .sign(self._key, hashes.SHA256())
        )

    @cached_property
    def certificate_der(self) -> bytes:
        """The certificate."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    @cached_property
    def key_id(self) -> str:
        """Names the key: the digest of its certificate."""
        return encode_base64url(sha256(self.certificate_der))

    @property
    def jwk(self) -> JsonObject:
        """The key as its issuer publishes it."""
        certificate = base64.b64encode(self.certificate_der).decode()
        return {
            "alg": RS256,
            "kid": self.key_id,
            "kty": "RSA",
            "use": "sig",
            "x5c": [certificate],
        }

    def sign(self, payload: JsonObject, header: JsonObject | None = None) -> str:
        """Make a token.

        Args:
            payload: what it says.
            header: beside the algorithm and the key's id.
        """
        full = {"alg": RS256, "kid": self.key_id, "typ": "JWT", **(header or {})}
        signed = ".".join(
            encode_base64url(json.dumps(part)) for part in (full, payload)
        )
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encode_base64url(signature)}"
