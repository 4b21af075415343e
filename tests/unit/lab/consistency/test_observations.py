"""Whether two answers can be about one object."""

import pytest

from ccfpy.base.ids import TxId
from tests.lab.consistency.history import Answered
from tests.lab.consistency.observations import is_same_object


def _seen(count: int, *tail: int) -> Answered:
    return Answered(
        at_us=0, client="c", node="n", op=1, txid=TxId(2, 1), count=count, tail=tail
    )


@pytest.mark.parametrize(
    ("one", "other", "can_be"),
    [
        (_seen(0), _seen(3, 1, 2, 3), True),
        (_seen(2, 1, 2), _seen(3, 1, 2, 3), True),
        (_seen(2, 2, 1), _seen(3, 1, 2, 3), False),
        (_seen(3, 3), _seen(4, 3, 4), True),
        (_seen(3, 5), _seen(4, 3, 4), False),
        (_seen(2, 2), _seen(4, 4), True),
        (_seen(3, 1, 2, 3), _seen(3, 1, 2, 4), False),
    ],
)
def test_answers_fit_if_they_agree_where_both_look(
    one: Answered, other: Answered, can_be: bool
) -> None:
    assert is_same_object(one, other) is can_be
    assert is_same_object(other, one) is can_be
