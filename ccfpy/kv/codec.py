"""Write sets as bytes, exactly as CCF writes them to its ledger.

A transaction has two domains, each a byte string: public maps with a header in front,
and private maps, which the ledger encrypts. Maps appear in name order, keys in byte
order, and only maps with changes appear. Older entry types and the read sets of older
writers can be read, but are not written. An error names the position of wrong bytes and
never their content, which may be confidential.
"""

import struct
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from ccfpy.base.codec import buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import MAP_NAMES_CACHED_MAX
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.kv.names import PUBLIC_PREFIX, is_public

DIGEST_BYTES = 32


class EntryType(IntEnum):
    """The first byte of a public domain: which fields its header has."""

    WRITE_SET = 0
    SNAPSHOT = 1
    WRITE_SET_WITH_CLAIMS = 2
    WRITE_SET_WITH_COMMIT_EVIDENCE = 3
    WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS = 4


_WITH_CLAIMS = (
    EntryType.WRITE_SET_WITH_CLAIMS,
    EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS,
)
_WITH_EVIDENCE = (
    EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE,
    EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS,
)


class PublicDomain(NamedTuple):
    """The clear part of an entry; a digest that its type lacks is ``None``."""

    entry_type: EntryType
    version: Seqno
    claims_digest: bytes | None
    commit_evidence_digest: bytes | None
    max_conflict_version: Seqno
    """0 in new entries; older ledgers have other values, which nothing uses."""
    write_set: WriteSet


_WRITTEN_TYPE = EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS
"""The one type that is written."""
_WRITTEN = int(_WRITTEN_TYPE)
_HEADER = struct.Struct("<BQ32s32sQ")
# What is unpacked has the types said here: of numbers of no type, compiled code would
# make objects for each step of reckoning.
_read_u64: Final[Callable[[bytes, int], tuple[int]]] = struct.Struct("<Q").unpack_from
_length: Final = struct.Struct("<Q").pack
_read_four_u64: Final[Callable[[bytes, int], tuple[int, int, int, int]]] = (
    struct.Struct("<4Q").unpack_from
)
_FOUR_U64_BYTES: Final = 32
_ZERO: Final = u64(0)
_ONE: Final = u64(1)


def serialise_maps(write_set: WriteSet) -> tuple[bytes, bytes]:
    """Write what changes in public and in private maps; either may be empty."""
    public: list[bytes] = []
    private: list[bytes] = []
    for name in sorted(write_set) if len(write_set) > 1 else write_set:
        # As is_public, without the call.
        fields = public if name.startswith(PUBLIC_PREFIX) else private
        fields.append(map_prefix(name))
        _add_writes(fields, write_set[name])
    return b"".join(public), b"".join(private)


@lru_cache(maxsize=MAP_NAMES_CACHED_MAX)
def map_prefix(name: str) -> bytes:
    """Write a map's name, read version and read count; the latter two are 0."""
    return buf(name.encode()) + _ZERO + _ZERO


def _add_writes(fields: list[bytes], writes: Writes) -> None:
    if len(writes) == 1:  # most often one value is written, which needs no loops
        ((key, value),) = writes.items()
        if value is not None:
            fields += (_ONE, _length(len(key)), key, _length(len(value)), value, _ZERO)
            return
    keys = sorted(writes)
    removed: list[bytes] = []
    count_at = len(fields)
    fields.append(_ONE)
    for key in keys:
        value = writes[key]
        if value is None:
            removed.append(key)
        else:
            fields += (_length(len(key)), key, _length(len(value)), value)
    fields[count_at] = _length(len(writes) - len(removed))
    fields.append(_length(len(removed)))
    for key in removed:
        fields += (_length(len(key)), key)


