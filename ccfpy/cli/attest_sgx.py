"""Quotes of SGX enclaves, shown and verified."""

from typing import Final

from ccfpy.attestation.sgx import Policy, SgxStep, node_report_data, verify_sgx_quote
from ccfpy.attestation.sgx_collateral import SgxCollateral
from ccfpy.attestation.sgx_pck import PckClaims
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.cli.attest_kind import (
    Check,
    Claim,
    Piece,
    Wanted,
    allowed,
    bound_key,
    expected,
    run,
)
from ccfpy.crypto.certs import parse_bundle
from ccfpy.service.evidence.kind import unpadded

REASONS: Final = {
    SgxStep.FORM: "Quote and collateral must be what they are taken for.",
    SgxStep.ROOT: "Anyone can make a root. This one's key is Intel's, known "
    "beforehand.",
    SgxStep.CHAIN: "Intel's root must vouch for the processor's key, at that time.",
    SgxStep.REVOCATION: "Keys that leaked are on a list; such a key proves nothing.",
    SgxStep.QUOTING_ENCLAVE: "The processor signs for the enclave that quotes others.",
    SgxStep.ATTESTATION_KEY: "That enclave made the key which signs quotes, and says "
    "so.",
    SgxStep.SIGNATURE: "That key signs every byte of the report: none was changed.",
    SgxStep.CLAIMS: "What comes after the quote is bound by its digest alone.",
    SgxStep.DEBUG: "The host of an enclave that is debugged reads its memory.",
    SgxStep.COLLATERAL: "What is said of processors counts only if Intel said it.",
    SgxStep.ENCLAVE_LEVEL: "An old quoting enclave has known flaws, or is not Intel's.",
    SgxStep.PLATFORM_LEVEL: "A processor with old microcode has known flaws.",
    SgxStep.CURRENCY: "Flaws found since are missing in what Intel said long ago.",
}


class Sgx:
    """Intel SGX, in Open Enclave's form."""

    summary: Final = "a quote of an Intel SGX enclave, with Open Enclave's collateral"

    def claims(self, piece: Piece) -> list[Claim]:
        """Take the quote and its collateral apart."""
        quote = SgxQuote.parse(piece.quote)
        report = quote.report
        claims = [
            Claim(
                "measurement",
                report.measurement.hex(),
                "Of the enclave's code and layout (MRENCLAVE).",
            ),
            Claim("signer", report.signer.hex(), "Who signed it (MRSIGNER)."),
            Claim("product", report.product_id, "The signer's number for it."),
            Claim("svn", report.security_version, "Its security version."),
            Claim(
                "debug",
                report.is_debugged,
                "Whether the host may read the enclave's memory.",
            ),
            Claim(
                "report data",
                report.report_data.hex(),
                "What the enclave wanted said; here the digest of custom claims.",
            ),
        ]
        claims += [
            Claim(
                f"custom claim {name}", value.hex(), "What stands behind that digest."
            )
            for name, value in quote.claims.items()
        ]
        processor = _processor(quote)
        if processor is not None:
            claims.append(Claim("processor", processor, "As its certificate says."))
        if piece.endorsements:
            claims += _collateral(piece.endorsements)
        return claims

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Verify it up to Intel's root, then what is asked for."""
        policy = Policy(
            takes_debugged=wanted.takes_debugged, takes_stale=wanted.takes_stale
        )
        now_s = wanted.now_s
        if wanted.at_collateral:
            now_s = int(SgxCollateral.parse(piece.endorsements).created.timestamp())
        checks = run(
            REASONS,
            lambda took: verify_sgx_quote(
                piece.quote,
                piece.endorsements,
                unix_time_s=now_s,
                policy=policy,
                took=took,
            ),
        )
        if wanted.takes_stale:
            checks = allowed(checks, SgxStep.CURRENCY, "--allow-stale")
        if wanted.takes_debugged:
            checks = allowed(checks, SgxStep.DEBUG, "--allow-debug")
        quote = SgxQuote.parse(piece.quote)
        measurement = quote.report.measurement.hex()
        return [
            *checks,
            *expected("measurement", measurement, wanted.measurements),
            *expected("host data", None, wanted.host_data),
            *bound_key(piece, unpadded(node_report_data(quote))),
        ]


def _processor(quote: SgxQuote) -> JsonObject | None:
    try:
        pck = PckClaims.of(parse_bundle(quote.chain)[0])
    except CcfpyError:
        return None
    return {
        "fmspc": pck.fmspc.hex(),
        "pce_id": pck.pce_id.hex(),
        "components": list(pck.components),
        "pce_svn": pck.pce_svn,
    }


def _collateral(raw: bytes) -> list[Claim]:
    collateral = SgxCollateral.parse(raw)
    until = min(collateral.tcb_info.not_after, collateral.qe_identity.not_after)
    return [
        Claim(
            "collateral gathered",
            collateral.created.isoformat(),
            "When what Intel says was gathered, as the host says.",
        ),
        Claim(
            "collateral until",
            until.isoformat(),
            "When Intel was to be asked again.",
        ),
    ]
