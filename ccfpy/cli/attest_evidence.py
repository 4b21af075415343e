"""Evidence of each kind, shown and verified in plain words.

There are reports of SEV-SNP guests, quotes of SGX enclaves, tokens of Microsoft Azure
Attestation, and evidence of virtual nodes, which proves nothing and says so.
"""

from typing import Final

from ccfpy.attestation import snp, uvm
from ccfpy.attestation.sgx import Policy, SgxStep, node_report_data, verify_sgx_quote
from ccfpy.attestation.sgx_collateral import SgxCollateral
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.sgx_tcb import PckClaims
from ccfpy.attestation.simulated import QUOTE, SimulatedReport, VerifiedQuote
from ccfpy.attestation.snp import SnpStep, verify_snp_report
from ccfpy.attestation.snp_report import SnpReport, policy_of
from ccfpy.attestation.statements import Statement
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import JsonObject
from ccfpy.cli.attest_kind import (
    Check,
    Claim,
    Piece,
    Wanted,
    allowed,
    bound_key,
    expected,
    holds,
    moment,
    run,
)
from ccfpy.client import maa
from ccfpy.client.maa import MaaStep, verify_maa_token
from ccfpy.crypto import jwt
from ccfpy.crypto.certs import parse_bundle
from ccfpy.service.evidence.kind import unpadded

