"""The answers handlers give: JSON, text, bytes or nothing."""

from collections.abc import Callable, Hashable, Mapping
from functools import cache, wraps

from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Handler
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.http.errors import JSON_CONTENT_TYPE as _JSON
from ccfpy.http.messages import Response
from ccfpy.http.resources import require_json


def json_reply(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with compact JSON, keys sorted as CCF's C++ sorts them."""
    fields = {"content-type": _JSON}
    if headers:
        fields.update(headers)
    return Response(status=status, headers=fields, body=json.dumps(value))


@cache
def _writer_of(kind: Hashable) -> Callable[[object], Json]:
    write = schema_of(kind).write
    assert write is not None, "a record is not JSON itself"
    return write


def record_reply(record: object) -> Response:
    """Answer with a record, as its type says that it is written."""
    kind: object = type(record)
    return json_reply(_writer_of(kind)(record))


def for_who_takes_json(handler: Handler) -> Handler:
    """Wrap a handler: its JSON goes only to callers whose ``Accept`` admits it.

    The answer would be 406, or 400 if the header is malformed; errors go to anybody.
    """

    @wraps(handler)
    def answer(context: Context) -> Answer:
        response = handler(context)
        if isinstance(response, Awaited):
            return response
        accept = context.request.headers.get("accept")
        if accept is not None and response.headers.get("content-type") == _JSON:
            require_json(accept)
        return response

    return answer


def text_reply(
    text: str, *, status: int = 200, content_type: str = "text/plain"
) -> Response:
    """Answer with text."""
    headers = {"content-type": content_type}
    return Response(status=status, headers=headers, body=text.encode())


def bytes_reply(
    body: bytes, *, status: int = 200, content_type: str = "application/octet-stream"
) -> Response:
    """Answer with bytes of a named kind."""
    return Response(status=status, headers={"content-type": content_type}, body=body)


def empty_reply(
    status: int = 204, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a status and headers alone."""
    return Response(status=status, headers=dict(headers or {}), body=b"")
