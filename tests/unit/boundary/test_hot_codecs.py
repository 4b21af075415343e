"""The messages of every request across the boundary: hand-written constructors."""

from dataclasses import MISSING, fields, make_dataclass
from typing import Any, get_type_hints

import pytest

from ccfpy.base.ids import Seqno, SessionId
from ccfpy.boundary.hot_codecs import (
    AppendLedger,
    SendData,
    SessionData,
    Tick,
)

VALUES: dict[type, tuple[object, ...]] = {
    Tick: (1, 2),
    SessionData: (3, b"in"),
    SendData: (4, b"out"),
    AppendLedger: (5, (b"entry",), True, False, True),
}


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_a_constructor_does_as_the_one_that_it_stands_for(kind: Any) -> None:  # noqa: ANN401 - each of several
    values = VALUES[kind]
    names = [field.name for field in fields(kind)]
    likewise = make_dataclass(kind.__name__, names)
    by_place, by_name = kind(*values), kind(**dict(zip(names, values, strict=True)))
    assert by_place == by_name
    assert repr(by_place) == repr(likewise(*values))
    assert all(field.default is MISSING for field in fields(kind))


def test_entries_are_ordinary_unless_they_are_said_to_be_something_else() -> None:
    entries = (b"bytes",)
    assert AppendLedger(5, entries) == AppendLedger(5, entries, False, False, False)


def test_what_a_message_is_made_of_can_be_asked_for() -> None:
    """Compiled too; the form on the wire and the measurement are derived from it."""
    assert get_type_hints(AppendLedger) == {
        "first_seqno": Seqno,
        "entries": tuple[bytes, ...],
        "has_signature": bool,
        "begins_chunk": bool,
        "ends_chunk": bool,
    }
    assert get_type_hints(SessionData) == {"session": SessionId, "data": bytes}
