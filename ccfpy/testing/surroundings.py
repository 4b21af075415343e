"""What is around a simulated node: its host's blobs and snapshots, and other nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.base.ports import Platform
from ccfpy.boundary.effects import (
    AppendLedger,
    BeginLedger,
    CommitLedger,
    CommitSnapshot,
    DescribeMetrics,
    Effect,
    ForgetBlobs,
    ForgetPeer,
    IdentityMade,
    KeepSealedSecret,
    KeepSession,
    OpenLedger,
    ReadBlob,
    ReadLedger,
    ReadMore,
    ReadSnapshot,
    RecoverLedger,
    ReportMetrics,
    ReportTrace,
    SetPeer,
    Stop,
    StoreBlob,
    TruncateLedger,
    Wake,
    WriteLog,
    WriteSnapshot,
)
from ccfpy.boundary.events import BlobRead, LedgerRead, SnapshotRead
from ccfpy.ledger.snapshot import SnapshotName


class BlobShelf:
    """The blobs that one node gave its host.

    Attributes:
        blobs: by series and name.
    """

    def __init__(self) -> None:
        self.blobs: dict[tuple[int, str], bytes] = {}

    def keep(self, effect: StoreBlob | ForgetBlobs) -> None:
        """Keep a blob, or remove those of a series."""
        if isinstance(effect, StoreBlob):
            self.blobs[effect.series, effect.name] = effect.data
            return
        self.blobs = {
            key: data for key, data in self.blobs.items() if key[0] != effect.series
        }

    def read(self, effect: ReadBlob) -> BlobRead:
        """Return a blob, or None if it is not there."""
        data = self.blobs.get((effect.series, effect.name))
        return BlobRead(request=effect.request, data=data)


class SnapshotFolder:
    """Files by name, final or not.

    Attributes:
        files: a test may add, damage and remove files.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, effect: WriteSnapshot) -> None:
        """Write a part of a file that is not final."""
        name = str(SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno))
        assert effect.is_first is (name not in self.files), name
        self.files[name] = self.files.get(name, b"") + effect.data

    def commit(self, effect: CommitSnapshot) -> None:
        """Complete a file with its receipt, and give it its final name."""
        name = SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno)
        data = self.files.pop(str(name)) + effect.receipt
        self.files[str(name.committed())] = data

    def committed(self) -> dict[str, bytes]:
        """Return the final files, oldest first."""
        named = sorted((SnapshotName.parse(name), name) for name in self.files)
        return {name: self.files[name] for parsed, name in named if parsed.is_committed}

    def read(self, effect: ReadSnapshot) -> SnapshotRead:
        """Answer a read as a host does."""
        final = self.committed()
        name = effect.name
        if name is None:
            name = next(reversed(final), None)
            if name is not None and SnapshotName.parse(name).seqno < effect.since:
                name = None
        data = None if name is None else final.get(name)
        if data is None:
            return SnapshotRead(
                request=effect.request, name=None, size=0, start=effect.start, data=b""
            )
        stop = min(effect.stop, effect.start + limits.SNAPSHOT_READ_BYTES_MAX)
        return SnapshotRead(
            request=effect.request,
            name=name,
            size=len(data),
            start=effect.start,
            data=data[effect.start : stop],
        )


class Timed(Protocol):
    """A node whose time can be advanced."""

    def advance(self, ms: int) -> object:
        """Advance time."""
        ...


Resident_contra = TypeVar("Resident_contra", contravariant=True)
"""The kind of node around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a service whose nodes are gone.

    Attributes:
        entries: its ledger, from the first entry.
        snapshots: its final snapshots, by name.
        identity: its certificate as PEM.
        lost_ms: when it was lost, on the clock of its nodes.
    """

    entries: tuple[bytes, ...]
    snapshots: Mapping[str, bytes] = field(default_factory=dict)
    identity: str
    lost_ms: int = 0


