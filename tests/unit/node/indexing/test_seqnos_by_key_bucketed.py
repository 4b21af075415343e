"""Buckets that the host keeps tell the same as an index in memory does."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes
from ccfpy.kv.maps import RAW, STRING, Map, Value
from ccfpy.node.indexing import SeqnosByKey, SeqnosByKeyBucketed
from tests.unit.node.indexing.shelf import Shelf, tell

NAME = "public:notes"
TABLE = Map(NAME, STRING, RAW)
KEYS = ("a", "b", "c")
WRITES: st.SearchStrategy[Writes] = st.dictionaries(
    st.sampled_from([key.encode() for key in KEYS]), st.sampled_from([b"x", None])
)
Told = list[tuple[Seqno, dict[str, Writes]]]
Index = SeqnosByKeyBucketed[str]


def look(
    shelf: Shelf, index: Index, key: str, first: Seqno, last: Seqno
) -> list[Seqno]:
    """Ask until the answer is there, as a client does."""
    while (found := index.write_txs_in_range(key, first, last)) is None:
        assert shelf.work(), "nothing is on its way"
    return found


def told_of(writes: list[Writes]) -> Told:
    return [(seqno, {NAME: each}) for seqno, each in enumerate(writes, 1)]


@pytest.mark.slow
@given(
    st.lists(WRITES, min_size=1, max_size=60),
    st.integers(1, 7),
    st.integers(2, 4),
    st.integers(1, 200),
    st.data(),
)
def test_it_tells_what_an_index_in_memory_tells(
    writes: list[Writes],
    per_bucket: int,
    buckets: int,
    blob_bytes: int,
    data: st.DataObject,
) -> None:
    shelf, in_memory = Shelf(), SeqnosByKey(TABLE)
    index = SeqnosByKeyBucketed(
        TABLE, shelf.blobs, seqnos_per_bucket=per_bucket, buckets_max=buckets
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "INDEX_BLOB_BYTES_MAX", blob_bytes)
        tell(index, told_of(writes))
    tell(in_memory, told_of(writes))
    for _ in range(5):
        first = data.draw(st.integers(0, len(writes)))
        last = data.draw(st.integers(first, min(len(writes), first + index.range_max)))
        key = data.draw(st.sampled_from(KEYS))
        expected = in_memory.write_txs_in_range(key, first, last)
        assert look(shelf, index, key, first, last) == expected
    assert not shelf.logs


def many(shelf: Shelf, count: int = 95) -> Index:
    """Write one key in every transaction, ten to a bucket."""
    index = SeqnosByKeyBucketed(TABLE, shelf.blobs, seqnos_per_bucket=10, buckets_max=4)
    tell(index, told_of([{b"a": b"x"}] * count))
    shelf.work()
    return index


def test_the_latest_bucket_is_in_memory_and_those_before_it_with_the_host() -> None:
    shelf = Shelf()
    index = many(shelf)
    assert len(shelf.host.blobs) == 9
    assert index.write_txs_in_range("a", 90, 95) == [90, 91, 92, 93, 94, 95]
    assert index.write_txs_in_range("a", 85, 95) is None
    assert shelf.work() == 1
    assert index.write_txs_in_range("a", 85, 95) == list(range(85, 96))


def test_all_that_a_range_needs_is_asked_for_at_once_and_once() -> None:
    shelf = Shelf()
    index = many(shelf)
    for _ in range(3):
        assert index.write_txs_in_range("a", 5, 34) is None
    assert shelf.work() == 4
    assert look(shelf, index, "a", 5, 34) == list(range(5, 35))
    assert shelf.work() == 0


def test_only_so_many_answers_are_kept() -> None:
    shelf = Shelf()
    index = many(shelf)
    for first in (0, 30, 60):
        look(shelf, index, "a", first, first + 9)
        look(shelf, index, "b", first, first + 9)
    assert index.describe()["old_results_current_size"] == 4
    assert index.write_txs_in_range("b", 60, 69) == []
    assert index.write_txs_in_range("a", 0, 9) is None


def test_a_key_that_was_never_written_asks_for_what_may_have_it() -> None:
    shelf = Shelf()
    assert look(shelf, many(shelf), "b", 5, 34) == []


def test_where_nothing_was_written_there_is_no_blob() -> None:
    shelf = Shelf()
    index = SeqnosByKeyBucketed(TABLE, shelf.blobs, seqnos_per_bucket=10)
    tell(index, [(seqno, {}) for seqno in range(1, 96)])
    assert index.write_txs_in_range("a", 1, 90) == []
    assert shelf.work() == 0
    assert not shelf.host.blobs


def test_a_bucket_that_is_too_large_for_a_blob_becomes_several() -> None:
    shelf = Shelf()
    index = SeqnosByKeyBucketed(TABLE, shelf.blobs, seqnos_per_bucket=10)
    keys = limits.INDEX_BLOB_BYTES_MAX // 44 + 1
    large = {str(at).encode(): b"x" for at in range(keys)}
    tell(index, told_of([large, {b"0": b"x"}]))
    shelf.work()
    ((_, data),) = shelf.host.blobs.items()
    assert 0 <= len(data) - limits.INDEX_BLOB_BYTES_MAX < 100
    assert look(shelf, index, "0", 1, 2) == [1, 2]
    tell(index, [(seqno, {}) for seqno in range(3, 11)])
    assert look(shelf, index, "0", 1, 2) == [1, 2]
    assert len(shelf.host.blobs) == 2


@pytest.mark.parametrize("lie", [b"", b"another" * 10, None])
def test_what_the_host_loses_is_built_anew(lie: bytes | None) -> None:
    shelf = Shelf()
    index = many(shelf)
    stale = dict(shelf.host.blobs)
    for key in stale:
        if lie is None:
            del shelf.host.blobs[key]
        else:
            shelf.host.blobs[key] = lie
    assert index.write_txs_in_range("a", 1, 30) is None
    shelf.work()
    assert index.next_requested == 1
    assert index.write_txs_in_range("a", 1, 1) is None
    tell(index, told_of([{b"a": b"x"}] * 95))
    shelf.work()
    assert look(shelf, index, "a", 1, 30) == list(range(1, 31))
    assert stale.keys().isdisjoint(shelf.host.blobs)


def test_what_was_true_before_is_not_taken_for_what_is() -> None:
    """The host keeps what it should forget, and gives it later."""
    shelf = Shelf()
    index = many(shelf)
    stale = list(shelf.host.blobs.values())
    shelf.host.blobs.clear()
    assert index.write_txs_in_range("a", 1, 9) is None
    shelf.work()
    tell(index, told_of([{b"b": b"x"}] * 95))
    shelf.work()
    for key, data in zip(tuple(shelf.host.blobs), stale, strict=True):
        shelf.host.blobs[key] = data
    assert index.write_txs_in_range("a", 1, 9) is None
    shelf.work()
    assert index.next_requested == 1


def test_it_waits_while_too_much_is_asked_for() -> None:
    shelf = Shelf()
    index = many(shelf)
    other = shelf.blobs.begin()
    for _ in range(limits.BLOB_READS_MAX):
        assert other.fetch("x", lambda _: None)
    assert index.write_txs_in_range("a", 1, 9) is None
    shelf.work()
    assert look(shelf, index, "a", 1, 9) == list(range(1, 10))


REFUSALS: list[tuple[Callable[[Index], object], str]] = [
    (lambda index: index.write_txs_in_range("a", 3, 2), "goes backwards"),
    (lambda index: index.write_txs_in_range("a", 1, 32), "longer than 30"),
]


@pytest.mark.parametrize(("ask", "why"), REFUSALS)
def test_a_range_that_cannot_be_is_refused(
    ask: Callable[[Index], object], why: str
) -> None:
    shelf = Shelf()
    index = many(shelf)
    assert index.write_txs_in_range("a", 1, 31) is None
    with pytest.raises(ValueError, match=why):
        ask(index)


def test_what_it_was_not_told_of_it_does_not_claim_to_know() -> None:
    assert many(Shelf()).write_txs_in_range("a", 90, 96) is None


def test_a_private_table_is_indexed_and_the_lengths_of_its_blobs_say_little() -> None:
    lengths = set()
    for keys in (1, 2, 30):
        shelf = Shelf()
        index = SeqnosByKeyBucketed(
            Map("notes", STRING, RAW), shelf.blobs, seqnos_per_bucket=10
        )
        written = {b"%d" % key: b"x" for key in range(keys)}
        tell(index, [(seqno, {"notes": written}) for seqno in range(1, 31)])
        shelf.work()
        assert look(shelf, index, "0", 1, 30) == list(range(1, 31))
        lengths |= {len(data) for data in shelf.host.blobs.values()}
    assert len(lengths) == 1


def test_what_is_too_small_is_refused() -> None:
    blobs = Shelf().blobs
    with pytest.raises(ValueError, match="too small: 0 seqnos"):
        SeqnosByKeyBucketed(TABLE, blobs, seqnos_per_bucket=0)
    with pytest.raises(ValueError, match="too small: 1000 seqnos a bucket, 1 "):
        SeqnosByKeyBucketed(TABLE, blobs, buckets_max=1)


def test_a_value_is_indexed_too() -> None:
    shelf = Shelf()
    index = SeqnosByKeyBucketed.of_value(Value(NAME, RAW), shelf.blobs)
    tell(index, told_of([{bytes(8): b"x"}, {}]))
    assert index.write_txs_in_range(None, 1, 2) == [1]


def test_it_is_described_in_ccfs_words() -> None:
    index = many(Shelf())
    assert index.name == "SeqnosByKey public:notes"
    assert index.describe() == {
        "target_map": NAME,
        "indexed_watermark": "2.95",
        "seqnos_per_bucket": 10,
        "old_results_max_size": 4,
        "old_results_current_size": 0,
        "current_results_size": 1,
    }
