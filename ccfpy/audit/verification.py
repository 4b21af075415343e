"""Verifying a ledger of any size: chunks read by many, put together in order.

Memory holds what a few chunks contribute. The findings do not depend on which process
reads (``audit.chunk_reading``), and an audit that was interrupted can be resumed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ccfpy.audit.auditor import Auditor, AuditState, Damage, Finding, Summary
from ccfpy.audit.chunk_reading import ChunkReading, read_chunk
from ccfpy.audit.chunks import ChunkPath, between
from ccfpy.audit.readers import Readers

if TYPE_CHECKING:
    from concurrent.futures import Future

Read = TypeVar("Read")


def read_ahead(services: tuple[str, ...], chunk: ChunkPath) -> ChunkReading:
    """Read, wherever this runs, what a chunk contributes to an audit.

    Raises:
        OSError: the file cannot be read there.
    """
    return read_chunk(chunk.name, chunk.path.read_bytes(), services)


def shortened(chunks: Sequence[ChunkPath], checkpoint: AuditState) -> Damage | None:
    """Notice that a ledger has become shorter than it was."""
    last = chunks[-1].name.last if chunks else 0
    if last is None or last >= checkpoint.last_signed.seqno:
        return None
    return Damage(
        file=str(chunks[-1].name) if chunks else "",
        position=chunks[-1].size_bytes if chunks else 0,
        seqno=None,
        reason=f"the ledger ends at seqno {last}; an earlier audit verified it up to "
        f"{checkpoint.last_signed}",
    )


class Verification:
    """An audit of a ledger's files.

    Attributes:
        checkpoint: from where a later audit can go on: the end of the last committed
            chunk that ends with a signature. What is not committed may still change.
    """

    def __init__(
        self,
        chunks: Sequence[ChunkPath],
        readers: Readers,
        checkpoint: AuditState | None = None,
    ) -> None:
        """Prepare.

        Args:
            chunks: the whole ledger's, in order.
            readers: who reads them.
            checkpoint: where an earlier audit of the same ledger was.
        """
        self.checkpoint = checkpoint
        self._lost = None if checkpoint is None else shortened(chunks, checkpoint)
        self._auditor = Auditor() if checkpoint is None else Auditor.resume(checkpoint)
        self._chunks = between(chunks, self._auditor.next_seqno)
        self._readers = readers

    @property
    def bytes_to_read(self) -> int:
        """How much there is to read."""
        return sum(chunk.size_bytes for chunk in self._chunks)

    def findings(self) -> Iterator[Finding]:
        """Verify; a ``Summary`` is last, as in ``audit.auditor``.

        Raises:
            OSError: a file cannot be read.
            ReaderLost: a process that reads is lost.
        """
        auditor = self._auditor
        if self._lost is not None:
            yield self._lost
            for finding in auditor.finish():
                assert isinstance(finding, Summary), (
                    "nothing was read after the checkpoint"
                )
                yield replace(finding, is_damaged=True)
            return
        for chunk, reading in self._readings():
            yield from auditor.read(chunk.file, reading)
            if auditor.is_damaged:
                break
            state = auditor.state if chunk.name.is_committed else None
            self.checkpoint = state or self.checkpoint
        yield from auditor.finish()

    def _readings(self) -> Iterator[tuple[ChunkPath, ChunkReading]]:
        return read_in_order(self._auditor, self._readers, self._chunks, read_ahead)


def read_in_order(
    auditor: Auditor,
    readers: Readers,
    chunks: Iterable[ChunkPath],
    read: Callable[[tuple[str, ...], ChunkPath], Read],
) -> Iterator[tuple[ChunkPath, Read]]:
    """Submit chunks to be read ahead, and yield each with what was read.

    Until the service is known, there is one chunk in hand: readers that know it
    verify its signatures, which is most of the work where signatures are many.

    Args:
        auditor: learns the service from what is yielded.
        readers: who reads the chunks.
        chunks: in their order.
        read: reads one, given the certificate of the service that is known.

    Raises:
        ReaderLost: a process that reads is lost.
    """
    waiting: deque[tuple[ChunkPath, Future[Read]]] = deque()
    upcoming = iter(chunks)
    try:
        while True:
            service = auditor.trust.service
            services = () if service is None else (service.pem,)
            ahead = readers.ahead if services else 1
            while len(waiting) < ahead:
                chunk = next(upcoming, None)
                if chunk is None:
                    break
                waiting.append(
                    (chunk, readers.executor.submit(partial(read, services, chunk)))
                )
            if not waiting:
                return
            chunk, future = waiting.popleft()
            yield chunk, readers.result(future)
    finally:
        for _, future in waiting:
            future.cancel()
