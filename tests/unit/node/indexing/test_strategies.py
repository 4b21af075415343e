"""The index strategies, each told committed transactions and asked for them."""

from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.app import json_codec
from ccfpy.base import limits
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import Writes
from ccfpy.kv.maps import RAW, STRING, Map, Set, Value
from ccfpy.node.indexing import (
    Lazy,
    SeqnosByKey,
    SeqnosByKeyBucketed,
    VisitEachEntryInMap,
)
from ccfpy.node.indexing.strategies import (
    KEY_OVERHEAD_BYTES,
    SEQNO_BYTES,
    padded,
    seqnos_in,
    write_bucket,
)
from tests.unit.node.indexing.reading import Reading, long_story
from tests.unit.node.indexing.shelf import Shelf, tell

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet


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


BUCKETS = st.dictionaries(
    st.binary(max_size=3), st.lists(st.integers(0, 2**63), min_size=1, max_size=5)
)


@given(BUCKETS, st.binary(max_size=3))
def test_every_key_is_found_with_its_seqnos(
    bucket: dict[bytes, list[int]], other: bytes
) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    data = write_bucket(by_digest)
    for key, seqnos in bucket.items():
        assert seqnos_in(data, sha256(key)).tolist() == seqnos
    assert seqnos_in(data, sha256(other)).tolist() == bucket.get(other, [])


@pytest.mark.slow
@given(BUCKETS)
def test_its_size_is_what_was_counted(bucket: dict[bytes, list[int]]) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    counted = sum(
        KEY_OVERHEAD_BYTES + SEQNO_BYTES * len(seqnos) for seqnos in bucket.values()
    )
    assert len(write_bucket(by_digest)) == 4 + counted


@given(BUCKETS)
def test_what_is_padded_reads_the_same(bucket: dict[bytes, list[int]]) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    data = padded(write_bucket(by_digest))
    for key, seqnos in bucket.items():
        assert seqnos_in(data, sha256(key)).tolist() == seqnos


@given(st.integers(0, 3 * limits.INDEX_BLOB_BYTES_MAX))
@example(limits.INDEX_PADDED_BYTES_MIN)
@example(limits.INDEX_PADDED_BYTES_MIN + 1)
def test_a_padded_length_is_a_power_of_two_and_less_than_twice_what_is_needed(
    length: int,
) -> None:
    padded_length = len(padded(bytes(length)))
    assert padded_length.bit_count() == 1
    least = max(length, limits.INDEX_PADDED_BYTES_MIN)
    assert least <= padded_length < 2 * least


