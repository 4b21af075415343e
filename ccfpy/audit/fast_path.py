"""The usual case of files found: one ledger, of which each file follows the one before.

It is verified by many processes, as far as there is no choice of files and nothing is
wrong; from there ``audit.chains`` goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ccfpy.audit.auditor import AuditState, ChunkChecked, ServiceSeen
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.readers import Readers
from ccfpy.audit.tail import Segment
from ccfpy.audit.verification import Verification
from ccfpy.crypto.certs import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """How far files were verified in a row.

    Attributes:
        state: the auditor's there, or nothing.
        segments: the files.
        identities: the service's certificates up to there.
    """

    state: AuditState | None = None
    segments: Sequence[Segment] = ()
    identities: Sequence[Certificate] = ()


def row(chunks: Sequence[ChunkPath]) -> list[ChunkPath]:
    """Return the complete files, from seqno 1 on, that follow without a choice."""
    ordered = sorted(chunks, key=lambda chunk: chunk.name.first)
    found: list[ChunkPath] = []
    following = 1
    for chunk, after in zip_longest(ordered, ordered[1:]):
        last = chunk.name.last
        if chunk.name.first != following or last is None:
            break
        if after is not None and after.name.first <= last:
            break
        found.append(chunk)
        following = last + 1
    return found


def begin(
    chunks: Sequence[ChunkPath],
    readers: Readers,
    *,
    on_read: Callable[[int], None] = lambda _count: None,
) -> Begun:
    """Verify files in a row, as far as they are committed and sound.

    Raises:
        OSError: a file cannot be read.
        ReaderLost: a process that reads is lost.
    """
    files = row(chunks)
    sizes = {str(chunk.name): chunk.size_bytes for chunk in files}
    verification = Verification(files, readers)
    services: list[ServiceSeen] = []
    for finding in verification.findings():
        if isinstance(finding, ChunkChecked):
            on_read(sizes[finding.file])
        elif isinstance(finding, ServiceSeen):
            services.append(finding)
    state = verification.checkpoint
    if state is None:
        return Begun()
    last = state.last_signed.seqno
    identities: list[Certificate] = []
    for seen in services:
        if seen.txid.seqno > last:
            break
        if identities and not seen.is_new_identity:
            identities.pop()
        identities.append(seen.service)
    return Begun(
        state=state,
        segments=[
            Segment(
                chunk=chunk,
                first=chunk.name.first,
                last=chunk.name.last or 0,
                is_whole=True,
            )
            for chunk in files
            if (chunk.name.last or 0) <= last
        ],
        identities=identities,
    )
