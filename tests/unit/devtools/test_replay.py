"""Requests run again: by the same code the same comes of it, by other code what differs
is known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.bundle import Bundle
from ccfpy.devtools.ledger_state import LedgerState, PastStates
from ccfpy.devtools.replay import NotReplayed, installed, replay
from ccfpy.devtools.served import ServedRequest
from ccfpy.devtools.stage import install
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store

PUT = """
const t = ccf.kv["t"], k = ccf.strToBuf("k");
export function f(request) {
  const before = t.get(k);
  t.set(k, request.body.arrayBuffer());
  return { body: before === undefined ? "nothing" : ccf.bufToStr(before) };
}
"""
PROPERTIES: JsonObject = {
    "js_module": "m.js",
    "js_function": "f",
    "forwarding_required": "always",
    "authn_policies": [],
}


def _bundle(source: str) -> Bundle:
    return Bundle(
        metadata={"endpoints": {"/x": {"put": PROPERTIES}}}, modules={"m.js": source}
    )


def _state(writes: Mapping[TxId, WriteSet] | None = None) -> LedgerState:
    """A service whose second transaction is the value before."""
    store = Store()
    install(store, {"/m.js": PUT}, {"PUT /x": PROPERTIES | {"js_module": "/m.js"}})
    store.apply(2, {"t": {b"k": b"old"}})
    past = PastStates()
    return LedgerState(
        store=store, last=TxId(2, 2), past=past, _writes=dict(writes or {})
    )


SERVED = ServedRequest(
    number=7,
    unix_time_us=1,
    method="PUT",
    path="/app/x",
    body=b"new",
    read_version=2,
    txid="2.3",
    status=200,
    answer_headers={"content-type": "text/plain", "x-ms-ccf-transaction-id": "2.3"},
    answer=b"old",
)
WROTE = {TxId(2, 3): {"t": {b"k": b"new"}}}


@pytest.mark.parametrize("bundle", [None, _bundle(PUT)])
def test_by_the_same_code_the_same_comes_of_it(bundle: Bundle | None) -> None:
    done = replay(SERVED, _state(WROTE), bundle)
    assert done.is_same
    assert done.now.body == b"old"
    assert done.now.writes == WROTE[TxId(2, 3)]


@pytest.mark.parametrize(
    "change",
    [
        ("request.body.arrayBuffer()", "ccf.strToBuf('x')"),
        ("t.set", "t.has"),
        ("body: before", "statusCode: 201, body: before"),
        ('"nothing"', '"nothing"'.upper()),
        ("ccf.bufToStr(before)", "before"),
    ],
)
def test_by_other_code_what_differs_is_known(change: tuple[str, str]) -> None:
    done = replay(SERVED, _state(WROTE), _bundle(PUT.replace(*change)))
    assert done.is_same is (change[0] == '"nothing"')


def test_an_answer_that_was_not_kept_is_not_compared() -> None:
    served = replace(SERVED, answer=None, answer_headers={})
    assert replay(served, _state(WROTE), None).is_same
    other = _bundle(PUT.replace("t.set", "t.has"))
    assert not replay(served, _state(WROTE), other).is_same


def test_one_that_only_read_wrote_nothing() -> None:
    served = replace(SERVED, txid="2.2")
    done = replay(served, _state(), None)
    assert done.then.writes == {}
    assert not done.is_same


def test_what_throws_is_told() -> None:
    done = replay(SERVED, _state(WROTE), _bundle("export const f = () => null.x;"))
    assert done.now.status == 500
    assert done.now.writes == {}
    assert "TypeError" in (done.performance.thrown or "")
    assert "m.js:1" in (done.performance.trace or "")


def test_what_was_not_kept_whole_is_not_run() -> None:
    with pytest.raises(NotReplayed, match="request 7 was not kept whole"):
        replay(replace(SERVED, body=None), _state(), None)
    with pytest.raises(NotReplayed, match=r"transaction 2\.3 is not in the ledger"):
        replay(SERVED, _state(), None)


def test_the_code_of_then_can_be_shown() -> None:
    assert installed(_state().store).modules == {"m.js": PUT}
