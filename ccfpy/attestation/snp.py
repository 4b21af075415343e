"""AMD SEV-SNP: whether a processor's report of a guest is to be believed.

It is signed by a key of the chip's own (VCEK), whose certificate leads by AMD's
intermediate (ASK) to AMD's root (ARK), whose key is pinned here. The order of checks
and the texts are those of ``src/pal/attestation.cpp``.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccfpy.attestation.snp_report import (
    HALF_BYTES,
    LAYOUTS,
    SIGNED_BYTES,
    TCB_BYTES,
    Product,
    SnpReport,
    from_hex,
    meets,
    policy_of,
)
from ccfpy.attestation.steps import Took, as_datetime, untold, verify_chain
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate, parse_bundle, raw_extension
from ccfpy.crypto.ec import Curve, der_signature
from ccfpy.crypto.hashing import sha256_hex

_MINIMUM_VERSION = 3
_ECDSA_P384_SHA384 = 1
_VMPL_MAX = 3
_CHAIN_CERTIFICATES = 3
_PEM_END = b"-----END CERTIFICATE-----"

ROOT_KEYS = {
    Product.MILAN: "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
    Product.GENOA: "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
}
"""Digests of AMD's root keys, as SubjectPublicKeyInfo. As in CCF, Turin has none."""

_AMD = "1.3.6.1.4.1.3704.1"
CHIP_ID_OID = f"{_AMD}.4"
TCB_OIDS = {
    "boot_loader": f"{_AMD}.3.1",
    "tee": f"{_AMD}.3.2",
    "snp": f"{_AMD}.3.3",
    "microcode": f"{_AMD}.3.8",
    "fmc": f"{_AMD}.3.9",
}
"""Where a chip's certificate says which version its key is of (AMD 57230)."""

_DER_INTEGER = 2
_BYTE_MAX = 0xFF


class SnpStep(StrEnum):
    """What is checked, in this order."""

    VERSION = "version"
    PROCESSOR = "processor"
    CERTIFICATES = "certificates"
    ROOT = "root"
    CHAIN = "chain"
    SIGNATURE = "signature"
    SIGNING_KEY = "signing key"
    CHIP_KEY = "chip key"
    GUEST = "guest"
    DEBUG = "debug"
    MIGRATION = "migration"
    FIRMWARE = "firmware"
    CHIP = "chip"
    ENDORSED_TCB = "endorsed TCB"


def verify_snp_report(
    raw: bytes,
    endorsements: bytes,
    *,
    unix_time_s: int,
    endorsed_tcb: str | None = None,
    roots: Mapping[Product, str] = ROOT_KEYS,
    took: Took = untold,
) -> SnpReport:
    """Check a report and the certificates that vouch for it.

    Args:
        raw: the report.
        endorsements: the chip's certificate, AMD's intermediate and AMD's root, PEM.
        unix_time_s: when certificates must be valid.
        endorsed_tcb: the version it must report, as hex; any if not said.
        roots: the digests of the root keys that are believed.
        took: called with each `SnpStep` that succeeded.

    Raises:
        Malformed: the report or a certificate cannot be read.
        VerificationFailed: a check failed; the text says which.
    """
    report = SnpReport.parse(raw)
    if report.version < _MINIMUM_VERSION:
        raise VerificationFailed(
            f"SEV-SNP: Attestation version is {report.version} not >= expected minimum "
            f"{_MINIMUM_VERSION}"
        )
    took(SnpStep.VERSION)
    product = report.product
    took(SnpStep.PROCESSOR)
    chain = _certificates(endorsements)
    took(SnpStep.CERTIFICATES)
    _verify_root(report, chain[-1], roots.get(product))
    took(SnpStep.ROOT)
    _verify_chain(chain, unix_time_s)
    took(SnpStep.CHAIN)
    chip = chain[0]
    _verify_signature(report, chip)
    took(SnpStep.SIGNATURE)
    _verify_contents(report, took)
    _verify_firmware(report, chip)
    took(SnpStep.FIRMWARE)
    _verify_chip(report, chip)
    took(SnpStep.CHIP)
    if endorsed_tcb is not None:
        _verify_tcb(report, endorsed_tcb)
    took(SnpStep.ENDORSED_TCB)
    return report


def endorsed_version(product: Product, chip: Certificate) -> bytes | None:
    """Return the version that a chip's key is of, if its certificate states one.

    Raises:
        Malformed: a part of it is no number of one byte.
    """
    version = bytearray(TCB_BYTES)
    for name, at in LAYOUTS[product].items():
        der = raw_extension(chip, TCB_OIDS[name])
        if der is None:
            return None
        value = _integer(der)
        if not 0 <= value <= _BYTE_MAX:
            raise Malformed(f"Invalid {name} value in TCB version: {value}")
        version[at] = value
    return bytes(version)


def _certificates(endorsements: bytes) -> list[Certificate]:
    count = endorsements.count(_PEM_END)
    if count != _CHAIN_CERTIFICATES:
        raise Malformed(f"Expected 3 endorsement certificates but got {count}")
    certificates = parse_bundle(endorsements)
    if len(certificates) != count:
        raise Malformed("the endorsements are not PEM certificates alone")
    return certificates


