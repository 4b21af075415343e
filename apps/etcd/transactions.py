"""Transactions: comparisons, and the list of requests that they choose.

All comparisons, those of nested transactions too, see the state before the transaction.
The requests of the chosen list run in order, and each sees what those before it wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.etcd.limits import TXN_OPS_MAX
from apps.etcd.messages import (
    Compare,
    CompareResult,
    CompareTarget,
    KeyValue,
    RequestOp,
    ResponseOp,
    TxnRequest,
    TxnResponse,
)
from apps.etcd.ranges import (
    at_revision,
    check_delete,
    check_put,
    check_range,
    run_delete,
    run_put,
    run_range,
)
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.store import KeyRange, Store

# Check


def check_txn(request: TxnRequest) -> None:
    """Check a transaction by itself.

    Raises:
        Refused: a request in it is wrong, there are too many, or one key may be changed
            twice.
    """
    _check(request, TXN_OPS_MAX)
    _changes_of(request.success)
    _changes_of(request.failure)


def _check(request: TxnRequest, ops_max: int) -> None:
    ops = max(len(request.compare), len(request.success), len(request.failure))
    if ops > ops_max:
        raise refused(Refusal.TOO_MANY_OPS)
    for compare in request.compare:
        if not compare.key:
            raise refused(Refusal.EMPTY_KEY)
        if compare.result not in list(CompareResult):
            raise Refused(Code.INVALID_ARGUMENT, "etcdserver: unknown compare result")
        if compare.target not in list(CompareTarget):
            raise Refused(Code.INVALID_ARGUMENT, "etcdserver: unknown compare target")
    for op in (*request.success, *request.failure):
        _check_op(op, ops_max - ops)


def _check_op(op: RequestOp, ops_left: int) -> None:
    if op.request_range is not None:
        check_range(op.request_range)
    elif op.request_put is not None:
        check_put(op.request_put)
    elif op.request_delete_range is not None:
        check_delete(op.request_delete_range)
    elif op.request_txn is not None:
        _check(op.request_txn, ops_left)
    else:
        # An operation without a request names no key either.
        raise refused(Refusal.KEY_NOT_FOUND)


@dataclass(slots=True)
class _Changes:
    """The keys that a list of requests may set, and the ranges that it may delete."""

    puts: set[bytes] = field(default_factory=set)
    deletes: list[KeyRange] = field(default_factory=list)

    def put(self, key: bytes) -> None:
        """Add a key that may be set.

        Raises:
            Refused: the key may be changed already.
        """
        if key in self.puts or any(each.has(key) for each in self.deletes):
            raise refused(Refusal.DUPLICATE_KEY)
        self.puts.add(key)


def _changes_of(ops: Sequence[RequestOp]) -> _Changes:
    """Collect what a list of requests may change.

    Raises:
        Refused: it may set a key twice, or set and delete a key. Of the two lists of a
            nested transaction one alone runs, so both may set the same key.
    """
    changes = _Changes()
    for op in ops:
        if op.request_delete_range is not None:
            request = op.request_delete_range
            changes.deletes.append(KeyRange(request.key, request.range_end))
    for op in ops:
        if op.request_txn is None:
            continue
        branches = (
            _changes_of(op.request_txn.success),
            _changes_of(op.request_txn.failure),
        )
        for key in branches[0].puts | branches[1].puts:
            changes.put(key)
        for branch in branches:
            changes.deletes += branch.deletes
    for op in ops:
        if op.request_put is not None:
            changes.put(op.request_put.key)
    return changes


# Run


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The list of requests that a transaction's comparisons chose."""

    succeeded: bool
    ops: Sequence[RequestOp]
    nested: Sequence["_Chosen | None"]
    """Of each request that is a transaction, what that one chose."""


def run_txn(store: Store, request: TxnRequest) -> TxnResponse:
    """Run a transaction that was checked.

    Raises:
        Refused: a request that was chosen cannot be carried out.
    """
    chosen = _choose(store, request)
    _check_revisions(store, chosen)
    return _run(store, chosen)


def _choose(store: Store, request: TxnRequest) -> _Chosen:
    succeeded = all(_holds(store, compare) for compare in request.compare)
    ops = request.success if succeeded else request.failure
    nested = [
        None if op.request_txn is None else _choose(store, op.request_txn) for op in ops
    ]
    return _Chosen(succeeded, ops, nested)


def _check_revisions(store: Store, chosen: _Chosen) -> None:
    """Check the revisions of ranges while the transaction has no revision yet."""
    for op, nested in zip(chosen.ops, chosen.nested, strict=True):
        if op.request_range is not None:
            store.check_revision(op.request_range.revision)
        if nested is not None:
            _check_revisions(store, nested)


def _run(store: Store, chosen: _Chosen) -> TxnResponse:
    responses = tuple(
        _run_op(store, op, nested)
        for op, nested in zip(chosen.ops, chosen.nested, strict=True)
    )
    return TxnResponse(
        header=at_revision(store.revision),
        succeeded=chosen.succeeded,
        responses=responses,
    )


def _run_op(store: Store, op: RequestOp, nested: _Chosen | None) -> ResponseOp:
    if nested is not None:
        return ResponseOp(response_txn=_run(store, nested))
    if op.request_range is not None:
        return ResponseOp(response_range=run_range(store, op.request_range))
    if op.request_put is not None:
        return ResponseOp(response_put=run_put(store, op.request_put))
    assert op.request_delete_range is not None, "the request was checked"
    return ResponseOp(response_delete_range=run_delete(store, op.request_delete_range))


# Compare


def _holds(store: Store, compare: Compare) -> bool:
    """Return whether a comparison holds for all keys of its range.

    Where there is no key, numbers are compared with 0, and no value compares.
    """
    found = store.range(KeyRange(compare.key, compare.range_end))
    if not found:
        if compare.target == CompareTarget.VALUE:
            return False
        found = [KeyValue()]
    return all(_compares(compare, kv) for kv in found)


def _compares(compare: Compare, kv: KeyValue) -> bool:
    has: Any
    wanted: Any
    match compare.target:
        case CompareTarget.VERSION:
            has, wanted = kv.version, compare.version or 0
        case CompareTarget.CREATE:
            has, wanted = kv.create_revision, compare.create_revision or 0
        case CompareTarget.MOD:
            has, wanted = kv.mod_revision, compare.mod_revision or 0
        case CompareTarget.VALUE:
            has, wanted = kv.value, compare.value or b""
        case _:
            has, wanted = kv.lease, compare.lease or 0
    match compare.result:
        case CompareResult.EQUAL:
            return bool(has == wanted)
        case CompareResult.NOT_EQUAL:
            return bool(has != wanted)
        case CompareResult.GREATER:
            return bool(has > wanted)
        case _:
            return bool(has < wanted)
