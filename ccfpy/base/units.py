"""Sizes and durations as CCF's configuration writes them: a number and its unit.

Sizes count in powers of 1024 (``B KB MB GB TB PB``); durations in ``us ms s min h``.
The unit's case does not matter. A number without a unit is in bytes, or microseconds
(``include/ccf/ds/unit_strings.h``).
"""

import re
from collections.abc import Mapping

from ccfpy.base.errors import Malformed

_QUANTITY = re.compile(r"([0-9]{1,18})([A-Za-z]*)", re.ASCII)

_SIZE_UNITS: Mapping[str, int] = {
    name: 1024**power for power, name in enumerate(("b", "kb", "mb", "gb", "tb", "pb"))
}
_TIME_UNITS_US: Mapping[str, int] = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
}
_QUANTITY_MAX = (1 << 63) - 1


def parse_size(text: str) -> int:
    """Read a size such as ``5MB``; give bytes.

    Raises:
        Malformed: it is not a whole number and a known unit, or beyond 63 bits.
    """
    return _parse(text, _SIZE_UNITS, "size", '"B", "KB", "MB", "GB", "TB" or "PB"')


def parse_time_us(text: str) -> int:
    """Read a duration such as ``100ms``; give microseconds.

    Raises:
        Malformed: it is not a whole number and a known unit, or beyond 63 bits.
    """
    return _parse(text, _TIME_UNITS_US, "time", '"us", "ms", "s", "min" or "h"')


def _parse(text: str, units: Mapping[str, int], what: str, allowed: str) -> int:
    match = _QUANTITY.fullmatch(text)
    unit = match[2].lower() if match else ""
    if match is None or (unit and unit not in units):
        raise Malformed(f"not a {what}: {text!r}; write a whole number and {allowed}")
    value = int(match[1]) * units.get(unit, 1)
    if value > _QUANTITY_MAX:
        raise Malformed(f"a {what} that is too large: {text!r}")
    return value
