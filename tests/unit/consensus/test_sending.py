"""What a leader sends: one view to a message, a batch at most, and never nothing."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.limits import APPEND_ENTRIES_IN_FLIGHT_MAX
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.sending import send_from, send_news
from tests.unit.consensus.nodes import SIGNATURE, WRITE, new_leader


def test_entries_of_two_views_travel_apart() -> None:
    raft = new_leader()
    for entry in (WRITE, SIGNATURE):
        raft.append(entry)
    raft.replica.view = 3
    raft.append(WRITE)
    send_from(raft.replica, NodeId("1"), 1)
    sent = [message for _, message in raft.replica.out.take().messages]
    assert sent == [
        AppendEntries(view=3, previous=TxId(0, 0), last=TxId(1, 2), leader_commit=0),
        AppendEntries(view=3, previous=TxId(1, 2), last=TxId(3, 3), leader_commit=0),
    ]
    assert raft.replica.peers[NodeId("1")].sent == 3


def test_a_message_has_a_batch_at_most() -> None:
    raft = new_leader()
    for _ in range(5):
        raft.append(WRITE)
    raft.replica.batch.entries = 2
    send_from(raft.replica, NodeId("1"), 1)
    sent = [message for _, message in raft.replica.out.take().messages]
    assert [m.last.seqno for m in sent if isinstance(m, AppendEntries)] == [2, 4, 5]


def test_whoever_has_all_is_sent_a_heartbeat() -> None:
    raft = new_leader()
    send_news(raft.replica)
    sent = raft.replica.out.take().messages
    assert [to for to, _ in sent] == ["1", "2"]
    assert all(
        isinstance(m, AppendEntries) and m.previous == m.last == TxId(0, 0)
        for _, m in sent
    )


def test_so_much_is_in_flight_and_no_more() -> None:
    raft = new_leader()
    peer = raft.replica.peers[NodeId("1")]
    raft.replica.batch.entries = 2
    most = 2 * APPEND_ENTRIES_IN_FLIGHT_MAX
    for _ in range(most + 1):
        raft.append(WRITE)
    raft.replica.batch.entries = 2
    raft.replica.out.take()
    peer.sent = 0
    send_from(raft.replica, NodeId("1"), 1)
    sent = raft.replica.out.take().messages
    assert len(sent) == APPEND_ENTRIES_IN_FLIGHT_MAX
    assert peer.sent == most
    peer.matched = 1
    send_from(raft.replica, NodeId("1"), peer.sent + 1)
    assert peer.sent == most + 1


def test_a_full_link_is_sent_heartbeats_still() -> None:
    raft = new_leader()
    peer = raft.replica.peers[NodeId("1")]
    for _ in range(100):
        raft.append(WRITE)
    raft.replica.batch.entries = 1
    raft.replica.out.take()
    peer.sent = APPEND_ENTRIES_IN_FLIGHT_MAX
    send_from(raft.replica, NodeId("1"), peer.sent + 1)
    ((_, message),) = raft.replica.out.take().messages
    assert isinstance(message, AppendEntries)
    assert not message.has_entries
    assert peer.sent == APPEND_ENTRIES_IN_FLIGHT_MAX
