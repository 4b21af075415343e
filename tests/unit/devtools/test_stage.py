import pytest

from ccfpy.base import json
from ccfpy.base.ids import Seqno, SessionId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.consensus.status import TxStatus
from ccfpy.devtools.ledger_state import PastStates
from ccfpy.devtools.stage import NotOnStage, Stage, install, let_exceptions_show
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request
from ccfpy.kv.store import Store


def _staged(body: str, **properties: Json) -> Stage:
    """Serve ``POST /f`` by the body of a function of ``request``."""
    store = Store()
    endpoint: JsonObject = {
        "js_module": "/m.js",
        "js_function": "f",
        "forwarding_required": "always",
        "authn_policies": [],
        **properties,
    }
    source = f"export function f(request) {{ {body} }}"
    install(store, {"/m.js": source}, {"POST /f": endpoint})
    let_exceptions_show(store)
    return Stage(store, unix_time_us=7_000_000)


def _post(body: bytes = b"", headers: dict[str, str] | None = None) -> Request:
    return Request(method="POST", path="/app/f", headers=headers or {}, body=body)


def test_a_request_is_answered_and_nothing_is_kept() -> None:
    stage = _staged(
        "const t = ccf.kv['t']; const was = t.size; t.set(ccf.strToBuf('k'), "
        "request.body.arrayBuffer()); console.log('set', was); return { body: was };"
    )
    for _ in range(2):
        done = stage.perform(_post(b"v"), None)
        assert (done.response.status, done.response.body) == (200, b"0")
        assert done.writes == {"t": {b"k": b"v"}}
        assert done.lines == (("info", "set 0"),)


def test_a_script_that_throws_leaves_no_writes_and_says_why() -> None:
    stage = _staged("ccf.kv['t'].set(ccf.strToBuf('k'), ccf.strToBuf('v')); null.x")
    done = stage.perform(_post(), None)
    assert done.writes == {}
    error = json.loads_object(done.response.body)["error"]
    assert isinstance(error, dict)
    assert "TypeError" in str(error["details"])


def test_the_time_is_what_it_was_told() -> None:
    done = _staged("return { body: Date.now() };").perform(_post(), None)
    assert done.response.body == b"7000"


def test_policies_are_asked() -> None:
    stage = _staged("return {};", authn_policies=["user_cert"])
    assert stage.perform(_post(), None).response.status == 401


def test_an_endpoint_is_found_by_verb_and_path() -> None:
    stage = _staged("return {};")
    assert stage.endpoint("POST", "/f") is not None
    assert stage.endpoint("GET", "/f") is None


def test_transactions_before_are_known_and_others_are_not() -> None:
    past = PastStates()
    past.add(TxId(2, 1), {"t": {b"k": b"v"}})
    store = Store()
    store.apply(Seqno(1), {"t": {b"k": b"v"}})
    node = Stage(store, last=TxId(2, 1), history=past).node
    assert node.committed_tx_id() == TxId(2, 1)
    assert node.tx_status(TxId(2, 1)) is TxStatus.COMMITTED
    assert node.tx_status(TxId(3, 1)) is TxStatus.INVALID
    assert node.tx_status(TxId(2, 2)) is TxStatus.UNKNOWN
    assert (node.view_of(1), node.view_of(2)) == (2, None)


def test_scripts_see_past_states_only_with_their_receipts() -> None:
    past = PastStates()
    past.add(TxId(2, 1), {"t": {b"k": b"v"}})
    stage = _staged("return { body: ccf.historicalState };", mode="historical")
    stage = Stage(stage.node.store, last=TxId(2, 1), history=past)
    done = stage.perform(_post(headers={"x-ms-ccf-transaction-id": "2.1"}), None)
    assert done.response.status == 500
    assert b"no receipt can be made" in done.response.body


def test_a_wish_to_wait_for_commit_is_granted_at_once() -> None:
    stage = _staged("return { body: ccf.kv['t'].size };")
    asked = _post(headers={"x-ccfpy-wait-for-commit": "10"})
    assert stage.perform(asked, None).response.status == 200


def test_what_takes_a_node_is_refused() -> None:
    node = _staged("return {};").node
    session = Session(id=SessionId(1), interface=InterfaceRules(name="x"))
    with pytest.raises(NotOnStage, match="another node"):
        node.forward(_post(), session)
    with pytest.raises(NotOnStage, match="an index"):
        _ = node.indexing
    assert not node.is_at_capacity()
    assert node.cose_claims.issuer == ""
