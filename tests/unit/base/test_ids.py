"""Transaction ids and the form that all other ids share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId, is_hex_id, transaction_id

NUMBERS = st.integers(1, 10**19 - 1)


@given(NUMBERS, NUMBERS)
def test_a_transaction_id_is_read_as_it_is_written(view: int, seqno: int) -> None:
    assert TxId.parse(str(TxId(view, seqno))) == (view, seqno)


@given(NUMBERS, NUMBERS)
def test_the_short_way_to_an_id_agrees_with_the_plain_one(
    view: int, seqno: int
) -> None:
    short = transaction_id(view, seqno)
    assert short == TxId(view, seqno)
    assert type(short) is TxId
    assert (short.view, short.seqno, str(short)) == (view, seqno, f"{view}.{seqno}")


def test_ids_are_ordered_by_view_first() -> None:
    assert TxId(2, 900) < TxId(3, 1)
    assert str(TxId(2, 15)) == "2.15"


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "2", "2.", ".5", "2.5.1", "0.5", "2.0", "02.5", "2.05", "-2.5"),
        *("+2.5", " 2.5", "2.5 ", "2.5\n", "2,5", "0x2.5", "2.5e1", "\u0662.\u0665"),
        "12345678901234567890.1",
    ],
)
def test_anything_else_is_no_transaction_id(text: str) -> None:
    with pytest.raises(Malformed, match="not a transaction id"):
        TxId.parse(text)


def test_ids_are_64_lower_case_hex_digits() -> None:
    assert is_hex_id("0123456789abcdef" * 4)
    for other in ("", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n"):
        assert not is_hex_id(other)
