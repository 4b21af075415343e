"""Reading on in one file from a signature that was verified, to a further one.

Entries after that signature are verified as any auditor does. What a file has beyond
the last signature that verifies is its end, with the reason if it is not believed.

The entries of a ledger file, as many as can be found, however damaged it is.

An auditor refuses a file whose structure is broken. To repair a ledger, the entries
before the break are needed. They are found by walking their frames, whatever the header
and the positions table say. The auditor then verifies these entries.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Self

from ccfpy.audit.auditor import (
    Auditor,
    AuditState,
    ChunkFile,
    Damage,
    Finding,
    ServiceSeen,
    Summary,
)
from ccfpy.audit.chunks import ChunkPath
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.chunk import HEADER_BYTES, Chunk, ChunkDamaged, ChunkName, header
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.frame import entry_end
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.open_chunk import OpenChunk
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tables import TREE, single_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """The whole entries from the beginning of a file.

    Attributes:
        name: what the file is called.
        data: its bytes.
        positions: each entry's offset.
        end: the offset just after the last one.
        trouble: what is wrong with the structure, and at which offset.
    """

    name: ChunkName
    data: bytes
    positions: Sequence[int]
    end: int
    trouble: tuple[str, int] | None

    @classmethod
    def of(cls, name: ChunkName, data: bytes) -> Self:
        """Find what there is; never more entries than a complete file's name says."""
        try:
            chunk = Chunk.parse(name, data)
        except ChunkDamaged as error:
            positions, end = _walk(name, data)
            trouble = str(error), error.position
            return cls(
                name=name, data=data, positions=positions, end=end, trouble=trouble
            )
        return cls(
            name=name,
            data=data,
            positions=chunk.positions,
            end=chunk.end,
            trouble=None,
        )

    @property
    def last(self) -> Seqno:
        """The seqno of the last entry, or just before the first if there is none."""
        return self.name.first + len(self.positions) - 1

    def stop(self, seqno: Seqno) -> int:
        """Return the offset just after an entry; of the one before the first, too."""
        following = seqno + 1 - self.name.first
        assert 0 <= following <= len(self.positions), (seqno, self.name)
        if following < len(self.positions):
            return self.positions[following]
        return self.end if self.positions else HEADER_BYTES

    def complete(self, first: Seqno, last: Seqno) -> tuple[ChunkName, bytes]:
        """Write some of the entries as a complete file of their own."""
        start, stop = self.stop(first - 1), self.stop(last)
        chunk = OpenChunk(first, is_recovery=self.name.is_recovery)
        for seqno in range(first, last + 1):
            chunk.append(self.stop(seqno) - self.stop(seqno - 1))
        name, table, begin = chunk.close()
        return name, b"".join((begin, self.data[start:stop], table))

    def cut(self, last: Seqno) -> tuple[ChunkName, bytes]:
        """Write the file anew, ending with ``last``; it stays open or committed."""
        if self.name.is_open:
            kept = self.data[HEADER_BYTES : self.stop(last)]
            return self.name, header(0) + kept
        name, data = self.complete(self.name.first, last)
        return (name.committed() if self.name.is_committed else name), data

    def file(self, first: Seqno, last: Seqno) -> ChunkFile:
        """Return some of the entries as auditors take them."""
        name, data = self.complete(first, last)
        return ChunkFile(str(name), partial(bytes, data))


