"""The ``Range`` header as CCF reads it: one range of bytes, its end not included.

RFC 9110 includes the end; clients of CCF rely on it being left out, and so do the
``Content-Range`` headers that answer them (``src/node/rpc/node_frontend.h``).
"""

from typing import NamedTuple

from ccfpy.http.errors import ApiError, ErrorCode

_DIGITS_MAX = 19


class ByteRange(NamedTuple):
    """Bytes from ``start`` up to but without ``stop``."""

    start: int
    stop: int


def parse_range(header: str, size: int) -> ByteRange:
    """Read a ``Range`` header for something of ``size`` bytes.

    ``a-b`` and ``a-`` count from the start, ``-n`` names the last ``n`` bytes; what
    reaches beyond the end is cut to it.

    Raises:
        ApiError: 400 ``InvalidHeaderValue``; so do those below.
    """
    unit, _, ranges = header.partition("=")
    if unit != "bytes":
        raise _invalid("Only 'bytes' is supported as a Range header unit")
    if "," in ranges:
        raise _invalid("Multiple ranges are not supported")
    first, separator, last = ranges.partition("-")
    if not separator or "-" in last:
        raise _invalid(f"Invalid format, cannot parse range in {header}")
    if first:
        return _from_start(first, last, size, header)
    if last:
        count = _number(last, "end of range offset value", header)
        return ByteRange(max(size - count, 0), size)
    raise _invalid("Invalid range: Must contain range-start or range-end")


def _from_start(first: str, last: str, size: int, header: str) -> ByteRange:
    start = _number(first, "start of range value", header)
    if start > size:
        raise _invalid(f"Start of range {start} is larger than total file size {size}")
    if not last:
        return ByteRange(start, size)
    stop = min(_number(last, "end of range value", header), size)
    if stop < start:
        raise _invalid(f"Invalid range: Start ({start}) and end ({stop}) out of order")
    return ByteRange(start, stop)


def _number(text: str, what: str, header: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise _invalid(f"Unable to parse {what} {text} in {header}")
    return int(text)


def _invalid(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidHeaderValue, message)
