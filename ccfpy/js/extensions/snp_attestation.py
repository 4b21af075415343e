"""``snp_attestation``: reports of AMD SEV-SNP processors, verified and parsed."""

from collections.abc import Callable

from ccfpy.attestation.snp import verify_snp_report
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.uvm import verify_uvm_endorsements
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.js.extension import StatelessExtension, own_source, range_error

_MS_PER_S = 1000

_SOURCE = own_source(__name__)


def snp_attestation_extension(unix_time_ms: Callable[[], int]) -> StatelessExtension:
    """Return the extension ``snp_attestation``.

    Args:
        unix_time_ms: returns the time at which certificates must be valid, in
            milliseconds since 1970.
    """

    def verify(
        evidence: bytes, endorsements: bytes, uvm: bytes | None, tcb: str | None
    ) -> str:
        try:
            report = verify_snp_report(
                evidence,
                endorsements,
                unix_time_s=unix_time_ms() // _MS_PER_S,
                endorsed_tcb=tcb,
            )
            described: JsonObject = {"attestation": _described(report)}
            if uvm is not None:
                endorsed = verify_uvm_endorsements(uvm, report.measurement)
                described["uvm_endorsements"] = {
                    "did": endorsed.did,
                    "feed": endorsed.feed,
                    "svn": endorsed.svn,
                }
        except CcfpyError as error:
            raise range_error(str(error)) from None
        return json.dumps(described).decode()

    return StatelessExtension(_SOURCE, {"verify": verify})


def _described(report: SnpReport) -> JsonObject:
    """Return the numbers of a report under CCF's names, misspelt ones too."""
    policy, info, flags = report.policy, report.platform_info, report.flags
    return {
        "version": report.version,
        "guest_svn": report.u32(0x004),
        "policy": {
            "abi_minor": policy & 0xFF,
            "abi_major": policy >> 8 & 0xFF,
            "smt": policy >> 16 & 1,
            "migrate_ma": policy >> 18 & 1,
            "debug": policy >> 19 & 1,
            "single_socket": policy >> 20 & 1,
        },
        "vmpl": report.vmpl,
        "signature_algo": report.signature_algorithm,
        "platform_version": _tcb(report, 0x038),
        "plaform_info": {"smt_en": info & 1, "tsme_en": info >> 1 & 1},
        "flags": {
            "author_key_en": flags & 1,
            "mask_chip_key": report.mask_chip_key,
            "signing_key": report.signing_key,
        },
        "reported_tcb": _tcb(report, 0x180),
        "cpuid_fam_id": report.raw[0x188],
        "cpuid_mod_id": report.raw[0x189],
        "cpuid_step": report.raw[0x18A],
        "committed_tcb": _tcb(report, 0x1E0),
        "current_build": report.raw[0x1E8],
        "current_minor": report.raw[0x1E9],
        "current_major": report.raw[0x1EA],
        "committed_build": report.raw[0x1EC],
        "committed_minor": report.raw[0x1ED],
        "committed_major": report.raw[0x1EE],
        "launch_tcb": _tcb(report, 0x1F0),
    }


def _tcb(report: SnpReport, offset: int) -> str:
    """Return a version in hex, most significant byte first, as CCF writes it."""
    return report.part(offset, 8)[::-1].hex()
