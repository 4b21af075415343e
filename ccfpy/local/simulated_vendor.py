"""A simulated vendor: it makes machines, and says which are up to date or revoked.

The vendor's root key lies in a file like all other keys. A real vendor guards its key.
This key belongs to the person who made it, and vouches for nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

from ccfpy.attestation.fields import read_exactly
from ccfpy.attestation.simulated import (
    TCB_VERSION_BYTES,
    Issue,
    Revocations,
    SimulatedCollateral,
    TcbInfo,
    TcbLevel,
    TcbStatus,
)
from ccfpy.attestation.simulated_machine import ROOT_BYTES, SimulatedMachine
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair

VALIDITY_DAYS = 3650
UPDATE_DAYS = 30
"""How long a statement holds."""
_SUBJECT = "CN=Insecure simulated vendor"
_MACHINE_SUBJECT = "CN=Insecure simulated machine"
_S_PER_DAY = 24 * 60 * 60
FIRST_TCB_VERSION = bytes([1] * TCB_VERSION_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A vendor as it is written down: key and certificate as PEM."""

    private_key: str
    certificate: str
    tcb_info: bytes
    revocations: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVendor:
    """A vendor with its root key and the statements that it made last."""

    key: KeyPair = field(repr=False)
    certificate: Certificate
    collateral: SimulatedCollateral

    @property
    def vendor_id(self) -> bytes:
        """The digest of the root certificate, by which policies know it."""
        return bytes.fromhex(self.certificate.digest_hex)

    @classmethod
    def make(cls, entropy: Entropy, *, unix_time_s: int) -> Self:
        """Make a vendor, whose first machines are up to date and none revoked."""
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = certs.service_certificate(
            key,
            subject=_SUBJECT,
            not_before=_moment(unix_time_s),
            validity_days=VALIDITY_DAYS,
            entropy=entropy,
        )
        issue = _issue(1, unix_time_s)
        level = TcbLevel(tcb_version=FIRST_TCB_VERSION, status=TcbStatus.UP_TO_DATE)
        collateral = SimulatedCollateral(
            tcb_info=TcbInfo.sign(key, issue, (level,)),
            revocations=Revocations.sign(key, issue, frozenset()),
        )
        return cls(key=key, certificate=certificate, collateral=collateral)

    def make_machine(
        self, entropy: Entropy, *, unix_time_s: int, tcb_version: bytes | None = None
    ) -> SimulatedMachine:
        """Make a machine and vouch for its key; up to date unless told otherwise."""
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = certs.endorse_request(
            certs.certificate_request(key, subject=_MACHINE_SUBJECT, sans=()),
            issuer_key=self.key,
            issuer_cert=self.certificate,
            not_before=_moment(unix_time_s),
            validity_days=VALIDITY_DAYS,
            entropy=entropy,
        )
        return SimulatedMachine(
            root=entropy.random_bytes(ROOT_BYTES),
            key=key,
            certificate=certificate,
            vendor=self.certificate,
            collateral=self.collateral,
            tcb_version=self.newest_tcb_version if tcb_version is None else tcb_version,
        )

    @property
    def newest_tcb_version(self) -> bytes:
        """The security version that is up to date."""
        return self.collateral.tcb_info.levels[0].tcb_version

    def require(
        self, tcb_version: bytes, *, older: TcbStatus, unix_time_s: int
    ) -> "SimulatedVendor":
        """Announce a security version; what was up to date is worth less from now on.

        Raises:
            VerificationFailed: it is not above the newest, or older ones are said to be
                up to date.
        """
        before = self.collateral.tcb_info.levels
        if tcb_version == before[0].tcb_version or not before[0].covers(tcb_version):
            raise VerificationFailed(
                f"the security version {tcb_version.hex()} is not at least as high as "
                f"the newest, {before[0].tcb_version.hex()}, in all parts and above it "
                "in one"
            )
        newest = TcbLevel(tcb_version=tcb_version, status=TcbStatus.UP_TO_DATE)
        levels = (newest, *_demoted(before, older))
        info = TcbInfo.sign(self.key, self._next(unix_time_s), levels)
        return replace(self, collateral=replace(self.collateral, tcb_info=info))

    def revoke(
        self, machine_ids: Iterable[bytes], *, unix_time_s: int
    ) -> "SimulatedVendor":
        """Vouch for some machines no longer, besides those of before."""
        revoked = self.collateral.revocations.machine_ids | frozenset(machine_ids)
        lists = Revocations.sign(self.key, self._next(unix_time_s), revoked)
        return replace(self, collateral=replace(self.collateral, revocations=lists))

    def renew(self, *, unix_time_s: int) -> "SimulatedVendor":
        """Issue the same statements again, valid from now on."""
        collateral, issue = self.collateral, self._next(unix_time_s)
        return replace(
            self,
            collateral=SimulatedCollateral(
                tcb_info=TcbInfo.sign(self.key, issue, collateral.tcb_info.levels),
                revocations=Revocations.sign(
                    self.key, issue, collateral.revocations.machine_ids
                ),
            ),
        )

    def _next(self, unix_time_s: int) -> Issue:
        numbers = (
            self.collateral.tcb_info.issue.number,
            self.collateral.revocations.issue.number,
        )
        return _issue(max(numbers) + 1, unix_time_s)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read one back.

        Raises:
            Malformed: it is none.
            VerificationFailed: its parts do not fit together.
        """
        said = read_exactly(_Written, json.loads_object(text), "a simulated vendor")
        key = KeyPair.from_pem(said.private_key)
        certificate = Certificate.from_pem(said.certificate)
        if key.public_key != certificate.public_key:
            raise VerificationFailed(
                "a simulated vendor's key is not its certificate's"
            )
        collateral = SimulatedCollateral.read(
            said.tcb_info, said.revocations, certificate
        )
        if not collateral.tcb_info.levels:
            raise Malformed("a simulated vendor without a TCB level")
        return cls(key=key, certificate=certificate, collateral=collateral)

    def serialise(self) -> bytes:
        """Write it down, its key included."""
        return json.dumps(
            {
                "private_key": self.key.pem,
                "certificate": self.certificate.pem,
                **self.collateral.fields(),
            }
        )


def _demoted(levels: tuple[TcbLevel, ...], older: TcbStatus) -> list[TcbLevel]:
    """Lower every level's status to ``older`` at most."""
    if older is TcbStatus.UP_TO_DATE:
        raise VerificationFailed("an older security version is not up to date")
    return [
        level if level.status is TcbStatus.REVOKED else replace(level, status=older)
        for level in levels
    ]


def _issue(number: int, unix_time_s: int) -> Issue:
    return Issue(
        number=number,
        issued=unix_time_s,
        next_update=unix_time_s + UPDATE_DAYS * _S_PER_DAY,
    )


def _moment(unix_time_s: int) -> datetime:
    return datetime.fromtimestamp(unix_time_s, UTC)
