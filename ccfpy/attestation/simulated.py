"""What a simulated machine reports of an enclave, and its quote, which it signs.

The quote has all parts of a processor's evidence, but a simulated machine keeps no
secret from its owner: the key that signs lies in a file. Every report says so. A quote
cannot be read as another form of evidence, and other evidence cannot be read as a
quote.

What a simulated vendor says of its machines: which are up to date, which revoked.

A vendor's root certificate vouches for each machine's key. Two statements that it signs
anew from time to time say the rest, each with a number that rises: of two, the one with
the higher number holds. A verifier keeps the newest it has seen, so that nobody can
hide a revocation behind an older statement.

What vouches for a simulated machine's quote, and quotes verified with it.
"""

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Self, TypeAlias, TypeVar

from ccfpy.attestation.fields import Digest, hexadecimal, inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import REPORT_DATA_BYTES
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base import json
from ccfpy.base.annotations import REQUIRED, IntegerRange
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256

FORMAT = "Insecure_Simulated"
"""The form's name in nodes' records."""
PLATFORM = "Insecure simulated platform v1: it keeps no secret from root"
"""What every report says of where it comes from."""
TCB_VERSION_BYTES = 8
TcbVersion: TypeAlias = Annotated[bytes, hexadecimal(TCB_VERSION_BYTES)]
HOST_DATA_BYTES = 32
QUOTE = "application/ccfpy-insecure-simulated-quote+json"


