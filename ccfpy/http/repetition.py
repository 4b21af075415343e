"""A request whose head is the last one's, byte for byte, need not be parsed again.

A client that keeps its connection tends to repeat itself: the same target, the same
headers, a body of the same length. What a head means depends on nothing but its bytes,
so, between two messages, a second copy means the same again. Parsing stays the plain
path: it alone decides what a head means, and whatever is not an exact repetition goes
there.
"""

from typing import NamedTuple

from ccfpy.base import limits
from ccfpy.http.messages import Request

_END = b"\r\n\r\n"
_NOT_BY_LENGTH = frozenset({"transfer-encoding", "upgrade"})


class KnownHead(NamedTuple):
    """A head and the request it made."""

    head: bytes
    size: int
    """Of the whole message, its body included."""
    request: Request
    """Without its body, the one thing that may differ next time."""


def known_head(data: bytes, request: Request) -> KnownHead | None:
    """Remember the head of ``request``, if ``data`` was that request and nothing else.

    Args:
        data: begins where a message begins.
        request: the only request that parsing it gave.
    """
    end = data.find(_END) + len(_END)
    if (
        not len(_END) <= end <= limits.HEAD_KNOWN_BYTES_MAX
        or len(data) != end + len(request.body)
        or not request.keep_alive
        or not _NOT_BY_LENGTH.isdisjoint(request.headers)
    ):
        return None
    bodiless = Request(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers.copy(),  # the other is its handler's, to change at will
        version=request.version,
    )
    return KnownHead(data[:end], len(data), bodiless)


def repeat(known: KnownHead, data: bytes) -> Request:
    """Give the request that parsing ``data`` would give, which repeats a known head."""
    request = known.request
    return Request(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers.copy(),
        body=data[len(known.head) :],
        version=request.version,
    )
