"""A booted node's answers to endpoints, and its actions when state is final."""

from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.testing.node import InProcessNode


def test_view_history_lists_where_each_view_began(node: InProcessNode) -> None:
    answer = node.request("GET", "/app/commit?view_history=true")
    assert json.loads_object(answer.body)["view_history"] == ["1.1", "2.1"]
    since = node.request("GET", "/app/commit?view_history_since=2")
    assert json.loads_object(since.body)["view_history"] == ["2.1"]
    assert node.request("GET", "/app/commit?view_history_since=3").status == 404
    assert node.request("GET", "/app/commit?view_history_since=0").status == 400
    assert node.request("GET", "/app/commit?view_history_since=x").status == 400
    assert node.request("GET", "/app/commit?view_history=maybe").status == 400


@pytest.mark.slow
def test_enough_entries_are_signed_without_waiting_for_the_timer(
    node: InProcessNode,
) -> None:
    before = node.host.commit
    client = node.connect()
    for _ in range(5000):
        client.request("PUT", "/app/notes", body={"a": "1"})
    assert node.host.commit > before


def test_status_of_ids_that_cannot_be(node: InProcessNode) -> None:
    for text in ("", "1", "2.", "0.1", "2.0", "-1.2", "a.b", "2.1.3"):
        answer = node.request("GET", f"/app/tx?transaction_id={text}")
        assert answer.status == 400, text
    answer = node.request("GET", "/app/tx")
    assert b"Missing query parameter 'transaction_id'" in answer.body


def test_a_node_speaks_for_itself_under_the_older_name_too(
    node: InProcessNode,
) -> None:
    for frontend in ("app", "gov", "node"):
        both = [
            node.request("GET", f"/{frontend}/{name}?transaction_id=2.2").body
            for name in ("tx", "local_tx")
        ]
        assert both[0] == both[1]
        assert b"Committed" in both[0]


def test_receipts_of_what_is_not_committed_are_refused(node: InProcessNode) -> None:
    for text, code in (
        ("2.99999", b"TransactionPendingOrUnknown"),
        ("1.1", b"TransactionInvalid"),
    ):
        answer = node.request("GET", f"/app/receipt?transaction_id={text}")
        assert answer.status == 404
        assert code in answer.body
    assert node.request("GET", "/app/receipt").status == 400
    assert node.request("GET", "/app/receipt?transaction_id=x").status == 400


def test_a_signature_has_a_receipt_of_its_own(node: InProcessNode) -> None:
    node.advance(1000)
    seqno = node.host.commit
    answer = node.request("GET", f"/app/receipt?transaction_id=2.{seqno}")
    receipt = json.loads_object(answer.body)
    assert receipt["proof"] == []
    assert "leaf_components" not in receipt


def test_a_primary_takes_writes_exactly_while_it_is_not_at_capacity(
    node: InProcessNode,
) -> None:
    """``takes_writes`` says in one look what two questions say."""
    running = node.trusted.running
    assert running is not None
    raft = running.replication.raft.state
    given = raft.settings
    client = node.connect()
    verdicts = set()
    for _ in range(4):
        client.request("PUT", "/app/notes", body={"a": "1"})
        for most in range(6):
            raft.settings = replace(given, uncommitted_tx_max=most)
            verdict = running.is_primary and not running.is_at_capacity()
            assert running.takes_writes is verdict
            verdicts.add(verdict)
        raft.settings = given
    assert verdicts == {True, False}
