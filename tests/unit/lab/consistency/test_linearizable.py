"""A call of etcd happened between its request and its answer."""

import pytest

from ccfpy.base.ids import TxId
from tests.lab.consistency.history import Answered, Event, GivenUp, Op, Sent
from tests.lab.consistency.linearizable import (
    NOT_EQUAL,
    SERIALIZABLE,
    check_linearizable,
)
from tests.lab.consistency.properties import Inconsistent, Property


def _sent(op: Op, *, is_write: bool = False, client: str = "c") -> Sent:
    return Sent(at_us=0, client=client, node="n", op=op, key="k", is_write=is_write)


def _answered(op: Op, seqno: int, *tail: Op) -> Answered:
    return Answered(
        at_us=0,
        client="c",
        node="n",
        op=op,
        txid=TxId(2, seqno),
        count=len(tail),
        tail=tail,
    )


WRITTEN: list[Event] = [_sent(1, is_write=True), _answered(1, 9, 1)]


def test_answers_in_the_order_of_their_requests_are_linearizable() -> None:
    assert check_linearizable([*WRITTEN, _sent(2), _answered(2, 10, 1)]) == 2


def test_a_read_that_is_sent_after_a_write_does_not_happen_before_it() -> None:
    for seqno in (8, 9):
        with pytest.raises(Inconsistent) as error:
            check_linearizable([*WRITTEN, _sent(2), _answered(2, seqno)])
        assert error.value.broken is Property.LINEARIZABLE


def test_calls_under_way_at_once_happen_in_either_order() -> None:
    both: list[Event] = [_sent(1, is_write=True), _sent(2)]
    assert check_linearizable([*both, _answered(1, 9, 1), _answered(2, 8)]) == 2
    assert check_linearizable([*both, _answered(2, 8), _answered(1, 9, 1)]) == 2


def test_a_write_without_an_answer_may_have_happened() -> None:
    lost = GivenUp(at_us=0, client="c", node="n", op=1, reason="Unavailable")
    sent = _sent(1, is_write=True)
    assert check_linearizable([sent, lost, _sent(2), _answered(2, 3, 1)]) == 1


def test_a_serializable_read_may_be_old() -> None:
    read = _sent(2, client=f"c {SERIALIZABLE}")
    assert check_linearizable([*WRITTEN, read, _answered(2, 3)]) == 1


def test_nobody_sees_a_write_whose_comparison_failed() -> None:
    refused = GivenUp(at_us=0, client="c", node="n", op=1, reason=NOT_EQUAL)
    sent = _sent(1, is_write=True)
    assert check_linearizable([sent, refused, _sent(2), _answered(2, 3)]) == 1
    with pytest.raises(Inconsistent) as error:
        check_linearizable([sent, refused, _sent(2), _answered(2, 3, 1)])
    assert error.value.broken is Property.REFUSED_NOT_OBSERVED
