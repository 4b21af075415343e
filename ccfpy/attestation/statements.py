"""Signed JSON: one form for all that a developer, a vendor or a machine states.

A statement is a COSE_Sign1 whose content type says what it is, so that none passes for
one of another kind, and whose payload is compact JSON with sorted keys. There is one
way to write each: what reads and verifies has the very bytes that were signed.
"""

from dataclasses import dataclass
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.limits import STATEMENT_BYTES_MAX
from ccfpy.crypto import cose
from ccfpy.crypto.cose import Sign1
from ccfpy.crypto.ec import KeyPair, PublicKey

_HEADERS = {cose.ALG, cose.CONTENT_TYPE}


def sign(key: KeyPair, kind: str, fields: json.JsonObject) -> bytes:
    """Sign a statement of a kind."""
    return cose.sign(
        key, protected={cose.CONTENT_TYPE: kind}, payload=json.dumps(fields)
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read; nobody vouches for it before ``verify``."""

    kind: str
    content: json.JsonObject
    _message: Sign1

    @classmethod
    def read(cls, data: bytes, kind: str) -> Self:
        """Read a statement of a kind.

        Raises:
            Malformed: it is none, of another kind, or not written the one way.
        """
        if len(data) > STATEMENT_BYTES_MAX:
            raise Malformed(f"{len(data)} bytes are no {kind}")
        message = cose.parse(data)
        found = message.protected.get(cose.CONTENT_TYPE)
        if found != kind or message.protected.keys() != _HEADERS:
            raise Malformed(f"expected {kind}, found {found!r:.80}")
        payload = message.payload
        if payload is None or cose.set_unprotected(data, {}) != data:
            raise Malformed(f"{kind} that is not written the one way")
        content = json.loads_object(payload)
        if json.dumps(content) != payload:
            raise Malformed(f"{kind} whose JSON is not written the one way")
        return cls(kind, content, message)

    def verify(self, key: PublicKey) -> None:
        """Check who signed it.

        Raises:
            VerificationFailed: another key did, or something was changed since.
        """
        try:
            self._message.verify(key)
        except VerificationFailed as error:
            raise VerificationFailed(f"{self.kind}: {error}") from error
