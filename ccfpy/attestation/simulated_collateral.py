"""What a simulated vendor says of its machines: which are up to date, which revoked.

A vendor's root certificate vouches for each machine's key. Two statements that it signs
anew from time to time say the rest, each with a number that rises: of two, the one with
the higher number holds. A verifier keeps the newest it has seen, so that nobody can
hide a revocation behind an older statement.
"""

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self, TypeAlias, TypeVar

from ccfpy.attestation.fields import Digest, inlined_fields, read_exactly
from ccfpy.attestation.simulated import TcbVersion
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.annotations import IntegerRange
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair

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
