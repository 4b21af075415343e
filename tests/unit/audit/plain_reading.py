"""A chunk's reading, made in the plainest way: each entry is parsed as a whole."""

from typing import TYPE_CHECKING

from ccfpy.audit.chunk_reading import ChunkReading, Fault, TrustChange
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.ledger.chunk import Chunk, ChunkDamaged, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.trust import TABLES

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno, View


def read_plainly(name: ChunkName, data: bytes) -> ChunkReading:
    """Read a chunk without the layout that ``chunk_reading`` knows of most entries."""
    try:
        chunk = Chunk.parse(name, data)
    except Malformed as error:
        position = error.position if isinstance(error, ChunkDamaged) else 0
        return ChunkReading(name=name, fault=Fault(position, None, str(error)))
    leaves: list[bytes] = []
    views: list[tuple[Seqno, View]] = []
    changes: list[TrustChange] = []
    fault: Fault | None = None
    for seqno, at, entry in chunk.entries():
        try:
            transaction = Transaction.parse(entry)
            if transaction.txid.seqno != seqno:
                raise Malformed(f"expected seqno {seqno}, found {transaction.txid[1]}")
        except CcfpyError as error:
            fault = Fault(at, seqno, str(error))
            break
        leaves.append(transaction.leaf)
        if not views or views[-1][1] != transaction.txid.view:
            views.append((seqno, transaction.txid.view))
        writes = transaction.domain.write_set
        if TABLES & writes.keys():
            change = TrustChange(transaction.txid, at, at + len(entry), writes)
            changes.append(change)
    return ChunkReading(
        name=name,
        positions=chunk.positions,
        leaves=leaves,
        views=views,
        changes=changes,
        is_complete=chunk.is_complete,
        torn_bytes=chunk.torn_bytes,
        fault=fault,
    )
