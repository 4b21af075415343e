"""An outbox is one queue, of which every link can be served alone."""

from random import Random

from ccfpy.base.ids import NodeId
from ccfpy.consensus.messages import ProposeRequestVote
from ccfpy.consensus.ready import Send
from tests.lab.scenario.outbox import Outbox


def _send(to: str, view: int) -> Send:
    return Send(NodeId(to), ProposeRequestVote(view=view))


def _filled() -> Outbox:
    outbox = Outbox()
    outbox.extend([_send("1", 1), _send("2", 2), _send("1", 3)])
    return outbox


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    outbox = _filled()
    assert list(outbox) == [_send("1", 1), _send("2", 2), _send("1", 3)]
    assert [outbox.popleft() for _ in range(3)] == [
        _send("1", 1),
        _send("2", 2),
        _send("1", 3),
    ]
    assert not outbox
    assert outbox.receivers == []


def test_a_link_is_served_alone() -> None:
    outbox = _filled()
    assert outbox.take(NodeId("2")) == _send("2", 2).message
    assert outbox.take(NodeId("2")) is None
    assert outbox.take(NodeId("3")) is None
    assert outbox.waiting(NodeId("1")) == 2
    assert outbox.waiting(NodeId("3")) == 0
    assert len(outbox) == 2


def test_the_oldest_message_can_be_looked_at() -> None:
    outbox = _filled()
    assert outbox.oldest(NodeId("1")) == _send("1", 1).message
    assert outbox.oldest(NodeId("3")) is None
    assert len(outbox) == 3


def test_a_message_that_is_postponed_comes_last() -> None:
    outbox = _filled()
    outbox.postpone(NodeId("1"))
    outbox.postpone(NodeId("3"))
    assert list(outbox) == [_send("2", 2), _send("1", 3), _send("1", 1)]


def test_a_shuffle_keeps_every_message() -> None:
    outbox = _filled()
    before = list(outbox)
    outbox.shuffle(Random(1))
    after = list(outbox)
    assert after != before
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert len(outbox) == 3
