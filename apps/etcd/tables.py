"""The tables. Keys, values and leases are private; nothing of them is public."""

import struct
from dataclasses import dataclass
from typing import TypeVar

from apps.etcd.fields import data, int64, message, nested
from apps.etcd.messages import KeyValue
from apps.etcd.wire import decode, encode
from ccfpy.app import RAW, Codec, Malformed, Map, Set, Value, json_codec

T = TypeVar("T")

_I64 = struct.Struct(">q")
_ROW = struct.Struct(">QI")


def codec_of(cls: type[T]) -> Codec[T]:
    """Keep messages of a class in protobuf."""
    return Codec(encode=encode, decode=lambda content: decode(cls, content))


def _read_lease_id(content: bytes) -> int:
    if len(content) != _I64.size:
        raise Malformed(f"a lease's id is {_I64.size} bytes, not {len(content)}")
    lease_id: int = _I64.unpack(content)[0]
    return lease_id


LEASE_ID = Codec(encode=_I64.pack, decode=_read_lease_id)


def row_of(revision: int, place: int = 0) -> bytes:
    """Return the key of a change: rows are in the order of changes."""
    return _ROW.pack(revision, place)


def end_row_of(ends_ms: int, lease_id: int) -> bytes:
    """Return the row of a lease's end: rows are in the order of ends."""
    return _I64.pack(ends_ms) + LEASE_ID.encode(lease_id)


def lease_that_ends(row: bytes) -> int:
    """Return the lease of whose end a row is."""
    return _read_lease_id(row[_I64.size :])


def revision_of(row: bytes) -> int:
    """Return the revision to which a change belongs."""
    revision: int = _ROW.unpack(row)[0]
    return revision


@message
class Change:
    """What a revision replaced: the key, and what stood under the key before."""

    key: bytes = data(1)
    previous: KeyValue | None = nested(2, lambda: KeyValue)


@message
class Lease:
    """A lease: how long it lasts when renewed, and its end by the host's clock."""

    ttl_s: int = int64(1)
    ends_ms: int = int64(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Where the store stands.

    Attributes:
        revision: of the last write.
        compacted: revisions before this one are forgotten.
        leases: how many there are.
    """

    revision: int = 1
    compacted: int = 0
    leases: int = 0


KEYS = Map("etcd.keys", RAW, codec_of(KeyValue))
"""Every key as it is now."""
CHANGES = Map("etcd.changes", RAW, codec_of(Change))
"""What each revision replaced, by `row_of`. Read backwards from now, the changes lead
to any revision that is not compacted."""
COUNTERS = Value("etcd.counters", json_codec(Counters))
LEASES = Map("etcd.leases", LEASE_ID, codec_of(Lease))
ENDS = Set("etcd.ends", RAW)
"""When leases end, by `end_row_of`: the next comes first."""
LEASED = Set("etcd.leased", RAW)
"""The keys of each lease: the lease's id, and the key behind it."""
CLAIM_KEY = Value("etcd.claim_key", RAW)
"""The secret of the last transaction's claims (`claims`)."""
CONFIRMED = Value("public:etcd.confirmed", RAW)
"""Written where a call changes nothing, and its answer must be of the last state."""
