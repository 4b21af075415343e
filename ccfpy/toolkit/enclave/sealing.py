"""What an enclave seals on a simulated machine, for itself or a later version of it.

A sealed text opens only on the machine where it was made, for the same enclave
(``UNIQUE``) or for the same signer's same product (``SIGNER``). It never opens for an
enclave with a lower security version than the sealing enclave's, on a machine that was
set back to an older state, or for a debug enclave if the sealing enclave was none. The
key is derived from all of these facts, so the text's own claims do not matter.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from ccfpy.attestation.fields import hexadecimal, inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity, Number
from ccfpy.attestation.simulated import PLATFORM, TcbVersion
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.annotations import REQUIRED
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.base.schema import fields_of
from ccfpy.crypto.aead import IV_BYTES, open_blob, seal_blob

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

_PURPOSE = b"seal"
_SALT_BYTES = 32


class SealPolicy(StrEnum):
    """For whom a sealed text opens."""

    UNIQUE = "unique"
    """The same code alone."""
    SIGNER = "signer"
    """Whatever the same signer signed as the same product, not older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What a sealed text says of its key.

    Attributes:
        security_version: of the enclave that sealed.
        tcb_version: of the machine then.
        salt: makes each key another.
    """

    policy: SealPolicy
    security_version: Number
    tcb_version: TcbVersion
    salt: Annotated[bytes, hexadecimal(_SALT_BYTES)]
    platform: str = field(default=PLATFORM, metadata=REQUIRED)

    def __post_init__(self) -> None:
        if self.platform != PLATFORM:
            raise ValueError("a sealed text of another platform")

    def key(self, machine: SimulatedMachine, identity: EnclaveIdentity) -> bytes:
        """Derive the key that this enclave has for it, right or wrong."""
        if self.security_version > identity.security_version:
            raise VerificationFailed(
                f"sealed by security version {self.security_version}, which is newer "
                f"than this enclave's, {identity.security_version}"
            )
        owner: JsonObject = {
            "signer_id": identity.signer_id.hex(),
            "product_id": identity.product_id,
            "debug": identity.debug,
        }
        if self.policy is SealPolicy.UNIQUE:
            owner["unique_id"] = identity.unique_id.hex()
        return machine.derive(
            _PURPOSE,
            json.dumps(owner),
            json.dumps(fields_of(self)),
            tcb_version=self.tcb_version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """A sealed text; the fields of its header stand beside the ciphertext."""

    header: _Header
    ciphertext: bytes


def seal(
    plaintext: bytes,
    *,
    policy: SealPolicy,
    aad: bytes,
    machine: SimulatedMachine,
    identity: EnclaveIdentity,
    entropy: Entropy,
) -> bytes:
    """Seal a text for a later run.

    Args:
        plaintext: the text.
        policy: for whom it is to open.
        aad: what goes with it and is not secret; opening needs the same.
        machine: beneath the enclave.
        identity: the enclave that seals.
        entropy: for the salt and the IV.
    """
    header = _Header(
        policy=policy,
        security_version=identity.security_version,
        tcb_version=machine.tcb_version,
        salt=entropy.random_bytes(_SALT_BYTES),
    )
    iv = entropy.random_bytes(IV_BYTES)
    ciphertext = seal_blob(header.key(machine, identity), plaintext, iv=iv, aad=aad)
    sealed = _Sealed(header=header, ciphertext=ciphertext)
    return json.dumps(inlined_fields(sealed, "header"))


def unseal(
    sealed: bytes, *, aad: bytes, machine: SimulatedMachine, identity: EnclaveIdentity
) -> bytes:
    """Open a sealed text.

    Raises:
        Malformed: it is none.
        VerificationFailed: it is not for this enclave, on this machine, with this
            ``aad``, in these versions; or it was changed.
    """
    said = read_exactly(_Sealed, json.loads_object(sealed), "a sealed text", "header")
    key = said.header.key(machine, identity)
    try:
        return open_blob(key, said.ciphertext, aad=aad)
    except VerificationFailed as error:
        raise VerificationFailed(
            "it does not open for this enclave on this machine, or was changed"
        ) from error
