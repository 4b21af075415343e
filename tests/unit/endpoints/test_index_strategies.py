"""An index is declared once, and each node has a strategy of its own for it."""

import pytest

from ccfpy.app import App
from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Blobs, Index, Strategy
from ccfpy.kv.changes import WriteSet
from tests.unit.endpoints.world import StoreNode


class Counting(Strategy):
    """Counts transactions."""

    name = "Counting"

    def __init__(self) -> None:
        self.count = 0

    @property
    def next_requested(self) -> Seqno:
        return self.count + 1

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        del tx_id, writes
        self.count += 1


def test_each_node_has_its_own_strategy() -> None:
    index: Index[Counting] = Index()
    one, other = StoreNode(), StoreNode()
    strategy = Counting()
    index.install(one, strategy)
    assert index.of(one) is strategy
    assert index.is_installed(one)
    assert not index.is_installed(other)
    with pytest.raises(LookupError, match="no strategy"):
        index.of(other)
    index.uninstall(one)
    assert not index.is_installed(one)


def test_a_strategy_says_no_more_than_it_must() -> None:
    strategy = Counting()
    assert strategy.describe() == {}
    strategy.uninstalled()
    assert strategy.count == 0


def test_an_app_declares_what_each_node_makes() -> None:
    app = App("counts")

    @app.index
    def counting(_: Blobs) -> Counting:
        return Counting()

    assert app.indexes() == (counting,)
    make = counting.make
    assert make is not None
    assert isinstance(make(StoreNode().indexing.blobs), Counting)
