"""A ledger secret, sealed to the platform of a node, for its restart without members.

A JSON object: ``ciphertext``, a `GcmCipher` of the secret as JSON, and ``aad_text``,
which is authenticated with it and names the seqno from which the secret applies and the
security version of the platform that the key is for (``src/node/local_sealing.h``). The
key is the platform's to derive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.base.ports import Entropy
from ccfpy.base.schema import fields_of, parse_json
from ccfpy.crypto.aead import IV_BYTES, open_blob, seal_blob
from ccfpy.ledger import record
from ccfpy.ledger.secrets import SECRET_BYTES, LedgerSecret

TCB_VERSION_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """One sealed ledger secret.

    Attributes:
        ciphertext: tag, IV and ciphertext.
        aad_text: JSON text.
    """

    ciphertext: bytes
    aad_text: str

    @classmethod
    def seal(
        cls,
        version: Seqno,
        secret: LedgerSecret,
        *,
        tcb_version: bytes,
        key: bytes,
        entropy: Entropy,
    ) -> Self:
        """Seal a secret that applies from ``version`` on.

        Args:
            version: the seqno.
            secret: the ledger secret.
            tcb_version: the platform's, as its eight bytes lie in memory.
            key: the platform's for that version.
            entropy: for the IV.
        """
        # Hex of the version as a number, whose least significant byte lies first.
        aad = json.dumps({"tcb_version": tcb_version[::-1].hex(), "version": version})
        fields: json.JsonObject = {"raw_key": record.as_base64(secret.raw)}
        if secret.previous_stored is not None:
            fields["previous_secret_stored_version"] = secret.previous_stored
        iv = entropy.random_bytes(IV_BYTES)
        ciphertext = seal_blob(key, json.dumps(fields), iv=iv, aad=aad)
        return cls(ciphertext=ciphertext, aad_text=aad.decode())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a file.

        Raises:
            Malformed: it holds no sealed secret.
        """
        return parse_json(cls, data)

    def serialise(self) -> bytes:
        """Write a file."""
        return json.dumps(fields_of(self))

    def unseal(self, expected: Seqno, derive: Callable[[bytes], bytes]) -> LedgerSecret:
        """Open it, as the secret that applies from ``expected`` on.

        Args:
            expected: the seqno that the file's name states.
            derive: gives the platform's key for a security version.

        Raises:
            Malformed: something is missing, or not in its form.
            VerificationFailed: it is another version's, another platform's or another
                program's, the platform is older than it was, or a byte was changed.
        """
        aad = json.loads_object(self.aad_text.encode())
        version = record.positive(aad, "version")
        if version != expected:
            raise VerificationFailed(
                f"Sealed ledger secret version {version} does not match expected "
                f"version {expected}"
            )
        key = derive(_tcb_version(aad))
        plaintext = open_blob(key, self.ciphertext, aad=self.aad_text.encode())
        fields = json.loads_object(plaintext)
        raw = record.blob(fields, "raw_key")
        if len(raw) != SECRET_BYTES:
            raise Malformed(f"a ledger secret of {len(raw)} bytes")
        stored = record.optional_seqno(fields, "previous_secret_stored_version")
        return LedgerSecret(raw=raw, previous_stored=stored)


def _tcb_version(aad: json.JsonObject) -> bytes:
    text = record.text(aad, "tcb_version")
    try:
        version = bytes.fromhex(text)[::-1]
    except ValueError as error:
        raise Malformed("tcb_version is not hex") from error
    if len(version) != TCB_VERSION_BYTES:
        raise Malformed(f"tcb_version of {len(version)} bytes")
    return version