def parse_public(data: bytes) -> PublicDomain:
    """Read a public domain.

    Raises:
        Malformed: it is cut short, has bytes left over, names a map or a key twice, or
            is of an unknown type or a snapshot.
    """
    if not data:
        raise Malformed("expected a public domain, found nothing")
    if data[0] == _WRITTEN and len(data) >= _HEADER.size:
        # As below, in one step.
        _, version, claims, evidence, max_conflict_version = _HEADER.unpack_from(data)
        return PublicDomain(
            _WRITTEN_TYPE,
            version,
            claims,
            evidence,
            max_conflict_version,
            _parse_maps(data, _HEADER.size, public=True),
        )
    try:
        entry_type = EntryType(data[0])
    except ValueError:
        raise Malformed(f"unknown entry type {data[0]}") from None
    if entry_type is EntryType.SNAPSHOT:
        raise Malformed("expected a write set, found a snapshot")
    version, position = _u64(data, 1)
    claims = evidence = None
    if entry_type in _WITH_CLAIMS:
        claims, position = _bytes(data, position, DIGEST_BYTES)
    if entry_type in _WITH_EVIDENCE:
        evidence, position = _bytes(data, position, DIGEST_BYTES)
    max_conflict_version, position = _u64(data, position)
    write_set = _parse_maps(data, position, public=True)
    return PublicDomain(
        entry_type, version, claims, evidence, max_conflict_version, write_set
    )


def parse_private(data: bytes) -> WriteSet:
    """Read a decrypted private domain.

    Raises:
        Malformed: as for ``parse_public``.
    """
    return _parse_maps(data, 0, public=False)


def _parse_maps(data: bytes, position: int, *, public: bool) -> WriteSet:
    if position == len(data):
        return {}
    usual = parse_one_write(data, position, public=public)
    return _parse_any_maps(data, position, public=public) if usual is None else usual


def parse_one_write(data: bytes, position: int, *, public: bool) -> WriteSet | None:
    """Read what most domains are: one map, in which one value is written.

    Return nothing for any other bytes; `_parse_any_maps` then finds what they are.
    """
    try:
        name_at = position + 8
        counts_at = name_at + _read_u64(data, position)[0]
        _, reads, writes, key_bytes = _read_four_u64(data, counts_at)
        size_at = counts_at + _FOUR_U64_BYTES + key_bytes
        value_at = size_at + 8
        stop = value_at + _read_u64(data, size_at)[0]
    except (struct.error, OverflowError):
        return None
    if reads or writes != 1 or data[stop:] != _ZERO:
        return None
    name, is_name_public = _usual_name(data[name_at:counts_at])
    if is_name_public is not public:
        return None
    return {name: {data[size_at - key_bytes : size_at]: data[value_at:stop]}}


@lru_cache(maxsize=MAP_NAMES_CACHED_MAX)
def _known_name(raw: bytes) -> tuple[str, bool | None]:
    """Read a map's name, and whether it is public; neither, if it is no text."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return "", None
    return name, is_public(name)


_usual_name: Final = _known_name


def _parse_any_maps(data: bytes, position: int, *, public: bool) -> WriteSet:
    write_set: dict[str, Writes] = {}
    while position < len(data):
        raw_name, position = _buf(data, position)
        try:
            name = raw_name.decode()
        except UnicodeDecodeError:
            raise Malformed(f"map name before {position} is not UTF-8") from None
        if is_public(name) is not public:
            raise Malformed(f"map before {position} is in the wrong domain")
        if name in write_set:
            raise Malformed(f"map before {position} appears a second time")
        write_set[name], position = _parse_writes(data, position)
    return write_set


def _parse_writes(data: bytes, position: int) -> tuple[Writes, int]:
    _read_version, position = _u64(data, position)
    count, position = _u64(data, position)
    for _ in range(count):
        _key, position = _buf(data, position)
        _version, position = _u64(data, position)
    writes: dict[bytes, bytes | None] = {}
    count, position = _u64(data, position)
    total = count
    for _ in range(count):
        key, position = _buf(data, position)
        writes[key], position = _buf(data, position)
    count, position = _u64(data, position)
    total += count
    for _ in range(count):
        key, position = _buf(data, position)
        writes[key] = None
    if len(writes) != total:
        raise Malformed("a key appears twice in one map")
    return writes, position


def _u64(data: bytes, position: int) -> tuple[int, int]:
    try:
        value = _read_u64(data, position)[0]
    except struct.error:
        raise Malformed(f"write set is cut short at {position}") from None
    return value, position + 8


def _bytes(data: bytes, position: int, count: int) -> tuple[bytes, int]:
    stop = position + count
    if stop > len(data):
        raise Malformed(f"expected {count} bytes at {position}, found fewer")
    return data[position:stop], stop


def _buf(data: bytes, position: int) -> tuple[bytes, int]:
    count, position = _u64(data, position)
    return _bytes(data, position, count)
