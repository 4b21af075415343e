"""Keys of a service that evidence vouches for: what to check before anything is sealed.

A service names a key and brings evidence of the enclave that has it. The evidence is
held against what the caller expects, the first thing that is wrong is the answer, and
only what passes is a key to seal to:

1. the evidence is of a platform that the caller takes, and verifies;
2. on SEV-SNP the guest is one of those that ``SnpPolicy`` describes;
3. a simulated machine is one whose vendor the caller knows, which the vendor calls
   sound, and whose firmware is not older than the caller's floor;
4. an enclave there cannot be debugged, unless the caller says that it may be; its code
   is named, or a signer whom the caller trusts signed it, as a product and version that
   the caller takes; the host started it from what the caller expects;
5. the evidence is bound to this key, its version, its subject, and the caller's nonce.

Any guest on SEV-SNP has a report, so ``SnpPolicy`` says which guests are meant. What it
leaves empty takes nothing, not everything:

1. the report and the three certificates lead to AMD's root, and are valid now;
2. the firmware is at least the version that the policy names for this processor;
3. the measurement is one that the policy names, or somebody whom the policy names
   endorses it as a release that is new enough. Azure's confidential containers are
   endorsed so, since Microsoft updates the utility VM beneath them;
4. the host data is one that the policy names. In a confidential container it is the
   digest of the security policy, which names the layers of the container's image.

Evidence of a virtual node is a claim that anybody could write. It is taken where the
caller says so in as many words, for development.
"""

import base64
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self

from ccfpy.attestation import simulated
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import TcbStatus, VerifiedQuote
from ccfpy.attestation.snp import ROOT_KEYS, verify_snp_report
from ccfpy.attestation.snp_report import (
    LAYOUTS,
    TCB_BYTES,
    Processor,
    Product,
    SnpReport,
    from_hex,
)
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.client.errors import EvidenceFault, EvidenceRefused, UnexpectedReply, refused
from ccfpy.client.requests import text_field
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.sealed_exchange import NONCE_BYTES, SealedRequest, key_binding

FORMAT = "AMD_SEV_SNP_v1"
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpPolicy:
    """What a report must say.

    Attributes:
        measurements: of guests that are taken by name.
        uvm_endorsements: who may endorse another measurement, as which product, from
            which security version on.
        host_data: the accepted values; see ``host_data_of``.
        minimum_tcb: the least version of the firmware by processor, both in hex as
            CCF's actions have them, such as ``{"00a00f11": "db18000000000004"}``.
        roots: the digests of the makers' root keys; AMD's, but for tests.
    """

    measurements: Collection[bytes] = frozenset()
    uvm_endorsements: Collection[UvmEndorsement] = ()
    host_data: Collection[bytes] = frozenset()
    minimum_tcb: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[Product, str] = field(default_factory=lambda: ROOT_KEYS)

    def __post_init__(self) -> None:
        """Check the least versions of the firmware.

        Raises:
            Malformed: a processor is unknown, or a version is not hex of its length.
        """
        for cpuid, tcb in self.minimum_tcb.items():
            _ = Processor.from_hex(cpuid).product
            from_hex(tcb, TCB_BYTES, "TCB version")

    def examine(self, evidence: Attestation, *, unix_time_s: int) -> bytes:
        """Check a report, and return the data that it is bound to.

        Args:
            evidence: the report, its certificates, endorsements of its measurement.
            unix_time_s: when certificates must be valid.

        Raises:
            EvidenceRefused: something is not as it must be.
        """
        try:
            report = verify_snp_report(
                evidence.quote,
                evidence.endorsements,
                unix_time_s=unix_time_s,
                roots=self.roots,
            )
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        self._check_firmware(report)
        self._check_measurement(report, evidence.uvm_endorsements)
        expected, host_data = self.host_data, report.host_data
        if host_data not in expected:
            raise refused(
                EvidenceFault.UNKNOWN_HOST_DATA,
                expected=[each.hex() for each in expected],
                found=host_data.hex(),
            )
        return _bound(report)

    def _check_firmware(self, report: SnpReport) -> None:
        found = report.processor
        least = {
            Processor.from_hex(cpuid): it for cpuid, it in self.minimum_tcb.items()
        }
        if found not in least:
            raise refused(
                EvidenceFault.UNKNOWN_PROCESSOR,
                expected=[each.hex for each in least],
                found=f"{found.hex} ({report.product})",
            )
        minimum = from_hex(least[found], TCB_BYTES, "TCB version")[::-1]
        reported = report.reported_tcb
        older = [
            f"expected {part} {minimum[at]} or later, found {reported[at]}"
            for part, at in LAYOUTS[report.product].items()
            if reported[at] < minimum[at]
        ]
        if older:
            raise EvidenceRefused(EvidenceFault.OLD_FIRMWARE, "; ".join(older))

    def _check_measurement(self, report: SnpReport, endorsements: bytes | None) -> None:
        measurement = report.measurement
        if measurement in self.measurements:
            return
        if not self.uvm_endorsements:
            raise refused(
                EvidenceFault.UNKNOWN_CODE,
                expected=[each.hex() for each in self.measurements],
                found=measurement.hex(),
            )
        wanted = [_release(each) for each in self.uvm_endorsements]
        if endorsements is None:
            raise refused(
                EvidenceFault.UNKNOWN_RELEASE,
                expected=wanted,
                found=f"no endorsement of the measurement {measurement.hex()}",
            )
        try:
            found = verify_uvm_endorsements(endorsements, measurement, None)
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        if not any(_covers(each, found) for each in self.uvm_endorsements):
            told = f"{found.feed} {found.svn} by {found.did}"
            raise refused(EvidenceFault.UNKNOWN_RELEASE, expected=wanted, found=told)


