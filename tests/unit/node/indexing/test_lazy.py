"""A lazy strategy wants what was asked for, and no more."""

from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.maps import RAW, STRING, Map
from ccfpy.node.indexing import Lazy, SeqnosByKey, SeqnosByKeyBucketed
from tests.unit.node.indexing.shelf import Shelf, tell

TABLE = Map("public:notes", STRING, RAW)


def _wants(lazy: Lazy[SeqnosByKey[str]]) -> Seqno | None:
    return lazy.next_requested


def test_nothing_is_wanted_until_somebody_asks() -> None:
    lazy = Lazy(SeqnosByKey(TABLE))
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
    lazy = Lazy(SeqnosByKey(TABLE))
    assert lazy.describe() == lazy.strategy.describe()


def test_what_it_wraps_is_let_go_with_it() -> None:
    shelf = Shelf()
    lazy = Lazy(SeqnosByKeyBucketed(TABLE, shelf.blobs, seqnos_per_bucket=1))
    lazy.take(TxId(2, 1), {"public:notes": {b"a": b"x"}})
    lazy.take(TxId(2, 2), {})
    shelf.work()
    assert shelf.host.blobs
    lazy.uninstalled()
    shelf.work()
    assert not shelf.host.blobs


def test_what_wants_nothing_at_all_is_asked_for_nothing() -> None:
    inner = Lazy(SeqnosByKey(TABLE))
    outer = Lazy(inner)
    outer.extend_to(5)
    assert outer.next_requested is None
