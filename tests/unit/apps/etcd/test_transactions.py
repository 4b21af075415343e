"""Transactions of etcd: comparisons, order, nesting, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.etcd.limits import TXN_OPS_MAX
from apps.etcd.messages import (
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    TxnResponse,
)
from apps.etcd.refusals import Refused
from apps.etcd.store import ALL, KeyRange
from apps.etcd.transactions import check_txn, run_txn
from tests.apps.etcd_kit import Keys, Model

EVERYTHING = KeyRange(b"\x00", ALL)
ENDS = st.sampled_from([b"", b"\x00", b"b", b"d"])
NAMES = st.sampled_from([b"a", b"b", b"c"])
VALUES = st.sampled_from([b"", b"1", b"2"])
NUMBERS = st.integers(0, 5)
TARGETS: dict[CompareTarget, tuple[str, st.SearchStrategy[Any]]] = {
    CompareTarget.VERSION: ("version", NUMBERS),
    CompareTarget.CREATE: ("create_revision", NUMBERS),
    CompareTarget.MOD: ("mod_revision", NUMBERS),
    CompareTarget.VALUE: ("value", VALUES),
    CompareTarget.LEASE: ("lease", NUMBERS),
}


@st.composite
def compares(draw: st.DrawFn) -> Compare:
    target = draw(st.sampled_from(CompareTarget))
    name, values = TARGETS[target]
    wanted = {name: draw(values)} if draw(st.booleans()) else {}
    return Compare(
        result=draw(st.sampled_from(CompareResult)),
        target=target,
        key=draw(NAMES),
        range_end=draw(ENDS),
        **wanted,
    )


PUTS = st.builds(PutRequest, key=NAMES, value=VALUES)
DELETES = st.builds(DeleteRangeRequest, key=NAMES, range_end=ENDS)
READS = st.builds(RangeRequest, key=NAMES, range_end=ENDS)
SINGLE = st.one_of(
    st.builds(RequestOp, request_put=PUTS),
    st.builds(RequestOp, request_delete_range=DELETES),
    st.builds(RequestOp, request_range=READS),
)


def txns(ops: st.SearchStrategy[RequestOp]) -> st.SearchStrategy[TxnRequest]:
    branch = st.lists(ops, max_size=2).map(tuple)
    return st.builds(
        TxnRequest,
        compare=st.lists(compares(), max_size=2).map(tuple),
        success=branch,
        failure=branch,
    )


OPS = st.recursive(
    SINGLE, lambda ops: st.builds(RequestOp, request_txn=txns(ops)), max_leaves=4
)


def outcome(response: TxnResponse) -> tuple[bool, list[Any]]:
    """Return what the model returns."""
    found: list[Any] = []
    for each in response.responses:
        if each.response_range is not None:
            found.append(list(each.response_range.kvs))
        elif each.response_delete_range is not None:
            found.append(each.response_delete_range.deleted)
        elif each.response_txn is not None:
            found.append(outcome(each.response_txn))
        else:
            found.append(None)
    return response.succeeded, found


@given(st.lists(txns(OPS), max_size=3))
def test_transactions_do_what_they_do_to_a_dictionary(
    requests: list[TxnRequest],
) -> None:
    keys, model = Keys(), Model()
    for request in requests:
        try:
            check_txn(request)
        except Refused as refused:
            assert "duplicate key" in refused.text  # noqa: PT017 - others are a fault
            assume(False)
        response = keys.run(lambda store, request=request: run_txn(store, request))  # type: ignore[misc]
        assert outcome(response) == model.txn(request)
        assert response.header is not None
        assert response.header.revision == model.revision
    assert keys.read(lambda store: store.range(EVERYTHING)) == list(
        model.range(b"\x00", b"\x00")
    )


def refusal_of(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.text


def put(key: bytes) -> RequestOp:
    return RequestOp(request_put=PutRequest(key=key))


def delete(key: bytes, end: bytes = b"") -> RequestOp:
    return RequestOp(request_delete_range=DeleteRangeRequest(key=key, range_end=end))


def nested(*ops: RequestOp, otherwise: tuple[RequestOp, ...] = ()) -> RequestOp:
    return RequestOp(request_txn=TxnRequest(success=ops, failure=otherwise))


DUPLICATES = {
    "two puts": (put(b"a"), put(b"a")),
    "a put and a delete": (put(b"a"), delete(b"a")),
    "a put within a range that is deleted": (delete(b"a", b"c"), put(b"b")),
    "a put and one of a nested transaction": (nested(put(b"a")), put(b"a")),
    "a delete and a put of a nested transaction": (delete(b"a"), nested(put(b"a"))),
    "a delete of a nested transaction and a put": (nested(delete(b"a")), put(b"a")),
    "puts of two nested transactions": (
        nested(put(b"a")),
        nested(otherwise=(put(b"a"),)),
    ),
    "two puts within a nested transaction": (nested(put(b"a"), put(b"a")),),
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_key_that_may_be_changed_twice_is_refused(name: str) -> None:
    for request in (
        TxnRequest(success=DUPLICATES[name]),
        TxnRequest(failure=DUPLICATES[name]),
    ):
        text = refusal_of(lambda request=request: check_txn(request))  # type: ignore[misc]
        assert text == "etcdserver: duplicate key given in txn request"


def test_the_two_lists_of_a_transaction_may_change_the_same_keys() -> None:
    both = (nested(put(b"a"), otherwise=(put(b"a"),)), put(b"b"))
    check_txn(TxnRequest(success=both, failure=both))
    check_txn(TxnRequest(success=(delete(b"a", b"c"), delete(b"a"))))


def test_the_number_of_operations_is_bounded_over_all_levels() -> None:
    many = tuple(put(b"%d" % each) for each in range(TXN_OPS_MAX))
    check_txn(TxnRequest(success=many))
    check_txn(TxnRequest(success=(nested(*many[: TXN_OPS_MAX - 1]),)))
    for request in (
        TxnRequest(success=(*many, put(b"one more"))),
        TxnRequest(success=(nested(*many),)),
        TxnRequest(compare=(Compare(key=b"k"),) * (TXN_OPS_MAX + 1)),
    ):
        text = refusal_of(lambda request=request: check_txn(request))  # type: ignore[misc]
        assert text == "etcdserver: too many operations in txn request"


NO_KEY = "etcdserver: key is not provided"
WRONG: dict[str, tuple[TxnRequest, str]] = {
    "no key to compare": (TxnRequest(compare=(Compare(),)), NO_KEY),
    "no key to set": (TxnRequest(success=(put(b""),)), NO_KEY),
    "no key to delete": (TxnRequest(failure=(delete(b""),)), NO_KEY),
    "no key to read": (
        TxnRequest(success=(RequestOp(request_range=RangeRequest()),)),
        NO_KEY,
    ),
    "no request": (TxnRequest(success=(RequestOp(),)), "etcdserver: key not found"),
    "an unknown result": (
        TxnRequest(compare=(Compare(key=b"k", result=9),)),
        "etcdserver: unknown compare result",
    ),
    "an unknown target": (
        TxnRequest(compare=(Compare(key=b"k", target=9),)),
        "etcdserver: unknown compare target",
    ),
    "a value to ignore": (
        TxnRequest(
            success=(
                RequestOp(
                    request_put=PutRequest(key=b"k", value=b"v", ignore_value=True)
                ),
            )
        ),
        "etcdserver: value is provided",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_request_that_is_wrong_is_refused(name: str) -> None:
    request, text = WRONG[name]
    assert refusal_of(lambda: check_txn(request)) == text


def test_nothing_is_left_of_a_transaction_that_fails_midway() -> None:
    keys = Keys()
    keeps = PutRequest(key=b"none", ignore_value=True)
    request = TxnRequest(success=(put(b"a"), RequestOp(request_put=keeps)))
    check_txn(request)
    text = refusal_of(lambda: keys.run(lambda store: run_txn(store, request)))
    assert text == "etcdserver: key not found"
    assert keys.read(lambda store: store.revision) == 1
    assert keys.read(lambda store: store.range(EVERYTHING)) == []


def test_a_range_of_a_later_revision_is_refused_though_the_transaction_makes_it() -> (
    None
):
    keys = Keys()
    reads = RequestOp(request_range=RangeRequest(key=b"a", revision=2))
    request = TxnRequest(success=(put(b"a"), reads))
    text = refusal_of(lambda: keys.run(lambda store: run_txn(store, request)))
    assert text == "etcdserver: mvcc: required revision is a future revision"
    late = TxnRequest(success=(nested(reads),))
    text = refusal_of(lambda: keys.run(lambda store: run_txn(store, late)))
    assert text == "etcdserver: mvcc: required revision is a future revision"
