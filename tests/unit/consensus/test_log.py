"""The log's shape, against a plain list of entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.consensus.log import Log

STEPS = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=20)


def _build(steps: list[tuple[int, bool]]) -> tuple[Log, list[tuple[int, bool]]]:
    """Return a log, and for each entry its view and whether it is signed."""
    log, plain, view = Log(), [], 1
    for more, is_committable in steps:
        view += more
        log.append(view, is_committable=is_committable)
        plain.append((view, is_committable))
    return log, plain


@given(STEPS)
def test_each_entry_keeps_its_view(steps: list[tuple[int, bool]]) -> None:
    log, plain = _build(steps)
    assert [log.view_of(i) for i in range(1, len(plain) + 1)] == [v for v, _ in plain]
    assert log.view_of(0) == 0
    assert log.view_of(len(plain) + 1) == 0
    for seqno in (1, 1, len(plain), 1, len(plain) + 1):
        assert log.tx_id(seqno) == TxId(log.view_of(seqno), seqno)


def test_an_entry_that_another_view_writes_anew_has_another_id() -> None:
    log, _ = _build([(0, True), (0, False)])
    assert log.tx_id(2) == TxId(1, 2)
    log.rollback(1)
    assert log.tx_id(2) == TxId(0, 2)
    log.append(5, is_committable=False)
    assert log.tx_id(2) == TxId(5, 2)


@given(STEPS, st.integers(0, 25))
def test_the_last_signature_up_to_a_point_is_found(
    steps: list[tuple[int, bool]], to: int
) -> None:
    log, plain = _build(steps)
    signed = [i for i, (_, is_signed) in enumerate(plain, 1) if is_signed]
    assert log.committables == tuple(signed)
    assert log.committable_up_to(to) == max(
        (i for i in signed if i <= to), default=None
    )
    assert log.last_committable.seqno == (signed[-1] if signed else 0)


@given(STEPS, st.integers(0, 20))
def test_a_rollback_is_as_if_the_rest_had_never_been(
    steps: list[tuple[int, bool]], to: int
) -> None:
    log, plain = _build(steps)
    to = min(to, len(plain))
    log.rollback(to)
    twin, _ = _build(steps[:to]) if to else (Log(), [])
    assert log.last_seqno == twin.last_seqno
    assert log.committables == twin.committables
    assert log.history.starts == twin.history.starts


@pytest.mark.slow
@given(STEPS, st.integers(1, 20))
def test_a_run_ends_where_the_view_does(
    steps: list[tuple[int, bool]], start: int
) -> None:
    log, plain = _build(steps)
    start = min(start, len(plain))
    view = plain[start - 1][0]
    assert log.end_of_run(start) == max(
        i for i, (v, _) in enumerate(plain, 1) if v == view
    )
    assert log.end_of_run(len(plain) + 1) == len(plain)


@given(STEPS, st.integers(0, 60), st.integers(0, 25))
def test_the_best_match_is_the_last_entry_not_too_new(
    steps: list[tuple[int, bool]], view: int, seqno: int
) -> None:
    log, plain = _build(steps)
    candidates = [i for i, (v, _) in enumerate(plain, 1) if i <= seqno and v <= view]
    assert log.best_match(TxId(view, seqno)) == max(candidates, default=0)


def test_a_commit_moves_forward_within_the_log() -> None:
    log = Log()
    for is_signed in (False, True, False, True):
        log.append(2, is_committable=is_signed)
    log.commit(2)
    assert log.commit_seqno == 2
    assert log.committables == (4,)
    log.rollback(3)
    assert log.last_committable == TxId(2, 2)
    for to in (2, 4):
        with pytest.raises(AssertionError):
            log.commit(to)
    with pytest.raises(AssertionError):
        log.rollback(1)


def test_what_is_committed_must_be_in_the_log() -> None:
    with pytest.raises(AssertionError):
        Log(last_seqno=1, commit_seqno=2)
