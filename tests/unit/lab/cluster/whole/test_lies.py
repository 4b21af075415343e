"""A dishonest host changes what it is told to, and no more."""

from ccfpy.base.ids import NodeId
from ccfpy.boundary.events import LedgerRead, PeerMessage, SnapshotRead, Woken
from tests.lab.cluster.whole.lies import (
    BentMessage,
    bent,
    changed,
    digit_changed,
    kind_of,
    lied,
)
from tests.lab.cluster.whole.stage import Stage

READ = LedgerRead(request=1, first=5, last=6, entries=(b"five", b"six!"))
PIECE = SnapshotRead(request=1, name="s", size=9, start=0, data=b'{"a":"0f"}')


def test_one_byte_is_changed_counted_from_the_end() -> None:
    assert changed(b"abc", 0) == b"abb"
    assert changed(b"abc", 5) == b"`bc"
    assert changed(b"", 5) == b""
    message = bent(PeerMessage(kind=1, sender=NodeId("n"), payload=b"ab"), 0)
    assert isinstance(message, BentMessage)
    assert (message.kind, message.sender, message.payload) == (1, "n", b"ac")


def test_text_stays_text() -> None:
    assert digit_changed(b'{"a":"0f"}', 0) == b'{"a":"1f"}'
    assert digit_changed(b"none", 0) == b""


def test_only_what_is_there_can_be_lied_about() -> None:
    assert kind_of(READ) == "ledger"
    assert kind_of(PIECE) == "snapshot"
    assert not kind_of(Woken())
    assert not kind_of(LedgerRead(request=1, first=5, last=6, entries=None))


def test_answers_are_changed_withheld_or_of_a_fork() -> None:
    piece = lied(PIECE, 0, lost={})
    assert isinstance(piece, SnapshotRead)
    assert not piece.data
    bits = lied(READ, 1, lost={})
    assert isinstance(bits, LedgerRead)
    assert bits.entries == (b"five", b"siy!")
    nothing, fork = lied(READ, 0, lost={4: b"x"}), lied(READ, 0, lost={6: b"other"})
    assert isinstance(nothing, LedgerRead)
    assert isinstance(fork, LedgerRead)
    assert nothing.entries is None
    assert fork.entries == (b"five", b"other")


def test_a_bent_entry_is_refused_and_sent_again(stage: Stage) -> None:
    for line in ("write 0 a", "tick 0 60", "bend 0 1 0 5", "bend 0 1 1 5"):
        stage.do(line)
    stage.do("deliver 0 1 2")
    assert any("Follower failed" in log.message for log in stage.world.nodes[1].logs)
    stage.do("pass 1000")
    one, other = stage.world.nodes[:2]
    assert one.commit == other.commit == one.last_seqno


def test_a_lie_is_told_once(stage: Stage) -> None:
    stage.do("lie 0 ledger 3")
    assert stage.world.nodes[0].lies == {"ledger": 3}
    stage.do("write 0 a")
    stage.do("past 0 -9")
    stage.do("pass 400")
