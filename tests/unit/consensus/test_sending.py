"""A leader's messages: one view in each, a batch at most, and never empty."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.limits import APPEND_ENTRIES_IN_FLIGHT_MAX
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import Ready
from ccfpy.consensus.sending import send_from, send_news
from tests.unit.consensus.nodes import (
    HEARTBEAT_MS,
    SIGNATURE,
    WRITE,
    ack,
    entries,
    nack,
    new_leader,
    new_raft,
    take,
)

LINK_ENTRIES_MAX = 3
"""What a host sends in one message, in a test of one that drops what is larger."""


def test_entries_of_two_views_travel_apart() -> None:
    raft = new_leader()
    for entry in (WRITE, SIGNATURE):
        raft.append(entry)
    raft.state.view = 3
    raft.append(WRITE)
    send_from(raft.state, NodeId("1"), 1)
    sent = [message for _, message in raft.state.out.take().messages]
    assert sent == [
        AppendEntries(view=3, previous=TxId(0, 0), last=TxId(1, 2), leader_commit=0),
        AppendEntries(view=3, previous=TxId(1, 2), last=TxId(3, 3), leader_commit=0),
    ]
    assert raft.state.peers[NodeId("1")].sent == 3


@pytest.mark.parametrize(
    ("waiting", "ends"),
    [(1, [1]), (3, [3]), (5, [5]), (6, [3, 6]), (7, [3, 7]), (9, [3, 6, 9])],
)
def test_a_message_has_a_batch_and_what_is_less_than_another(
    waiting: int, ends: list[int]
) -> None:
    raft = new_leader()
    for _ in range(waiting):
        raft.append(WRITE)
    raft.state.batch.entries = 3
    send_from(raft.state, NodeId("1"), 1)
    assert [each.last.seqno for each in _sent(raft.state.out.take())] == ends


def test_what_a_link_drops_for_its_size_is_sent_in_smaller_messages() -> None:
    raft = new_leader()
    for entry in (*[WRITE] * 9, SIGNATURE):
        raft.append(entry)
    raft.state.batch.entries = 8
    holds, largest = 0, 0
    for _ in range(10):
        waiting = deque(_sent(raft.tick(HEARTBEAT_MS)))
        while waiting:
            message = waiting.popleft()
            before, last = message.previous.seqno, message.last.seqno
            largest = max(largest, last - before)
            if last - before > LINK_ENTRIES_MAX:
                continue
            is_success = before <= holds
            if is_success:
                holds = max(holds, last)
            answer = ack(1, holds) if is_success else nack(1, holds)
            waiting += _sent(raft.receive(NodeId("1"), answer))
    assert holds == largest == 10
    assert raft.state.peers[NodeId("1")].halvings == 0, "the peer has caught up"


def _sent(ready: Ready) -> list[AppendEntries]:
    """Return what is sent to node 1."""
    return [
        message
        for to, message in ready.messages
        if to == "1" and isinstance(message, AppendEntries)
    ]


def test_whoever_has_all_is_sent_a_heartbeat() -> None:
    raft = new_leader()
    send_news(raft.state)
    sent = raft.state.out.take().messages
    assert [to for to, _ in sent] == ["1", "2"]
    assert all(
        isinstance(m, AppendEntries) and m.previous == m.last == TxId(0, 0)
        for _, m in sent
    )


def test_so_much_is_in_flight_and_no_more() -> None:
    raft = new_leader()
    peer = raft.state.peers[NodeId("1")]
    raft.state.batch.entries = 2
    most = 2 * APPEND_ENTRIES_IN_FLIGHT_MAX
    for _ in range(most + 1):
        raft.append(WRITE)
    raft.state.batch.entries = 2
    raft.state.out.take()
    peer.sent = 0
    send_from(raft.state, NodeId("1"), 1)
    sent = raft.state.out.take().messages
    assert len(sent) == APPEND_ENTRIES_IN_FLIGHT_MAX
    assert peer.sent == most
    peer.matched = 1
    send_from(raft.state, NodeId("1"), peer.sent + 1)
    assert peer.sent == most + 1


def test_a_full_link_is_sent_heartbeats_still() -> None:
    raft = new_leader()
    peer = raft.state.peers[NodeId("1")]
    for _ in range(100):
        raft.append(WRITE)
    raft.state.batch.entries = 1
    raft.state.out.take()
    peer.sent = APPEND_ENTRIES_IN_FLIGHT_MAX
    send_from(raft.state, NodeId("1"), peer.sent + 1)
    ((_, message),) = raft.state.out.take().messages
    assert isinstance(message, AppendEntries)
    assert not message.has_entries
    assert peer.sent == APPEND_ENTRIES_IN_FLIGHT_MAX


def test_a_full_link_is_sent_nothing_between_heartbeats() -> None:
    raft = new_leader()
    peer = raft.state.peers[NodeId("1")]
    raft.state.batch.entries = 1
    for entry in (*[WRITE] * APPEND_ENTRIES_IN_FLIGHT_MAX, SIGNATURE):
        raft.append(entry)
    peer.sent = APPEND_ENTRIES_IN_FLIGHT_MAX - 1
    assert len(_sent(raft.flush())) == 1
    assert peer.sent == APPEND_ENTRIES_IN_FLIGHT_MAX
    assert _sent(raft.flush()) == []
    raft.receive(NodeId("1"), ack(1, 1))
    (message,) = _sent(raft.flush())
    assert message.last.seqno == APPEND_ENTRIES_IN_FLIGHT_MAX + 1


BATCH_ENTRIES = 4
LOG_ENTRIES = 80
"""More entries than a leader sends in messages of four before it hears an answer."""
HALVINGS_MAX = 3
HEARTBEATS_MAX = 9
"""Heartbeats in which the whole log can be sent in messages of one entry, and four more
to find out where to begin."""


def _exchange_heartbeat(leader: Raft, backup: Raft) -> None:
    """Deliver what a heartbeat of a leader brings about, in both directions."""
    backup_id, leader_id = backup.state.node_id, leader.state.node_id
    to_backup = deque(leader.tick(HEARTBEAT_MS).messages)
    while to_backup:
        to, message = to_backup.popleft()
        if to != backup_id:
            continue
        assert isinstance(message, AppendEntries)
        ready = backup.receive(leader_id, message)
        if ready.offer is not None:
            ready = backup.accept(
                [
                    WRITE if seqno % 2 else SIGNATURE
                    for seqno in range(ready.offer.first, message.last.seqno + 1)
                ]
            )
        for _, answer in ready.messages:
            to_backup += leader.receive(backup_id, answer).messages


@given(st.data())
def test_a_backup_catches_up_whatever_its_leader_believes_of_it(
    data: st.DataObject,
) -> None:
    leader = new_leader()
    for _ in range(LOG_ENTRIES // 2):
        leader.append(WRITE)
        leader.append(SIGNATURE)
    leader.state.batch.entries = BATCH_ENTRIES

    backup = new_raft("1")
    held = data.draw(st.integers(0, LOG_ENTRIES), label="held by the backup")
    commit = data.draw(st.integers(0, held), label="committed")
    if held:
        message = entries(view=1, after=(0, 0), last=(1, held), commit=commit)
        kinds = [WRITE, SIGNATURE] * (LOG_ENTRIES // 2)
        take(backup, message, kinds[:held], sender="0")

    peer = leader.state.peers[backup.state.node_id]
    peer.matched = data.draw(st.integers(0, held), label="matched")
    peer.began = data.draw(st.integers(0, LOG_ENTRIES), label="began")
    peer.sent = data.draw(st.integers(peer.answered, LOG_ENTRIES), label="sent")
    peer.halvings = data.draw(st.integers(0, HALVINGS_MAX), label="halvings")

    for _ in range(HEARTBEATS_MAX):
        _exchange_heartbeat(leader, backup)
    assert backup.log.last_seqno == peer.matched == LOG_ENTRIES
    assert leader.is_leader
