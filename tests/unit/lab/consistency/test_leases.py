"""A lease that is kept alive keeps its keys; another one ends in time."""

from collections.abc import Sequence

import pytest

from tests.lab.consistency.leases import (
    LeaseEvent,
    Look,
    Renewal,
    Tolerance,
    check_leases,
)
from tests.lab.consistency.properties import Inconsistent, Property

EXACT = Tolerance(early_s=0.5, late_s=1.0, lingering_s=4.0)
LEASE, TTL_S = 7, 10.0


def _renewal(sent_s: float, *, is_answered: bool = True) -> Renewal:
    return Renewal(
        lease=LEASE,
        sent_s=sent_s,
        ended_s=sent_s + 0.25,
        ttl_s=TTL_S,
        is_answered=is_answered,
    )


def _look(at_s: float, *, is_there: bool, lease: int = LEASE) -> Look:
    return Look(lease=lease, sent_s=at_s, answered_s=at_s, is_there=is_there)


def _broken(events: Sequence[LeaseEvent]) -> Property:
    with pytest.raises(Inconsistent) as error:
        check_leases(events, EXACT)
    return error.value.broken


def test_a_lease_lasts_its_time_and_no_longer() -> None:
    looks = [_look(1, is_there=True), _look(11.25, is_there=True)]
    assert check_leases([_renewal(0), *looks], EXACT) == 0
    assert check_leases([_renewal(0), _look(9.5, is_there=False)], EXACT) == 1
    assert _broken([_renewal(0), _look(9.4, is_there=False)]) is Property.LEASE_LASTS
    assert _broken([_renewal(0), _look(11.3, is_there=True)]) is Property.LEASE_ENDS


def test_a_lease_that_is_kept_alive_lasts() -> None:
    renewals = [_renewal(0), _renewal(6), _renewal(12)]
    assert check_leases([*renewals, _look(22, is_there=True)], EXACT) == 0
    assert _broken([*renewals, _look(13, is_there=False)]) is Property.LEASE_LASTS


def test_a_lease_that_ended_does_not_come_back() -> None:
    gone = _look(12, is_there=False)
    assert _broken([_renewal(0), gone, _renewal(20)]) is Property.LEASE_LASTS


def test_a_renewal_without_an_answer_may_have_happened_or_not() -> None:
    events = [_renewal(0), _renewal(9, is_answered=False)]
    assert check_leases([*events, _look(11, is_there=False)], EXACT) == 1
    assert check_leases([*events, _look(24.25, is_there=True)], EXACT) == 0
    assert _broken([*events, _look(24.3, is_there=True)]) is Property.LEASE_ENDS


def test_leases_are_told_apart() -> None:
    other = [_look(1, is_there=False, lease=8), _look(2, is_there=False, lease=8)]
    assert check_leases([_renewal(0), *other], EXACT) == 1


def test_a_lease_that_nobody_asked_for_is_not_there() -> None:
    assert _broken([_look(1, is_there=True)]) is Property.LEASE_ENDS
