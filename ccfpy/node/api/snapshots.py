"""The snapshots that this node's host has, for joining nodes and for operators.

``/node/snapshot`` redirects to the path of the latest snapshot file, or to the primary,
whose snapshots suit a joining node best. The bytes come from the host, so the answer
comes in a later step. An answer has a bounded size; its ``Content-Range`` tells the
client which part it is.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.replies import bytes_reply, empty_reply
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.http.messages import Response
from ccfpy.http.resources import ByteRange, parse_range
from ccfpy.ledger.snapshot import SnapshotName
from ccfpy.node.api.declare import NodeEndpoints, address_for, hidden
from ccfpy.node.host_reads import Found

if TYPE_CHECKING:
    from ccfpy.node.running import RunningNode

NAME_HEADER = "x-ms-ccf-snapshot-name"
_SINCE = "since"


SNAPSHOTS = NodeEndpoints()


@SNAPSHOTS.add(hidden, "GET", "/snapshot", local_mode=Mode.READ_ONLY)
@SNAPSHOTS.add(hidden, "HEAD", "/snapshot", local_mode=Mode.READ_ONLY)
def latest(running: "RunningNode", context: Context) -> Awaited:
    """Answer with the place of the latest snapshot."""
    since = context.query.integer_or_none(_SINCE) or 0
    primary = running.primary_id
    if primary not in (None, running.node_id):
        address = address_for(context, running, primary)
        query = f"?{_SINCE}={since}" if since else ""
        raise ApiError(
            308,
            ErrorCode.NodeCannotHandleRequest,
            "Node is not primary; redirecting for preferable snapshot",
            headers={"location": f"https://{address}/node/snapshot{query}"},
        )
    # Without a primary this node's own is better than none.
    address = address_for(context, running, running.node_id)

    def answer(found: Found | None) -> Response:
        if found is None:
            raise not_found(f"This node has no committed snapshots since {since}")
        location = f"https://{address}/node/snapshot/{found.name}"
        return empty_reply(308, {"location": location})

    return _look(running, answer, since=since + 1)


@SNAPSHOTS.add(hidden, "GET", "/snapshot/{snapshot_name}", local_mode=Mode.COMMAND)
@SNAPSHOTS.add(hidden, "HEAD", "/snapshot/{snapshot_name}", local_mode=Mode.COMMAND)
def one(running: "RunningNode", context: Context) -> Awaited:
    """Answer with a snapshot's bytes, all or a range of them."""
    name = context.params["snapshot_name"]
    request = context.request
    awaited = Awaited()

    def found(found: Found | None) -> Response | None:
        if found is None:
            raise _no_such(name)
        if request.method == "HEAD":
            headers = {**_headers(name), "content-length": str(found.size)}
            return empty_reply(200, headers)
        header = request.headers.get("range")
        wanted = (
            ByteRange(0, found.size)
            if header is None
            else parse_range(header, found.size)
        )
        _read(running, found, wanted, awaited)
        return None

    if not _is_committed(name):
        raise _no_such(name)
    return _look(running, found, name=name, awaited=awaited)


def _look(
    running: "RunningNode",
    answer: Callable[[Found | None], Response | None],
    *,
    name: str | None = None,
    since: int = 0,
    awaited: Awaited | None = None,
) -> Awaited:
    """Ask the host; what ``answer`` makes of it, if anything, is the response."""
    place = awaited or Awaited()

    def then(found: Found | None) -> None:
        if place.is_abandoned:
            return
        try:
            response = answer(found)
        except ApiError as error:
            response = error.response()
        if response is not None:
            place.settle(response)

    try:
        running.parts.snapshots.look(then=then, name=name, since=since)
    except LimitExceeded as error:
        raise _busy(error) from error
    return place


def _read(
    running: "RunningNode", found: Found, wanted: ByteRange, awaited: Awaited
) -> None:
    start = wanted.start
    stop = min(wanted.stop, start + limits.SNAPSHOT_ANSWER_BYTES_MAX)

    def then(data: bytes | None) -> None:
        if data is None:
            awaited.settle(_no_such(found.name).response())
            return
        reply = bytes_reply(data, status=206)
        reply.headers |= _headers(found.name)
        reply.headers["content-range"] = f"bytes {start}-{stop}/{found.size}"
        awaited.settle(reply)

    # The look that found the file has just made room for this.
    running.parts.snapshots.read(
        found,
        start=start,
        stop=stop,
        then=then,
        is_wanted=lambda: not awaited.is_abandoned,
    )


def _headers(name: str) -> dict[str, str]:
    return {"accept-ranges": "bytes", NAME_HEADER: name}


def _is_committed(name: str) -> bool:
    try:
        return SnapshotName.parse(name).is_committed
    except Malformed:
        return False


def _no_such(name: str) -> ApiError:
    return not_found(f"This node does not have a snapshot named {name}")


def _busy(error: LimitExceeded) -> ApiError:
    return ApiError(
        503,
        ErrorCode.InternalError,
        f"{error}. Retry later.",
        headers={"retry-after": str(limits.RETRY_AFTER_S)},
    )
