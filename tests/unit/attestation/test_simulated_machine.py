"""A simulated machine: what it derives for whom, and what it is told."""

from dataclasses import replace

import pytest

from ccfpy.attestation.simulated import TcbStatus
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.json import Json
from tests.unit.attestation.simulation import (
    FOREIGN_MACHINE,
    MACHINE,
    NOW,
    OTHER_VENDOR,
    SECOND_MACHINE,
    TCB_VERSION,
    VENDOR,
    raised,
)


def test_a_machine_is_read_back_and_shows_no_secret() -> None:
    read = SimulatedMachine.parse(MACHINE.serialise())
    assert read.machine_id == MACHINE.machine_id
    assert read.serialise() == MACHINE.serialise()
    assert MACHINE.root.hex() not in repr(read)
    assert str(MACHINE.root) not in repr(read)


def test_a_key_is_the_same_again_and_another_for_anything_else() -> None:
    older = raised(TCB_VERSION, by=-1)
    keys = {
        MACHINE.derive(b"p", b"a", b"b", tcb_version=TCB_VERSION),
        SimulatedMachine.parse(MACHINE.serialise()).derive(
            b"p", b"a", b"b", tcb_version=TCB_VERSION
        ),
        MACHINE.derive(b"q", b"a", b"b", tcb_version=TCB_VERSION),
        MACHINE.derive(b"p", b"ab", tcb_version=TCB_VERSION),
        MACHINE.derive(b"p", b"ab", b"", tcb_version=TCB_VERSION),
        MACHINE.derive(b"p", b"a", b"b", tcb_version=older),
        SECOND_MACHINE.derive(b"p", b"a", b"b", tcb_version=TCB_VERSION),
    }
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("part", range(8))
def test_a_machine_taken_back_has_no_key_of_its_newer_state(part: int) -> None:
    newer = raised(TCB_VERSION, part=part)
    with pytest.raises(VerificationFailed, match="is older than"):
        MACHINE.derive(b"p", tcb_version=newer)
    updated = MACHINE.updated(newer)
    before = MACHINE.derive(b"p", tcb_version=TCB_VERSION)
    assert updated.derive(b"p", tcb_version=TCB_VERSION) == before
    assert updated.derive(b"p", tcb_version=newer) != before


def test_a_version_has_eight_parts() -> None:
    for size in (0, 7, 9):
        with pytest.raises(VerificationFailed, match=f"of {size} bytes"):
            MACHINE.derive(b"p", tcb_version=bytes(size))
        with pytest.raises(VerificationFailed, match=f"not {size}"):
            MACHINE.updated(bytes(size))


def test_a_machine_takes_its_own_vendors_news_and_never_older_ones() -> None:
    later = VENDOR.require(
        raised(TCB_VERSION), older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW
    )
    told = MACHINE.told(later.collateral)
    assert told.collateral == later.collateral
    assert told.told(VENDOR.collateral).collateral == later.collateral
    with pytest.raises(VerificationFailed):
        MACHINE.told(OTHER_VENDOR.collateral)


@pytest.mark.parametrize(
    "change",
    [
        {"root": "00"},
        {"private_key": SECOND_MACHINE.key.pem},
        {"certificate": SECOND_MACHINE.certificate.pem},
        {"vendor_certificate": OTHER_VENDOR.certificate.pem},
        {"tcb_version": "00" * 7},
        {"tcb_info": json.loads_object(FOREIGN_MACHINE.serialise())["tcb_info"]},
        {"further": None},
    ],
)
def test_what_is_no_machine_is_refused(change: dict[str, Json]) -> None:
    text = json.dumps(json.loads_object(MACHINE.serialise()) | change)
    with pytest.raises(CcfpyError):
        SimulatedMachine.parse(text)


def test_a_machine_that_its_vendor_did_not_make_is_refused() -> None:
    forged = replace(
        MACHINE, vendor=OTHER_VENDOR.certificate, collateral=OTHER_VENDOR.collateral
    )
    with pytest.raises(VerificationFailed, match="was not issued by"):
        SimulatedMachine.parse(forged.serialise())