@dataclass(slots=True)
class Recorded:
    """What a node's host was given.

    Attributes:
        sent: ciphertext by session.
        after: where the ledger begins: 0, or where a snapshot ends.
        entries: the ledger from there on, entry by entry.
        recovered_to: where the ledger of a lost service ends, as long as what follows
            may be given up.
        commit: the last seqno reported final.
        sealed: the files of sealed ledger secrets, by version.
        traces: of requests, if the node was told that they are wanted.
    """

    effects: list[Effect] = field(default_factory=list)
    sent: dict[SessionId, bytearray] = field(default_factory=dict)
    closed: set[SessionId] = field(default_factory=set)
    after: int = 0
    entries: list[bytes] = field(default_factory=list)
    recovered_to: int | None = None
    logs: list[WriteLog] = field(default_factory=list)
    commit: int = 0
    snapshots: SnapshotFolder = field(default_factory=SnapshotFolder)
    blobs: BlobShelf = field(default_factory=BlobShelf)
    sealed: dict[int, bytes] = field(default_factory=dict)
    identity: IdentityMade | None = None
    stop: Stop | None = None
    traces: list[ReportTrace] = field(default_factory=list)

    def keep_ledger(self, effect: Effect) -> None:
        """Carry out a node's effects on the ledger and on what is kept beside it."""
        match effect:
            case AppendLedger():
                assert effect.first_seqno == self.after + len(self.entries) + 1
                self.entries += effect.entries
            case CommitLedger():
                self.commit = effect.seqno
            case BeginLedger():
                assert not self.entries
                self.after, self.recovered_to = effect.after, effect.recovered_to
            case TruncateLedger():
                del self.entries[effect.seqno - self.after :]
            case RecoverLedger():
                self._recover(effect.after)
            case OpenLedger():
                self.recovered_to = None
            case KeepSealedSecret():
                self.sealed[effect.version] = effect.data
            case (
                ReadMore()
                | KeepSession()
                | Wake()
                | DescribeMetrics()
                | ReportMetrics()
            ):
                pass  # for the host's ends of connections
            case ReportTrace():
                self.traces.append(effect)
            case _:
                raise AssertionError(f"a node of one asks for no {effect}")

    def read_ledger(self, effect: ReadLedger) -> LedgerRead:
        """Answer a read as a host does."""
        first, last = effect.first - self.after - 1, effect.last - self.after
        entries = tuple(self.entries[first:last]) if first >= 0 else ()
        return LedgerRead(
            request=effect.request,
            first=effect.first,
            last=effect.first + len(entries) - 1 if entries else effect.last,
            entries=entries or None,
        )

    def _recover(self, after: int) -> None:
        self.recovered_to = after
        if after > self.after + len(self.entries):
            # A snapshot alone: the ledger goes on where it ends.
            self.entries.clear()
            self.after = after
        del self.entries[after - self.after :]


class Outside(Protocol[Resident_contra]):
    """What is beyond a node's own host: other nodes, and time for all of them."""

    @property
    def platform(self) -> Platform | None:
        """The platform of the nodes, if it seals secrets for them."""
        ...

    def take(self, node: Resident_contra, effect: Effect) -> bool:
        """Carry out an effect of ``node``, if it concerns more than its host."""
        ...

    def settle(self) -> None:
        """Deliver messages between nodes until none is under way."""
        ...

    def pass_time(self, node: Resident_contra, ms: int) -> None:
        """Advance time for ``node`` and for the nodes around it."""
        ...


class Alone:
    """No other nodes; a platform that seals secrets, or none."""

    platform: Platform | None = None

    def take(self, node: Timed, effect: Effect) -> bool:
        """Ignore every effect but one: where the nodes of a lost service were."""
        del node
        return isinstance(effect, SetPeer | ForgetPeer)

    def settle(self) -> None:
        """Do nothing: no message is under way."""

    def pass_time(self, node: Timed, ms: int) -> None:
        """Advance time for the node."""
        node.advance(ms)
