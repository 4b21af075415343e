"""AMD SEV-SNP: what a processor reports of a guest, and who vouches for the report.

It is 1184 bytes signed by a key of the chip's own (VCEK), whose certificate leads by
AMD's intermediate (ASK) to AMD's root (ARK), whose key is pinned here. The layout is
table 23 of the SEV-SNP Firmware ABI specification; the order of checks and the texts
are those of ``src/pal/attestation.cpp``.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.ec import Curve, der_signature
from ccfpy.crypto.extensions import raw_extension
from ccfpy.crypto.hashing import sha256_hex

REPORT_BYTES = 1184
_SIGNED_BYTES = 0x2A0
_MINIMUM_VERSION = 3
_ECDSA_P384_SHA384 = 1
_VMPL_MAX = 3
_HALF_BYTES = 72
_CHAIN_CERTIFICATES = 3
_PEM_END = b"-----END CERTIFICATE-----"

ROOT_KEYS = {
    "Milan": "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
    "Genoa": "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
}
"""Digests of AMD's root keys, as SubjectPublicKeyInfo."""
_PRODUCTS = {(0x19, 0x01): "Milan", (0x19, 0x11): "Genoa"}
"""By processor family and model. CCF names Turin too, and takes no root for it."""

_AMD = "1.3.6.1.4.1.3704.1"
_CHIP_ID = f"{_AMD}.4"
_TCB_PARTS = {0: f"{_AMD}.3.1", 1: f"{_AMD}.3.2", 6: f"{_AMD}.3.3", 7: f"{_AMD}.3.8"}
"""By their byte in a TCB version: boot loader, TEE, SNP, microcode."""

_DER_INTEGER = 2
_DEBUG_BIT = 19
_MIGRATE_BIT = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpReport:
    """A report, taken apart; ``raw`` is all of it."""

    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a report.

        Raises:
            Malformed: it has another length.
        """
        if len(raw) != REPORT_BYTES:
            raise Malformed(
                "Input SEV-SNP attestation report is not of expected size "
                f"{REPORT_BYTES}: {len(raw)}"
            )
        return cls(raw=bytes(raw))

    def u32(self, offset: int) -> int:
        """Give the number at an offset."""
        value: int = struct.unpack_from("<I", self.raw, offset)[0]
        return value

    def part(self, offset: int, size: int) -> bytes:
        """Give the bytes at an offset."""
        return self.raw[offset : offset + size]

    @property
    def version(self) -> int:
        """Of the report's form."""
        return self.u32(0x000)

    @property
    def policy(self) -> int:
        """What the guest's owner demands, as bits."""
        value: int = struct.unpack_from("<Q", self.raw, 0x008)[0]
        return value

    @property
    def vmpl(self) -> int:
        """The privilege level that asked; beyond 3 it was the host."""
        return self.u32(0x030)

    @property
    def signature_algorithm(self) -> int:
        """Which algorithm signed."""
        return self.u32(0x034)

    @property
    def platform_info(self) -> int:
        """How the platform is set up, as bits."""
        return self.raw[0x040]

    @property
    def flags(self) -> int:
        """Which keys there are, as bits."""
        return self.u32(0x048)

    @property
    def mask_chip_key(self) -> int:
        """Whether the operator hides the chip's key."""
        return self.flags >> 1 & 1

    @property
    def signing_key(self) -> int:
        """Which key signed: 0 is the chip's own."""
        return self.flags >> 2 & 7

    @property
    def report_data(self) -> bytes:
        """What the guest wanted said, 64 bytes."""
        return self.part(0x050, 64)

    @property
    def measurement(self) -> bytes:
        """Of the guest at its launch, 48 bytes."""
        return self.part(0x090, 48)

    @property
    def host_data(self) -> bytes:
        """What the host said of the guest's purpose, 32 bytes."""
        return self.part(0x0C0, 32)

    @property
    def reported_tcb(self) -> bytes:
        """The version that the signing key stands for, least significant byte first."""
        return self.part(0x180, 8)

    @property
    def chip_id(self) -> bytes:
        """The chip, 64 bytes."""
        return self.part(0x1A0, 64)

    @property
    def product(self) -> str:
        """The processor's line.

        Raises:
            Malformed: it is none that is known.
        """
        family, model = self.raw[0x188], self.raw[0x189]
        product = _PRODUCTS.get((family, model))
        if product is None:
            raise Malformed(f"SEV-SNP: Unsupported CPUID family {family} model {model}")
        return product

    @property
    def signature_r(self) -> bytes:
        """Half of the signature, least significant byte first."""
        return self.part(_SIGNED_BYTES, _HALF_BYTES)

    @property
    def signature_s(self) -> bytes:
        """The other half."""
        return self.part(_SIGNED_BYTES + _HALF_BYTES, _HALF_BYTES)


