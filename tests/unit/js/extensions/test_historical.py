"""``ccf.historical`` and ``ccf.historicalState``."""

import json

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.limits import JS_STATES_MAX
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.history import HistoricalState
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tx_receipt import SignatureTransaction, TxReceipt
from tests.unit.endpoints.world import Past
from tests.unit.js.serving.installed import Installed, error_of

NODE = NodeId("ab" * 32)
SIGNATURE = NodeSignature(
    node=NODE,
    txid=TxId(2, 9),
    root=b"\2" * 32,
    signature=b"\1",
    certificate="PEM",
)


def state(seqno: int, *, is_signature: bool = False) -> HistoricalState:
    """A state with one entry, its own seqno as text, and a receipt."""

    def prove() -> TxReceipt:
        if is_signature:
            return TxReceipt.of_signature(SignatureTransaction(by_node=SIGNATURE))
        leaf = RevealedLeaf(
            write_set_digest=b"\3" * 32,
            commit_evidence=f"ce:2.{seqno}:00",
            claims_digest=b"\4" * 32,
        )
        path = (PathStep(digest=b"\5" * 32, is_left=True),)
        signed = SignatureTransaction(by_node=SIGNATURE)
        return TxReceipt(txid=TxId(2, seqno), leaf=leaf, path=path, signed=signed)

    writes = {"t": {b"k": str(seqno).encode()}, "public:ccf.gov.x": {b"k": b"gov"}}
    return HistoricalState(TxId(2, seqno), writes, prove)


def with_states(*seqnos: int) -> Installed:
    installed = Installed()
    installed.node.committed = TxId(2, 9)
    installed.options(return_exception_details=True)
    installed.node.history.states.update({seqno: state(seqno) for seqno in seqnos})
    return installed


def message(installed: Installed, body: str, **properties: object) -> str:
    """Call a function that fails; return the exception's text."""
    installed.function(body, **properties)
    details = error_of(installed.call(headers=ASKED))["details"]
    assert isinstance(details, list)
    return str(details[0]["message"])


ASKED = {"x-ms-ccf-transaction-id": "2.3"}
FAILED = "InternalError: Failed to get state range: "
RANGE = "const states = ccf.historical.getStateRange(1, 3, 5, 60);"


def test_states_come_in_order_each_with_its_tables() -> None:
    body = f"""
        {RANGE}
        const read = (s) => ccf.bufToStr(s.kv["t"].get(ccf.strToBuf("k")));
        const of = (s) => [s.transactionId, read(s), s.kv["t"].size];
        return {{ body: states.map(of) }};
    """
    installed = with_states(3, 4, 5)
    assert installed.value(body) == [["2.3", "3", 1], ["2.4", "4", 1], ["2.5", "5", 1]]


def test_states_on_their_way_are_null() -> None:
    installed = with_states(3, 4)
    body = f"{RANGE} return {{ body: states }}"
    assert installed.value(body) is None
    assert set(installed.node.history.asked.values()) == {(3, 4, 5)}


def test_a_request_can_be_dropped_once() -> None:
    body = f"""
        {RANGE}
        return {{ body: [ccf.historical.dropCachedStates(1),
                         ccf.historical.dropCachedStates(1)] }};
    """
    assert with_states(3, 4, 5).value(body) == [True, False]


def test_a_receipt_has_the_form_that_scripts_know() -> None:
    body = f"{RANGE} return {{ body: states[0].receipt }}"
    assert with_states(3, 4, 5).value(body) == {
        "cert": "PEM",
        "is_signature_transaction": False,
        "leaf_components": {
            "claims_digest": "04" * 32,
            "commit_evidence": "ce:2.3:00",
            "write_set_digest": "03" * 32,
        },
        "node_id": NODE,
        "proof": [{"left": "05" * 32}],
        "signature": "AQ==",
    }


def test_the_receipt_of_a_signature_is_the_root() -> None:
    installed = with_states()
    installed.node.history.states[9] = state(9, is_signature=True)
    body = "return { body: ccf.historical.getStateRange(1, 9, 9, 60)[0].receipt }"
    assert installed.value(body) == {
        "cert": "PEM",
        "is_signature_transaction": True,
        "node_id": NODE,
        "root_hex": "02" * 32,
        "signature": "AQ==",
    }


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("getStateRange(1, 2, 3)", "TypeError: Passed 3 arguments, but expected 4"),
        ("dropCachedStates()", "TypeError: Passed 0 arguments, but expected 1"),
        (
            "getStateRange(-1, 2, 3, 4)",
            "RangeError: Invalid handle or seqno or expiry: cannot be negative",
        ),
        (
            "dropCachedStates(-1)",
            "RangeError: Invalid handle: cannot be negative",
        ),
        (
            f"getStateRange(1, 1, {JS_STATES_MAX + 1}, 60)",
            f"{FAILED}more than {JS_STATES_MAX} states at once",
        ),
        (
            "getStateRange(1, 4, 2, 60)",
            f"{FAILED}Invalid range for historical query: end 2 is before start 4",
        ),
    ],
)
def test_what_cannot_be_asked_throws(call: str, reason: str) -> None:
    assert message(with_states(), f"ccf.historical.{call}") == reason


