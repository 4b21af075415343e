"""Which members have handed in recovery shares, from the ledger of who recovers.

The shares themselves are encrypted; whose they are is public.
"""

from collections.abc import Iterable
from pathlib import Path

from ccfpy.audit.salvage import Salvaged
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.entry import Transaction

SUBMITTED = "public:ccf.internal.encrypted_submitted_shares"


def submitted_shares(folders: Iterable[Path], *, after: Seqno) -> frozenset[MemberId]:
    """Read them; an end that is just being written is left for the next time.

    Args:
        folders: of the recovering node's ledger, provisional files included.
        after: the last seqno of the lost service.

    Raises:
        OSError: a folder cannot be read.
    """
    names = [
        (name, path)
        for folder in folders
        for path in folder.iterdir()
        if (name := _name(path)) is not None and (name.last or after + 1) > after
    ]
    has: set[MemberId] = set()
    for name, path in sorted(names, key=lambda each: each[0].first):
        try:
            salvaged = Salvaged.of(name, path.read_bytes())
        except FileNotFoundError:
            continue  # renamed since
        for seqno in range(max(name.first, after + 1), salvaged.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            try:
                writes = Transaction.parse(entry).domain.write_set.get(SUBMITTED, {})
            except CcfpyError:
                break
            for key, value in writes.items():
                member = MemberId(key.decode("ascii", "replace"))
                (has.discard if value is None else has.add)(member)
    return frozenset(has)


def _name(path: Path) -> ChunkName | None:
    try:
        return ChunkName.parse(path.name)
    except Malformed:
        return None
