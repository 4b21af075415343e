"""Snapshot domains: our own, damaged ones, and those that CCF recorded."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.codec import buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.kv.snapshot import (
    MapSnapshot,
    PublicSnapshot,
    parse_maps,
    parse_public_snapshot,
)
from ccfpy.kv.store import Store
from tests.unit.kv.plain_snapshot import (
    serialise_maps,
    serialise_public_snapshot,
    snapshot_of,
)

SEQNOS = st.integers(0, 2**63 - 1)
ENTRIES = st.lists(
    st.tuples(st.binary(max_size=20), SEQNOS, st.binary(max_size=20)),
    max_size=5,
    unique_by=lambda entry: entry[0],
)
MAPS = st.lists(
    st.builds(MapSnapshot, st.text(max_size=4), SEQNOS, ENTRIES),
    max_size=4,
    unique_by=lambda snapshot: snapshot.name,
)


def by_name(maps: "list[MapSnapshot] | tuple[MapSnapshot, ...]") -> list[object]:
    return [(m.name, m.version, sorted(m.entries)) for m in maps]


def test_keys_and_values_are_padded_to_eight_bytes() -> None:
    data = serialise_maps([MapSnapshot("m", 7, [(b"key", 3, b"value67890")])])
    state = b"".join(
        (
            *(u64(3), b"key", bytes(5)),
            *(u64(18), u64(3), b"value67890", bytes(6)),
        )
    )
    assert data == buf(b"m") + u64(7) + buf(state)


def test_entries_follow_the_hash_of_their_keys() -> None:
    keys = [bytes(8), b"a", b"b", b"user0", b"user1", b"x" * 17]
    entries = [(key, 1, b"") for key in keys]
    data = serialise_maps([MapSnapshot("m", 1, entries)])
    assert data == serialise_maps([MapSnapshot("m", 1, entries[::-1])])
    (parsed,) = parse_maps(data)
    # Fixed by CCF: the low 32 bits of SipHash-2-4 with its constant key.
    assert [key for key, _, _ in parsed.entries] != sorted(keys)
    assert sorted(key for key, _, _ in parsed.entries) == sorted(keys)


@given(MAPS)
def test_maps_are_read_back(maps: list[MapSnapshot]) -> None:
    assert by_name(parse_maps(serialise_maps(maps))) == by_name(maps)


@given(SEQNOS, st.binary(max_size=40), st.lists(SEQNOS, max_size=4), MAPS)
def test_a_public_domain_is_read_back(
    version: int, leaf: bytes, history: list[int], maps: list[MapSnapshot]
) -> None:
    snapshot = PublicSnapshot(version, leaf, tuple(history), tuple(maps))
    parsed = parse_public_snapshot(serialise_public_snapshot(snapshot))
    assert parsed[:3] == snapshot[:3]
    assert by_name(parsed.maps) == by_name(maps)


@given(MAPS, st.data())
def test_shortened_maps_are_malformed_or_fewer(
    maps: list[MapSnapshot], data: st.DataObject
) -> None:
    whole = serialise_maps(maps)
    part = whole[: data.draw(st.integers(0, max(0, len(whole) - 1)))]
    try:
        parsed = parse_maps(part)
    except Malformed:
        return
    assert by_name(parsed) == by_name(maps)[: len(parsed)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    for parse in (parse_public_snapshot, parse_maps):
        with suppress(Malformed):
            parse(data)


def test_removals_of_old_writers_are_left_out() -> None:
    entry = u64(1) + b"k" + bytes(7) + u64(8) + u64(2**64 - 5)
    assert parse_maps(buf(b"m") + u64(1) + buf(entry)) == (MapSnapshot("m", 1, []),)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (u64(0) + u64(7) + bytes(8), "has no version"),
        (u64(3) + b"key", "expected 5 bytes"),
        (u64(2**40), "expected"),
    ],
)
def test_a_damaged_state_is_malformed(state: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse_maps(buf(b"m") + u64(1) + buf(state))


def test_a_map_given_twice_is_malformed() -> None:
    with pytest.raises(Malformed, match="second time"):
        parse_maps(2 * (buf(b"m") + u64(1) + buf(b"")))


def test_a_write_set_is_no_snapshot() -> None:
    with pytest.raises(Malformed, match="found entry type 4"):
        parse_public_snapshot(b"\x04" + bytes(80))


def test_a_state_survives_the_way_to_another_store() -> None:
    source, target = Store(), Store()
    source.apply(1, {"public:m": {b"a": b"1"}, "p": {b"b": b"2"}})
    source.apply(2, {"public:m": {b"c": b"3", b"a": None}})
    for public in (True, False):
        data = serialise_maps(snapshot_of(source, 2, public=public))
        target.install(2, parse_maps(data))
    for public in (True, False):
        assert snapshot_of(target, 2, public=public) == snapshot_of(
            source, 2, public=public
        )


def test_recorded_snapshots_are_read_and_written_to_the_byte(
    ccf_services: Path,
) -> None:
    paths = sorted(ccf_services.glob("*/snapshots/snapshot_*"))
    assert len(paths) == 3
    for path in paths:
        data = path.read_bytes()
        length = int.from_bytes(data[36:44], "little")
        domain = data[44 : 44 + length]
        snapshot = parse_public_snapshot(domain)
        assert path.name.startswith(f"snapshot_{snapshot.version}_")
        assert len(snapshot.leaf) == 32
        assert serialise_public_snapshot(snapshot) == domain
        store = Store()
        store.install(snapshot.version, snapshot.maps)
        again = snapshot_of(store, snapshot.version, public=True)
        assert serialise_maps(again) == domain[-len(serialise_maps(again)) :]
