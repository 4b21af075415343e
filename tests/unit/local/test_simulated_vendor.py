"""A simulated vendor: what it announces from one day to the next."""

import pytest

from ccfpy.attestation.simulated import TcbStatus
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.local.simulated_vendor import FIRST_TCB_VERSION, SimulatedVendor
from tests.unit.attestation.simulation import (
    ENTROPY,
    MACHINE,
    NOW,
    OTHER_VENDOR,
    SECOND_MACHINE,
    VENDOR,
    raised,
)

SECOND = raised(FIRST_TCB_VERSION)
THIRD = raised(SECOND, part=1)


def test_a_vendor_is_read_back_and_shows_no_key() -> None:
    read = SimulatedVendor.parse(VENDOR.serialise())
    assert read.vendor_id == VENDOR.vendor_id != OTHER_VENDOR.vendor_id
    assert read.collateral == VENDOR.collateral
    assert "private" not in repr(read).lower()


def test_each_announcement_makes_what_was_up_to_date_worth_less() -> None:
    second = VENDOR.require(SECOND, older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW)
    third = second.require(THIRD, older=TcbStatus.REVOKED, unix_time_s=NOW + 1)
    worth = [
        [
            vendor.collateral.status_of(MACHINE.machine_id, version)
            for version in (FIRST_TCB_VERSION, SECOND, THIRD)
        ]
        for vendor in (VENDOR, second, third)
    ]
    up, out, gone = TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE, TcbStatus.REVOKED
    assert worth == [[up, up, up], [out, up, up], [gone, gone, up]]
    numbers = [v.collateral.tcb_info.issue.number for v in (VENDOR, second, third)]
    assert numbers == sorted(set(numbers))
    assert third.newest_tcb_version == THIRD


@pytest.mark.parametrize(
    ("version", "older"),
    [
        (FIRST_TCB_VERSION, TcbStatus.REVOKED),
        (raised(FIRST_TCB_VERSION, by=-1), TcbStatus.REVOKED),
        (raised(raised(FIRST_TCB_VERSION), part=3, by=-1), TcbStatus.REVOKED),
        (SECOND, TcbStatus.UP_TO_DATE),
    ],
)
def test_what_makes_no_sense_is_not_announced(version: bytes, older: TcbStatus) -> None:
    with pytest.raises(VerificationFailed):
        VENDOR.require(version, older=older, unix_time_s=NOW)


def test_a_revocation_is_for_good() -> None:
    first = VENDOR.revoke([MACHINE.machine_id], unix_time_s=NOW)
    both = first.revoke([SECOND_MACHINE.machine_id], unix_time_s=NOW)
    renewed = both.renew(unix_time_s=NOW)
    listed = [v.collateral.revocations.machine_ids for v in (first, both, renewed)]
    one, other = MACHINE.machine_id, SECOND_MACHINE.machine_id
    assert listed == [{one}, {one, other}, {one, other}]


def test_renewed_statements_say_the_same_for_longer() -> None:
    later = VENDOR.renew(unix_time_s=NOW + 1000)
    later.collateral.check_time(
        VENDOR.collateral.tcb_info.issue.next_update + 999,
    )
    assert later.collateral.tcb_info.levels == VENDOR.collateral.tcb_info.levels
    assert VENDOR.collateral.newest_with(later.collateral) == later.collateral


def test_a_machine_is_made_up_to_date_or_as_old_as_is_asked() -> None:
    vendor = VENDOR.require(SECOND, older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW)
    assert vendor.make_machine(ENTROPY, unix_time_s=NOW).tcb_version == SECOND
    old = vendor.make_machine(ENTROPY, unix_time_s=NOW, tcb_version=FIRST_TCB_VERSION)
    assert old.tcb_version == FIRST_TCB_VERSION


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": OTHER_VENDOR.key.pem},
        {"certificate": OTHER_VENDOR.certificate.pem},
        {"tcb_info": json.loads_object(OTHER_VENDOR.serialise())["tcb_info"]},
        {"revocations": "%"},
        {"further": 1},
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Json]) -> None:
    text = json.dumps(json.loads_object(VENDOR.serialise()) | change)
    with pytest.raises(CcfpyError):
        SimulatedVendor.parse(text)