def _walk(name: ChunkName, data: bytes) -> tuple[list[int], int]:
    count = None if name.last is None else name.last - name.first + 1
    positions: list[int] = []
    at = HEADER_BYTES
    while count is None or len(positions) < count:
        try:
            following = entry_end(data, at)
        except Malformed:
            break
        if following > len(data):
            break
        positions.append(at)
        at = following
    return positions, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Entries that verify, and the file they are taken from.

    Attributes:
        chunk: the file.
        first: the seqno of the first entry taken.
        last: of the last, which is a signature.
        is_whole: the file is these entries and nothing else, and sound.
    """

    chunk: ChunkPath
    first: Seqno
    last: Seqno
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What a file has after the last signature that verifies.

    Attributes:
        chunk: the file.
        last: the seqno of the last whole entry after it, or that signature's own.
        torn_bytes: bytes that belong to no whole entry.
        damage: why nothing more was believed, if it is not just the end.
    """

    chunk: ChunkPath
    last: Seqno
    torn_bytes: int
    damage: Damage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A signature that was reached, and how.

    Attributes:
        state: the auditor's there; nothing before the first entry.
        identities: the service's certificates up to there.
        segment: the entries that led to it.
        before: the signature from which they did.
    """

    state: AuditState | None
    identities: tuple[Certificate, ...] = ()
    segment: Segment | None = None
    before: "Step | None" = None

    @property
    def next_seqno(self) -> Seqno:
        """The entry that must follow."""
        return 1 if self.state is None else self.state.last_signed.seqno + 1

    @property
    def last_signed(self) -> TxId | None:
        """The signature."""
        return None if self.state is None else self.state.last_signed

    @property
    def key(self) -> tuple[Seqno, bytes]:
        """What tells it from every other."""
        return (0, b"") if self.state is None else key_of(self.state)

    def segments(self) -> list[Segment]:
        """Return all entries that led to the signature, in order."""
        found: list[Segment] = []
        step: Step | None = self
        while step is not None:
            if step.segment is not None:
                found.append(step.segment)
            step = step.before
        return found[::-1]


def key_of(state: AuditState) -> tuple[Seqno, bytes]:
    """Return what tells a signature, and all before it, from every other."""
    return state.last_signed.seqno, state.tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of reading on in one file: a further signature, or its end.

    Attributes:
        next: the last signature that it leads to.
        tail: what it has, if it leads to none.
        is_refuting: a signature in it shows that the last one before it was changed.
    """

    next: Step | None = None
    tail: Tail | None = None
    is_refuting: bool = False

    @classmethod
    def make(
        cls,
        step: Step,
        chunk: ChunkPath,
        salvaged: Salvaged,
        refuted: AbstractSet[tuple[Seqno, bytes]],
    ) -> "Attempt":
        """Read on.

        Args:
            step: the signature from which.
            chunk: the file.
            salvaged: its entries.
            refuted: signatures that must not be reached.
        """
        first, last = step.next_seqno, salvaged.last
        damage: Damage | None = None
        while last >= first:
            told = _audit(step.state, salvaged.file(first, last))
            damage = told.damage or damage
            blamed = None if told.damage is None else told.damage.seqno
            if blamed is not None and blamed <= told.signed:
                if not _is_changed(step.state, salvaged, first, told.signed):
                    blamed = None
                elif blamed < first:
                    tail = _end(chunk, salvaged, first - 1, damage=damage)
                    return cls(tail=tail, is_refuting=True)
            if told.signed < first:
                break
            if blamed is not None and blamed <= told.signed:
                last = blamed - 1
                continue
            reached = told
            if reached.state is None:  # something follows the signature
                reached = _audit(step.state, salvaged.file(first, told.signed))
            assert reached.state is not None, "it ends with a verified signature"
            if key_of(reached.state) in refuted:
                last = told.signed - 1
                continue
            return cls(next=cls._step(step, chunk, salvaged, reached))
        return cls(tail=_end(chunk, salvaged, first - 1, damage=damage))

    @staticmethod
    def _step(
        before: Step, chunk: ChunkPath, salvaged: Salvaged, reached: "_Told"
    ) -> Step:
        is_whole = (
            before.next_seqno == chunk.name.first
            and reached.signed == salvaged.last
            and salvaged.end + _after(salvaged) == len(salvaged.data)
            and salvaged.trouble is None
        )
        segment = Segment(
            chunk=chunk,
            first=before.next_seqno,
            last=reached.signed,
            is_whole=is_whole,
        )
        return Step(
            state=reached.state,
            identities=_identities(before.identities, reached.findings),
            segment=segment,
            before=before,
        )


