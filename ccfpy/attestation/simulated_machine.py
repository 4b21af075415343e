"""A simulated machine: what a processor keeps, in a file, and does for enclaves.

From a secret that never leaves it, it derives keys for each enclave; with a key of its
own, for which its vendor vouches, it signs what runs on it. Who reads the file has all
of that.
"""

from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from ccfpy.attestation.fields import hexadecimal, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.simulated import (
    FORMAT,
    TCB_VERSION_BYTES,
    Endorsements,
    SimulatedCollateral,
    SimulatedReport,
    TcbVersion,
    key_id,
)
from ccfpy.attestation.virtual import check_reached
from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Attestation
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.hashing import hkdf_sha256

ROOT_BYTES = 32
KEY_BYTES = 32
_LABEL = b"ccfpy simulated machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenMachine:
    """A machine as it is written down: keys and certificates as PEM."""

    root: Annotated[bytes, hexadecimal(ROOT_BYTES)]
    private_key: str
    certificate: str
    vendor_certificate: str
    tcb_version: TcbVersion
    tcb_info: bytes
    revocations: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMachine:
    """One machine.

    Attributes:
        root: its secret.
        key: which it signs with.
        certificate: the vendor's word for that key.
        vendor: the vendor's root.
        collateral: what the vendor said last, as far as this machine was told.
        tcb_version: the security version of each of its parts.
    """

    root: bytes = field(repr=False)
    key: KeyPair = field(repr=False)
    certificate: Certificate
    vendor: Certificate
    collateral: SimulatedCollateral
    tcb_version: bytes

    @property
    def machine_id(self) -> bytes:
        """The digest of the key that it signs with."""
        return key_id(self.key.public_key)

    def report(
        self, identity: EnclaveIdentity, *, report_data: bytes, host_data: bytes
    ) -> SimulatedReport:
        """Return a report of an enclave, for a quote or for another enclave."""
        return SimulatedReport(
            identity=identity,
            host_data=host_data,
            report_data=report_data,
            tcb_version=self.tcb_version,
            machine_id=self.machine_id,
        )

    def attest(
        self, identity: EnclaveIdentity, *, report_data: bytes, host_data: bytes
    ) -> Attestation:
        """Make a quote of an enclave, with what vouches for it."""
        report = self.report(identity, report_data=report_data, host_data=host_data)
        endorsements = Endorsements(
            vendor=self.vendor, machine=self.certificate, collateral=self.collateral
        )
        return Attestation(
            format=FORMAT,
            quote=report.quote(self.key),
            endorsements=endorsements.serialise(),
        )

    def derive(self, purpose: bytes, *context: bytes, tcb_version: bytes) -> bytes:
        """Derive the key for a purpose and the values it is bound to.

        Raises:
            VerificationFailed: a part of this machine is older than ``tcb_version``.
        """
        check_reached(tcb_version, self.tcb_version, "machine")
        parts = (_LABEL, purpose, *context)
        info = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
        return hkdf_sha256(ikm=self.root, salt=tcb_version, info=info, length=KEY_BYTES)

    def updated(self, tcb_version: bytes) -> "SimulatedMachine":
        """Bring its parts to a security version, back too: its owner can."""
        if len(tcb_version) != TCB_VERSION_BYTES:
            raise VerificationFailed(
                f"a security version is {TCB_VERSION_BYTES} bytes, not "
                f"{len(tcb_version)}"
            )
        return replace(self, tcb_version=tcb_version)

    def told(self, collateral: SimulatedCollateral) -> "SimulatedMachine":
        """Return this machine with its vendor's present statements.

        Raises:
            VerificationFailed: another vendor says so.
        """
        read = SimulatedCollateral.read(
            collateral.tcb_info.raw, collateral.revocations.raw, self.vendor
        )
        return replace(self, collateral=self.collateral.newest_with(read))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read one back.

        Raises:
            Malformed: it is none.
            VerificationFailed: its parts do not fit together.
        """
        said = read_exactly(
            _WrittenMachine, json.loads_object(text), "a simulated machine"
        )
        key = KeyPair.from_pem(said.private_key)
        certificate = Certificate.from_pem(said.certificate)
        vendor = Certificate.from_pem(said.vendor_certificate)
        if key.public_key != certificate.public_key:
            raise VerificationFailed(
                "a simulated machine's key is not its certificate's"
            )
        certificate.verify_signed_by(vendor)
        return cls(
            root=said.root,
            key=key,
            certificate=certificate,
            vendor=vendor,
            collateral=SimulatedCollateral.read(
                said.tcb_info, said.revocations, vendor
            ),
            tcb_version=said.tcb_version,
        )

    def serialise(self) -> bytes:
        """Write it down, secrets included."""
        return json.dumps(
            {
                "root": self.root.hex(),
                "private_key": self.key.pem,
                "certificate": self.certificate.pem,
                "vendor_certificate": self.vendor.pem,
                "tcb_version": self.tcb_version.hex(),
                **self.collateral.fields(),
            }
        )
