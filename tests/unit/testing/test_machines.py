"""A machine that vouches for a test's nodes, and the policy that takes it alone."""

from dataclasses import replace

import pytest

from ccfpy.attestation.report_data import app_report_data
from ccfpy.base.ports import Attestation
from ccfpy.client.attested import EvidenceFault, EvidenceRefused, Expected
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.machines import HOST_DATA, AttestedMachine

NOW_S = START_UNIX_US // 1_000_000
BOUND = app_report_data(b"data")
MACHINE = AttestedMachine()


def _evidence(machine: AttestedMachine, host_data: bytes = HOST_DATA) -> Attestation:
    return machine.platform.attest(BOUND, host_data=host_data)


def _check(policy: Expected, evidence: Attestation, unix_time_s: int = NOW_S) -> None:
    policy.check(evidence, report_data=BOUND, unix_time_s=unix_time_s)


def test_the_policy_takes_the_machine_that_made_it() -> None:
    for machine in (MACHINE, AttestedMachine(code=b"other", seed=2)):
        _check(machine.policy, _evidence(machine))


def test_a_machine_is_the_same_each_time() -> None:
    assert AttestedMachine().policy == MACHINE.policy
    assert AttestedMachine(seed=2).policy != MACHINE.policy


OTHERS = {
    "other code": (AttestedMachine(code=b"other"), EvidenceFault.UNKNOWN_CODE),
    "another vendor": (AttestedMachine(seed=2), EvidenceFault.UNKNOWN_VENDOR),
    "debugged": (AttestedMachine(debug=True), EvidenceFault.DEBUG),
}


@pytest.mark.parametrize(("other", "fault"), OTHERS.values(), ids=OTHERS.keys())
def test_the_policy_refuses_another(
    other: AttestedMachine, fault: EvidenceFault
) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        _check(MACHINE.policy, _evidence(other))
    assert refused.value.fault is fault


def test_the_policy_names_host_data_and_firmware() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        _check(MACHINE.policy, _evidence(MACHINE, host_data=b"\x01" * 32))
    assert refused.value.fault is EvidenceFault.UNKNOWN_HOST_DATA
    above = replace(MACHINE.policy, minimum_tcb=b"\x01" * 7 + b"\x02")
    with pytest.raises(EvidenceRefused) as refused:
        _check(above, _evidence(MACHINE))
    assert refused.value.fault is EvidenceFault.OLD_FIRMWARE


def test_a_signer_and_a_version_can_be_asked_for() -> None:
    newer = AttestedMachine(security_version=2)
    asked = replace(newer.policy, security_version=2)
    _check(asked, _evidence(newer))
    with pytest.raises(EvidenceRefused) as refused:
        _check(asked, _evidence(MACHINE))
    assert refused.value.fault is EvidenceFault.OLD_VERSION


def test_the_vendors_statements_end() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        _check(MACHINE.policy, _evidence(MACHINE), NOW_S + 31 * 86_400)
    assert refused.value.fault is EvidenceFault.NOT_VERIFIED
