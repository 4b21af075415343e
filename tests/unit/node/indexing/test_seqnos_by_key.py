"""The transactions that wrote a key, as the index reports them."""

import pytest

from ccfpy.kv.maps import RAW, STRING, Map, Set, Value
from ccfpy.node.indexing import SeqnosByKey
from tests.unit.node.indexing.shelf import tell

NAME = "notes"
TABLE = Map(NAME, STRING, RAW)


def told() -> SeqnosByKey[str]:
    index = SeqnosByKey(TABLE)
    tell(
        index,
        [
            (1, {"others": {b"a": b"x"}}),
            (2, {NAME: {b"a": b"x", b"b": b"x"}}),
            (3, {NAME: {b"a": None}}),
            (4, {}),
            (5, {NAME: {b"a": b"x"}}),
        ],
    )
    return index


def test_a_key_has_the_transactions_that_wrote_it() -> None:
    index = told()
    assert index.all_write_txs("a") == [2, 5]
    assert index.all_write_txs("b") == [2]
    assert index.all_write_txs("c") == []
    assert SeqnosByKey(TABLE).all_write_txs("a") == []


@pytest.mark.parametrize(
    ("first", "last", "seqnos"),
    [(1, 5, [2, 5]), (2, 4, [2]), (3, 5, [5]), (3, 4, []), (5, 5, [5])],
)
def test_a_range_has_both_its_ends(first: int, last: int, seqnos: list[int]) -> None:
    assert told().write_txs_in_range("a", first, last) == seqnos


def test_a_list_may_be_cut_short() -> None:
    assert told().write_txs_in_range("a", 1, 5, seqnos_max=1) == [2]


def test_what_it_was_not_told_of_it_does_not_claim_to_know() -> None:
    assert told().write_txs_in_range("a", 1, 6) is None
    assert SeqnosByKey(TABLE).write_txs_in_range("a", 1, 1) is None


def test_a_range_does_not_go_backwards() -> None:
    with pytest.raises(ValueError, match="from 3 to 2 goes backwards"):
        told().write_txs_in_range("a", 3, 2)


def test_it_is_described_by_its_table_and_how_far_it_is() -> None:
    index = told()
    assert index.name == "SeqnosByKey notes"
    assert index.describe() == {"target_map": NAME, "indexed_watermark": "2.5"}
    assert SeqnosByKey(TABLE).describe()["indexed_watermark"] == "0.0"


def test_values_and_sets_are_indexed_too() -> None:
    value = Value(NAME, RAW)
    index = SeqnosByKey.of_value(value)
    tell(index, [(1, {NAME: {bytes(8): b"x"}}), (2, {})])
    assert index.all_write_txs(None) == [1]
    members = SeqnosByKey(Set(NAME, STRING))
    tell(members, [(1, {NAME: {b"alice": bytes(8)}})])
    assert members.all_write_txs("alice") == [1]
