"""The services of the machine beneath an enclave: evidence, local reports, sealing.

The machine is simulated, and all its evidence says so. Sealing hides a secret from
everybody who cannot read the machine's file, and protects sealed data from changes.
Sealing does not stop a host from passing *earlier* sealed data: an enclave alone cannot
tell yesterday's state from today's. Where that matters, the state belongs in a ledger.

Reports between enclaves of one simulated machine, which need no vendor.

A report is made for one other enclave, under a key that the machine derives for that
one alone: who can check it could have made it, and nobody else can do either.

What an enclave seals on a simulated machine, for itself or a later version of it.

A sealed text opens only on the machine where it was made, for the same enclave
(``UNIQUE``) or for the same signer's same product (``SIGNER``). It never opens for an
enclave with a lower security version than the sealing enclave's, on a machine that was
set back to an older state, or for a debug enclave if the sealing enclave was none. The
key is derived from all of these facts, so the text's own claims do not matter.
"""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from ccfpy.attestation.fields import Digest, hexadecimal, inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity, Number
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import (
    HOST_DATA_BYTES,
    PLATFORM,
    SimulatedReport,
    TcbVersion,
)
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.annotations import REQUIRED
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.base.schema import fields_of
from ccfpy.crypto.aead import IV_BYTES, open_blob, seal_blob
from ccfpy.crypto.hashing import hmac_sha256
from ccfpy.enclave.loop import Defect
from ccfpy.enclave.platforms.simulated import SimulatedPlatform

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


_NO_HOST_DATA = bytes(HOST_DATA_BYTES)
_REPORT = b"report"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A local report as it is written down: what it says, and what vouches for it."""

    report: bytes
    mac: Digest


def report_for(
    target: EnclaveIdentity,
    machine: SimulatedMachine,
    identity: EnclaveIdentity,
    *,
    report_data: bytes,
    host_data: bytes = _NO_HOST_DATA,
) -> bytes:
    """Report an enclave to another on the same machine.

    Args:
        target: the enclave that will read the report.
        machine: the machine beneath both enclaves.
        identity: the enclave that the report is about.
        report_data: 32 bytes that the report contains.
        host_data: the digest by which the host named the started program.
    """
    report = machine.report(identity, report_data=report_data, host_data=host_data)
    content = json.dumps(report.fields())
    mac = hmac_sha256(_key(machine, target), content)
    return json.dumps(fields_of(_Written(report=content, mac=mac)))


def read_report(
    data: bytes, machine: SimulatedMachine, own: EnclaveIdentity
) -> SimulatedReport:
    """Read a report that was made for the enclave ``own`` on this machine.

    Raises:
        Malformed: it is none.
        VerificationFailed: it is for another enclave, of another machine, or was
            changed.
    """
    said = read_exactly(_Written, json.loads_object(data), "a local report")
    if not hmac.compare_digest(said.mac, hmac_sha256(_key(machine, own), said.report)):
        raise VerificationFailed("a local report for another enclave or machine")
    return SimulatedReport.read(json.loads_object(said.report))


def _key(machine: SimulatedMachine, target: EnclaveIdentity) -> bytes:
    return machine.derive(
        _REPORT, json.dumps(target.fields()), tcb_version=machine.tcb_version
    )


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


class EnclavePlatform:
    """The machine as one enclave may use it.

    An enclave that does not say that it needs a platform has none: to use it all the
    same is a defect.

    Args:
        beneath: the machine with the enclave; nothing where there is none.
        entropy: what sealing has its salts from.
    """

    def __init__(self, beneath: SimulatedPlatform | None, entropy: Entropy) -> None:
        self._beneath = beneath
        self._entropy = entropy

    @property
    def identity(self) -> EnclaveIdentity:
        """Who this enclave is, as the machine tells others."""
        return self._own.identity

    def attest(self, data: bytes) -> Attestation:
        """Make evidence of this enclave for anybody, bound to data of its choice.

        The report data is ``attestation.report_data.app_report_data`` of it.
        """
        report_data = app_report_data(data)
        return self._own.attest(report_data, host_data=_NO_HOST_DATA)

    def report_for(self, target: EnclaveIdentity, data: bytes) -> bytes:
        """Report this enclave to one other on the same machine, bound to data."""
        return report_for(
            target,
            self._own.machine,
            self._own.identity,
            report_data=app_report_data(data),
        )

    def read_report(self, report: bytes, data: bytes) -> EnclaveIdentity:
        """Return the identity of another enclave on this machine from its report.

        Who may be trusted with what is for the caller to decide, by the signer, the
        product and the security version.

        Raises:
            Malformed: it is no report.
            VerificationFailed: it is for another enclave, of another machine, bound to
                other data, or of an enclave that may be looked into while this may not.
        """
        read = read_report(report, self._own.machine, self._own.identity)
        if not hmac.compare_digest(read.report_data, app_report_data(data)):
            raise VerificationFailed("a local report that is bound to other data")
        if read.identity.debug and not self._own.identity.debug:
            raise VerificationFailed("a local report of a debug enclave")
        return read.identity

    def seal(self, plaintext: bytes, *, policy: SealPolicy, aad: bytes = b"") -> bytes:
        """Seal a text for a later run.

        Args:
            plaintext: the text.
            policy: for whom it is to open.
            aad: what goes with it openly; opening needs the same.
        """
        return seal(
            plaintext,
            policy=policy,
            aad=aad,
            machine=self._own.machine,
            identity=self._own.identity,
            entropy=self._entropy,
        )

    def unseal(self, sealed: bytes, *, aad: bytes = b"") -> bytes:
        """Open a sealed text; it may be an old one.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is not for this enclave on this machine, was sealed
                by a newer one, or was changed.
        """
        own = self._own
        return unseal(sealed, aad=aad, machine=own.machine, identity=own.identity)

    @property
    def _own(self) -> SimulatedPlatform:
        if self._beneath is None:
            raise Defect("its Enclave does not say needs_platform=True")
        return self._beneath


def identity_text(identity: EnclaveIdentity) -> bytes:
    """Write an identity down, to be handed to another enclave."""
    return json.dumps(identity.fields())


def read_identity(text: bytes) -> EnclaveIdentity:
    """Read an identity that somebody wrote down: a claim, which proves nothing.

    Raises:
        Malformed: it is none.
    """
    return EnclaveIdentity.read(json.loads_object(text))
