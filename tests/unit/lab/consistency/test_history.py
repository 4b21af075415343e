"""Histories as lines of text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from tests.lab.consistency.history import (
    History,
    Sent,
    from_line,
    read_histories,
    write_history,
)
from tests.unit.lab.consistency.generated import generate


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(min_value=0))
def test_what_was_written_is_read(seed: int) -> None:
    history = generate(seed, steps=50)
    read = read_histories([write_history(history)])
    assert read == History(events=history.events, ledger=history.ledger or None)


def test_parts_of_one_history_are_merged_by_their_clock() -> None:
    events = [
        Sent(at_us=at, client="c", node="n", op=at, key="a", is_write=True)
        for at in range(6)
    ]
    parts = [History(events=events[::2]), History(events=events[1::2])]
    merged = read_histories(write_history(part) for part in parts)
    assert merged.events == events
    assert merged.ledger is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"event":"slept"}',
        b'{"event":"sent","op":1}',
        b'{"event":"in_ledger","txid":"2.1","key":"a","op":-1,"count":1}',
        b'{"event":"in_ledger","txid":"2.0","key":"a","op":1,"count":1}',
        b'{"event":"in_ledger","txid":"2.1","key":7,"op":1,"count":1}',
        b'{"event":"in_ledger","txid":"2.1","key":"a","op":true,"count":1}',
        (
            b'{"event":"status_seen","at_us":0,"client":"c","node":"n","txid":"2.1",'
            b'"status":"Maybe"}'
        ),
        (
            b'{"event":"sent","at_us":0,"client":"c","node":"n","op":1,"key":"a",'
            b'"is_write":1}'
        ),
        (
            b'{"event":"answered","at_us":0,"client":"c","node":"n","op":1,"txid":"2.1",'
            b'"count":1,"tail":1}'
        ),
    ],
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(Malformed):
        from_line(line)
