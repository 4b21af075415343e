"""Reports from one enclave to another of the same machine."""

from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.toolkit.enclave.platform import read_report, report_for
from tests.unit.attestation.simulation import (
    ENCLAVE,
    LATER,
    MACHINE,
    REPORT_DATA,
    SECOND_MACHINE,
    TCB_VERSION,
    raised,
)

REPORT = report_for(LATER, MACHINE, ENCLAVE, report_data=REPORT_DATA)


def test_whom_it_is_for_learns_who_speaks() -> None:
    report = read_report(REPORT, MACHINE, LATER)
    assert report.identity == ENCLAVE
    assert report.report_data == REPORT_DATA


@pytest.mark.parametrize(
    "other",
    [
        ENCLAVE,
        replace(LATER, security_version=5),
        replace(LATER, debug=True),
        replace(LATER, product_id=8),
    ],
)
def test_nobody_else_can_check_it_or_make_one(other: object) -> None:
    with pytest.raises(VerificationFailed, match="another enclave or machine"):
        read_report(REPORT, MACHINE, other)  # type: ignore[arg-type]  # an identity


def test_it_means_nothing_on_another_machine_or_after_an_update() -> None:
    updated = MACHINE.updated(raised(TCB_VERSION))
    for machine in (SECOND_MACHINE, updated):
        with pytest.raises(VerificationFailed):
            read_report(REPORT, machine, LATER)


@pytest.mark.parametrize("name", ["report", "mac"])
def test_no_byte_of_it_can_change(name: str) -> None:
    fields = json.loads_object(REPORT)
    text = fields[name]
    assert isinstance(text, str)
    for at in range(0, len(text), 7):
        other = "A" if text[at] != "A" else "B"
        changed = fields | {name: text[:at] + other + text[at + 1 :]}
        with pytest.raises(CcfpyError):
            read_report(json.dumps(changed), MACHINE, LATER)
