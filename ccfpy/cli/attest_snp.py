"""Reports of SEV-SNP guests, shown and verified."""

from typing import Final

from ccfpy.attestation import snp, uvm
from ccfpy.attestation.snp import SnpStep, verify_snp_report
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.snp_tcb import policy_of
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.cli.attest_kind import (
    Check,
    Claim,
    Piece,
    Wanted,
    bound_key,
    expected,
    holds,
    run,
)
from ccfpy.service.evidence.kind import unpadded

REASONS: Final = {
    SnpStep.VERSION: "Older reports do not say which processor they are of.",
    SnpStep.PROCESSOR: "Each line of processors has a root of its own.",
    SnpStep.CERTIFICATES: "Three certificates lead from the chip to AMD.",
    SnpStep.ROOT: "Anyone can make a root. This one's key is AMD's, known beforehand.",
    SnpStep.CHAIN: "AMD's root must vouch for the chip's key, today.",
    SnpStep.SIGNATURE: "The chip signs every byte of the report: none was changed.",
    SnpStep.SIGNING_KEY: "Only a key of the chip's own stands for one chip.",
    SnpStep.CHIP_KEY: "An operator can hide which chip it is; then nothing is "
    "endorsed.",
    SnpStep.GUEST: "A host can ask for reports too. Only a guest's is about a guest.",
    SnpStep.DEBUG: "The host of a guest that is debugged reads its memory.",
    SnpStep.MIGRATION: "A guest that can be moved can be copied, secrets and all.",
    SnpStep.FIRMWARE: "Older firmware than the certificate is for has known flaws.",
    SnpStep.CHIP: "The certificate must be that of the chip which reported.",
    SnpStep.ENDORSED_TCB: "Whoever fetched the certificates asked for this very "
    "firmware.",
}
UVM_REASONS: Final = {
    uvm.UvmStep.SIGNATURE: "The release's maker signed this, by the name it goes by.",
    uvm.UvmStep.MEASUREMENT: "What is endorsed must be what the processor measured.",
    uvm.UvmStep.AUTHORITY: "Only some makers' word is taken, from some release on.",
}


class Snp:
    """AMD SEV-SNP."""

    summary: Final = "a report of an AMD SEV-SNP processor, of the guest it runs"

    def claims(self, piece: Piece) -> list[Claim]:
        """Take the report apart."""
        report = SnpReport.parse(piece.quote)
        processor = report.processor
        return [
            Claim("version", report.version, "Of the report's form; 3 or later."),
            Claim("processor", _product(report), f"Of CPUID {processor.hex}."),
            Claim(
                "chip id", report.chip_id.hex(), "Which chip it is, of all AMD made."
            ),
            Claim(
                "measurement",
                report.measurement.hex(),
                "Of the guest's memory as it was started: firmware and kernel.",
            ),
            Claim(
                "host data",
                report.host_data.hex(),
                "What the host said of its purpose: a security policy's digest.",
            ),
            Claim(
                "report data",
                report.report_data.hex(),
                "What the guest wanted said: the digest of its key.",
            ),
            Claim("guest svn", report.u32(0x004), "The guest's security version."),
            Claim("vmpl", report.vmpl, "Which privilege level of the guest asked."),
            Claim(
                "debug",
                report.is_debugged,
                "Whether the host may read the guest's memory.",
            ),
            Claim("migration", report.is_movable, "Whether the guest may be moved."),
            Claim(
                "reported tcb",
                _version(report),
                "The versions of the firmware that its secrecy rests on.",
            ),
            Claim(
                "uvm endorsements",
                piece.uvm_endorsements is not None,
                "Whether somebody endorses what was measured.",
            ),
        ]

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Verify it up to AMD's root, then what is asked for."""
        checks = run(
            REASONS,
            lambda took: verify_snp_report(
                piece.quote,
                piece.endorsements,
                unix_time_s=wanted.now_s,
                endorsed_tcb=piece.endorsed_tcb,
                took=took,
            ),
        )
        report = SnpReport.parse(piece.quote)
        endorsements = piece.uvm_endorsements
        if endorsements is not None and holds(checks):
            checks += [
                Check(f"UVM {check.name}", *check[1:])
                for check in run(
                    UVM_REASONS,
                    lambda took: uvm.verify_uvm_endorsements(
                        endorsements, report.measurement, took=took
                    ),
                )
            ]
        measurement, host_data = report.measurement.hex(), report.host_data.hex()
        return [
            *checks,
            *expected("measurement", measurement, wanted.measurements),
            *expected("host data", host_data, wanted.host_data),
            *bound_key(piece, unpadded(report.report_data)),
        ]


def _product(report: SnpReport) -> str:
    processor = report.processor
    try:
        return processor.product.value
    except Malformed:
        return f"family {processor.family} model {processor.model}, unknown"


def _version(report: SnpReport) -> JsonObject:
    try:
        return policy_of(report.product, report.reported_tcb)
    except Malformed:
        return {"hexstring": report.reported_tcb[::-1].hex()}


assert set(REASONS) == set(snp.SnpStep), "each step has its reason"