def _verify_root(report: SnpReport, root: Certificate, pinned: str | None) -> None:
    if pinned is None:
        raise VerificationFailed(
            f"SEV-SNP: No known root certificate for {report.product}"
        )
    found = sha256_hex(root.public_key_der)
    if found != pinned:
        processor = report.processor
        raise VerificationFailed(
            "SEV-SNP: The root of trust public key for this attestation was not the "
            f"expected one for v{report.version} {processor.family} {processor.model}: "
            f"{found} != {pinned}"
        )
    try:
        root.verify_signed_by(root)
    except VerificationFailed as error:
        raise VerificationFailed(
            "SEV-SNP: The root of trust public key for this attestation was not self "
            "signed as expected"
        ) from error


def _verify_chain(chain: list[Certificate], unix_time_s: int) -> None:
    now = as_datetime(unix_time_s)
    try:
        verify_chain(chain, now, "now")
    except CcfpyError as error:
        raise VerificationFailed(
            "SEV-SNP: The chain of signatures from the root of trust to this "
            f"attestation is broken: {error}"
        ) from error


def _verify_signature(report: SnpReport, chip: Certificate) -> None:
    if report.signature_algorithm != _ECDSA_P384_SHA384:
        raise VerificationFailed(
            f"SEV-SNP: Unsupported signature algorithm: {report.signature_algorithm} "
            f"(supported: {_ECDSA_P384_SHA384})"
        )
    width = Curve.SECP384R1.field_bytes
    halves = [half[::-1] for half in report.signature]
    raw = b"".join(half[HALF_BYTES - width :] for half in halves)
    key = chip.public_key
    is_wider = any(any(half[: HALF_BYTES - width]) for half in halves)
    if key.curve is not Curve.SECP384R1 or is_wider:
        raise VerificationFailed("SEV-SNP: not a signature by a key on P-384")
    try:
        key.verify(der_signature(key.curve, raw), report.raw[:SIGNED_BYTES])
    except VerificationFailed as error:
        raise VerificationFailed(
            "SEV-SNP: Chip certificate (VCEK) did not sign this attestation"
        ) from error


def _verify_contents(report: SnpReport, took: Took = untold) -> None:
    refusals = (
        (
            SnpStep.SIGNING_KEY,
            report.signing_key != 0,
            f"Attestation report must be signed by VCEK: {report.signing_key}",
        ),
        (SnpStep.CHIP_KEY, report.mask_chip_key != 0, "Mask chip key must not be set"),
        (
            SnpStep.GUEST,
            report.vmpl > _VMPL_MAX,
            f"This report seems to be host generated (VMPL {report.vmpl} > 3)",
        ),
        (
            SnpStep.DEBUG,
            report.is_debugged,
            "SNP attestation report guest policy debugging must not be enabled",
        ),
        (
            SnpStep.MIGRATION,
            report.is_movable,
            "SNP attestation report guest policy migration must not be enabled",
        ),
    )
    for step, is_refused, reason in refusals:
        if is_refused:
            raise VerificationFailed(f"SEV-SNP: {reason}")
        took(step)


def _verify_firmware(report: SnpReport, chip: Certificate) -> None:
    product = report.product
    endorsed = endorsed_version(product, chip)
    if endorsed is None:
        return
    reported = policy_of(product, report.reported_tcb)
    if not meets(policy_of(product, endorsed), reported):
        raise VerificationFailed(
            f"SEV-SNP: Reported TCB {json.dumps(reported).decode()} does not meet or "
            f'exceed the endorsed TCB "{endorsed[::-1].hex()}"'
        )


def _verify_chip(report: SnpReport, chip: Certificate) -> None:
    chip_id = raw_extension(chip, CHIP_ID_OID)
    if chip_id is not None and chip_id != report.chip_id:
        raise VerificationFailed(
            "SEV-SNP: Chip ID in attestation does not match endorsed chip ID: "
            f"{chip_id.hex()} != {report.chip_id.hex()}"
        )


def _verify_tcb(report: SnpReport, endorsed_tcb: str) -> None:
    try:
        endorsed = from_hex(endorsed_tcb, TCB_BYTES, "TCB version").hex()
    except Malformed as error:
        raise Malformed(f"SEV-SNP: endorsed TCB: {error}") from error
    reported = report.reported_tcb[::-1].hex()
    if endorsed != reported:
        raise VerificationFailed(
            f"SEV-SNP: endorsed TCB {endorsed} does not match reported TCB {reported}"
        )


def _integer(der: bytes) -> int:
    """Read a small DER INTEGER."""
    tag, length = der[:2].ljust(2, b"\0")
    if tag != _DER_INTEGER or length != len(der) - 2 or not length:
        raise Malformed("SEV-SNP: a version in the chip's certificate is no number")
    return int.from_bytes(der[2:], "big", signed=True)
