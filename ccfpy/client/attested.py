"""Keys of a service that evidence vouches for: what to check before anything is sealed.

A service names a key and brings evidence of the enclave that has it. The evidence is
held against what the caller expects, the first thing that is wrong is the answer, and
only what passes is a key to seal to:

1. the evidence is of a platform that the caller takes, and verifies;
2. the machine is one whose vendor the caller knows, and which the vendor calls sound;
3. the enclave cannot be debugged, unless the caller says that it may be;
4. a signer whom the caller trusts signed it, as a product and version that it takes;
5. the evidence is bound to this key, its version, its subject, and the caller's nonce.

Evidence of a virtual node is a claim that anybody could write. It is taken where the
caller says so in as many words, for development.
"""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ccfpy.attestation import simulated
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated_collateral import TcbStatus
from ccfpy.attestation.simulated_endorsements import VerifiedQuote
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.client.reply import text_field
from ccfpy.crypto.sealed_exchange import NONCE_BYTES, SealedRequest, key_binding

VIRTUAL = "Insecure_Virtual"
SIMULATED = simulated.FORMAT


class EvidenceFault(StrEnum):
    """What is wrong with evidence; the first of these that applies."""

    PLATFORM = "the evidence is of a platform that is not taken"
    NOT_VERIFIED = "the evidence does not verify"
    UNKNOWN_VENDOR = "no vendor that is known vouches for the machine"
    MACHINE = "the machine is not as its vendor wants it"
    DEBUG = "the enclave can be debugged"
    UNKNOWN_SIGNER = "nobody who is trusted signed the enclave"
    UNKNOWN_PRODUCT = "the enclave is another product of its signer"
    OLD_VERSION = "the enclave's security version is too old"
    UNKNOWN_CODE = "the enclave's code is none that is expected"
    OTHER_BINDING = "the evidence is bound to another nonce, key, version or subject"


class EvidenceRefused(ClientError):
    """Evidence that is not what the caller expects; nothing was sealed to its key.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, fault: EvidenceFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What evidence must say. What is empty by default takes nothing, not everything.

    Attributes:
        vendor_ids: whose machines are taken, by the digest of the vendor's root
            certificate.
        signer_ids: who may have signed the enclave.
        product_id: which of the signer's products it must be; any if not said.
        security_version: the least that it may have.
        unique_ids: of the code; any that the signer signed if not said.
        tcb_statuses: what a vendor may say of a machine.
        allows_debug: whether an enclave that can be debugged is taken.
        allows_virtual: whether a claim that anybody could write is taken.
    """

    vendor_ids: Collection[bytes] = frozenset()
    signer_ids: Collection[bytes] = frozenset()
    product_id: int | None = None
    security_version: int = 0
    unique_ids: Collection[bytes] | None = None
    tcb_statuses: Collection[TcbStatus] = (TcbStatus.UP_TO_DATE,)
    allows_debug: bool = False
    allows_virtual: bool = False

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
        if evidence.format == VIRTUAL and self.allows_virtual:
            bound = _virtual(evidence)
        elif evidence.format == SIMULATED:
            bound = self._simulated(evidence, unix_time_s)
        else:
            raise EvidenceRefused(EvidenceFault.PLATFORM, evidence.format[:80])
        if bound != report_data:
            raise EvidenceRefused(EvidenceFault.OTHER_BINDING)

    def _simulated(self, evidence: Attestation, unix_time_s: int) -> bytes:
        try:
            quote = VerifiedQuote.verify(
                evidence.quote, evidence.endorsements, unix_time_s=unix_time_s
            )
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        vendor = quote.endorsements.vendor_id
        if vendor not in self.vendor_ids:
            raise EvidenceRefused(EvidenceFault.UNKNOWN_VENDOR, vendor.hex())
        try:
            status = quote.tcb_status()
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.MACHINE, str(error)) from error
        if status not in self.tcb_statuses:
            raise EvidenceRefused(EvidenceFault.MACHINE, status)
        self._check_identity(quote.report.identity)
        return quote.report.report_data

    def _check_identity(self, identity: EnclaveIdentity) -> None:
        if identity.debug and not self.allows_debug:
            raise EvidenceRefused(EvidenceFault.DEBUG)
        if identity.signer_id not in self.signer_ids:
            raise EvidenceRefused(
                EvidenceFault.UNKNOWN_SIGNER, identity.signer_id.hex()
            )
        if self.product_id not in (None, identity.product_id):
            raise EvidenceRefused(
                EvidenceFault.UNKNOWN_PRODUCT, str(identity.product_id)
            )
        if identity.security_version < self.security_version:
            raise EvidenceRefused(
                EvidenceFault.OLD_VERSION,
                f"{identity.security_version}, and the least is "
                f"{self.security_version}",
            )
        if self.unique_ids is not None and identity.unique_id not in self.unique_ids:
            raise EvidenceRefused(EvidenceFault.UNKNOWN_CODE, identity.unique_id.hex())


def _virtual(evidence: Attestation) -> bytes:
    try:
        return VirtualEvidence.parse(evidence.quote).report_data
    except Malformed as error:
        raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error


def fresh_nonce() -> bytes:
    """Return a nonce to ask for a key with; each question has its own."""
    return secrets.token_bytes(NONCE_BYTES)


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
        evidence = fields.get("evidence")
        if not isinstance(evidence, dict):
            raise UnexpectedReply("expected evidence with a key")
        return cls(
            public=_hex(fields, "public_key"),
            version=_number(fields, "key_version"),
            lifetime_s=_number(fields, "lifetime_s"),
            subject=_hex(fields, subject),
            evidence=Attestation(
                format=text_field(evidence, "format"),
                quote=_base64(evidence, "quote"),
                endorsements=_base64(evidence, "endorsements"),
            ),
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
