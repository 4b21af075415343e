"""The ledger in the end against what clients were told, and its entries' IVs.

Every entry carries its AES-GCM IV in the clear: seqno and view. The key is the ledger
secret, one at a time for the whole service, so two entries of one IV and different
bytes, in the files of any node, are two messages under one key and nonce: their holder
can forge entries, and learns how their plaintexts differ.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Entry
from ccfpy.ledger.frame import FRAME_BYTES
from tests.lab.consistency.facts import Facts
from tests.lab.consistency.history import Answered, InLedger, Op
from tests.lab.consistency.properties import Inconsistent, Property
from tests.lab.consistency.statuses import Verdicts

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId


def check_ledger(
    facts: Facts,
    committed: Mapping[Op, Answered],
    verdicts: Verdicts,
    ledger: Iterable[InLedger],
) -> None:
    """Check that the ledger has every committed write, once, in order.

    Raises:
        Inconsistent: the ledger does not.
    """
    kept: dict[Op, InLedger] = {}
    objects: dict[str, list[Op]] = {}
    for entry in ledger:
        _check_sent(facts, entry)
        if entry.op in kept:
            raise Inconsistent(
                Property.NOTHING_DUPLICATED,
                f"write {entry.op} is twice in the ledger",
                [kept[entry.op], entry],
            )
        kept[entry.op] = entry
        objects.setdefault(entry.key, []).append(entry.op)
    for op, write in facts.writes.items():
        if op in kept and verdicts.is_invalid(write.txid):
            raise Inconsistent(
                Property.NOTHING_INVALID_KEPT,
                f"write {op} is invalid and in the ledger",
                [write, kept[op]],
            )
    for op, write in committed.items():
        if op not in kept:
            raise Inconsistent(
                Property.NOTHING_LOST,
                f"committed write {op} is not in the ledger",
                [write],
            )
    _check_order(facts, kept, objects)


def _check_sent(facts: Facts, entry: InLedger) -> None:
    request = facts.requests.get(entry.op)
    if request is None or not request.is_write or request.key != entry.key:
        raise Inconsistent(
            Property.ONLY_SENT_IN_LEDGER,
            f"the ledger has write {entry.op} to {entry.key!r}, which nobody sent",
            [entry] if request is None else [request, entry],
        )


def _check_order(
    facts: Facts, kept: Mapping[Op, InLedger], objects: Mapping[str, list[Op]]
) -> None:
    for writes in objects.values():
        for place, op in enumerate(writes, 1):
            entry, answer = kept[op], facts.writes.get(op)
            if entry.count != place:
                raise Inconsistent(
                    Property.NOTHING_REORDERED,
                    f"write {op} is number {place} of its object in the ledger and "
                    f"says {entry.count}",
                    [entry],
                )
            if answer is None:
                continue
            first = place - len(answer.tail)
            if (
                answer.txid != entry.txid
                or answer.count != place
                or answer.tail != tuple(writes[first:place])
            ):
                raise Inconsistent(
                    Property.NOTHING_REORDERED,
                    f"write {op} is in the ledger elsewhere than it was answered",
                    [answer, entry],
                )


@dataclass(frozen=True, slots=True)
class _Found:
    digest: bytes
    where: str


class Ivs:
    """Every IV that was used, and the bytes it was used for."""

    def __init__(self) -> None:
        self._found: dict[tuple[TxId, bool], _Found] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def add_chunk(self, name: str, data: bytes, *, where: str) -> None:
        """Add every whole entry of a ledger file.

        Args:
            name: the file's own name.
            data: its bytes; an open chunk may end within an entry.
            where: what to call the file in an error.

        Raises:
            Inconsistent: an entry's IV has served before, for other bytes.
            Malformed: it is not a ledger file.
        """
        chunk = Chunk.parse(ChunkName.parse(name), data)
        for _, _, entry in chunk.entries():
            self.add(entry, where=where)

    def add(self, data: bytes, *, where: str) -> None:
        """Add one entry; raises as ``add_chunk``."""
        entry = Entry.parse(data)
        found = _Found(sha256(data[FRAME_BYTES:]), where)
        before = self._found.setdefault((entry.txid, entry.is_snapshot), found)
        if before.digest != found.digest:
            raise Inconsistent(
                Property.UNIQUE_KEY_IV,
                f"the IV of {entry.txid} serves one entry in {before.where} and "
                f"another in {where}",
            )
