"""Tokens of Microsoft Azure Attestation, shown and verified."""

from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.cli.attest_kind import (
    Check,
    Claim,
    Piece,
    Wanted,
    expected,
    holds,
    moment,
    run,
)
from ccfpy.client import maa
from ccfpy.client.maa import MaaStep, verify_maa_token
from ccfpy.crypto import jwt

FORMAT = "MAA"
REASONS: Final = {
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
            REASONS,
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
