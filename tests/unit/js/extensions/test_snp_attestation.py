"""``snp_attestation``."""

import pytest

from ccfpy.js.engine import JsException
from ccfpy.js.extension import Extension
from ccfpy.js.extensions.snp_attestation import snp_attestation_extension
from tests.unit.attestation.hardware import NOW_S, chain_of, recorded, report_of
from tests.unit.js.conftest import Evaluate

INPUT = "RangeError: Input SEV-SNP attestation report"
NO_MATCH = f"RangeError: SEV-SNP: endorsed TCB {'00' * 8} does not match reported TCB"
VERIFY = "snp_attestation.verifySnpAttestation"


@pytest.fixture
def attestation() -> list[Extension]:
    return [snp_attestation_extension(lambda: NOW_S * 1000)]


def test_a_report_is_given_in_parts(
    evaluate: Evaluate, attestation: list[Extension]
) -> None:
    body = f"""
        const {{ attestation: a, uvm_endorsements }} = {VERIFY}(args[0], args[1]);
        const digits = (n) => n.toString(16).padStart(2, "0");
        const hex = (b) => Array.from(new Uint8Array(b), digits).join("");
        return [Object.keys(a).length, a.version, a.policy.debug, a.reported_tcb,
                hex(a.measurement), a.report_data.byteLength, a.signature.r.byteLength,
                a.plaform_info.smt_en, a.cpuid_fam_id, uvm_endorsements === undefined];
    """
    milan = report_of("milan")
    assert evaluate(body, attestation, milan, chain_of("milan")) == [
        *(31, 3, 0, "db18000000000004", milan[0x90:0xC0].hex(), 64, 72),
        *(1, 0x19, True),
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("args[0]", "TypeError: Passed 1 arguments, but expected between 2 and 4"),
        ("args[0], 'x'", "TypeError: ArrayBuffer object expected"),
        ("args[0], args[1], 'x'", "TypeError: ArrayBuffer object expected"),
        (
            "args[1], args[1]",
            f"{INPUT} is not of expected size 1184: 6488",
        ),
        (
            f"args[0], args[1], undefined, '{'00' * 8}'",
            f"{NO_MATCH} db18000000000004",
        ),
    ],
)
def test_what_is_not_believed_throws(
    evaluate: Evaluate,
    attestation: list[Extension],
    arguments: str,
    reason: str,
) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(
            f"{VERIFY}({arguments})", attestation, report_of("milan"), chain_of("milan")
        )
    assert caught.value.reason == reason


def test_endorsements_are_of_the_same_machine(
    evaluate: Evaluate, attestation: list[Extension]
) -> None:
    endorsements = recorded("int_svn.cose")
    with pytest.raises(JsException, match="RangeError: Launch measurement in UVM"):
        evaluate(
            f"{VERIFY}(...args)",
            attestation,
            report_of("milan"),
            chain_of("milan"),
            endorsements,
        )


@pytest.mark.parametrize("product", ["milan", "genoa"])
def test_versions_of_the_firmware_are_called_what_amd_calls_them(
    evaluate: Evaluate, attestation: list[Extension], product: str
) -> None:
    """Both recorded machines had committed to what they ran."""
    names = [
        f"a.{when}_{part}"
        for part in ("build", "minor", "major")
        for when in ("current", "committed")
    ]
    body = f"""
        const {{ attestation: a }} = {VERIFY}(args[0], args[1]);
        return [{", ".join(names)}];
    """
    report = report_of(product)
    told = evaluate(body, attestation, report, chain_of(product))
    assert told == [report[0x1E8], report[0x1E8], 55, 55, 1, 1]
