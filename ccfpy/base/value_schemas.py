"""Types of Python's library that JSON has as text: times, dates, UUIDs, decimals.

Each is read in one form alone, so that what a table holds is written as it was read:
RFC 3339 with an offset, RFC 9562, and decimal digits.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ccfpy.base import limits
from ccfpy.base.components import Schema, as_component
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch, found

_DATE = r"\d{4}-\d{2}-\d{2}"
_OFFSET = r"(Z|[+-]\d{2}:\d{2})"
_HEX = "[0-9a-fA-F]"


def _text(
    name: str,
    form: str,
    what: str,
    make: Callable[[str], Any],
    write: Callable[[Any], str],
    **described: str,
) -> Schema:
    fits = re.compile(form, re.ASCII).fullmatch

    def read(value: Json) -> Any:  # noqa: ANN401 - a value of the schema's own type
        if type(value) is str and fits(value):
            try:
                return make(value)
            except ValueError:
                pass  # such as the 30th of February
        raise Mismatch(f"expected {what}, found {found(value)}")

    schema: JsonObject = {"type": "string", **described}
    return as_component(name, Schema(read, write, schema))


def _write_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a time without an offset has no form: use datetime.now(UTC)")
    text = value.isoformat()
    return f"{text[:-6]}Z" if value.utcoffset() == _NO_OFFSET else text


def _decimal(text: str) -> Decimal:
    if sum(map(str.isdigit, text)) > limits.DECIMAL_DIGITS_MAX:
        raise ValueError("too many digits")
    return Decimal(text)


def _write_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError("a decimal number that is not finite has no form")
    return f"{value:f}"


_NO_OFFSET: Final = datetime(1970, 1, 1, tzinfo=UTC).utcoffset()


VALUES: Final[Mapping[object, Schema]] = {
    datetime: _text(
        "datetime",
        rf"{_DATE}T\d{{2}}:\d{{2}}:\d{{2}}(\.\d{{1,6}})?{_OFFSET}",
        "a time with an offset, such as 2026-01-31T12:00:00Z",
        datetime.fromisoformat,
        _write_time,
        format="date-time",
    ),
    date: _text(
        "date",
        _DATE,
        "a date, such as 2026-01-31",
        date.fromisoformat,
        date.isoformat,
        format="date",
    ),
    UUID: _text(
        "uuid",
        f"{_HEX}{{8}}-({_HEX}{{4}}-){{3}}{_HEX}{{12}}",
        "a UUID",
        UUID,
        str,
        format="uuid",
    ),
    Decimal: _text(
        "decimal",
        r"-?\d+(\.\d+)?",
        'a decimal number as text, such as "9.90", of at most '
        f"{limits.DECIMAL_DIGITS_MAX} digits",
        _decimal,
        _write_decimal,
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
    ),
}
