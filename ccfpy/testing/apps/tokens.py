"""An issuer of JSON Web Tokens, for which a test makes tokens."""

import base64
from collections.abc import Callable

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.testing.entropy import SeededEntropy

VALIDITY_S = 3600
_COORDINATE_BYTES = 32


class Issuer:
    """An issuer; its key follows from its name.

    Args:
        name: its URL, which tokens bear as ``iss``.
        now_s: the time by which tokens are made, in seconds since 1970.
    """

    def __init__(self, name: str, now_s: Callable[[], int]) -> None:
        self.name = name
        self._now_s = now_s
        self._key = KeyPair.generate(SeededEntropy(name.encode()), Curve.SECP256R1)
        self.key_id = base64.b64encode(self._key.public_key.der[-12:]).decode()

    def trust(self) -> JsonObject:
        """Return the action by which members trust it."""
        return {
            "name": "set_jwt_issuer",
            "args": {
                "issuer": self.name,
                "auto_refresh": False,
                "jwks": {"keys": [self.jwk()]},
            },
        }

    def jwk(self) -> JsonObject:
        """Return its public key."""
        x, y = (
            encode_base64url(number.to_bytes(_COORDINATE_BYTES, "big"))
            for number in self._key.public_key.coordinates
        )
        return {
            "kid": self.key_id,
            "kty": "EC",
            "crv": "P-256",
            "x": x,
            "y": y,
            "issuer": self.name,
        }

    def token(self, **claims: Json) -> str:
        """Make a token of these claims; ``iss`` and ``exp`` have defaults."""
        header = {"alg": "ES256", "kid": self.key_id, "typ": "JWT"}
        payload = {"iss": self.name, "exp": self._now_s() + VALIDITY_S, **claims}
        signed = ".".join(
            encode_base64url(json.dumps(part)) for part in (header, payload)
        )
        return f"{signed}.{encode_base64url(self._key.sign_raw(signed.encode()))}"