SNP_REASONS: Final = {
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
            SNP_REASONS,
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


assert set(SNP_REASONS) == set(snp.SnpStep), "each step has its reason"


SGX_REASONS: Final = {
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
            SGX_REASONS,
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


_WHY = "Whoever controls the machine can write this, and read all that the node holds."


class Virtual:
    """A node on no special hardware."""

    summary: Final = "a virtual node's claim, which anybody could write"

    def claims(self, piece: Piece) -> list[Claim]:
        """Read it."""
        evidence = VirtualEvidence.parse(piece.quote)
        return [
            Claim("measurement", evidence.measurement, "The same of all such nodes."),
            Claim(
                "host data", evidence.host_data, "The digest of the program, it says."
            ),
            Claim(
                "report data",
                evidence.report_data.hex(),
                "The digest of the node's key, it says.",
            ),
        ]

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Compare; there is nothing to verify."""
        evidence = VirtualEvidence.parse(piece.quote)
        return [
            _hardware(wanted),
            *expected("measurement", evidence.measurement.lower(), wanted.measurements),
            *expected("host data", evidence.host_data, wanted.host_data),
            *bound_key(piece, evidence.report_data),
        ]


class Simulated:
    """A node on a simulated machine: signed by a vendor, which anybody can be."""

    summary: Final = "a quote of a simulated machine, by a vendor that anybody can be"

    def claims(self, piece: Piece) -> list[Claim]:
        """Read it."""
        report = SimulatedReport.read(Statement.read(piece.quote, QUOTE).content)
        identity = report.identity
        return [
            Claim("measurement", identity.unique_id.hex(), "Of the enclave's bundle."),
            Claim("signer", identity.signer_id.hex(), "Who signed the bundle."),
            Claim("product", identity.product_id, "The signer's number for it."),
            Claim("svn", identity.security_version, "Its security version."),
            Claim("debug", identity.debug, "Whether its memory may be looked at."),
            Claim("host data", report.host_data.hex(), "What its host said of it."),
            Claim(
                "report data", report.report_data.hex(), "The digest of the node's key."
            ),
        ]

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Verify it up to its vendor."""
        why = "The vendor's own key vouches for the machine, and the machine's signed."
        try:
            report = VerifiedQuote.verify(
                piece.quote, piece.endorsements, unix_time_s=wanted.now_s
            ).report
        except CcfpyError as error:
            return [_hardware(wanted), Check("signatures", False, str(error), why)]
        measurement = report.identity.unique_id.hex()
        debug = report.identity.debug and not wanted.takes_debugged
        return [
            _hardware(wanted),
            Check("signatures", True, "", why),
            Check(
                "debug",
                not debug,
                "debugging must not be enabled" if debug else "",
                "The host of an enclave that is debugged reads its memory.",
            ),
            *expected("measurement", measurement, wanted.measurements),
            *expected("host data", report.host_data.hex(), wanted.host_data),
            *bound_key(piece, report.report_data),
        ]


def _hardware(wanted: Wanted) -> Check:
    detail = "" if wanted.takes_virtual else "no hardware vouches for this"
    return Check("hardware", wanted.takes_virtual, detail, _WHY)


FORMAT = "MAA"
MAA_REASONS: Final = {
    MaaStep.FORM: "A token is three parts, and names how and by which key it is "
    "signed.",
    MaaStep.ISSUER: "Its word stands for the hardware's: name it with --maa-issuer.",
    MaaStep.KEY: "No address in a token is followed: give its keys with --maa-keys.",
    MaaStep.SIGNATURE: "The issuer signed all that the token says: nothing was "
    "changed.",
    MaaStep.TIME: "What was verified long ago may have been found weak since.",
    MaaStep.KIND: "What a token says means something else for each kind of hardware.",
    MaaStep.DEBUG: "The host of what is debugged reads its memory.",
}
_MEANINGS: Final = {
    "iss": "Who says so.",
    "exp": "Until when the token is good.",
    "nbf": "From when on it is good.",
    "iat": "When it was made.",
    maa.ATTESTATION_TYPE: "What was attested.",
    maa.RUNTIME: "What stands behind the report data.",
    "x-ms-policy-hash": "The rules that the issuer went by, by their digest.",
    "x-ms-sgx-ehd": "What stands behind the report data, as bytes.",
    "x-ms-sgx-is-debuggable": "Whether the host may read the enclave's memory.",
    "x-ms-sgx-mrenclave": "Of the enclave's code and layout.",
    "x-ms-sgx-mrsigner": "Who signed the enclave.",
    "x-ms-sevsnpvm-is-debuggable": "Whether the host may read the guest's memory.",
    "x-ms-sevsnpvm-launchmeasurement": "Of the guest's memory as it was started.",
    "x-ms-sevsnpvm-hostdata": "What the host said of the guest's purpose.",
}
_TIMES = ("exp", "nbf", "iat")


class Maa:
    """Microsoft Azure Attestation."""

    summary: Final = "a token of Microsoft Azure Attestation, for evidence it has seen"

    def claims(self, piece: Piece) -> list[Claim]:
        """Take the token apart."""
        token = jwt.parse(_text(piece))
        claims = [Claim("kid", token.key_id, "Which of the issuer's keys signed.")]
        for name, value in token.payload.items():
            shown = value
            if name in _TIMES and isinstance(value, int):
                shown = moment(value)
            meaning = _MEANINGS.get(name, "Said by the issuer.")
            claims.append(Claim(name, shown, meaning))
        return claims

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Verify it by the issuer's keys, then what is asked for."""
        found: list[maa.MaaToken] = []
        checks = run(
            MAA_REASONS,
            lambda took: found.append(
                verify_maa_token(
                    _text(piece),
                    issuer=wanted.maa_issuer or "",
                    keys=wanted.maa_keys,
                    unix_time_s=wanted.now_s,
                    takes_debugged=wanted.takes_debugged,
                    took=took,
                )
            ),
        )
        if not holds(checks):
            return checks
        (token,) = found
        return [
            *checks,
            *expected("measurement", _said(token, "measurement"), wanted.measurements),
            *expected("host data", _said(token, "host_data"), wanted.host_data),
        ]


def _said(token: maa.MaaToken, name: str) -> str | None:
    value = token.said(name)
    return value if isinstance(value, str) else None


def _text(piece: Piece) -> str:
    try:
        return piece.quote.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("a token is plain text") from error