BUCKETED_NAME = "public:notes"
BUCKETED = Map(BUCKETED_NAME, STRING, RAW)
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
    return [(seqno, {BUCKETED_NAME: each}) for seqno, each in enumerate(writes, 1)]


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
    shelf, in_memory = Shelf(), SeqnosByKey(BUCKETED)
    index = SeqnosByKeyBucketed(
        BUCKETED, shelf.blobs, seqnos_per_bucket=per_bucket, buckets_max=buckets
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
    index = SeqnosByKeyBucketed(
        BUCKETED, shelf.blobs, seqnos_per_bucket=10, buckets_max=4
    )
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
    index = SeqnosByKeyBucketed(BUCKETED, shelf.blobs, seqnos_per_bucket=10)
    tell(index, [(seqno, {}) for seqno in range(1, 96)])
    assert index.write_txs_in_range("a", 1, 90) == []
    assert shelf.work() == 0
    assert not shelf.host.blobs


def test_a_bucket_that_is_too_large_for_a_blob_becomes_several() -> None:
    shelf = Shelf()
    index = SeqnosByKeyBucketed(BUCKETED, shelf.blobs, seqnos_per_bucket=10)
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


def test_seqnos_that_no_bucket_was_told_of_are_not_claimed_to_be_known() -> None:
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
        SeqnosByKeyBucketed(BUCKETED, blobs, seqnos_per_bucket=0)
    with pytest.raises(ValueError, match="too small: 1000 seqnos a bucket, 1 "):
        SeqnosByKeyBucketed(BUCKETED, blobs, buckets_max=1)


def test_a_value_is_indexed_too() -> None:
    shelf = Shelf()
    index = SeqnosByKeyBucketed.of_value(Value(BUCKETED_NAME, RAW), shelf.blobs)
    tell(index, told_of([{bytes(8): b"x"}, {}]))
    assert index.write_txs_in_range(None, 1, 2) == [1]


def test_it_is_described_in_ccfs_words() -> None:
    index = many(Shelf())
    assert index.name == "SeqnosByKey public:notes"
    assert index.describe() == {
        "target_map": BUCKETED_NAME,
        "indexed_watermark": "2.95",
        "seqnos_per_bucket": 10,
        "old_results_max_size": 4,
        "old_results_current_size": 0,
        "current_results_size": 1,
    }


VISITED_NAME = "notes"
VISITED = Map(VISITED_NAME, json_codec(str), json_codec(int))


class Visits(VisitEachEntryInMap[str, int]):
    """What was visited, with the value of an entry or nothing for a removal."""

    def __init__(self) -> None:
        super().__init__(VISITED)
        self.visited: list[tuple[Seqno, str, int | None]] = []

    def visit_entry(self, tx_id: TxId, key: str, value: int) -> None:
        self.visited.append((tx_id.seqno, key, value))

    def visit_removal(self, tx_id: TxId, key: str) -> None:
        self.visited.append((tx_id.seqno, key, None))


class Sum(VisitEachEntryInMap[str, int]):
    """A strategy that asks for entries alone."""

    def __init__(self) -> None:
        super().__init__(VISITED)
        self.sum = 0

    def visit_entry(self, tx_id: TxId, key: str, value: int) -> None:
        del tx_id, key
        self.sum += value


def test_entries_of_its_table_are_visited_and_no_others() -> None:
    index = Visits()
    tell(
        index,
        [
            (1, {"others": {b'"a"': b"7"}}),
            (2, {VISITED_NAME: {b'"b"': b"1", b'"a"': b"2"}}),
            (3, {}),
            (4, {VISITED_NAME: {b'"b"': None}, "others": {b'"c"': b"3"}}),
        ],
    )
    assert index.visited == [(2, "b", 1), (2, "a", 2), (4, "b", None)]
    assert index.indexed_up_to.seqno == 4
    assert index.next_requested == 5


def test_a_removal_is_nothing_to_a_strategy_that_does_not_ask() -> None:
    index = Sum()
    tell(
        index,
        [(1, {VISITED_NAME: {b'"a"': b"5"}}), (2, {VISITED_NAME: {b'"a"': None}})],
    )
    assert index.sum == 5
    assert index.indexed_up_to.seqno == 2


def test_a_visitor_is_described_by_its_table_and_how_far_it_is() -> None:
    index = Sum()
    assert index.name == "Sum notes"
    tell(index, [(1, {})])
    assert index.describe() == {"target_map": VISITED_NAME, "indexed_watermark": "2.1"}


_WRITES = st.dictionaries(
    st.sampled_from([b'"a"', b'"b"', b'"c"']),
    st.none() | st.integers(0, 9).map(lambda number: b"%d" % number),
)


@given(st.lists(st.tuples(_WRITES, st.booleans())))
def test_whatever_is_written_is_visited_once_and_in_order(
    told: list[tuple[dict[bytes, bytes | None], bool]],
) -> None:
    index = Visits()
    expected = []
    for seqno, (written, is_ours) in enumerate(told, 1):
        writes: WriteSet = {(VISITED_NAME if is_ours else "others"): written}
        index.take(TxId(1, seqno), writes)
        if is_ours:
            expected += [
                (seqno, key.decode()[1:-1], None if value is None else int(value))
                for key, value in written.items()
            ]
    assert index.visited == expected
    assert index.next_requested == len(told) + 1


class Texts(VisitEachEntryInMap[bytes, bytes]):
    """What users of a story said; what a node does not want to hear ends it."""

    def __init__(self, unwanted: bytes = b"") -> None:
        super().__init__(Map("messages", RAW, RAW))
        self.texts: list[bytes] = []
        self.unwanted = unwanted

    def visit_entry(self, tx_id: TxId, key: bytes, value: bytes) -> None:
        del tx_id, key
        if value == self.unwanted:
            raise ValueError("what it says may be private")
        self.texts.append(value)


def test_a_node_shows_it_private_entries_decrypted() -> None:
    world = Reading(long_story(3))
    texts = Texts()
    world.install(texts)
    world.work()
    assert texts.texts == [b"0", b"1", b"2"]
    assert texts.indexed_up_to.seqno == world.story.last


def test_a_visit_that_raises_ends_the_index_and_not_the_node() -> None:
    world = Reading(long_story(3))
    texts = Texts(unwanted=b"1")
    world.install(texts)
    world.work()
    said = [log.message for log in world.logs]
    assert texts.texts == [b"0"]
    assert texts.indexed_up_to.seqno < world.story.last
    assert any("is told of nothing more, as it raised ValueError" in s for s in said)
    assert not any("may be private" in each for each in said)


LAZY_TABLE = Map("public:notes", STRING, RAW)


def _wants(lazy: Lazy[SeqnosByKey[str]]) -> Seqno | None:
    return lazy.next_requested


def test_nothing_is_wanted_until_somebody_asks() -> None:
    lazy = Lazy(SeqnosByKey(LAZY_TABLE))
    assert lazy.name == "SeqnosByKey public:notes"
    assert _wants(lazy) is None
    lazy.extend_to(2)
    tell(lazy, [(1, {}), (2, {"public:notes": {b"a": b"x"}})])
    assert _wants(lazy) is None
    lazy.extend_to(1)
    assert _wants(lazy) is None
    lazy.extend_to(3)
    assert _wants(lazy) == 3
    assert lazy.strategy.write_txs_in_range("a", 1, 2) == [2]


def test_it_is_described_as_what_it_wraps() -> None:
    lazy = Lazy(SeqnosByKey(LAZY_TABLE))
    assert lazy.describe() == lazy.strategy.describe()


def test_what_it_wraps_is_let_go_with_it() -> None:
    shelf = Shelf()
    lazy = Lazy(SeqnosByKeyBucketed(LAZY_TABLE, shelf.blobs, seqnos_per_bucket=1))
    lazy.take(TxId(2, 1), {"public:notes": {b"a": b"x"}})
    lazy.take(TxId(2, 2), {})
    shelf.work()
    assert shelf.host.blobs
    lazy.uninstalled()
    shelf.work()
    assert not shelf.host.blobs


def test_what_wants_nothing_at_all_is_asked_for_nothing() -> None:
    inner = Lazy(SeqnosByKey(LAZY_TABLE))
    outer = Lazy(inner)
    outer.extend_to(5)
    assert outer.next_requested is None
