"""The record of a run."""

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency import History, check
from tests.lab.faults.recorder import Recorder


def test_a_run_is_recorded_in_order_with_what_is_not_known_yet() -> None:
    clock = iter(range(100))
    recorder = Recorder(lambda: next(clock))
    one = recorder.sent(client="c", node="n0", key="list/0", is_write=True)
    two = recorder.sent(client="c", node="n0", key="list/0", is_write=True)
    read = recorder.sent(client="d", node="n1", key="list/0", is_write=False)
    recorder.given_up(
        recorder.sent(client="d", node="n1", key="list/1", is_write=False), "no answer"
    )
    assert list(recorder.written) == ["list/0"]
    recorder.answered(one, txid=TxId(2, 5), count=1, tail=(one,))
    recorder.given_up(two, "no answer")
    recorder.answered(read, txid=TxId(2, 5), count=1, tail=(one,))
    assert recorder.undecided == {TxId(2, 5): one}
    for status in (TxStatus.PENDING, TxStatus.COMMITTED):
        assert not recorder.is_committed(TxId(2, 5))
        recorder.status(client="c", node="n2", txid=TxId(2, 5), status=status)
    assert recorder.is_committed(TxId(2, 5))
    assert not recorder.undecided
    found = check(History(events=recorder.events))
    assert (found.writes, found.committed, found.unknown, found.reads) == (2, 1, 1, 1)
    times = [event.at_us for event in recorder.events]
    assert times == sorted(times)


def test_the_longest_pause_lies_between_answers_to_writes() -> None:
    now = [0.0]
    recorder = Recorder(lambda: now[0])
    assert recorder.longest_pause_s() == 0.0
    for seqno, at_s in enumerate((1.0, 1.5, 4.0, 4.1), 1):
        now[0] = at_s
        op = recorder.sent(client="c", node="n", key="counter/0", is_write=True)
        recorder.answered(op, txid=TxId(2, seqno), count=seqno, tail=(op,))
    assert recorder.longest_pause_s() == 2.5
