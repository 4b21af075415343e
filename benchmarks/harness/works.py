"""The requests of clients, as bytes that are sent unchanged.

The requests use a hundred records of the logging app, so that reads and writes use the
same keys again, as most clients do.
"""

import json
from dataclasses import dataclass
from fractions import Fraction

RECORDS = 100
MESSAGE_BYTES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Requests to send in turn, again and again.

    Attributes:
        name: the work of the requests, as figures name it.
        before: requests to send once, one after another, before any request counts.
    """

    name: str
    requests: tuple[bytes, ...]
    before: tuple[bytes, ...] = ()


def post(path: str, body: bytes) -> bytes:
    """Return a request with a body of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: service\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """Return a request without a body."""
    return f"GET {path} HTTP/1.1\r\nhost: service\r\n\r\n".encode()


def writes(where: str = "private", size: int = MESSAGE_BYTES) -> Work:
    """Write messages of ``size`` bytes to the "private" or the "public" records."""
    requests = []
    for number in range(RECORDS):
        message = f"{number:08}".ljust(size, "x")[:size]
        body = json.dumps({"id": number, "msg": message}).encode()
        requests.append(post(f"/app/log/{where}", body))
    return Work(name=f"{where} write", requests=tuple(requests))


def reads(where: str = "private", size: int = MESSAGE_BYTES) -> Work:
    """Read messages that were written before."""
    asked = tuple(get(f"/app/log/{where}?id={number}") for number in range(RECORDS))
    written = writes(where, size)
    return Work(name=f"{where} read", requests=asked, before=written.requests)


def mixed(read_share: Fraction) -> Work:
    """Read and write private messages, so that each run of requests has this share of
    reads."""
    reading, writing = reads(), writes()
    requests = [
        reading.requests[number]
        if (number + 1) * read_share // 1 > number * read_share // 1
        else writing.requests[number]
        for number in range(RECORDS)
    ]
    name = f"{float(read_share):.0%} reads"
    return Work(name=name, requests=tuple(requests), before=writing.requests)


def additions(world: str) -> Work:
    """Add to counts, by the app in "fresh" or "kept" interpreters or in "python"."""
    requests = (
        post(f"/app/{world}/{number}", b'{"by": 1}') for number in range(RECORDS)
    )
    return Work(name=world, requests=tuple(requests))