class _Told(NamedTuple):
    """What an audit of some entries tells.

    Attributes:
        signed: the last signature, be it before them; or 0.
        state: the auditor's at their end, if that is a signature.
    """

    findings: Sequence[Finding]
    damage: Damage | None
    signed: Seqno
    state: AuditState | None


def _is_changed(
    state: AuditState | None, salvaged: Salvaged, first: Seqno, signed: Seqno
) -> bool:
    """Return whether the next signature shows that the last signature's entry changed.

    It does if it signs the tree that it carries, and that tree has all that the last
    signature signed. Otherwise this is another history, or the tree was changed.
    """
    if signed >= first:
        state = _audit(state, salvaged.file(first, signed)).state
    if state is None:
        return False
    first = signed + 1
    trust = state.trust.copy()
    try:
        for seqno in range(first, salvaged.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            write_set = Transaction.parse(entry).domain.write_set
            trust.apply(write_set, last_root=None)
            if not is_signature(write_set):
                continue
            stored = single_value(write_set, TREE)
            if stored is None:
                return False
            tree = MerkleTree.deserialise(stored)
            trust.verify_signature(write_set, tree.root())
            return tree.first <= signed and tree.root(signed) == state.last_root
    except CcfpyError:
        return False
    return False


def _after(salvaged: Salvaged) -> int:
    """Count the bytes that follow a sound file's entries: its table's, if complete."""
    is_complete = int.from_bytes(salvaged.data[:8], "little") != 0
    return 4 * len(salvaged.positions) if is_complete else 0


def _end(
    chunk: ChunkPath, salvaged: Salvaged, signed: Seqno, *, damage: Damage | None
) -> Tail | None:
    """Return what a file has after ``signed``, if it has anything."""
    begin = salvaged.stop(signed) if salvaged.last >= signed else salvaged.end
    torn = len(salvaged.data) - salvaged.end - _after(salvaged)
    if salvaged.trouble is not None:
        reason, position = salvaged.trouble
        if damage is None:
            damage = Damage(
                file=str(chunk.name), position=position, seqno=None, reason=reason
            )
        torn = len(salvaged.data) - salvaged.end
    elif damage is not None:
        seqno = damage.seqno
        is_here = seqno is not None and salvaged.name.first <= seqno <= salvaged.last
        at = salvaged.stop(seqno - 1) if seqno is not None and is_here else begin
        damage = replace(damage, file=str(chunk.name), position=at)
    if salvaged.last <= signed and torn <= 0 and damage is None:
        return None
    last = max(salvaged.last, signed) if damage is None else signed
    return Tail(chunk=chunk, last=last, torn_bytes=max(torn, 0), damage=damage)


def _audit(state: AuditState | None, file: ChunkFile) -> _Told:
    auditor = Auditor() if state is None else Auditor.resume(state)
    findings = [*auditor.read(file)]
    after = auditor.state
    findings.extend(auditor.finish())
    *told, summary = findings
    assert isinstance(summary, Summary), "an audit ends with one"
    damage = next((each for each in told if isinstance(each, Damage)), None)
    signed = 0 if summary.last_signed is None else summary.last_signed.seqno
    return _Told(findings=told, damage=damage, signed=signed, state=after)


def _identities(
    known: tuple[Certificate, ...], findings: Iterable[Finding]
) -> tuple[Certificate, ...]:
    found = list(known)
    for finding in findings:
        if not isinstance(finding, ServiceSeen):
            continue
        if finding.is_new_identity:
            found.append(finding.service)
        elif found:
            found[-1] = finding.service  # renewed: the same key
        else:
            found.append(finding.service)
    return tuple(found)
