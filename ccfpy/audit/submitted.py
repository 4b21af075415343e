"""How a recovery stands, from the ledger of who recovers.

Shares that members handed in are encrypted; whose they are is public, and so is whether
any are needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ccfpy.audit.salvage import Salvaged
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.tables import SINGLE_KEY

SUBMITTED = "public:ccf.internal.encrypted_submitted_shares"
RECOVERY_TYPE = "public:ccf.internal.last_recovery_type"
UNSEALED = b'"LOCAL_UNSEALING"'


def submitted_shares(folders: Iterable[Path], *, after: Seqno) -> frozenset[MemberId]:
    """Read them; an end that is just being written is left for the next time.

    Args:
        folders: of the recovering node's ledger, provisional files included.
        after: the last seqno of the lost service.

    Raises:
        OSError: a folder cannot be read.
    """
    has: set[MemberId] = set()
    for writes in _writes(folders, SUBMITTED, after):
        for key, value in writes.items():
            member = MemberId(key.decode("ascii", "replace"))
            (has.discard if value is None else has.add)(member)
    return frozenset(has)


def was_unsealed(folders: Iterable[Path], *, after: Seqno) -> bool:
    """Return whether a node opened the lost service's secrets from a sealed copy.

    Known once members' decision to go on from the lost service is in the ledger. Takes
    and raises the same as ``submitted_shares``.
    """
    last: bytes | None = None
    for writes in _writes(folders, RECOVERY_TYPE, after):
        last = writes.get(SINGLE_KEY, last)
    return last == UNSEALED


def _writes(
    folders: Iterable[Path], table: str, after: Seqno
) -> Iterator[Mapping[bytes, bytes | None]]:
    """Yield what is written to a public table, in order."""
    names = [
        (name, path)
        for folder in folders
        for path in folder.iterdir()
        if (name := _name(path)) is not None and (name.last or after + 1) > after
    ]
    for name, path in sorted(names, key=lambda each: each[0].first):
        try:
            salvaged = Salvaged.of(name, path.read_bytes())
        except FileNotFoundError:
            continue  # renamed since
        for seqno in range(max(name.first, after + 1), salvaged.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            try:
                yield Transaction.parse(entry).domain.write_set.get(table, {})
            except CcfpyError:
                break


def _name(path: Path) -> ChunkName | None:
    try:
        return ChunkName.parse(path.name)
    except Malformed:
        return None
