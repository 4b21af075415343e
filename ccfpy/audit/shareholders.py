"""Whose shares a recovery needs, and whose were handed in, as a ledger tells.

Members must hand in shares as the lost service's ledger ends. How the recovery stands
is told by the ledger of the node that recovers: shares that members handed in are
encrypted; whose they are is public, and so is whether any are needed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.audit.tail import Salvaged, Segment
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.kv.changes import Writes
from ccfpy.ledger import record
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.tables import RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery

MEMBERS = "public:ccf.gov.members.info"
CERTIFICATES = "public:ccf.gov.members.certs"
ENCRYPTION_KEYS = "public:ccf.gov.members.encryption_public_keys"
CONFIGURATION = "public:ccf.gov.service.config"
_TABLES = (MEMBERS, CERTIFICATES, ENCRYPTION_KEYS, CONFIGURATION, RECOVERY_SHARES)
OWNER = "Owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shareholder:
    """One member.

    Attributes:
        id: the digest of its certificate.
        status: whether it is active.
        role: what it holds of the key: nothing, a share, or all of it.
        has_share: whether the last shares that were issued include one for it.
        data: what the consortium says of it.
        encrypted_share: that share, which the member's encryption key opens.
    """

    id: MemberId
    status: str
    role: str
    has_share: bool
    data: json.Json
    encrypted_share: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shareholders:
    """All members, and how many shares are needed."""

    threshold: int
    members: Sequence[Shareholder]

    @property
    def holding(self) -> list[Shareholder]:
        """Those who have something to hand in."""
        return [member for member in self.members if member.has_share]


@dataclass(slots=True)
class _Tables:
    """Some tables' contents, as of the last transaction read."""

    values: dict[str, dict[bytes, bytes]] = field(
        default_factory=lambda: {name: {} for name in _TABLES}
    )

    def apply(self, name: str, writes: Writes) -> None:
        held = self.values[name]
        for key, value in writes.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value


def read_shareholders(
    segments: Sequence[Segment], snapshot: Path | None = None
) -> Shareholders:
    """Read them from entries that were verified.

    Args:
        segments: the entries.
        snapshot: one that was verified; what is before it is not read.

    Raises:
        Malformed: a record has not its form.
        OSError: a file cannot be read.
    """
    tables = _Tables()
    begin: Seqno = 1
    if snapshot is not None:
        parsed = Snapshot.parse(snapshot.read_bytes())
        begin = parsed.seqno + 1
        for name, _, entries in parsed.public.maps:
            if name in tables.values:
                tables.apply(name, {key: value for key, _, value in entries})
    for segment in segments:
        if segment.last < begin:
            continue
        chunk = segment.chunk
        salvaged = Salvaged.of(chunk.name, chunk.path.read_bytes())
        for seqno in range(max(begin, segment.first), segment.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            write_set = Transaction.parse(entry).domain.write_set
            for name in _TABLES:
                if name in write_set:
                    tables.apply(name, write_set[name])
    return _read(tables.values)


def _read(tables: dict[str, dict[bytes, bytes]]) -> Shareholders:
    config = tables[CONFIGURATION].get(SINGLE_KEY)
    issued = tables[RECOVERY_SHARES].get(SINGLE_KEY)
    shares: Mapping[MemberId, bytes] = {}
    if issued is not None:
        shares = recovery.SHARES.codec.decode(issued).encrypted_shares
    threshold = 0
    if config is not None:
        stated = json.loads_object(config).get("recovery_threshold")
        if not isinstance(stated, int):
            raise Malformed("a service's configuration without a recovery threshold")
        threshold = stated
    return Shareholders(
        threshold=threshold,
        members=[
            _member(key, value, tables, shares)
            for key, value in sorted(tables[MEMBERS].items())
        ],
    )


def _member(
    key: bytes,
    value: bytes,
    tables: dict[str, dict[bytes, bytes]],
    shares: Mapping[MemberId, bytes],
) -> Shareholder:
    fields = json.loads_object(value)
    member = MemberId(key.decode("ascii", "replace"))
    implied = "Participant" if key in tables[ENCRYPTION_KEYS] else "NonParticipant"
    return Shareholder(
        id=member,
        status=record.text(fields, "status"),
        role=record.optional_text(fields, "recovery_role") or implied,
        has_share=member in shares,
        data=fields.get("member_data"),
        encrypted_share=shares.get(member),
    )


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
