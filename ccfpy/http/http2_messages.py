"""HTTP/2's fields to requests, and responses to fields.

What HTTP/1.1 says in its first line comes as fields whose names begin with a colon
(RFC 9113, 8.3). They end here: an endpoint sees the same ``Request`` either way.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from itertools import chain

from ccfpy.base.errors import Malformed
from ccfpy.http.messages import Request, Response
from ccfpy.http.partial import too_large, too_many_headers
from ccfpy.http.refusals import ParserLimits

Fields = list[tuple[bytes, bytes]]

VERSION = "2"
FIELD_OVERHEAD_BYTES = 32
"""What a field counts for beside its text (RFC 9113, 6.5.2)."""

_METHOD = re.compile(rb"[A-Z][A-Z-]*")
_PATH = re.compile(rb"/[!-~]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_STATUS_MAX = 999
_OF_ONE_CONNECTION = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")
)
"""Headers of HTTP/1.1 that HTTP/2 says otherwise (RFC 9113, 8.2.2)."""
_NOT_IN_TRAILERS = _OF_ONE_CONNECTION | {"content-length", "content-type", "trailer"}
"""Headers that say how to read what comes before trailers (RFC 9110, 6.5.1)."""
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def size_of(fields: Iterable[tuple[bytes, bytes]]) -> int:
    """Count what fields take in memory, about."""
    return sum(len(n) + len(v) + FIELD_OVERHEAD_BYTES for n, v in fields)


def read_request(fields: Fields, bounds: ParserLimits) -> Request:
    """Make a request without its body of what the library found well-formed.

    Raises:
        HeadersTooLarge: a name, a value or the number of fields is.
        Malformed: it asks for no path, or by no method.
    """
    pseudo: dict[bytes, bytes] = {}
    headers: dict[str, str] = {}
    for count, (raw_name, raw_value) in enumerate(fields):
        name = raw_name.decode("ascii")
        if len(raw_name) > bounds.header_bytes_max:
            raise too_large(f"Header key for '{name}'", bounds)
        if len(raw_value) > bounds.header_bytes_max:
            raise too_large(f"Header value for '{name}'", bounds)
        if count == bounds.headers_max:
            raise too_many_headers(bounds)
        if name[0] == ":":
            pseudo[raw_name] = raw_value
        elif name not in headers:
            headers[name] = raw_value.decode("latin-1")
    method, target = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if not _METHOD.fullmatch(method) or not _PATH.fullmatch(target):
        raise Malformed(f"not a request: {method!r} {target!r}")
    if b":authority" in pseudo:
        headers["host"] = pseudo[b":authority"].decode("latin-1")
    path, _, query = target.decode("ascii").partition("#")[0].partition("?")
    return Request(
        method=method.decode("ascii"),
        path=path,
        query=query,
        headers=headers,
        version=VERSION,
    )


def write_request(request: Request) -> Fields:
    """Return the fields of a request of ours, which has a ``host``.

    Raises:
        Malformed: a header cannot be sent.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    authority = headers.pop("host")
    headers.setdefault("content-length", str(len(request.body)))
    first = {
        ":method": request.method,
        ":scheme": "https",
        ":authority": authority,
        ":path": request.url,
    }
    return [*_checked(first, headers)]


def read_response(fields: Fields, bounds: ParserLimits) -> Response:
    """Make a response without its body of what the library found well-formed.

    Raises:
        HeadersTooLarge: a name, a value or the number of fields is.
        Malformed: its status is no number.
    """
    headers: dict[str, str] = {}
    status = b""
    for count, (name, value) in enumerate(fields):
        if max(len(name), len(value)) > bounds.header_bytes_max:
            raise too_large("Header", bounds)
        if count == bounds.headers_max:
            raise too_many_headers(bounds)
        if name == b":status":
            status = value
        else:
            headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
    if not re.fullmatch(rb"[1-9]\d\d", status):
        raise Malformed(f"not a status: {status!r}")
    return Response(status=int(status), headers=headers)


def write_response(response: Response, *, has_length: bool = True) -> Fields:
    """Return a response's fields, with a ``content-length`` unless it has one.

    Args:
        response: the response.
        has_length: whether its length is known.

    Raises:
        Malformed: a header cannot be sent, which an app may have let through from its
            caller; the status is no final one; or the body is not bytes.
    """
    body = response.body
    if type(body) is not bytes:
        raise Malformed(f"the body of a response is {type(body).__name__}, not bytes")
    if not HTTPStatus.OK <= response.status <= _STATUS_MAX:
        raise Malformed(f"not the status of an answer: {response.status}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    if has_length:
        headers.setdefault("content-length", str(len(body)))
    for name in _OF_ONE_CONNECTION & headers.keys():
        del headers[name]
    return [*_checked({":status": str(response.status)}, headers)]


def write_trailers(named: dict[str, str] | None) -> Fields | None:
    """Return the fields behind a response's body, if it has some.

    Raises:
        Malformed: one cannot be sent, or has no place behind a body.
    """
    if not named:
        return None
    trailers = {name.lower(): value for name, value in named.items()}
    for name in sorted(_NOT_IN_TRAILERS & trailers.keys()):
        raise Malformed(f"not a trailer's name: {name!r}")
    return [*_checked({}, trailers)]


def may_have_body(response: Response) -> bool:
    """Return whether a response of this status may have a body."""
    return response.status not in _WITHOUT_BODY


def _checked(first: dict[str, str], headers: dict[str, str]) -> Fields:
    for name in headers:
        if not _NAME.fullmatch(name):
            raise Malformed(f"not a header's name: {name!r}")
    fields = []
    for name, value in chain(first.items(), headers.items()):
        if any(c in value for c in "\r\n\0"):
            raise Malformed(f"the header {name!r} holds a line break")
        try:
            raw = value.strip(" \t").encode("latin-1")
        except UnicodeEncodeError as error:
            raise Malformed(f"a header is beyond Latin-1: {error}") from error
        fields.append((name.encode("ascii"), raw))
    return fields
