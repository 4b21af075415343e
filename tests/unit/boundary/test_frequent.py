"""The messages of every request across the boundary: hand-written constructors."""

from dataclasses import MISSING, fields, make_dataclass
from typing import Any, get_type_hints

import pytest

from ccfpy.base.ids import Seqno, SessionId
from ccfpy.boundary.frequent import (
    AppendLedger,
    LedgerEntry,
    SendData,
    SessionData,
    Tick,
)

ENTRY = LedgerEntry(b"entry", True, True, True)
VALUES: dict[type, tuple[object, ...]] = {
    Tick: (1, 2),
    SessionData: (3, b"in"),
    SendData: (4, b"out"),
    LedgerEntry: (b"bytes", True, False, True),
    AppendLedger: (5, (ENTRY,)),
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


def test_an_entry_is_ordinary_unless_it_is_said_to_be_something_else() -> None:
    assert LedgerEntry(b"bytes") == LedgerEntry(b"bytes", False, False, False)


def test_what_a_message_is_made_of_can_be_asked_for() -> None:
    """Compiled too; the form on the wire and the measurement are derived from it."""
    assert get_type_hints(AppendLedger) == {
        "first_seqno": Seqno,
        "entries": tuple[LedgerEntry, ...],
    }
    assert get_type_hints(SessionData) == {"session": SessionId, "data": bytes}
