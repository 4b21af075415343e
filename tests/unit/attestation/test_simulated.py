"""A simulated machine's quote: all that a processor's has, and its own warning."""

from dataclasses import replace
from typing import Any

import pytest

from ccfpy.attestation.simulated import (
    FORMAT,
    PLATFORM,
    QUOTE,
    SimulatedReport,
    key_id,
    verify_quote,
)
from ccfpy.attestation.snp import verify_snp_report
from ccfpy.attestation.statements import sign
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from tests.unit.attestation.simulation import (
    ENCLAVE,
    HOST_DATA,
    MACHINE,
    REPORT_DATA,
    SECOND_MACHINE,
    attestation,
)

REPORT = MACHINE.report(ENCLAVE, report_data=REPORT_DATA, host_data=HOST_DATA)
QUOTED = REPORT.quote(MACHINE.key)


def test_a_quote_says_what_runs_where_and_for_whom() -> None:
    report = verify_quote(QUOTED, MACHINE.key.public_key)
    assert report == REPORT
    assert report.identity == ENCLAVE
    assert (report.report_data, report.host_data) == (REPORT_DATA, HOST_DATA)
    assert report.machine_id == key_id(MACHINE.key.public_key)


def test_every_quote_says_that_it_is_insecure() -> None:
    assert b"Insecure simulated platform" in QUOTED
    assert b"insecure-simulated-quote" in QUOTED
    assert FORMAT.startswith("Insecure")


@pytest.mark.parametrize("field", REPORT.fields())
def test_a_field_that_is_changed_makes_the_quote_worthless(field: str) -> None:
    value = REPORT.fields()[field]
    changed: Any
    if isinstance(value, bool):
        changed = not value
    elif isinstance(value, int):
        changed = value + 1
    elif field == "platform":
        changed = "AMD SEV-SNP"
    else:
        assert isinstance(value, str)
        changed = ("0" if value[0] != "0" else "1") + value[1:]
    forged = sign(SECOND_MACHINE.key, QUOTE, REPORT.fields() | {field: changed})
    # The payload with the true machine's signature beneath it.
    grafted = forged[:-96] + QUOTED[-96:]
    for quote in (forged, grafted):
        with pytest.raises((VerificationFailed, Malformed)):
            verify_quote(quote, MACHINE.key.public_key)


def test_a_machine_cannot_speak_in_anothers_name() -> None:
    forged = replace(REPORT, machine_id=SECOND_MACHINE.machine_id).quote(MACHINE.key)
    with pytest.raises(VerificationFailed, match="names another machine"):
        verify_quote(forged, MACHINE.key.public_key)


def test_a_report_of_another_platform_is_none() -> None:
    with pytest.raises(Malformed, match="of another platform, 'SGX'"):
        SimulatedReport.read(REPORT.fields() | {"platform": "SGX"})
    assert REPORT.fields()["platform"] == PLATFORM


def test_no_other_form_of_evidence_reads_as_this_or_this_as_another() -> None:
    attested = attestation()
    with pytest.raises(CcfpyError):
        VirtualEvidence.parse(attested.quote)
    with pytest.raises(CcfpyError):
        verify_snp_report(attested.quote, attested.endorsements, unix_time_s=0)
    virtual = VirtualEvidence(
        measurement="x", host_data=HOST_DATA.hex(), report_data=REPORT_DATA
    )
    for foreign in (virtual.quote(), bytes(1184), b"", b"\x03\x00" * 300):
        with pytest.raises(Malformed):
            verify_quote(foreign, MACHINE.key.public_key)
