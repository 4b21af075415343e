"""Whatever may be left of services, found in folders and the folders in them.

A snapshot is the beginning of a ledger whose first files are not at hand.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.auditor import AuditState
from ccfpy.audit.chunks import ChunkPath
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.limits import DISCOVERED_FILES_MAX
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.snapshot import Snapshot, SnapshotName
from ccfpy.ledger.tables import SIGNATURES
from ccfpy.ledger.trust import TABLES, LedgerTrust

IGNORED = ".ignored"
_CCF_1_COMMITTED = re.compile(r"\.committed_[0-9]+$")
"""How CCF 1 ended a snapshot's name, with the seqno of its evidence's commit."""


class TooMany(CcfpyError):
    """More files than can be looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFound:
    """A snapshot's file.

    Attributes:
        path: where it lies.
        name: what its name says.
        service: the service that vouches for the file, if the file verifies.
        state: where an audit continues after the file, if the file verifies.
        trouble: why it does not.
    """

    path: Path
    name: SnapshotName
    service: Certificate | None = None
    state: AuditState | None = None
    trouble: str | None = None

    @classmethod
    def read(cls, path: Path, name: SnapshotName) -> "SnapshotFound":
        """Read and verify it.

        Raises:
            OSError: it cannot be read.
        """
        data = path.read_bytes()
        try:
            snapshot = Snapshot.parse(data)
            service = service_of(snapshot)
            snapshot.verify(service)
            if snapshot.seqno != name.seqno:
                raise Malformed(f"it is of seqno {snapshot.seqno}")
            state = state_of(snapshot)
        except CcfpyError as error:
            return cls(path=path, name=name, trouble=str(error))
        return cls(path=path, name=name, service=service, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What was found.

    Attributes:
        chunks: ledger files, but those of an unfinished recovery.
        snapshots: all that are named as such, the latest first.
        provisional: ledger files of an unfinished recovery, which its service never
            opened with.
        set_aside: ledger files that a node renamed for it did not go on from them.
    """

    chunks: Sequence[ChunkPath]
    snapshots: Sequence[SnapshotFound]
    provisional: Sequence[Path]
    set_aside: Sequence[Path] = ()


def find(folders: Iterable[Path]) -> Leftovers:
    """Look through folders.

    Raises:
        TooMany: there are more files than ``DISCOVERED_FILES_MAX``.
        OSError: a folder or a snapshot cannot be read.
    """
    chunks: list[ChunkPath] = []
    snapshots: list[SnapshotFound] = []
    provisional: list[Path] = []
    set_aside: list[Path] = []
    for path in _files(folders):
        chunk, snapshot = _names(path.name)
        if chunk is not None and chunk.is_recovery:
            provisional.append(path)
        elif chunk is not None:
            size = path.stat().st_size
            chunks.append(ChunkPath(name=chunk, path=path, size_bytes=size))
        elif snapshot is not None:
            snapshots.append(_snapshot(path, snapshot))
        elif _names(path.name.removesuffix(IGNORED))[0] is not None:
            set_aside.append(path)
    return Leftovers(
        chunks=chunks,
        snapshots=sorted(snapshots, key=lambda each: each.name, reverse=True),
        provisional=provisional,
        set_aside=set_aside,
    )


def sizes(folders: Iterable[Path]) -> list[tuple[Path, int]]:
    """Return all files in the folders, and how long each is.

    What was found is found again as long as this is the same.

    Raises:
        TooMany: as ``find``.
        OSError: as ``find``.
    """
    return [(path, path.stat().st_size) for path in _files(folders)]


def _snapshot(path: Path, name: SnapshotName) -> SnapshotFound:
    if name.is_committed:
        return SnapshotFound.read(path, name)
    trouble = "no receipt is in it, since it was not complete"
    if path.name != str(name):
        trouble = "no receipt is in it, since CCF 1 kept none there"
    return SnapshotFound(path=path, name=name, trouble=trouble)


def _names(name: str) -> tuple[ChunkName | None, SnapshotName | None]:
    with contextlib.suppress(Malformed):
        return ChunkName.parse(name), None
    of_ccf_1 = _CCF_1_COMMITTED.sub("", name)
    with contextlib.suppress(Malformed):
        return None, SnapshotName.parse(of_ccf_1)
    return None, None


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(20, "no folder", str(folder))
        for path in sorted(folder.resolve().rglob("*")):
            if path in seen or not path.is_file():
                continue
            seen.add(path)
            if len(seen) > DISCOVERED_FILES_MAX:
                raise TooMany(
                    f"more than {DISCOVERED_FILES_MAX} files in these folders: give "
                    "those alone that hold ledgers and snapshots"
                )
            yield path


def service_of(snapshot: Snapshot) -> Certificate:
    """Return the certificate of the service that a snapshot says it is of.

    Raises:
        Malformed: it says nothing.
    """
    service = _trust(snapshot).service
    assert service is not None, "a state has one"
    return service


def state_of(snapshot: Snapshot) -> AuditState:
    """Return the state from which an audit goes on after a snapshot.

    The caller must have verified the snapshot's receipt.

    Raises:
        Malformed: something is missing in it.
        VerificationFailed: its parts do not fit together.
    """
    value = snapshot.value(SIGNATURES)
    if value is None:
        raise Malformed("the snapshot holds no signature")
    signature = NodeSignature.parse(value)
    tree = snapshot.tree()
    if signature.txid.seqno != snapshot.seqno:
        raise Malformed(f"the snapshot's last signature is {signature.txid}")
    if tree.root(snapshot.seqno) != signature.root:
        raise VerificationFailed(f"{signature.txid} signs another tree's root")
    return AuditState(
        trust=_trust(snapshot),
        tree=tree.serialise(snapshot.seqno),
        view=signature.txid.view,
        signatures=1,
        last_signed=signature.txid,
        last_root=signature.root,
        signature_at=("", 0),
        signed_end=("", 0),
    )


def _trust(snapshot: Snapshot) -> LedgerTrust:
    return LedgerTrust.resume(
        {
            name: {key: value for key, _, value in entries}
            for name, _, entries in snapshot.public.maps
            if name in TABLES
        }
    )
