"""The conclusions from final statuses on other transactions."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency.history import StatusSeen
from tests.lab.consistency.statuses import Verdicts

COMMITTED, INVALID = TxStatus.COMMITTED, TxStatus.INVALID


def _verdicts(*told: tuple[int, int, TxStatus]) -> Verdicts:
    return Verdicts(
        [
            StatusSeen(
                at_us=0, client="c", node="n", txid=TxId(view, seqno), status=status
            )
            for view, seqno, status in told
        ]
    )


VERDICTS = _verdicts((2, 4, COMMITTED), (2, 9, INVALID), (5, 7, COMMITTED))


@pytest.mark.parametrize(
    ("view", "seqno", "committed", "invalid"),
    [
        (2, 1, True, False),
        (2, 4, True, False),
        (2, 5, False, False),
        (2, 6, False, False),
        (2, 7, False, True),
        (2, 9, False, True),
        (3, 6, False, False),
        (3, 7, False, True),
        (5, 6, True, False),
        (5, 7, True, False),
        (5, 8, False, False),
        (6, 8, False, False),
        (6, 1, False, False),
    ],
)
def test_a_few_words_decide_many_fates(
    view: int, seqno: int, committed: bool, invalid: bool
) -> None:
    VERDICTS.check()
    assert VERDICTS.is_committed(TxId(view, seqno)) is committed
    assert VERDICTS.is_invalid(TxId(view, seqno)) is invalid


def test_nothing_follows_from_nothing() -> None:
    verdicts = _verdicts((2, 3, TxStatus.PENDING), (2, 4, TxStatus.UNKNOWN))
    verdicts.check()
    assert not verdicts.is_committed(TxId(2, 3))
    assert not verdicts.is_invalid(TxId(2, 4))
