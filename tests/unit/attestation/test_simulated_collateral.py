"""A vendor's statements on its machines, and which of two statements is valid."""

import pytest

from ccfpy.attestation.simulated import (
    REVOCATIONS,
    TCB_INFO,
    Issue,
    Revocations,
    SimulatedCollateral,
    TcbInfo,
    TcbLevel,
    TcbStatus,
)
from ccfpy.attestation.statements import sign
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.base.schema import fields_of
from tests.unit.attestation.simulation import (
    MACHINE,
    NOW,
    OTHER_VENDOR,
    SECOND_MACHINE,
    TCB_VERSION,
    VENDOR,
    raised,
)

ISSUE = Issue(number=5, issued=NOW, next_update=NOW + 100)
NEWER = raised(TCB_VERSION)
OLDER = raised(TCB_VERSION, part=7, by=-1)
LEVELS = (
    TcbLevel(tcb_version=NEWER, status=TcbStatus.UP_TO_DATE),
    TcbLevel(tcb_version=TCB_VERSION, status=TcbStatus.OUT_OF_DATE),
)
INFO = TcbInfo.sign(VENDOR.key, ISSUE, LEVELS)
LIST = Revocations.sign(VENDOR.key, ISSUE, frozenset({SECOND_MACHINE.machine_id}))
COLLATERAL = SimulatedCollateral(tcb_info=INFO, revocations=LIST)


def test_both_statements_are_read_back() -> None:
    assert (
        SimulatedCollateral.read(INFO.raw, LIST.raw, VENDOR.certificate) == COLLATERAL
    )


@pytest.mark.parametrize(
    ("tcb_version", "status"),
    [
        (NEWER, TcbStatus.UP_TO_DATE),
        (raised(NEWER, part=3), TcbStatus.UP_TO_DATE),
        (TCB_VERSION, TcbStatus.OUT_OF_DATE),
        (raised(TCB_VERSION, part=3, by=9), TcbStatus.OUT_OF_DATE),
        (OLDER, TcbStatus.REVOKED),
        (raised(OLDER, part=0, by=200), TcbStatus.REVOKED),
    ],
)
def test_a_machine_is_worth_the_first_level_that_it_reaches_in_every_part(
    tcb_version: bytes, status: TcbStatus
) -> None:
    assert COLLATERAL.status_of(MACHINE.machine_id, tcb_version) is status


def test_a_revoked_machine_is_worth_nothing_whatever_its_version() -> None:
    with pytest.raises(VerificationFailed, match="is revoked"):
        COLLATERAL.status_of(SECOND_MACHINE.machine_id, NEWER)


def test_of_two_the_higher_number_holds_for_each_statement_alone() -> None:
    newer = Issue(number=6, issued=NOW, next_update=NOW + 100)
    lists = Revocations.sign(VENDOR.key, newer, frozenset())
    mixed = SimulatedCollateral(tcb_info=INFO, revocations=lists)
    assert COLLATERAL.newest_with(mixed).revocations is lists
    assert mixed.newest_with(COLLATERAL).revocations is lists
    info = TcbInfo.sign(VENDOR.key, newer, LEVELS[:1])
    assert COLLATERAL.newest_with(
        SimulatedCollateral(tcb_info=info, revocations=LIST)
    ) == SimulatedCollateral(tcb_info=info, revocations=LIST)
    assert COLLATERAL.newest_with(COLLATERAL) == COLLATERAL


@pytest.mark.parametrize(
    ("now", "holds"),
    [(NOW - 1, False), (NOW, True), (NOW + 99, True), (NOW + 100, False)],
)
def test_a_statement_holds_until_the_next_is_due(now: int, *, holds: bool) -> None:
    if holds:
        COLLATERAL.check_time(now)
        return
    with pytest.raises(VerificationFailed, match="the TCB info with number 5 holds"):
        COLLATERAL.check_time(now)


def test_another_vendors_word_is_nothing() -> None:
    for raws in (
        (TcbInfo.sign(OTHER_VENDOR.key, ISSUE, LEVELS).raw, LIST.raw),
        (INFO.raw, Revocations.sign(OTHER_VENDOR.key, ISSUE, frozenset()).raw),
    ):
        with pytest.raises(VerificationFailed):
            SimulatedCollateral.read(*raws, VENDOR.certificate)


def test_one_statement_does_not_pass_for_the_other() -> None:
    with pytest.raises(Malformed):
        SimulatedCollateral.read(LIST.raw, INFO.raw, VENDOR.certificate)


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"issued": "now"},
        {"next_update": True},
        {"levels": {}},
        {"levels": ["x"]},
        {"levels": [{"tcb_version": "01" * 8, "status": "Fine"}]},
        {"levels": [{"tcb_version": "01" * 7, "status": "UpToDate"}]},
        {"levels": [{"tcb_version": "01" * 8, "status": "UpToDate", "x": 1}]},
        {"further": 1},
    ],
)
def test_a_statement_of_another_form_is_refused(change: JsonObject) -> None:
    fields: JsonObject = {**fields_of(ISSUE), "levels": []}
    with pytest.raises(Malformed):
        TcbInfo.read(sign(VENDOR.key, TCB_INFO, fields | change), VENDOR.certificate)


@pytest.mark.parametrize("machines", ["x", ["zz"], [1], [["a"]]])
def test_a_list_names_machines_by_their_ids(machines: object) -> None:
    fields = {**fields_of(ISSUE), "machines": machines}
    raw = sign(VENDOR.key, REVOCATIONS, fields)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(Malformed):
        Revocations.read(raw, VENDOR.certificate)
