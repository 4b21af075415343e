"""The simulated machine as an enclave's platform."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.base.errors import ConfigurationRefused, VerificationFailed
from ccfpy.enclave.isolation import SWITCH
from ccfpy.enclave.platforms.simulated import (
    PLACE,
    USUAL_PLACE,
    SimulatedPlatform,
    read_machine,
    usual_place,
)
from ccfpy.host.enclave_process import SIMULATED_VARIABLE
from tests.unit.attestation.simulation import (
    ENCLAVE,
    HOST_DATA,
    LATER,
    MACHINE,
    NOW,
    REPORT_DATA,
    SECOND_MACHINE,
    TCB_VERSION,
    raised,
)

PLATFORM = SimulatedPlatform(MACHINE, ENCLAVE)


def test_its_evidence_is_the_machines_quote_of_the_enclave() -> None:
    attested = PLATFORM.attest(REPORT_DATA, host_data=HOST_DATA)
    assert attested.format == "Insecure_Simulated"
    verified = VerifiedQuote.verify(
        attested.quote, attested.endorsements, unix_time_s=NOW
    )
    assert verified.report.identity == ENCLAVE
    assert verified.report.report_data == REPORT_DATA
    assert verified.report.host_data == HOST_DATA


def test_an_enclave_left_open_is_one_that_was_signed_for_looking_into(
    tmp_path: Path,
) -> None:
    place = tmp_path / "machine.json"
    place.write_bytes(MACHINE.serialise())
    closed = {PLACE: str(place), SWITCH: "on"}
    left_open = {PLACE: str(place), SWITCH: "off"}
    assert SimulatedPlatform.usual(closed, ENCLAVE).identity == ENCLAVE
    with pytest.raises(ConfigurationRefused, match=f"{SWITCH} is off, .* --debug"):
        SimulatedPlatform.usual(left_open, ENCLAVE)
    debug = replace(ENCLAVE, debug=True)
    assert SimulatedPlatform.usual(left_open, debug).identity == debug


def test_ledger_secrets_have_a_key_of_this_code_on_this_machine() -> None:
    others = (
        SimulatedPlatform(SECOND_MACHINE, ENCLAVE),
        SimulatedPlatform(MACHINE, LATER),
        SimulatedPlatform(MACHINE, replace(ENCLAVE, debug=True)),
    )
    version = PLATFORM.tcb_version
    assert version == TCB_VERSION
    keys = {
        platform.derived_key(version, host_data=HOST_DATA)
        for platform in (PLATFORM, *others)
    }
    keys.add(PLATFORM.derived_key(version, host_data=bytes(32)))
    assert len(keys) == 5
    with pytest.raises(VerificationFailed, match="is older than"):
        PLATFORM.derived_key(raised(version), host_data=HOST_DATA)


def test_the_environment_may_name_the_machine(tmp_path: Path) -> None:
    assert PLACE == SIMULATED_VARIABLE
    assert usual_place({PLACE: str(tmp_path / "m")}) == tmp_path / "m"
    assert usual_place({}) == Path.home() / USUAL_PLACE


def test_a_machine_is_read_from_its_file(tmp_path: Path) -> None:
    place = tmp_path / "m.json"
    with pytest.raises(ConfigurationRefused, match="ccfpy enclave platform new"):
        read_machine(place)
    place.write_bytes(b"{}")
    with pytest.raises(ConfigurationRefused, match="a simulated machine lacks"):
        read_machine(place)
    place.write_bytes(MACHINE.serialise())
    assert read_machine(place).machine_id == MACHINE.machine_id
