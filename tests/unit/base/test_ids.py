import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId, is_hex_id

COUNTED = st.integers(1, 10**19 - 1)


@given(COUNTED, COUNTED)
def test_a_transaction_id_survives_its_text(view: int, seqno: int) -> None:
    txid = TxId(view, seqno)
    assert TxId.parse(str(txid)) == txid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "2.",
        ".3",
        "2.3.4",
        "0.3",
        "2.0",
        "02.3",
        "2.03",
        "-2.3",
        "2.-3",
        "2,3",
        " 2.3",
        "2.3 ",
        "2.3\n",
        "+2.3",
        "2e1.3",
        "٢.3",
        f"2.{10**19}",
    ],
)
def test_nothing_else_is_a_transaction_id(text: str) -> None:
    with pytest.raises(Malformed, match="not a transaction id"):
        TxId.parse(text)


def test_transaction_ids_are_ordered_by_view_first() -> None:
    assert TxId(2, 9) < TxId(2, 10) < TxId(3, 1)


def test_an_id_is_64_lower_case_hex_digits() -> None:
    assert is_hex_id("0123456789abcdef" * 4)
    assert not is_hex_id("0123456789ABCDEF" * 4)
    assert not is_hex_id("0" * 63)
    assert not is_hex_id("0" * 64 + "\n")
    assert not is_hex_id("g" * 64)
