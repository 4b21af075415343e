"""What is left on a node's disk, read as another node or an operator would.

Every entry up to the last signature is there: the reply that reports a signature leaves
after the signature has been passed to the operating system, or to the disk where a node
waits for the disk.
"""

import errno

from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.ids import Seqno
from ccfpy.host.ledger_store import LedgerStoreFailed
from ccfpy.ledger.chunk import Chunk, ChunkName, is_chunk_name
from ccfpy.testing.disk import MemoryDisk, Operation, Torn
from tests.lab.cluster.whole.host import LEDGER, SNAPSHOTS, Files, SimulatedNode
from tests.lab.invariants.violated import Violated

FULL_BYTES = 2000
"""How much fits on a disk that is about to be full."""
TORN_BYTES = 7
"""What a write that fails leaves."""


def let_fail(disk: MemoryDisk, how: str, after: int) -> None:
    """Fill a disk before long, or break it for good after so many operations."""
    if how == "full":
        disk.bytes_max = held_bytes(disk) + FULL_BYTES
        return
    left = after

    def fault(operation: Operation, _: object) -> None:
        nonlocal left
        if how == "any" or operation is Operation.WRITE:
            left -= 1
        if left >= 0 or operation is Operation.NAMES:
            return
        if operation is Operation.WRITE:
            raise Torn(errno.EIO, written=TORN_BYTES)
        raise OSError(errno.EIO, "input/output error")

    disk.fault = fault


def held_bytes(disk: MemoryDisk) -> int:
    """Count the bytes in all files of a node."""
    return sum(
        len(disk.content(directory / name))
        for directory in (LEDGER, SNAPSHOTS)
        if disk.is_directory(directory)
        for name in disk.names(directory)
    )


def chunks_of(disk: MemoryDisk) -> list[tuple[ChunkName, bytes]]:
    """Return a disk's chunks, oldest first."""
    named = [ChunkName.parse(n) for n in disk.names(LEDGER) if is_chunk_name(n)]
    ordered = sorted(named, key=lambda name: name.first)
    return [(name, disk.content(LEDGER / str(name))) for name in ordered]


def check_survivor(node: SimulatedNode, disk: MemoryDisk) -> None:
    """Check what a crash left of a node's ledger.

    Raises:
        Violated: it is not a prefix of the ledger, or lacks what must have survived.
    """
    check_chunks(node, disk)
    if node.after == 0:
        _check_opened(node, disk.after_kill())


def check_chunks(
    node: SimulatedNode, disk: MemoryDisk, *, must_survive: bool = True
) -> None:
    """Check every chunk of a disk against its node's ledger.

    ``must_survive``: the last signature has to be there.

    Raises:
        Violated: a chunk does not parse, or differs from the ledger.
    """
    reached: Seqno = node.after
    for name, data in chunks_of(disk):
        try:
            chunk = Chunk.parse(name, data)
        except Malformed as error:
            raise Violated("LedgerParses", f"{node.name}: {name}: {error}") from None
        for seqno, _, entry in chunk.entries():
            if node.after < seqno <= node.last_seqno and seqno <= reached + 1:
                _check_entry(node, seqno, entry)
                reached = max(reached, seqno)
    signed = node.signed[-1] if node.signed else node.after
    if reached < signed and must_survive:
        raise Violated(
            "LedgerSurvives", f"node {node.name} had {signed}, its disk has {reached}"
        )


def _check_opened(node: SimulatedNode, disk: MemoryDisk) -> None:
    store = Files.on(disk).ledger
    try:
        store.open()
    except (LedgerStoreFailed, ConfigurationRefused) as failure:
        raise Violated("LedgerOpens", f"node {node.name}: {failure}") from None
    for seqno in range(1, min(store.last_seqno, node.last_seqno) + 1):
        entries = store.read(seqno, seqno)
        if not entries:
            raise Violated("LedgerOpens", f"node {node.name}: {seqno} is not there")
        _check_entry(node, seqno, entries[0])
    signed = node.signed[-1] if node.signed else 0
    if store.last_seqno < signed:
        raise Violated(
            "LedgerSurvives",
            f"node {node.name} had {signed}, reads {store.last_seqno} again",
        )


def _check_entry(node: SimulatedNode, seqno: Seqno, entry: bytes) -> None:
    if entry != node.entry(seqno):
        raise Violated("LedgerIsWritten", f"node {node.name} has another {seqno}")
