"""Verifying a ledger of any size: chunks read by many, put together in order.

Memory holds what a few chunks contribute. The findings are the plain auditor's, whoever
reads (``ledger.relay``), and an audit that was interrupted goes on where it was.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from ccfpy.audit.chunks import ChunkPath, between
from ccfpy.audit.readers import Readers
from ccfpy.ledger.audit import AuditState, Damage, Finding, Summary
from ccfpy.ledger.extract import Extract, extract
from ccfpy.ledger.relay import Relay


def read_extract(services: tuple[str, ...], chunk: ChunkPath) -> Extract | None:
    """Find out, wherever this runs, what a chunk contributes to an audit.

    Raises:
        OSError: the file cannot be read there.
    """
    return extract(str(chunk.name), chunk.path.read_bytes(), services)


def _lost(chunks: Sequence[ChunkPath], checkpoint: AuditState) -> Damage | None:
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
        self._lost = None if checkpoint is None else _lost(chunks, checkpoint)
        self._relay = Relay(checkpoint)
        self._chunks = between(chunks, self._relay.next_seqno)
        self._readers = readers

    @property
    def bytes_to_read(self) -> int:
        """How much there is to read."""
        return sum(chunk.size_bytes for chunk in self._chunks)

    def findings(self) -> Iterator[Finding]:
        """Verify; a ``Summary`` is last, as in ``ledger.audit``.

        Raises:
            OSError: a file cannot be read.
            ReaderLost: a process that reads is lost.
        """
        relay = self._relay
        if self._lost is not None:
            yield self._lost
            for finding in relay.finish():
                assert isinstance(finding, Summary), (
                    "nothing was read after the checkpoint"
                )
                yield replace(finding, is_damaged=True)
            return
        for chunk, extracted in self._extracts():
            yield from relay.read(chunk.file, extracted)
            if relay.is_damaged:
                break
            if chunk.name.is_committed and relay.state is not None:
                self.checkpoint = relay.state
        yield from relay.finish()

    def _extracts(self) -> Iterator[tuple[ChunkPath, Extract | None]]:
        """Submit chunks to be read ahead, and yield each with its extract.

        Until the service is known, there is one chunk in hand: readers that know it
        verify its signatures, which is most of the work where signatures are many.
        """
        readers = self._readers
        waiting: deque[tuple[ChunkPath, Future[Extract | None] | None]] = deque()
        upcoming = iter(self._chunks)
        try:
            while True:
                service = self._relay.service
                services = () if service is None else (service,)
                ahead = readers.ahead if services else 1
                while len(waiting) < ahead:
                    chunk = next(upcoming, None)
                    if chunk is None:
                        break
                    waiting.append((chunk, self._submit(chunk, services)))
                if not waiting:
                    return
                chunk, future = waiting.popleft()
                yield chunk, None if future is None else readers.result(future)
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()

    def _submit(
        self, chunk: ChunkPath, services: tuple[str, ...]
    ) -> Future[Extract | None] | None:
        if chunk.name.is_open:
            return None  # the plain auditor's, in any case
        return self._readers.executor.submit(partial(read_extract, services), chunk)
