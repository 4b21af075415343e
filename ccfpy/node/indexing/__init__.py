"""Indexes over committed transactions: how strategies receive and keep them."""

from ccfpy.node.indexing.blobs import SealedBlobs
from ccfpy.node.indexing.indexer import Indexer
from ccfpy.node.indexing.strategies import (
    Lazy,
    SeqnosByKey,
    SeqnosByKeyBucketed,
    VisitEachEntryInMap,
)

__all__ = [
    "Indexer",
    "Lazy",
    "SealedBlobs",
    "SeqnosByKey",
    "SeqnosByKeyBucketed",
    "VisitEachEntryInMap",
]