@pytest.mark.parametrize(
    ("first", "last"),
    [(8, 10), (10, 10), (1_000_000, 1_000_001), (0, 3)],
    ids=["partly committed", "not committed", "unheard of", "from nothing"],
)
def test_what_is_not_committed_is_null_and_not_asked_for(first: int, last: int) -> None:
    installed = with_states(3, 8, 9, 10)
    body = f"ccf.historical.getStateRange(1, {first}, {last}, 60)"
    assert installed.value(f"return {{ body: [{body}] }}") == [None]
    assert installed.node.history.asked == {}


def test_nothing_is_there_before_anything_is_committed() -> None:
    installed = with_states(3, 4, 5)
    installed.node.committed = None
    assert installed.value(f"{RANGE} return {{ body: [states] }}") == [None]


def test_what_is_lost_is_null_for_ever() -> None:
    installed = with_states(3)
    installed.node.history.failing.add(4)
    assert installed.value(f"{RANGE} return {{ body: [states] }}") == [None]


def test_so_many_states_can_be_asked_for() -> None:
    body = f"""
        const states = ccf.historical.getStateRange(1, 1, {JS_STATES_MAX}, 60);
        return {{ body: states }};
    """
    assert with_states().value(body) is None


def test_the_past_cannot_be_written() -> None:
    body = f"{RANGE} states[0].kv['t'].set(ccf.strToBuf('k'), ccf.strToBuf('v'))"
    assert message(with_states(3, 4, 5), body) == (
        'TypeError: Cannot call "set" on table named t. '
        "All tables are read-only during historical transaction."
    )


def test_what_an_application_may_not_see_now_it_may_not_see_then() -> None:
    name = "public:ccf.gov.x"
    read = f"ccf.bufToStr(states[0].kv['{name}'].get(ccf.strToBuf('k')))"
    installed = with_states(3, 4, 5)
    assert installed.value(f"{RANGE} return {{ body: {{ a: {read} }} }}") == {
        "a": "gov"
    }
    body = f"{RANGE} states[0].kv['ccf.internal.x'].size"
    assert "This table is inaccessible in current" in message(installed, body)


def test_a_historical_endpoint_has_the_state_that_was_asked_for() -> None:
    installed = with_states(3)
    installed.node.statuses[TxId(2, 3)] = TxStatus.COMMITTED
    installed.function(
        """
        const { transactionId, kv, receipt } = ccf.historicalState;
        const same = ccf.historicalState === ccf.historicalState;
        const value = ccf.bufToStr(kv["t"].get(ccf.strToBuf("k")));
        return { body: [transactionId, value, receipt.node_id, same] };
        """,
        mode="historical",
    )
    answer = installed.call(headers=ASKED)
    assert json.loads(answer.body) == ["2.3", "3", NODE, True]
    assert installed.call().status == 400


def test_other_endpoints_have_no_such_state() -> None:
    body = "return { body: { state: ccf.historicalState ?? null } }"
    assert Installed().value(body) == {"state": None}


def test_a_state_kept_from_an_earlier_call_is_gone() -> None:
    installed = with_states(3)
    installed.node.statuses[TxId(2, 3)] = TxStatus.COMMITTED
    installed.function(
        """
        globalThis.kept ??= ccf.historicalState;
        return { body: globalThis.kept.kv["t"].size };
        """,
        mode="historical",
        interpreter_reuse={"key": "a"},
    )
    assert installed.call(headers=ASKED).body == b"1"
    installed.node.history = Past(states={4: state(4)})
    installed.function(
        "globalThis.kept ??= ccf.historical.getStateRange(1, 4, 4, 60)[0];"
        "return { body: globalThis.kept.kv['t'].size };",
        interpreter_reuse={"key": "b"},
    )
    assert installed.call().body == b"1"
    second = installed.call()
    details = error_of(second)["details"]
    assert isinstance(details, list)
    expected = "InternalError: Internal: Unable to access MapHandle"
    assert details[0]["message"] == expected
