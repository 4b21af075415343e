"""Cutting a ledger's files back to the entries that verify, up to a signature.

The plan is a value, and making it changes nothing. Carrying it out

1. first puts every file that will change or go into a *backup* folder, whole or not at
   all;
2. then removes files from the last to the first, and puts each shortened file into
   place as a whole. If this is interrupted at any point, the next attempt repairs the
   rest to the same ledger.

Entries that verify are never dropped, and other entries are never kept.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from ccfpy.audit.auditor import AuditState
from ccfpy.audit.chains import Chain, ChainSearch, StartRefuted, without_copies
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.fast_path import Begun, begin
from ccfpy.audit.in_use import InUse, alone_in
from ccfpy.audit.readers import Readers
from ccfpy.audit.tail import Salvaged, Tail
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.chunk import ChunkName

UNFINISHED = ".unfinished"
SHORTENED = ".shortened"
BACKUP = ".before-repair"


class NotRepairable(CcfpyError):
    """Files of which no ledger can be made by cutting off its end."""


class _Stamp(NamedTuple):
    """What shows that a file is no longer the one that was read."""

    inode: int
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "_Stamp":
        found = path.stat()
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A file to be written anew, up to its last signature that verifies.

    Attributes:
        chunk: the file.
        last: the seqno of that signature.
        becomes: its name afterwards.
    """

    chunk: ChunkPath
    last: Seqno
    becomes: ChunkName


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a repair would do.

    Attributes:
        last_signed: where the ledger would end.
        service: the service's certificate there.
        kept: how many files stay as they are.
        cuts: files to be shortened, or whose structure is written anew.
        gone: files to be taken out.
        ends: what was found beyond that signature, and why it is not believed.
        missing: the entries that no file has, though some have later ones.
        last_named: the last seqno that any file has or claims to have.
        stamps: of the files to be touched, as they were read.
    """

    last_signed: TxId
    service: Certificate
    kept: int
    cuts: Sequence[Cut]
    gone: Sequence[ChunkPath]
    ends: Sequence[Tail]
    missing: tuple[Seqno, Seqno] | None
    last_named: Seqno
    stamps: Sequence[tuple[Path, _Stamp]]

    @property
    def touched(self) -> list[ChunkPath]:
        """The files that would change."""
        return [*(cut.chunk for cut in self.cuts), *self.gone]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.touched)

    @property
    def is_damaged(self) -> bool:
        """Whether something is wrong, beyond an end that nobody has signed yet."""
        return (
            self.missing is not None
            or any(end.damage is not None for end in self.ends)
            or any(not chunk.name.is_open for chunk in self.touched)
        )


def all_chunks(folders: Iterable[Path]) -> list[ChunkPath]:
    """Find every chunk file in folders, but those of an unfinished recovery.

    Raises:
        OSError: a folder cannot be read.
    """
    found = []
    for folder in folders:
        for path in sorted(folder.iterdir()):
            try:
                name = ChunkName.parse(path.name)
            except Malformed:
                continue
            if not name.is_recovery and path.is_file():
                size = path.stat().st_size
                found.append(
                    ChunkPath(name=name, path=path.absolute(), size_bytes=size)
                )
    return found


def digest_of(chunk: ChunkPath) -> bytes:
    """Return the digest that tells a file's content from others.

    Raises:
        OSError: it cannot be read.
    """
    with chunk.path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def plan(
    chunks: Sequence[ChunkPath],
    readers: Readers,
    *,
    start: AuditState | None = None,
    on_read: Callable[[int], None] = lambda _count: None,
) -> Plan:
    """Plan the repair of a ledger.

    Args:
        chunks: all its files.
        readers: the processes that verify chunks.
        start: the state where the ledger begins, if it continues a snapshot.
        on_read: called with the number of bytes read.

    Raises:
        NotRepairable: no signature verifies, or not one ledger alone does.
        OSError: a file cannot be read.
    """
    stamps = {chunk: _Stamp.of(chunk.path) for chunk in chunks}
    distinct, copies = without_copies(chunks, digest_of)
    begun = Begun(state=start) if start else begin(distinct, readers, on_read=on_read)
    try:
        search, chains = _explore(distinct, begun, on_read)
    except StartRefuted as error:
        if start is not None:
            raise NotRepairable(str(error)) from error
        search, chains = _explore(distinct, Begun(), on_read)
    if len(chains) > 1:
        ends = " and ".join(sorted(str(chain.last) for chain in chains))
        raise NotRepairable(
            f"the files belong to {len(chains)} histories, which end at {ends}: see "
            "which with ccfpy recover --inspect, and put each into a folder of its own"
        )
    if not chains or not chains[0].segments:
        raise NotRepairable(_why_nothing(distinct, search, start))
    return _plan(chains[0], search, copies, stamps)


def _explore(
    chunks: Sequence[ChunkPath], begun: Begun, on_read: Callable[[int], None]
) -> tuple[ChainSearch, list[Chain]]:
    search = ChainSearch(chunks=chunks, on_read=on_read)
    found = search.chains(
        begun.state, identities=begun.identities, before=begun.segments
    )
    return search, list(found)


def _why_nothing(
    chunks: Sequence[ChunkPath], search: ChainSearch, start: AuditState | None
) -> str:
    following = 1 if start is None else start.last_signed.seqno + 1
    first = min(chunk.name.first for chunk in chunks)
    if first > following:
        return (
            f"the ledger begins at seqno {first}, so that nothing can be verified: add "
            "the folder with what is before, or give a snapshot with --snapshot"
        )
    damages = [end.damage for end in search.ends.values() if end.damage is not None]
    reason = f": {damages[0].file}: {damages[0].reason}" if damages else ""
    return f"no signature in these files verifies, so nothing would be left{reason}"


def _plan(
    chain: Chain,
    search: ChainSearch,
    copies: Mapping[ChunkPath, ChunkPath],
    stamps: Mapping[ChunkPath, _Stamp],
) -> Plan:
    taken = {segment.chunk: segment for segment in chain.segments}
    for segment in chain.segments:
        if segment.first != segment.chunk.name.first:
            raise NotRepairable(
                f"{segment.chunk.path} overlaps the file before it: move one of them "
                "away"
            )
    cuts = [
        Cut(
            chunk=segment.chunk,
            last=segment.last,
            becomes=_shortened(segment.chunk.name, segment.last),
        )
        for segment in chain.segments
        if not segment.is_whole
    ]
    gone = []
    for chunk in stamps:
        kept = copies.get(chunk, chunk)
        segment_of = taken.get(kept)
        if segment_of is not None:
            if chunk is not kept and not segment_of.is_whole:
                gone.append(chunk)  # the shortened file says the same
        elif kept in search.ends or not search.reached.get(kept):
            gone.append(chunk)
    touched = {*(cut.chunk for cut in cuts), *gone}
    for chunk in touched - search.read_to.keys():
        search.salvage(chunk)
    ends = {end.chunk: end for end in (*search.ends.values(), *chain.tails)}
    told = max((end.last for end in chain.tails), default=chain.last.seqno)
    later = [c.name.first for c in gone if c.name.first > told + 1]
    return Plan(
        last_signed=chain.last,
        service=chain.service,
        kept=len(stamps) - len(touched),
        cuts=cuts,
        gone=sorted(gone, key=lambda chunk: (chunk.name.first, chunk.path)),
        ends=[ends[chunk] for chunk in ends if chunk in touched],
        missing=(told + 1, min(later) - 1) if later else None,
        last_named=max(
            max(chunk.name.last or 0, search.read_to.get(chunk, 0)) for chunk in stamps
        ),
        stamps=[(chunk.path, stamps[chunk]) for chunk in touched],
    )


def _shortened(name: ChunkName, last: Seqno) -> ChunkName:
    if name.is_open:
        return name
    return ChunkName(first=name.first, last=last, is_committed=name.is_committed)


def default_backup(folder: Path) -> Path:
    """Name a folder for what is taken out of another, beside it."""
    number = 1
    while True:
        suffix = BACKUP if number == 1 else f"{BACKUP}-{number}"
        backup = folder.with_name(folder.name + suffix)
        if not backup.exists():
            return backup
        number += 1


def carry_out(
    plan: Plan,
    *,
    backup: Callable[[Path], Path] = default_backup,
    on_step: Callable[[], None] = lambda: None,
) -> list[Path]:
    """Repair the ledger; return the folders of the backups.

    Args:
        plan: what ``plan`` made.
        backup: names the folder, which must not exist, for what is taken out of one.
        on_step: is called before each change that lasts.

    Raises:
        InUse: a file has changed since, or somebody is writing.
        OSError: a file cannot be written; the old files are still in the backup.
    """
    by_folder: dict[Path, list[ChunkPath]] = {}
    for chunk in plan.touched:
        by_folder.setdefault(chunk.path.parent, []).append(chunk)
    with ExitStack() as held:
        for folder in by_folder:
            held.enter_context(alone_in(folder))
        for path, stamp in plan.stamps:
            if not path.exists() or _Stamp.of(path) != stamp:
                raise InUse(f"{path} has changed since it was read: is a node running?")
        kept = []
        for folder, chunks in by_folder.items():
            on_step()
            kept.append(_back_up(backup(folder), chunks))
        for chunk in reversed(plan.gone):
            on_step()
            chunk.path.unlink()
        for cut in reversed(plan.cuts):
            _cut(cut, on_step)
        for folder in by_folder:
            _sync(folder)
    return kept


def _back_up(folder: Path, chunks: Sequence[ChunkPath]) -> Path:
    unfinished = folder.with_name(folder.name + UNFINISHED)
    if unfinished.exists():
        shutil.rmtree(unfinished)  # an earlier attempt's
    unfinished.mkdir(parents=True)
    for chunk in chunks:
        target = unfinished / chunk.path.name
        shutil.copy2(chunk.path, target)
        _sync(target)
    _sync(unfinished)
    unfinished.rename(folder)
    _sync(folder.parent)
    return folder


def _cut(cut: Cut, on_step: Callable[[], None]) -> None:
    path = cut.chunk.path
    salvaged = Salvaged.of(cut.chunk.name, path.read_bytes())
    name, data = salvaged.cut(cut.last)
    assert name == cut.becomes, (name, cut)
    target = path.with_name(str(name))
    beside = path.with_name(f".{name}{SHORTENED}")
    beside.write_bytes(data)
    shutil.copymode(path, beside)
    _sync(beside)
    on_step()
    beside.replace(target)
    if target != path:
        on_step()
        path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
