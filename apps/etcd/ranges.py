"""Single requests of keys: range, put and delete."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from apps.etcd.messages import (
    DeleteRangeRequest,
    DeleteRangeResponse,
    KeyValue,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
    SortOrder,
    SortTarget,
)
from apps.etcd.refusals import Refusal, refused
from apps.etcd.store import KeyRange, Store

_SORTED_BY: Final[dict[int, Callable[[KeyValue], Any]]] = {
    SortTarget.KEY: lambda kv: kv.key,
    SortTarget.VERSION: lambda kv: kv.version,
    SortTarget.CREATE: lambda kv: kv.create_revision,
    SortTarget.MOD: lambda kv: kv.mod_revision,
    SortTarget.VALUE: lambda kv: kv.value,
}


def at_revision(revision: int) -> ResponseHeader:
    """Return the header of an answer within a transaction."""
    return ResponseHeader(revision=revision)


# Range


def check_range(request: RangeRequest) -> None:
    """Check a request for a range by itself.

    Raises:
        Refused: the request names no key, or an unknown order.
    """
    if not request.key:
        raise refused(Refusal.EMPTY_KEY)
    if request.sort_order not in list(SortOrder):
        raise refused(Refusal.INVALID_SORT_OPTION)
    if request.sort_target not in _SORTED_BY:
        raise refused(Refusal.INVALID_SORT_OPTION)


def run_range(store: Store, request: RangeRequest) -> RangeResponse:
    """Answer a request for a range that was checked.

    Raises:
        Refused: its revision cannot be read.
    """
    header, keys = at_revision(store.revision), KeyRange(request.key, request.range_end)
    store.check_revision(request.revision)
    is_now = request.revision <= 0 or request.revision == store.revision
    if is_now and (request.count_only or _is_plain(request)):
        size = 0 if request.count_only else request.limit
        kvs, count = store.page(keys, size)
        more = 0 < size < count
        return RangeResponse(
            header=header, kvs=_sent(request, kvs), more=more, count=count
        )
    found = store.range(keys, request.revision)
    count = len(found)
    if request.count_only:
        return RangeResponse(header=header, count=count)
    chosen = _in_order(request, [kv for kv in found if _is_within(request, kv)])
    more = 0 < request.limit < len(chosen)
    if more:
        chosen = chosen[: request.limit]
    return RangeResponse(
        header=header, kvs=_sent(request, chosen), more=more, count=count
    )


def _is_plain(request: RangeRequest) -> bool:
    """Return whether a range is a number of the first keys, in the keys' order."""
    return request.limit > 0 and request == RangeRequest(
        key=request.key,
        range_end=request.range_end,
        limit=request.limit,
        revision=request.revision,
        serializable=request.serializable,
        keys_only=request.keys_only,
    )


def _sent(request: RangeRequest, kvs: list[KeyValue]) -> tuple[KeyValue, ...]:
    if request.keys_only:
        return tuple(replace(kv, value=b"") for kv in kvs)
    return tuple(kvs)


def _is_within(request: RangeRequest, kv: KeyValue) -> bool:
    """Return whether a key is within the bounds of revisions; 0 bounds nothing."""
    return (
        request.min_mod_revision <= kv.mod_revision
        and kv.mod_revision <= (request.max_mod_revision or kv.mod_revision)
        and request.min_create_revision <= kv.create_revision
        and kv.create_revision <= (request.max_create_revision or kv.create_revision)
    )


def _in_order(request: RangeRequest, kvs: list[KeyValue]) -> list[KeyValue]:
    """Sort by what is asked for; a target alone sorts upwards."""
    order, target = request.sort_order, request.sort_target
    if order == SortOrder.NONE and target == SortTarget.KEY:
        return kvs
    return sorted(kvs, key=_SORTED_BY[target], reverse=order == SortOrder.DESCEND)


# Put


def check_put(request: PutRequest) -> None:
    """Check a request to set a key by itself.

    Raises:
        Refused: the request names no key, or gives what is to be left as it is.
    """
    if not request.key:
        raise refused(Refusal.EMPTY_KEY)
    if request.ignore_value and request.value:
        raise refused(Refusal.VALUE_PROVIDED)
    if request.ignore_lease and request.lease:
        raise refused(Refusal.LEASE_PROVIDED)


def run_put(store: Store, request: PutRequest) -> PutResponse:
    """Set a key, as a request asks that was checked.

    Raises:
        Refused: there is no such lease, or nothing whose value or lease could be left.
    """
    value, lease = request.value, request.lease
    if request.ignore_value or request.ignore_lease:
        now = store.get(request.key)
        if now is None:
            raise refused(Refusal.KEY_NOT_FOUND)
        value = now.value if request.ignore_value else value
        lease = now.lease if request.ignore_lease else lease
    previous = store.put(request.key, value, lease)
    return PutResponse(
        header=at_revision(store.revision),
        prev_kv=previous if request.prev_kv else None,
    )


# Delete


def check_delete(request: DeleteRangeRequest) -> None:
    """Check a request to delete keys by itself.

    Raises:
        Refused: the request names no key.
    """
    if not request.key:
        raise refused(Refusal.EMPTY_KEY)


def run_delete(store: Store, request: DeleteRangeRequest) -> DeleteRangeResponse:
    """Delete keys, as a request asks that was checked."""
    gone = store.delete(KeyRange(request.key, request.range_end))
    return DeleteRangeResponse(
        header=at_revision(store.revision),
        deleted=len(gone),
        prev_kvs=_all(gone) if request.prev_kv else (),
    )


def _all(kvs: Iterable[KeyValue]) -> tuple[KeyValue, ...]:
    return tuple(kvs)
