"""Evidence that proves nothing and says so, shown and compared."""

from typing import Final

from ccfpy.attestation.simulated import QUOTE, SimulatedReport
from ccfpy.attestation.simulated_endorsements import VerifiedQuote
from ccfpy.attestation.statements import Statement
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError
from ccfpy.cli.attest_kind import Check, Claim, Piece, Wanted, bound_key, expected

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
