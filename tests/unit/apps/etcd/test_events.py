"""Events of commits: read once, and kept for a while for other streams."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.etcd.events import Revision, SharedEvent, commit_of
from apps.etcd.limits import COMMITS_SHARED_BYTES_MAX, COMMITS_SHARED_MAX
from apps.etcd.messages import Event, KeyValue, WatchResponse
from apps.etcd.store import ALL, KeyRange, Store
from apps.etcd.wire import encode
from ccfpy.kv.store import Store as Tables
from tests.apps.etcd_kit import is_within

if TYPE_CHECKING:
    from ccfpy.app import WriteSet

KEYS = st.sampled_from([b"a", b"aa", b"a\0", b"b", b"c"])


def event(key: bytes, value: bytes = b"", previous: KeyValue | None = None) -> Event:
    return Event(kv=KeyValue(key=key, mod_revision=7, value=value), prev_kv=previous)


def writes_of(value: bytes = b"") -> "WriteSet":
    tables = Tables(0)
    tx = tables.begin()
    Store(tx).put(b"k", value, 0)
    return {name: dict(each) for name, each in tx.writes.items()}


@pytest.mark.parametrize("previous", [None, KeyValue(key=b"k", value=b"before")])
def test_an_events_bytes_are_a_field_of_an_answer(previous: KeyValue | None) -> None:
    whole = event(b"k", b"now", previous)
    shared = SharedEvent(whole)
    for has_previous in (True, False):
        told = whole if has_previous else event(b"k", b"now")
        field = shared.field(has_previous=has_previous)
        assert field == encode(WatchResponse(events=(told,)))
        assert shared.field(has_previous=has_previous) is field, "written once"


@given(st.lists(KEYS, min_size=1), KEYS, st.sampled_from([b"", ALL, b"b", b"c"]))
def test_the_events_of_a_range_are_found_in_their_order(
    keys: list[bytes], first: bytes, end: bytes
) -> None:
    revision = Revision([event(key, b"%d" % at) for at, key in enumerate(keys)])
    assert revision.number == 7
    found = [each.event for each in revision.within(KeyRange(first, end))]
    expected = [
        each.event for each in revision.events if is_within(each.key, first, end)
    ]
    assert found == expected


def test_a_commit_is_read_once_while_streams_are_told_of_it() -> None:
    many = [writes_of() for _ in range(COMMITS_SHARED_MAX + 1)]
    commits = [commit_of(each) for each in many]
    assert {each.last for each in commits} == {2}
    for known, writes in zip(commits[1:], many[1:], strict=True):
        assert commit_of({**writes}) is known
    assert commit_of(many[0]) is not commits[0], "one more than are kept"


def test_what_is_kept_of_commits_has_a_length() -> None:
    first, second = (writes_of(bytes(COMMITS_SHARED_BYTES_MAX // 2)) for _ in "ab")
    known = commit_of(first)
    assert commit_of(first) is known
    commit_of(second)
    assert commit_of(first) is not known


def test_a_transaction_without_changes_of_keys_is_nothing() -> None:
    commit = commit_of({})
    assert (commit.last, commit.revisions, commit.size) == (0, (), 0)
