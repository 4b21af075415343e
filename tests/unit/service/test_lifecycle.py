"""A service moves as its table says and in no other way."""

import itertools

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.service.opening import MOVES, IllegalMove, move

LEGAL = {
    (ServiceStatus.OPENING, ServiceStatus.OPEN),
    (ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES),
    (ServiceStatus.WAITING_FOR_RECOVERY_SHARES, ServiceStatus.OPEN),
}


@pytest.mark.parametrize(
    ("current", "following"), list(itertools.product(ServiceStatus, repeat=2))
)
def test_every_pair_of_statuses_is_a_legal_move_or_refused(
    current: ServiceStatus, following: ServiceStatus
) -> None:
    if (current, following) in LEGAL:
        assert move(current, following) is following
    else:
        with pytest.raises(IllegalMove, match="cannot become"):
            move(current, following)


def test_the_table_speaks_of_every_status() -> None:
    assert set(MOVES) == set(ServiceStatus)


def test_an_open_service_never_closes() -> None:
    assert not MOVES[ServiceStatus.OPEN]
