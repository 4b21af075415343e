"""The times of signatures, by a clock that the test moves."""

from collections.abc import Callable

from ccfpy.base.ids import Seqno
from ccfpy.base.limits import SIGNATURES_TIMED_MAX
from ccfpy.node.replication.replication import SignatureTimes

MS = 1_000_000


class _Times(SignatureTimes):
    now_ns = 0

    def __init__(self) -> None:
        super().__init__(lambda: self.now_ns, self)

    def on_commit(self, tell: Callable[[Seqno], None]) -> None:
        assert tell == self.committed

    def on_rollback(self, tell: Callable[[Seqno], None]) -> None:
        assert tell == self.rolled_back


def test_a_signature_is_timed_until_made_and_until_final() -> None:
    times = _Times()
    began = times.begin(5)
    times.now_ns = 2 * MS
    times.made(began)
    times.now_ns = 30 * MS
    times.committed(4)
    assert not any(times.final_ns.counts)
    times.committed(5)
    times.committed(6)
    assert (times.made_ns.total, times.final_ns.total) == (2 * MS, 30 * MS)
    assert sum(times.final_ns.counts) == 1


def test_a_commit_ends_all_signatures_up_to_it_and_a_rollback_those_after_it() -> None:
    times = _Times()
    for seqno in (2, 4, 6, 8):
        times.begin(seqno)
    times.rolled_back(6)
    times.committed(5)
    assert sum(times.final_ns.counts) == 2
    times.committed(100)
    assert sum(times.final_ns.counts) == 3


def test_the_oldest_of_too_many_signatures_is_forgotten() -> None:
    times = _Times()
    for seqno in range(SIGNATURES_TIMED_MAX + 1):
        times.begin(seqno)
    times.committed(SIGNATURES_TIMED_MAX)
    assert sum(times.final_ns.counts) == SIGNATURES_TIMED_MAX
