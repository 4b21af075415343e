"""Typed maps over bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.kv.maps import RAW, STRING, U64, UNIT, Codec, Map, Set, Value
from ccfpy.kv.store import Store
from ccfpy.service.records import JSON

USERS = Map("public:users", STRING, JSON)
COUNTS = Map("counts", U64, RAW)
CONFIG = Value("public:config", JSON)
ALLOWED = Set("public:allowed", STRING)


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_map_encodes_keys_and_values(store: Store) -> None:
    tx = store.begin()
    users = USERS.of(tx)
    users.put("bob", {"z": 1, "a": [True, None]})
    COUNTS.of(tx).put(258, b"raw")
    assert tx.writes == {
        "counts": {b"\x02\x01" + bytes(6): b"raw"},
        "public:users": {b"bob": b'{"a":[true,null],"z":1}'},
    }


def test_a_typed_handle_does_what_the_raw_one_does(store: Store) -> None:
    tx = store.begin()
    users = USERS.of(tx)
    for name in ("bob", "al", "eve"):
        users.put(name, name.upper())
    store.commit(tx)
    store.compact(1)
    users = USERS.of(store.begin())
    assert users.get("bob") == "BOB"
    assert users.get("nobody") is None
    assert users.has("al")
    assert not users.has("nobody")
    assert users.version_of_previous_write("eve") == 1
    users.put("bob", "new")
    users.remove("al")
    assert users.get_globally_committed("bob") == "BOB"
    assert users.get_globally_committed("nobody") is None
    assert dict(users.items()) == {"bob": "new", "eve": "EVE"}
    assert sorted(users.keys()) == ["bob", "eve"]
    assert users.range("b", "c") == [("bob", "new")]
    assert users.range() == [("bob", "new"), ("eve", "EVE")]
    seen = []

    def visit(key: str, value: object) -> bool:
        seen.append((key, value))
        return False

    users.foreach(visit)
    assert len(seen) == 1
    assert users.size() == 2
    users.clear()
    assert users.size() == 0


def test_a_value_lives_under_the_unit_key(store: Store) -> None:
    tx = store.begin()
    config = CONFIG.of(tx)
    assert config.get() is None
    assert not config.has()
    config.put({"threshold": 1})
    assert tx.writes == {"public:config": {bytes(8): b'{"threshold":1}'}}
    store.commit(tx)
    config = CONFIG.of(store.begin())
    assert config.get() == {"threshold": 1}
    assert config.has()
    assert config.version_of_previous_write() == 1
    assert config.get_globally_committed() is None
    store.compact(1)
    config = CONFIG.of(store.begin())
    assert config.get_globally_committed() == {"threshold": 1}
    config.remove()
    assert not config.has()


def test_a_json_null_is_a_value_and_not_absence(store: Store) -> None:
    config = CONFIG.of(store.begin())
    config.put(None)
    assert config.has()
    assert config.get() is None


def test_a_set_keeps_the_unit_value(store: Store) -> None:
    tx = store.begin()
    allowed = ALLOWED.of(tx)
    allowed.insert("a")
    allowed.insert("b")
    allowed.remove("b")
    assert tx.writes == {"public:allowed": {b"a": bytes(8), b"b": None}}
    assert allowed.contains("a")
    assert not allowed.contains("b")
    assert list(allowed.keys()) == ["a"]
    assert allowed.size() == 1
    assert allowed.version_of_previous_write("a") is None
    store.commit(tx)
    assert not ALLOWED.of(store.begin()).contains_globally_committed("a")
    store.compact(1)
    allowed = ALLOWED.of(store.begin())
    assert allowed.contains_globally_committed("a")
    allowed.clear()
    assert allowed.size() == 0


def test_write_sets_are_decoded_for_hooks_and_differences() -> None:
    assert USERS.decode_writes({b"bob": b"1", b"al": None}) == {"bob": 1, "al": None}
    assert CONFIG.decode_writes({UNIT: b"true"}) is True
    assert CONFIG.decode_writes({UNIT: None}) is None
    assert CONFIG.decode_writes({}) is None
    assert ALLOWED.decode_writes({b"a": UNIT, b"b": None}) == {"a": True, "b": False}


@pytest.mark.parametrize(
    ("codec", "data"),
    [(STRING, b"canary\xff"), (JSON, b"{canary"), (U64, b"canary"), (U64, b"")],
)
def test_bytes_of_another_form_are_malformed_and_not_repeated(
    codec: Codec[Any], data: bytes
) -> None:
    with pytest.raises(Malformed) as caught:
        codec.decode(data)
    assert "canary" not in str(caught.value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(), st.text(), JSON_VALUES, st.integers(0, 2**64 - 1))
def test_codecs_give_back_what_they_were_given(
    raw: bytes, text: str, value: Json, number: int
) -> None:
    assert RAW.decode(RAW.encode(raw)) == raw
    assert STRING.decode(STRING.encode(text)) == text
    assert JSON.decode(JSON.encode(value)) == value
    assert U64.decode(U64.encode(number)) == number
