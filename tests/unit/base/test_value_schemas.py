"""Times, dates, UUIDs and decimal numbers: one form each, read as it is written."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import DECIMAL_DIGITS_MAX
from ccfpy.base.schema import schema_of

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))
VALUES = st.one_of(
    st.datetimes(timezones=ZONES | st.just(UTC)),
    st.dates(),
    st.uuids(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**40),
)
KINDS = (datetime, date, UUID, Decimal)


@given(VALUES)
def test_what_is_written_is_read_as_itself(value: object) -> None:
    shape = schema_of(type(value))
    assert shape.write is not None
    text = shape.write(value)
    assert shape.read(text) == value
    assert shape.write(shape.read(text)) == text


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (datetime, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (date, "2026-01-31", date(2026, 1, 31)),
        (UUID, "00000000-0000-0000-0000-0000000000AB", UUID(int=0xAB)),
        (Decimal, "-9.90", Decimal("-9.90")),
        (Decimal, "1" * DECIMAL_DIGITS_MAX, Decimal("1" * DECIMAL_DIGITS_MAX)),
    ],
)
def test_the_usual_form_is_read(kind: type, text: str, value: object) -> None:
    assert schema_of(kind).read(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (datetime, "2026-01-31T12:00:00"),
        (datetime, "2026-02-30T12:00:00Z"),
        (datetime, "2026-01-31"),
        (datetime, "20260131T120000Z"),
        (datetime, "٢٠٢٦-01-31T12:00:00Z"),
        (datetime, 1),
        (date, "2026-1-31"),
        (date, "2026-01-32"),
        (UUID, "{00000000-0000-0000-0000-0000000000ab}"),
        (UUID, "000000000000000000000000000000ab"),
        (Decimal, 9.9),
        (Decimal, "1e9"),
        (Decimal, "NaN"),
        (Decimal, "1."),
        (Decimal, ""),
        (Decimal, "1" * DECIMAL_DIGITS_MAX + ".0"),
    ],
)
def test_every_other_form_is_refused(kind: type, text: str | float) -> None:
    with pytest.raises(Malformed, match="expected a"):
        schema_of(kind).read(text)


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), Decimal("Infinity")])  # noqa: DTZ001 - the mistake this is about
def test_what_has_no_form_is_not_written(value: object) -> None:
    write = schema_of(type(value)).write
    assert write is not None
    with pytest.raises(ValueError, match="has no form"):
        write(value)


def test_each_is_described_by_its_format() -> None:
    formats = {
        name: described
        for kind in KINDS
        for name, described in schema_of(kind).components.items()
    }
    assert formats["datetime"] == {"type": "string", "format": "date-time"}
    assert formats["date"] == {"type": "string", "format": "date"}
    assert formats["uuid"] == {"type": "string", "format": "uuid"}
    assert formats["decimal"] == {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    }