def host_data_of(security_policy: bytes) -> bytes:
    """Return the host data of guests that a security policy, in plain text, governs."""
    return sha256(security_policy)


def _covers(wanted: UvmEndorsement, found: UvmEndorsement) -> bool:
    same = (wanted.did, wanted.feed) == (found.did, found.feed)
    return same and int(wanted.svn) <= int(found.svn)


def _release(wanted: UvmEndorsement) -> str:
    return f"{wanted.feed} {wanted.svn} or later by {wanted.did}"


def _bound(report: SnpReport) -> bytes:
    """Return the digest in the report's longer field, if only zeros follow it."""
    digest, rest = (
        report.report_data[:_DIGEST_BYTES],
        report.report_data[_DIGEST_BYTES:],
    )
    return report.report_data if any(rest) else digest


__all__ = [
    "CheckedKey",
    "EvidenceFault",
    "EvidenceRefused",
    "Expected",
    "OfferedKey",
    "SnpPolicy",
    "fresh_nonce",
    "read_evidence",
]

VIRTUAL = "Insecure_Virtual"
SIMULATED = simulated.FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What evidence must say. What is empty by default takes nothing, not everything.

    Attributes:
        snp: what a guest on SEV-SNP must be; no such guest is taken if not said.
        vendor_ids: whose simulated machines are taken, by the digest of the vendor's
            root certificate.
        signer_ids: who may have signed the enclave; may be empty where ``unique_ids``
            name the code itself.
        product_id: which of the signer's products it must be; any if not said.
        security_version: the least that it may have.
        unique_ids: of the code; any that the signer signed if not said.
        host_data: by which the host must have named what it started; any if not said.
        minimum_tcb: the least version of each part of the machine; any if not said.
        tcb_statuses: what a vendor may say of a machine.
        allows_debug: whether an enclave that can be debugged is taken.
        allows_virtual: whether a claim that anybody could write is taken.
    """

    snp: SnpPolicy | None = None
    vendor_ids: Collection[bytes] = frozenset()
    signer_ids: Collection[bytes] = frozenset()
    product_id: int | None = None
    security_version: int = 0
    unique_ids: Collection[bytes] | None = None
    host_data: Collection[bytes] | None = None
    minimum_tcb: bytes | None = None
    tcb_statuses: Collection[TcbStatus] = (TcbStatus.UP_TO_DATE,)
    allows_debug: bool = False
    allows_virtual: bool = False

    def __post_init__(self) -> None:
        """Check the least version of a machine.

        Raises:
            Malformed: it does not have a number for each part.
        """
        found = self.minimum_tcb
        if found is not None and len(found) != simulated.TCB_VERSION_BYTES:
            raise Malformed(
                f"a machine's version has {simulated.TCB_VERSION_BYTES} parts, "
                f"found {len(found)}"
            )

    @property
    def takes_nothing(self) -> bool:
        """Whether no evidence of any platform could be taken."""
        return self.snp is None and not self.vendor_ids and not self.allows_virtual

    def check(
        self, evidence: Attestation, *, report_data: bytes, unix_time_s: int
    ) -> None:
        """Check evidence against this policy.

        Args:
            evidence: from a service.
            report_data: what it must be bound to.
            unix_time_s: when what vouches for it must be valid.

        Raises:
            EvidenceRefused: something is not as it must be.
        """
        bound = self.examine(evidence, unix_time_s=unix_time_s)
        if bound != report_data:
            raise refused(
                EvidenceFault.OTHER_BINDING,
                expected=[report_data.hex()],
                found=bound.hex(),
            )

    def examine(self, evidence: Attestation, *, unix_time_s: int) -> bytes:
        """Check all but what evidence is bound to, which is returned.

        Raises:
            EvidenceRefused: something is not as it must be.
        """
        if self.takes_nothing:
            raise EvidenceRefused(
                EvidenceFault.NO_POLICY,
                "name the measurement, host data and firmware that are expected, or "
                "who vouches for them",
            )
        if evidence.format == FORMAT and self.snp is not None:
            return self.snp.examine(evidence, unix_time_s=unix_time_s)
        if evidence.format == SIMULATED and self.vendor_ids:
            return self._simulated(evidence, unix_time_s)
        if evidence.format == VIRTUAL and self.allows_virtual:
            return _virtual(evidence)
        raise refused(
            EvidenceFault.PLATFORM,
            expected=self._platforms(),
            found=repr(evidence.format[:80]),
        )

    def _platforms(self) -> list[str]:
        taken = {
            FORMAT: self.snp is not None,
            SIMULATED: bool(self.vendor_ids),
            VIRTUAL: self.allows_virtual,
        }
        return [platform for platform, is_taken in taken.items() if is_taken]

    def _simulated(self, evidence: Attestation, unix_time_s: int) -> bytes:
        try:
            quote = VerifiedQuote.verify(
                evidence.quote, evidence.endorsements, unix_time_s=unix_time_s
            )
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        _check_known(
            EvidenceFault.UNKNOWN_VENDOR, self.vendor_ids, quote.endorsements.vendor_id
        )
        try:
            status = quote.tcb_status()
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.MACHINE, str(error)) from error
        if status not in self.tcb_statuses:
            raise refused(
                EvidenceFault.MACHINE, expected=self.tcb_statuses, found=status
            )
        self._check_firmware(quote.report.tcb_version)
        self._check_identity(quote.report.identity)
        if self.host_data is not None:
            _check_known(
                EvidenceFault.UNKNOWN_HOST_DATA, self.host_data, quote.report.host_data
            )
        return quote.report.report_data

    def _check_firmware(self, found: bytes) -> None:
        older = [
            f"expected part {part} at {least} or later, found {here}"
            for part, (least, here) in enumerate(
                zip(self.minimum_tcb or bytes(len(found)), found, strict=True)
            )
            if here < least
        ]
        if older:
            raise EvidenceRefused(EvidenceFault.OLD_FIRMWARE, "; ".join(older))

    def _check_identity(self, identity: EnclaveIdentity) -> None:
        if identity.debug and not self.allows_debug:
            raise EvidenceRefused(EvidenceFault.DEBUG)
        if self.signer_ids or self.unique_ids is None:
            _check_known(
                EvidenceFault.UNKNOWN_SIGNER, self.signer_ids, identity.signer_id
            )
        if self.product_id not in (None, identity.product_id):
            raise refused(
                EvidenceFault.UNKNOWN_PRODUCT,
                expected=[self.product_id],
                found=identity.product_id,
            )
        if identity.security_version < self.security_version:
            raise refused(
                EvidenceFault.OLD_VERSION,
                expected=[f"{self.security_version} or later"],
                found=identity.security_version,
            )
        if self.unique_ids is not None:
            _check_known(
                EvidenceFault.UNKNOWN_CODE, self.unique_ids, identity.unique_id
            )


def _check_known(
    fault: EvidenceFault, expected: Collection[bytes], found: bytes
) -> None:
    if found not in expected:
        names = [each.hex() for each in expected]
        raise refused(fault, expected=names, found=found.hex())


def _virtual(evidence: Attestation) -> bytes:
    try:
        return VirtualEvidence.parse(evidence.quote).report_data
    except Malformed as error:
        raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error


def fresh_nonce() -> bytes:
    """Return a nonce to ask for a key with; each question has its own."""
    return secrets.token_bytes(NONCE_BYTES)


def read_evidence(fields: Json) -> Attestation:
    """Read evidence as an app answers it.

    Args:
        fields: ``format``, and in base64 ``quote``, ``endorsements`` and, where there
            are some, ``uvm_endorsements``.

    Raises:
        UnexpectedReply: it is none.
    """
    if not isinstance(fields, dict):
        raise UnexpectedReply("expected evidence")
    return Attestation(
        format=text_field(fields, "format"),
        quote=_base64(fields, "quote"),
        endorsements=_base64(fields, "endorsements"),
        uvm_endorsements=_optional_base64(fields, "uvm_endorsements"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedKey:
    """A key as a service offers it; check the key before you seal anything to it.

    Attributes:
        public: the key.
        version: its number.
        lifetime_s: a hint for how long to use it.
        subject: the digest of the object to which the key gives access.
        evidence: evidence of the enclave that holds the key.
    """

    public: bytes
    version: int
    lifetime_s: int
    subject: bytes
    evidence: Attestation

    @classmethod
    def read(cls, fields: JsonObject, *, subject: str) -> Self:
        """Read a service's offer.

        Args:
            fields: of the reply.
            subject: the field with the digest.

        Raises:
            UnexpectedReply: it is none.
        """
        return cls(
            public=_hex(fields, "public_key"),
            version=_number(fields, "key_version"),
            lifetime_s=_number(fields, "lifetime_s"),
            subject=_hex(fields, subject),
            evidence=read_evidence(fields.get("evidence")),
        )

    def check(
        self, expected: Expected, *, nonce: bytes, unix_time_s: int
    ) -> "CheckedKey":
        """Check that it is the key of such an enclave, which said so just now.

        Raises:
            EvidenceRefused: something is not as it must be.
        """
        try:
            bound = key_binding(
                nonce=nonce,
                public_key=self.public,
                key_version=self.version,
                subject=self.subject,
            )
        except Malformed as error:
            raise EvidenceRefused(EvidenceFault.OTHER_BINDING, str(error)) from error
        expected.check(
            self.evidence, report_data=app_report_data(bound), unix_time_s=unix_time_s
        )
        return CheckedKey(
            public=self.public,
            version=self.version,
            lifetime_s=self.lifetime_s,
            subject=self.subject,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedKey:
    """A key that evidence vouches for, which alone is one to seal to.

    Attributes:
        public: the key.
        version: its number.
        lifetime_s: a hint for how long to use it.
        subject: the digest of the object to which the key gives access.
    """

    public: bytes
    version: int
    lifetime_s: int
    subject: bytes

    def seal(self, content: bytes, *, context: bytes) -> SealedRequest:
        """Seal a request.

        Raises:
            Malformed: nothing can be sealed to it, though evidence vouches for it.
        """
        return SealedRequest.seal(self.public, content, context=context)


_NUMBER_MAX = (1 << 64) - 1


def _number(fields: JsonObject, name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= _NUMBER_MAX:
        raise UnexpectedReply(f"expected a number as {name!r}, found {value!r:.80}")
    return value


def _hex(fields: JsonObject, name: str) -> bytes:
    try:
        return bytes.fromhex(text_field(fields, name))
    except ValueError as error:
        raise UnexpectedReply(f"expected hex as {name!r}") from error


def _base64(fields: JsonObject, name: str) -> bytes:
    try:
        return base64.b64decode(text_field(fields, name), validate=True)
    except ValueError as error:
        raise UnexpectedReply(f"expected base64 as {name!r}") from error


def _optional_base64(fields: JsonObject, name: str) -> bytes | None:
    return None if fields.get(name) is None else _base64(fields, name)
