"""Chains of versions, and what trimming may not change."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.kv.versions import VersionedMap
from tests.unit.kv.plain_snapshot import entries_at

KEYS = st.sampled_from([b"a", b"b", b"c"])
WRITES = st.dictionaries(KEYS, st.none() | st.binary(max_size=2), max_size=3)


def state_at(
    versioned_map: VersionedMap, version: int
) -> dict[bytes, tuple[int, bytes]]:
    return {
        key: (at, value) for key, at, value in entries_at(versioned_map.chains, version)
    }


def test_every_version_stays_readable() -> None:
    m = VersionedMap("m")
    m.apply(1, {b"k": b"one"})
    m.apply(2, {b"k": None})
    m.apply(3, {b"k": b"three"})
    assert [state_at(m, v) for v in range(4)] == [
        {},
        {b"k": (1, b"one")},
        {},
        {b"k": (3, b"three")},
    ]


def test_removing_what_is_not_there_changes_nothing() -> None:
    m = VersionedMap("m")
    assert not m.apply(1, {b"k": None})
    assert m.apply(2, {b"k": b"x"})
    assert m.apply(3, {b"k": None})
    assert not m.apply(4, {b"k": None})
    assert m.version == 3
    assert m.current_version_of(b"k") == 0


def test_a_trimmed_removal_leaves_no_trace() -> None:
    m = VersionedMap("m")
    m.apply(1, {b"k": b"x"})
    m.apply(2, {b"k": None})
    m.trim([b"k", b"unknown"], 2)
    assert m.chains == {}


def test_trimming_keeps_what_newer_versions_rest_on() -> None:
    m = VersionedMap("m")
    for version in range(1, 6):
        m.apply(version, {b"k": b"%d" % version})
    m.trim([b"k"], 3)
    assert m.chains[b"k"] == (5, b"5", (4, b"4", (3, b"3", None)))
    m.trim([b"k"], 3)
    assert m.chains[b"k"] == (5, b"5", (4, b"4", (3, b"3", None)))


def test_trimming_below_the_first_write_changes_nothing() -> None:
    m = VersionedMap("m")
    m.apply(4, {b"k": b"x"})
    m.trim([b"k"], 3)
    assert m.chains[b"k"] == (4, b"x", None)


def test_keys_are_kept_in_order_once_asked_for() -> None:
    m = VersionedMap("m")
    m.apply(1, {b"b": b"", b"d": b""})
    assert m.keys_between(None, None) == [b"b", b"d"]
    m.apply(2, {b"a": b"", b"c": b"", b"b": b"again"})
    assert m.keys_between(b"b", b"d") == [b"b", b"c"]
    assert m.keys_between(b"b", b"d", 1) == [b"b"]
    m.undo(2, {b"a": b"", b"c": b"", b"b": b"again"}, 1)
    assert m.keys_between(None, None) == [b"b", b"d"]
    m.apply(2, {b"b": None})
    m.trim([b"b"], 2)
    assert m.keys_between(b"", None) == [b"d"]


@given(st.lists(WRITES, max_size=8), st.data())
def test_trim_and_undo_agree_with_copies(
    history: list[dict[bytes, bytes | None]], data: st.DataObject
) -> None:
    m = VersionedMap("m")
    states: list[dict[bytes, tuple[int, bytes]]] = [{}]
    versions = [0]
    for version, writes in enumerate(history, start=1):
        state = dict(states[-1])
        for key, value in writes.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = (version, value)
        m.apply(version, writes)
        states.append(state)
        versions.append(m.version)
    last = len(history)
    trimmed = data.draw(st.integers(0, last))
    for writes in history[:trimmed]:
        m.trim(writes, trimmed)
    for version in range(trimmed, last + 1):
        assert state_at(m, version) == states[version]
    for version in range(last, trimmed, -1):
        m.undo(version, history[version - 1], versions[version - 1])
        assert state_at(m, version - 1) == states[version - 1]
        assert m.version == versions[version - 1]
    assert all(older is None for _, _, older in m.chains.values())
    assert all(value is not None for _, value, _ in m.chains.values())