def key_id(key: PublicKey) -> bytes:
    """Return the id of a machine: the digest of its key's DER."""
    return sha256(key.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReport:
    """What a machine says of one enclave.

    Attributes:
        host_data: by which the host named what it started.
        report_data: what the enclave wanted said.
        tcb_version: of the machine, a number of a byte for each of its parts.
        machine_id: the digest of the key that the machine signs with.
        platform: the warning, which makes a report of another platform none.
    """

    identity: EnclaveIdentity
    host_data: Annotated[bytes, hexadecimal(HOST_DATA_BYTES)]
    report_data: Annotated[bytes, hexadecimal(REPORT_DATA_BYTES)]
    tcb_version: TcbVersion
    machine_id: Digest
    platform: str = field(default=PLATFORM, metadata=REQUIRED)

    def __post_init__(self) -> None:
        """Check that this is of a simulated machine."""
        if self.platform != PLATFORM:
            raise ValueError(f"a report of another platform, {self.platform!r:.80}")

    @classmethod
    def read(cls, record: JsonObject) -> Self:
        """Read a record.

        Raises:
            Malformed: it is none, or of another platform.
        """
        return read_exactly(cls, record, "a report", "identity")

    def fields(self) -> JsonObject:
        """Return the record."""
        return inlined_fields(self, "identity")

    def quote(self, machine: KeyPair) -> bytes:
        """Sign the report with the machine's key, which its vendor endorses."""
        return sign(machine, QUOTE, self.fields())


def verify_quote(quote: bytes, machine: PublicKey) -> SimulatedReport:
    """Read a quote that a machine must have signed.

    Raises:
        Malformed: it is no quote of a simulated machine.
        VerificationFailed: that machine did not sign it.
    """
    statement = Statement.read(quote, QUOTE)
    report = SimulatedReport.read(statement.content)
    statement.verify(machine)
    if report.machine_id != key_id(machine):
        raise VerificationFailed("a quote that names another machine than it is by")
    return report


TCB_INFO = "application/ccfpy-insecure-simulated-tcb-info+json"
REVOCATIONS = "application/ccfpy-insecure-simulated-revocations+json"

T = TypeVar("T")
_Number: TypeAlias = Annotated[int, IntegerRange("number", 0, (1 << 53) - 1)]


class TcbStatus(StrEnum):
    """What a vendor says of a machine's security version."""

    UP_TO_DATE = "UpToDate"
    OUT_OF_DATE = "OutOfDate"
    """A newer one is to be had."""
    REVOKED = "Revoked"
    """It is known to be broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcbLevel:
    """A security version and what it is worth."""

    tcb_version: TcbVersion
    status: TcbStatus

    def covers(self, tcb_version: bytes) -> bool:
        """Return whether a machine has reached this level in every part."""
        return all(
            have >= need
            for have, need in zip(tcb_version, self.tcb_version, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """When a statement was made.

    Attributes:
        number: rises with each of its kind.
        issued: seconds since 1970.
        next_update: when there will be a newer one at the latest.
    """

    number: _Number
    issued: _Number
    next_update: _Number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levels:
    """What is in the statement of security versions."""

    issue: Issue
    levels: tuple[TcbLevel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revoked:
    """What is in the statement of revoked machines."""

    issue: Issue
    machines: tuple[Digest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TcbInfo:
    """What a vendor says of security versions, the newest first.

    Attributes:
        raw: the statement.
    """

    raw: bytes
    issue: Issue
    levels: tuple[TcbLevel, ...]

    @classmethod
    def sign(cls, vendor: KeyPair, issue: Issue, levels: tuple[TcbLevel, ...]) -> Self:
        """Make one, as the vendor."""
        fields = inlined_fields(_Levels(issue=issue, levels=levels), "issue")
        return cls(raw=sign(vendor, TCB_INFO, fields), issue=issue, levels=levels)

    @classmethod
    def read(cls, raw: bytes, vendor: Certificate) -> Self:
        """Read one of a vendor.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is another's.
        """
        said = _read(_Levels, raw, TCB_INFO, vendor)
        return cls(raw=raw, issue=said.issue, levels=said.levels)

    def status_of(self, tcb_version: bytes) -> TcbStatus:
        """Return a machine's status: that of the first level it reaches.

        One that reaches none is revoked.
        """
        for level in self.levels:
            if level.covers(tcb_version):
                return level.status
        return TcbStatus.REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """Which machines a vendor vouches for no longer.

    Attributes:
        raw: the statement.
    """

    raw: bytes
    issue: Issue
    machine_ids: frozenset[bytes]

    @classmethod
    def sign(cls, vendor: KeyPair, issue: Issue, machine_ids: frozenset[bytes]) -> Self:
        """Make one, as the vendor."""
        said = _Revoked(issue=issue, machines=tuple(sorted(machine_ids)))
        raw = sign(vendor, REVOCATIONS, inlined_fields(said, "issue"))
        return cls(raw=raw, issue=issue, machine_ids=machine_ids)

    @classmethod
    def read(cls, raw: bytes, vendor: Certificate) -> Self:
        """Read one of a vendor.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is another's.
        """
        said = _read(_Revoked, raw, REVOCATIONS, vendor)
        return cls(raw=raw, issue=said.issue, machine_ids=frozenset(said.machines))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCollateral:
    """Both statements of one vendor."""

    tcb_info: TcbInfo
    revocations: Revocations

    @classmethod
    def read(cls, tcb_info: bytes, revocations: bytes, vendor: Certificate) -> Self:
        """Read both.

        Raises:
            Malformed: one is not what it should be.
            VerificationFailed: one is another vendor's.
        """
        return cls(
            tcb_info=TcbInfo.read(tcb_info, vendor),
            revocations=Revocations.read(revocations, vendor),
        )

    def fields(self) -> JsonObject:
        """Return both statements as fields of a record, in base64."""
        return {
            "tcb_info": base64.b64encode(self.tcb_info.raw).decode(),
            "revocations": base64.b64encode(self.revocations.raw).decode(),
        }

    def newest_with(self, other: "SimulatedCollateral") -> "SimulatedCollateral":
        """Return the newer of each statement; of equal numbers, these."""
        info, lists = self.tcb_info, self.revocations
        if other.tcb_info.issue.number > info.issue.number:
            info = other.tcb_info
        if other.revocations.issue.number > lists.issue.number:
            lists = other.revocations
        return SimulatedCollateral(tcb_info=info, revocations=lists)

    def check_time(self, unix_time_s: int) -> None:
        """Check that neither statement should have been replaced by now.

        Raises:
            VerificationFailed: one should.
        """
        for name, issue in (
            ("TCB info", self.tcb_info.issue),
            ("revocation list", self.revocations.issue),
        ):
            if not issue.issued <= unix_time_s < issue.next_update:
                raise VerificationFailed(
                    f"the {name} with number {issue.number} holds from {issue.issued} "
                    f"to {issue.next_update}, and it is {unix_time_s}"
                )

    def status_of(self, machine_id: bytes, tcb_version: bytes) -> TcbStatus:
        """Return a machine's status.

        Raises:
            VerificationFailed: the machine itself is revoked.
        """
        if machine_id in self.revocations.machine_ids:
            raise VerificationFailed(f"the machine {machine_id.hex()} is revoked")
        return self.tcb_info.status_of(tcb_version)


def _read(kind: type[T], raw: bytes, what: str, vendor: Certificate) -> T:
    statement = Statement.read(raw, what)
    statement.verify(vendor.public_key)
    return read_exactly(kind, statement.content, what, "issue")


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenEndorsements:
    """Endorsements as they are written down: certificates as PEM, statements raw."""

    vendor_certificate: str
    machine_certificate: str
    tcb_info: bytes
    revocations: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsements:
    """All that goes with a quote: two certificates and two statements.

    Attributes:
        vendor: its root, self-signed.
        machine: its key's certificate, by the root.
    """

    vendor: Certificate
    machine: Certificate
    collateral: SimulatedCollateral

    @property
    def vendor_id(self) -> bytes:
        """The digest of the root certificate, by which policies know the vendor."""
        return bytes.fromhex(self.vendor.digest_hex)

    @classmethod
    def verify(cls, data: bytes, *, unix_time_s: int) -> Self:
        """Read endorsements that hold together; who the vendor is remains to be asked.

        Raises:
            Malformed: they are none.
            VerificationFailed: the vendor did not sign one of them, or its time is not
                now.
        """
        said = read_exactly(
            _WrittenEndorsements, json.loads_object(data), "endorsements"
        )
        vendor = Certificate.from_pem(said.vendor_certificate)
        machine = Certificate.from_pem(said.machine_certificate)
        _verify_chain(vendor, machine, unix_time_s)
        collateral = SimulatedCollateral.read(said.tcb_info, said.revocations, vendor)
        collateral.check_time(unix_time_s)
        return cls(vendor=vendor, machine=machine, collateral=collateral)

    def serialise(self) -> bytes:
        """Write them down."""
        return json.dumps(
            {
                "vendor_certificate": self.vendor.pem,
                "machine_certificate": self.machine.pem,
                **self.collateral.fields(),
            }
        )


def _verify_chain(vendor: Certificate, machine: Certificate, unix_time_s: int) -> None:
    for certificate in (vendor, machine):
        certificate.verify_signed_by(vendor)
        first, last = certificate.validity_s
        if not first <= unix_time_s <= last:
            raise VerificationFailed(f"{certificate} is not valid now")
    if not vendor.is_authority:
        raise VerificationFailed(f"{vendor} is no authority")
    if machine.is_authority:
        raise VerificationFailed(f"{machine} is an authority and no machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedQuote:
    """A quote that a machine signed whose vendor vouches for it.

    Whether that vendor, that machine's state and that enclave are to be trusted is for
    a policy to say.
    """

    report: SimulatedReport
    endorsements: Endorsements

    @classmethod
    def verify(cls, quote: bytes, endorsements: bytes, *, unix_time_s: int) -> Self:
        """Verify a quote with what vouches for it.

        Raises:
            Malformed: one of them is not what it should be.
            VerificationFailed: they do not hold, or not together, or not now.
        """
        read = Endorsements.verify(endorsements, unix_time_s=unix_time_s)
        report = verify_quote(quote, read.machine.public_key)
        return cls(report=report, endorsements=read)

    def tcb_status(self, known: SimulatedCollateral | None = None) -> TcbStatus:
        """Return the machine's status.

        Args:
            known: what the verifier has of the vendor, in case it is newer.

        Raises:
            VerificationFailed: the machine is revoked.
        """
        collateral = self.endorsements.collateral
        newest = collateral if known is None else collateral.newest_with(known)
        return newest.status_of(self.report.machine_id, self.report.tcb_version)
