from typing import TYPE_CHECKING

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.node_report import Answer, Heard, read_node
from tests.unit.client.networked import node_id

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


def test_a_node_says_how_it_stands() -> None:
    answer = Answer.read(
        {"state": "PartOfNetwork", "stop_notice": True},
        {
            "details": {
                "leadership_state": "Leader",
                "current_view": 4,
                "primary_id": node_id("a"),
                "acks": {node_id("b"): {"seqno": 7, "last_received_ms": 12}},
                "configs": [{"nodes": {node_id("a"): {}, node_id("b"): {}}}],
            }
        },
        "4.17",
    )
    assert (answer.leadership, answer.view, answer.commit) == ("Leader", 4, TxId(4, 17))
    assert answer.heard == {node_id("b"): Heard(seqno=7, silent_ms=12)}
    assert answer.configurations == [[node_id("a"), node_id("b")]]
    assert answer.is_stopping


def test_a_node_that_reads_a_lost_services_state_says_how_far_it_is() -> None:
    state: JsonObject = {
        "state": "ReadingPrivateLedger",
        "last_recovered_seqno": 12,
        "recovery_target_seqno": 70,
    }
    answer = Answer.read(state, {}, "4.17")
    assert (answer.recovered, answer.recovery_target) == (12, 70)
    whole = Answer.read({"state": "PartOfNetwork"}, {}, "4.17")
    assert (whole.recovered, whole.recovery_target) == (None, None)


def test_a_node_that_has_not_joined_says_little() -> None:
    answer = Answer.read({"state": "Pending"}, {"details": None}, "0.0")
    assert (answer.state, answer.leadership, answer.view) == ("Pending", None, 0)
    assert (answer.primary, answer.commit) == (None, TxId(0, 0))
    assert not answer.configurations
    with pytest.raises(UnexpectedReply, match="state"):
        Answer.read({}, {}, "0.0")
    with pytest.raises(Malformed):
        Answer.read({"state": "Pending"}, {}, "x")


def test_a_node_is_asked_where_it_speaks_http_1() -> None:
    """C++ CCF lists interfaces by their names, whatever the order in its file."""
    listed: JsonObject = {
        "node_id": node_id("a"),
        "status": "Trusted",
        "rpc_interfaces": {
            "fast": {"published_address": "h:1", "app_protocol": "HTTP2"},
            "main": {"published_address": "h:2", "app_protocol": "HTTP1"},
        },
    }
    node = read_node(listed, {}, ())
    assert node.url == "https://h:2"
    assert node.addresses == ["h:2", "h:1"]


def test_a_node_is_asked_where_the_services_certificate_serves(
    service_pem: str,
) -> None:
    interfaces: JsonObject = {
        "plain": {
            "published_address": "h:1",
            "endorsement": {"authority": "Unsecured"},
        },
        "own": {"published_address": "h:2", "endorsement": {"authority": "Node"}},
        "main": {"published_address": "h:3"},
    }
    listed: JsonObject = {
        "node_id": node_id("a"),
        "status": "Retired",
        "rpc_interfaces": interfaces,
    }
    # Governance says so as soon as it is written, before it is committed.
    governed: dict[str, JsonObject] = {
        node_id("a"): {"retiredCommitted": True, "certificate": service_pem}
    }
    assert not read_node(listed, governed, ()).is_removable
    node = read_node(listed, governed, [node_id("a")])
    assert node.url == "https://h:3"
    assert node.addresses == ["h:3", "h:1", "h:2"]
    assert node.is_removable
    assert node.valid_until is not None


def test_a_node_may_have_no_address_and_governance_not_know_it() -> None:
    node = read_node({"node_id": node_id("a"), "status": "Pending"}, {}, ())
    assert (node.url, node.is_removable, node.valid_until) == ("", False, None)