def verify_snp_report(
    raw: bytes,
    endorsements: bytes,
    *,
    unix_time_s: int,
    endorsed_tcb: str | None = None,
) -> SnpReport:
    """Check a report and the certificates that vouch for it.

    Args:
        raw: the report.
        endorsements: the chip's certificate, AMD's intermediate and AMD's root, PEM.
        unix_time_s: when certificates must be valid.
        endorsed_tcb: the version it must report, as hex; any if not said.

    Raises:
        Malformed: one of them is not what it should be.
        VerificationFailed: it is not to be believed; the text says why.
    """
    report = SnpReport.parse(raw)
    if report.version < _MINIMUM_VERSION:
        raise VerificationFailed(
            f"SEV-SNP: Attestation version is {report.version} not >= expected minimum "
            f"{_MINIMUM_VERSION}"
        )
    chip = _verify_chain(report.product, endorsements, unix_time_s)
    _verify_signature(report, chip)
    _verify_contents(report)
    _verify_against(report, chip)
    if endorsed_tcb is not None:
        _verify_tcb(report, endorsed_tcb)
    return report


def _verify_chain(product: str, endorsements: bytes, unix_time_s: int) -> Certificate:
    count = endorsements.count(_PEM_END)
    if count != _CHAIN_CERTIFICATES:
        raise Malformed(f"Expected 3 endorsement certificates but got {count}")
    certificates = parse_bundle(endorsements)
    if len(certificates) != count:
        raise Malformed("the endorsements are not PEM certificates alone")
    chip, intermediate, root = certificates
    if sha256_hex(root.public_key_der) != ROOT_KEYS[product]:
        raise VerificationFailed(
            "SEV-SNP: The root of trust public key for this attestation was not the "
            f"expected one for {product}"
        )
    now = datetime.fromtimestamp(unix_time_s, UTC)
    links = ((root, root), (intermediate, root), (chip, intermediate))
    for certificate, issuer in links:
        certificate.verify_signed_by(issuer)
        if not issuer.is_authority:
            raise VerificationFailed(f"SEV-SNP: {issuer} is no authority")
        if not certificate.not_before <= now <= certificate.not_after:
            raise VerificationFailed(f"SEV-SNP: {certificate} is not valid now")
    return chip


def _verify_signature(report: SnpReport, chip: Certificate) -> None:
    if report.signature_algorithm != _ECDSA_P384_SHA384:
        raise VerificationFailed(
            f"SEV-SNP: Unsupported signature algorithm: {report.signature_algorithm} "
            f"(supported: {_ECDSA_P384_SHA384})"
        )
    width = Curve.SECP384R1.field_bytes
    halves = [half[::-1] for half in (report.signature_r, report.signature_s)]
    raw = b"".join(half[_HALF_BYTES - width :] for half in halves)
    key = chip.public_key
    is_wider = any(any(half[: _HALF_BYTES - width]) for half in halves)
    if key.curve is not Curve.SECP384R1 or is_wider:
        raise VerificationFailed("SEV-SNP: not a signature by a key on P-384")
    try:
        key.verify(der_signature(key.curve, raw), report.raw[:_SIGNED_BYTES])
    except VerificationFailed as error:
        raise VerificationFailed(
            "SEV-SNP: Chip certificate (VCEK) did not sign this attestation"
        ) from error


def _verify_contents(report: SnpReport) -> None:
    refusals = (
        (
            report.signing_key != 0,
            f"Attestation report must be signed by VCEK: {report.signing_key}",
        ),
        (report.mask_chip_key != 0, "Mask chip key must not be set"),
        (
            report.vmpl > _VMPL_MAX,
            f"This report seems to be host generated (VMPL {report.vmpl} > 3)",
        ),
        (
            report.policy >> _DEBUG_BIT & 1,
            "SNP attestation report guest policy debugging must not be enabled",
        ),
        (
            report.policy >> _MIGRATE_BIT & 1,
            "SNP attestation report guest policy migration must not be enabled",
        ),
    )
    for is_refused, reason in refusals:
        if is_refused:
            raise VerificationFailed(f"SEV-SNP: {reason}")


def _verify_against(report: SnpReport, chip: Certificate) -> None:
    """Compare the report with what the chip's certificate says of it."""
    for byte, oid in _TCB_PARTS.items():
        endorsed = raw_extension(chip, oid)
        if endorsed is not None and report.reported_tcb[byte] < _integer(endorsed):
            raise VerificationFailed(
                f"SEV-SNP: Reported TCB {report.reported_tcb[::-1].hex()} does not "
                "meet or exceed the endorsed TCB"
            )
    chip_id = raw_extension(chip, _CHIP_ID)
    if chip_id is not None and chip_id != report.chip_id:
        raise VerificationFailed(
            "SEV-SNP: Chip ID in attestation does not match endorsed chip ID: "
            f"{chip_id.hex()} != {report.chip_id.hex()}"
        )


def _verify_tcb(report: SnpReport, endorsed_tcb: str) -> None:
    reported = report.reported_tcb[::-1].hex()
    if endorsed_tcb.lower() != reported:
        raise VerificationFailed(
            f"SEV-SNP: endorsed TCB {endorsed_tcb} does not match reported TCB "
            f"{reported}"
        )


def _integer(der: bytes) -> int:
    """Read a small DER INTEGER."""
    tag, length = der[:2].ljust(2, b"\0")
    if tag != _DER_INTEGER or length != len(der) - 2 or not length:
        raise Malformed("SEV-SNP: a version in the chip's certificate is no number")
    return int.from_bytes(der[2:], "big", signed=True)
