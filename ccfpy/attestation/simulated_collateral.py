"""What a simulated vendor says of its machines: which are up to date, which revoked.

A vendor's root certificate vouches for each machine's key. Two statements that it signs
anew from time to time say the rest, each with a number that rises: of two, the one with
the higher number holds. A verifier keeps the newest it has seen, so that nobody can
hide a revocation behind an older statement.
"""

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ccfpy.attestation.fields import Fields
from ccfpy.attestation.simulated import TCB_VERSION_BYTES
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair

TCB_INFO = "application/ccfpy-insecure-simulated-tcb-info+json"
REVOCATIONS = "application/ccfpy-insecure-simulated-revocations+json"
_NUMBER_MAX = (1 << 53) - 1


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

    tcb_version: bytes
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

    number: int
    issued: int
    next_update: int

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read its three fields from a record."""
        return cls(
            number=fields.number("number", _NUMBER_MAX),
            issued=fields.number("issued", _NUMBER_MAX),
            next_update=fields.number("next_update", _NUMBER_MAX),
        )

    def fields(self) -> JsonObject:
        """Return the fields of a record."""
        return {
            "number": self.number,
            "issued": self.issued,
            "next_update": self.next_update,
        }


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
        fields: JsonObject = {
            **issue.fields(),
            "levels": [
                {"tcb_version": level.tcb_version.hex(), "status": level.status}
                for level in levels
            ],
        }
        return cls(raw=sign(vendor, TCB_INFO, fields), issue=issue, levels=levels)

    @classmethod
    def read(cls, raw: bytes, vendor: Certificate) -> Self:
        """Read one of a vendor.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is another's.
        """
        statement = Statement.read(raw, TCB_INFO)
        statement.verify(vendor.public_key)
        fields = statement.fields
        issue = Issue.read(fields)
        levels = tuple(_level(item) for item in fields.array("levels"))
        fields.end()
        return cls(raw=raw, issue=issue, levels=levels)

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
        listed = [machine_id.hex() for machine_id in sorted(machine_ids)]
        fields: JsonObject = {**issue.fields(), "machines": [*listed]}
        return cls(
            raw=sign(vendor, REVOCATIONS, fields), issue=issue, machine_ids=machine_ids
        )

    @classmethod
    def read(cls, raw: bytes, vendor: Certificate) -> Self:
        """Read one of a vendor.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is another's.
        """
        statement = Statement.read(raw, REVOCATIONS)
        statement.verify(vendor.public_key)
        fields = statement.fields
        issue = Issue.read(fields)
        listed = frozenset(
            Fields({"machine": item}, REVOCATIONS).hexadecimal("machine")
            for item in fields.array("machines")
        )
        fields.end()
        return cls(raw=raw, issue=issue, machine_ids=listed)


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


def _level(item: json.Json) -> TcbLevel:
    if not isinstance(item, dict):
        raise Malformed("a TCB level is an object")
    fields = Fields(item, "a TCB level")
    tcb_version = fields.hexadecimal("tcb_version", TCB_VERSION_BYTES)
    text = fields.text("status")
    fields.end()
    try:
        return TcbLevel(tcb_version=tcb_version, status=TcbStatus(text))
    except ValueError as error:
        raise Malformed(f"{text!r:.40} is no status of a TCB level") from error
