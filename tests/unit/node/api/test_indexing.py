"""``/node/index/strategies`` as CCF's tests read it."""

from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.endpoints.index_strategies import Index
from ccfpy.node.indexing import Lazy, SeqnosByKey, SeqnosByKeyBucketed
from ccfpy.testing.node import InProcessNode
from tests.unit.node.conftest import NOTES, PUBLIC_NOTES


def test_a_node_without_indexes_lists_none(node: InProcessNode) -> None:
    assert node.request("GET", "/node/index/strategies").body == b"[]"


def test_each_strategy_is_described_in_ccfs_words(node: InProcessNode) -> None:
    running = node.trusted.running
    assert running is not None
    indexing = running.indexing
    indexing.install(Index(), SeqnosByKey(NOTES))
    bucketed = SeqnosByKeyBucketed(PUBLIC_NOTES, indexing.blobs)
    indexing.install(Index(), Lazy(bucketed))
    node.advance(1000)

    answer = node.request("GET", "/node/index/strategies")

    last = TxId(running.view, node.host.commit)
    assert json.loads(answer.body) == [
        {
            "name": "SeqnosByKey notes",
            "target_map": "notes",
            "indexed_watermark": str(last),
            "next_requested_seqno": last.seqno + 1,
        },
        {
            "name": "SeqnosByKey public:notes",
            "target_map": "public:notes",
            "indexed_watermark": "0.0",
            "seqnos_per_bucket": 1000,
            "old_results_max_size": 10,
            "old_results_current_size": 0,
            "current_results_size": 0,
        },
    ]
