"""Single requests of etcd: every option of range, put and delete."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.etcd.messages import (
    DeleteRangeRequest,
    KeyValue,
    PutRequest,
    RangeRequest,
    SortOrder,
    SortTarget,
)
from apps.etcd.ranges import (
    check_delete,
    check_put,
    check_range,
    run_delete,
    run_put,
    run_range,
)
from apps.etcd.refusals import Refused
from tests.apps.etcd_kit import Keys

ALL = {"key": b"\x00", "range_end": b"\x00"}


def made() -> Keys:
    """Return keys of which every order is another one."""
    keys = Keys()
    for key, value in ((b"c", b"2"), (b"a", b"9"), (b"b", b"1"), (b"c", b"3")):
        keys.run(
            lambda store, key=key, value=value: run_put(  # type: ignore[misc]
                store, PutRequest(key=key, value=value)
            )
        )
    return keys


MADE = made()


def found(**request: object) -> list[bytes]:
    """Return the keys that a range has."""
    asked = RangeRequest(**{**ALL, **request})  # type: ignore[arg-type]
    check_range(asked)
    return [kv.key for kv in MADE.read(lambda store: run_range(store, asked)).kvs]


NONE, UP, DOWN = SortOrder
BY_KEY, BY_VERSION, BY_CREATE, BY_MOD, BY_VALUE = SortTarget


@pytest.mark.parametrize(
    ("order", "target", "expected"),
    [
        (NONE, BY_KEY, b"abc"),
        (UP, BY_KEY, b"abc"),
        (DOWN, BY_KEY, b"cba"),
        (NONE, BY_VERSION, b"abc"),
        (UP, BY_VERSION, b"abc"),
        (UP, BY_CREATE, b"cab"),
        (NONE, BY_CREATE, b"cab"),
        (DOWN, BY_CREATE, b"bac"),
        (UP, BY_MOD, b"abc"),
        (DOWN, BY_MOD, b"cba"),
        (UP, BY_VALUE, b"bca"),
        (DOWN, BY_VALUE, b"acb"),
    ],
)
def test_a_range_is_sorted_as_asked(order: int, target: int, expected: bytes) -> None:
    keys = found(sort_order=order, sort_target=target)
    assert b"".join(keys) == expected
    two = found(sort_order=order, sort_target=target, limit=2)
    assert b"".join(two) == expected[:2]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"min_mod_revision": 4}, [b"b", b"c"]),
        ({"max_mod_revision": 3}, [b"a"]),
        ({"min_create_revision": 3}, [b"a", b"b"]),
        ({"max_create_revision": 2}, [b"c"]),
        ({"min_mod_revision": 4, "max_mod_revision": 4}, [b"b"]),
    ],
)
def test_a_range_is_bounded_by_revisions(
    bound: dict[str, int], expected: list[bytes]
) -> None:
    assert found(**bound) == expected


@given(st.integers(-1, 5), st.booleans(), st.booleans())
def test_a_limit_cuts_and_says_so(
    limit: int, keys_only: bool, count_only: bool
) -> None:
    request = RangeRequest(
        key=b"\x00",
        range_end=b"\x00",
        limit=limit,
        keys_only=keys_only,
        count_only=count_only,
    )
    answer = MADE.read(lambda store: run_range(store, request))
    assert answer.count == 3
    if count_only:
        assert (answer.kvs, answer.more) == ((), False)
        return
    assert len(answer.kvs) == (3 if limit <= 0 else min(limit, 3))
    assert answer.more is (0 < limit < 3)
    assert all((kv.value == b"") is keys_only for kv in answer.kvs)


def test_bounds_of_revisions_do_not_change_the_count() -> None:
    request = RangeRequest(key=b"\x00", range_end=b"\x00", min_mod_revision=5)
    answer = MADE.read(lambda store: run_range(store, request))
    assert (answer.count, len(answer.kvs), answer.more) == (3, 1, False)


def test_the_past_is_read_with_the_header_of_the_present() -> None:
    request = RangeRequest(key=b"c", revision=2)
    answer = MADE.read(lambda store: run_range(store, request))
    assert answer.header is not None
    assert answer.header.revision == 5
    assert answer.kvs == (
        KeyValue(key=b"c", create_revision=2, mod_revision=2, version=1, value=b"2"),
    )


def test_a_put_keeps_the_value_or_the_lease_if_asked_to() -> None:
    keys = Keys()
    keys.run(lambda store: store.grant(7, 10, 0))

    def put(**request: object) -> KeyValue | None:
        asked = PutRequest(key=b"k", **request)  # type: ignore[arg-type]
        check_put(asked)
        return keys.run(lambda store: run_put(store, asked)).prev_kv

    assert put(value=b"1", lease=7, prev_kv=True) is None
    first = put(value=b"2", ignore_lease=True, prev_kv=True)
    assert first is not None
    assert (first.value, first.lease, first.version) == (b"1", 7, 1)
    second = put(ignore_value=True, prev_kv=True)
    assert second is not None
    assert (second.value, second.lease) == (b"2", 7)
    last = keys.read(lambda store: store.get(b"k"))
    assert last == KeyValue(
        key=b"k", create_revision=2, mod_revision=4, version=3, value=b"2"
    )
    assert put(value=b"3") is None


def test_a_deletion_tells_what_was_there_if_asked_to() -> None:
    keys = made()
    request = DeleteRangeRequest(key=b"a", range_end=b"c", prev_kv=True)
    check_delete(request)
    answer = keys.run(lambda store: run_delete(store, request))
    assert answer.deleted == 2
    assert [kv.key for kv in answer.prev_kvs] == [b"a", b"b"]
    again = keys.run(lambda store: run_delete(store, request))
    assert again.deleted == 0
    assert again.header is not None
    assert again.header.revision == 6
    quiet = DeleteRangeRequest(key=b"c")
    assert keys.run(lambda store: run_delete(store, quiet)).prev_kvs == ()


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a range without a key": (
        lambda: check_range(RangeRequest()),
        "key is not provided",
    ),
    "a put without a key": (lambda: check_put(PutRequest()), "key is not provided"),
    "a deletion without a key": (
        lambda: check_delete(DeleteRangeRequest()),
        "key is not provided",
    ),
    "an unknown order": (
        lambda: check_range(RangeRequest(key=b"k", sort_order=3)),
        "invalid sort option",
    ),
    "an unknown target": (
        lambda: check_range(RangeRequest(key=b"k", sort_target=5)),
        "invalid sort option",
    ),
    "a value to ignore": (
        lambda: check_put(PutRequest(key=b"k", value=b"v", ignore_value=True)),
        "value is provided",
    ),
    "a lease to ignore": (
        lambda: check_put(PutRequest(key=b"k", lease=1, ignore_lease=True)),
        "lease is provided",
    ),
    "no lease to keep": (
        lambda: Keys().run(
            lambda store: run_put(store, PutRequest(key=b"k", ignore_lease=True))
        ),
        "key not found",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_request_that_is_wrong_is_refused(name: str) -> None:
    act, text = WRONG[name]
    with pytest.raises(Refused) as refused:
        act()
    assert refused.value.text == f"etcdserver: {text}"
