"""Recoveries that were given up, as CCF wrote them before their files had an ending.

Until it opens, a service that is being recovered writes under a ledger secret that goes
with its nodes. Nobody can read on from there: the service before it is restored. Such
files end in ``.recovery``; those of services that gave them no ending look like any
other, and what is written in them tells.
"""

from collections.abc import Iterable, Sequence

from ccfpy.audit.chains import Chain
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.salvage import Salvaged
from ccfpy.audit.tail import Segment
from ccfpy.base import json
from ccfpy.base.ids import Seqno
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger import record
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.tables import SERVICE_INFO, SINGLE_KEY

NEVER_OPENED = (ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES)


def given_up(chains: Iterable[Chain]) -> frozenset[ChunkPath]:
    """Return the files that only hold what a service wrote that never opened.

    A recovery begins a file of its own. Where one did not, none is given.

    Raises:
        OSError: a file cannot be read.
    """
    found: set[ChunkPath] = set()
    for chain in chains:
        if chain.status not in NEVER_OPENED:
            continue
        begin = _begin(chain.segments, chain.service)
        if begin is None:
            continue
        chunks = [s.chunk for s in chain.segments] + [t.chunk for t in chain.tails]
        found.update(chunk for chunk in chunks if chunk.name.first >= begin)
    return frozenset(found)


def _begin(segments: Sequence[Segment], service: Certificate) -> Seqno | None:
    """Find where an identity begins with which a history ends."""
    begin: Seqno | None = None
    for segment in reversed(segments):
        salvaged = Salvaged.of(segment.chunk.name, segment.chunk.path.read_bytes())
        for seqno in range(segment.last, segment.first - 1, -1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            write_set = Transaction.parse(entry).domain.write_set
            value = write_set.get(SERVICE_INFO, {}).get(SINGLE_KEY)
            if value is None:
                continue
            pem = record.text(json.loads_object(value), "cert")
            if Certificate.from_pem(pem).public_key != service.public_key:
                return begin
            begin = seqno
    return begin
