"""Each entry that is written to one table is visited once, in the ledger's order."""

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.app import json_codec
from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.maps import RAW, Map
from ccfpy.node.indexing import VisitEachEntryInMap
from tests.unit.node.indexing.reading import Reading, long_story
from tests.unit.node.indexing.shelf import tell

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet

NAME = "notes"
TABLE = Map(NAME, json_codec(str), json_codec(int))


class Visits(VisitEachEntryInMap[str, int]):
    """What was visited, with the value of an entry or nothing for a removal."""

    def __init__(self) -> None:
        super().__init__(TABLE)
        self.visited: list[tuple[Seqno, str, int | None]] = []

    def visit_entry(self, tx_id: TxId, key: str, value: int) -> None:
        self.visited.append((tx_id.seqno, key, value))

    def visit_removal(self, tx_id: TxId, key: str) -> None:
        self.visited.append((tx_id.seqno, key, None))


class Sum(VisitEachEntryInMap[str, int]):
    """A strategy that asks for entries alone."""

    def __init__(self) -> None:
        super().__init__(TABLE)
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
            (2, {NAME: {b'"b"': b"1", b'"a"': b"2"}}),
            (3, {}),
            (4, {NAME: {b'"b"': None}, "others": {b'"c"': b"3"}}),
        ],
    )
    assert index.visited == [(2, "b", 1), (2, "a", 2), (4, "b", None)]
    assert index.indexed_up_to.seqno == 4
    assert index.next_requested == 5


def test_a_removal_is_nothing_to_a_strategy_that_does_not_ask() -> None:
    index = Sum()
    tell(index, [(1, {NAME: {b'"a"': b"5"}}), (2, {NAME: {b'"a"': None}})])
    assert index.sum == 5
    assert index.indexed_up_to.seqno == 2


def test_it_is_described_by_its_table_and_how_far_it_is() -> None:
    index = Sum()
    assert index.name == "Sum notes"
    tell(index, [(1, {})])
    assert index.describe() == {"target_map": NAME, "indexed_watermark": "2.1"}


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
        writes: WriteSet = {(NAME if is_ours else "others"): written}
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
