"""Indexes over committed transactions: how strategies receive and keep them."""

from ccfpy.node.indexing.indexer import Indexer
from ccfpy.node.indexing.lazy import Lazy
from ccfpy.node.indexing.sealed_blobs import SealedBlobs
from ccfpy.node.indexing.seqnos_by_key import SeqnosByKey
from ccfpy.node.indexing.seqnos_by_key_bucketed import SeqnosByKeyBucketed
from ccfpy.node.indexing.visit_each_entry import VisitEachEntryInMap

__all__ = [
    "Indexer",
    "Lazy",
    "SealedBlobs",
    "SeqnosByKey",
    "SeqnosByKeyBucketed",
    "VisitEachEntryInMap",
]
