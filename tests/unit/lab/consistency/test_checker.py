"""Correct histories pass; a history that breaks one property is told so by its name."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency import History, Inconsistent, Property, check
from tests.lab.consistency.history import (
    Answered,
    Event,
    GivenUp,
    InLedger,
    Op,
    Sent,
    StatusSeen,
)
from tests.unit.lab.consistency.generated import generate

VIEW = 1000
"""Later than any view of a generated history."""
SEQNO = 5000


class Sequel:
    """Adds to a history what happened next, right or wrong."""

    def __init__(self, history: History) -> None:
        self.events: list[Event] = list(history.events)
        self.ledger = list(history.ledger or ())
        self._ops = 100_000

    def history(self) -> History:
        return History(events=self.events)

    def send(self, key: str, *, is_write: bool = True) -> Op:
        self._ops += 1
        sent = Sent(
            at_us=0, client="s", node="n0", op=self._ops, key=key, is_write=is_write
        )
        self.events.append(sent)
        return self._ops

    def answer(self, op: Op, txid: TxId, *tail: Op, count: int | None = None) -> None:
        answered = Answered(
            at_us=0,
            client="s",
            node="n0",
            op=op,
            txid=txid,
            count=len(tail) if count is None else count,
            tail=tail,
        )
        self.events.append(answered)

    def tell(self, txid: TxId, status: TxStatus, *, node: str = "n0") -> None:
        seen = StatusSeen(at_us=0, client="s", node=node, txid=txid, status=status)
        self.events.append(seen)

    def commit(self, seqno: int) -> None:
        self.tell(TxId(VIEW, seqno), TxStatus.COMMITTED)


def _at(seqno: int) -> TxId:
    return TxId(VIEW, seqno)


def sends_twice(story: Sequel) -> None:
    op = story.send("a")
    story.events.append(story.events[-1])
    assert op


def answers_twice(story: Sequel) -> None:
    op = story.send("a")
    story.answer(op, _at(SEQNO), op)
    story.answer(op, _at(SEQNO), op)


def answers_unasked(story: Sequel) -> None:
    op = story.send("a")
    del story.events[-1]
    story.answer(op, _at(SEQNO), op)


def gives_one_id_to_two(story: Sequel) -> None:
    one, two = story.send("a"), story.send("b")
    story.answer(one, _at(SEQNO), one)
    story.answer(two, _at(SEQNO), two)


def shows_two_views_of_one_moment(story: Sequel) -> None:
    write = story.send("a")
    story.answer(write, _at(SEQNO), write)
    read = story.send("a", is_write=False)
    story.answer(read, _at(SEQNO))


def hides_the_own_write(story: Sequel) -> None:
    one, two = story.send("a"), story.send("a")
    story.answer(one, _at(SEQNO), one)
    story.answer(two, _at(SEQNO + 1), one)


def shows_what_nobody_sent(story: Sequel) -> None:
    write = story.send("a")
    story.answer(write, _at(SEQNO), 7_000_000, write)


def shows_another_objects_write(story: Sequel) -> None:
    other, write = story.send("b"), story.send("a")
    story.answer(write, _at(SEQNO), other, write)


def counts_more_than_was_sent(story: Sequel) -> None:
    write = story.send("a")
    story.answer(write, _at(SEQNO), write, count=2)


def shows_a_write_twice(story: Sequel) -> None:
    one, two, three = (story.send("a") for _ in range(3))
    story.answer(three, _at(SEQNO), one, one, three)
    assert two


def takes_a_word_back(story: Sequel) -> None:
    story.commit(SEQNO)
    story.tell(_at(SEQNO), TxStatus.PENDING)


def says_both(story: Sequel) -> None:
    story.commit(SEQNO)
    story.tell(_at(SEQNO), TxStatus.INVALID, node="n1")


def commits_two_at_one_seqno(story: Sequel) -> None:
    one, two = story.send("a"), story.send("b")
    story.answer(one, _at(SEQNO), one)
    story.answer(two, TxId(VIEW + 1, SEQNO), two)
    story.commit(SEQNO)
    story.tell(TxId(VIEW + 1, SEQNO), TxStatus.COMMITTED)


def loses_one_before_a_commit(story: Sequel) -> None:
    story.commit(SEQNO + 2)
    story.tell(_at(SEQNO + 1), TxStatus.INVALID)


def commits_what_was_displaced(story: Sequel) -> None:
    story.commit(SEQNO + 9)
    story.tell(TxId(VIEW + 1, SEQNO + 5), TxStatus.COMMITTED)


def overlooks_an_answered_write(story: Sequel) -> None:
    one = story.send("a")
    story.answer(one, _at(SEQNO), one)
    two = story.send("a")
    story.answer(two, _at(SEQNO + 1), two)
    story.commit(SEQNO + 1)


def shows_two_orders(story: Sequel) -> None:
    one, two, three = (story.send("a") for _ in range(3))
    story.answer(one, _at(SEQNO), one)
    story.answer(two, _at(SEQNO + 1), one, two)
    story.answer(three, _at(SEQNO + 2), two, one, three)
    story.commit(SEQNO + 2)


def builds_on_an_invalid_write(story: Sequel) -> None:
    lost, kept = story.send("a"), story.send("a")
    story.answer(lost, TxId(VIEW - 1, SEQNO), lost)
    story.tell(TxId(VIEW - 1, SEQNO), TxStatus.INVALID)
    story.answer(kept, _at(SEQNO + 1), lost, kept)
    story.commit(SEQNO + 1)


def orders_otherwise_than_ids(story: Sequel) -> None:
    one, two = story.send("a"), story.send("a")
    story.answer(one, _at(SEQNO + 1), one)
    story.answer(two, _at(SEQNO), one, two)
    story.commit(SEQNO + 1)


def applies_a_counted_write_twice(story: Sequel) -> None:
    one, two, three = (story.send("a") for _ in range(3))
    story.answer(one, _at(SEQNO), one, count=1)
    story.answer(two, _at(SEQNO + 1), two, count=3)
    lost = story.send("a")
    story.answer(lost, TxId(VIEW - 1, SEQNO), lost, count=1)
    story.tell(TxId(VIEW - 1, SEQNO), TxStatus.INVALID)
    story.answer(three, _at(SEQNO + 2), three, count=4)
    story.commit(SEQNO + 2)


def puts_an_answered_write_elsewhere(story: Sequel) -> None:
    one, two, three = (story.send("a") for _ in range(3))
    story.answer(one, _at(SEQNO), one)
    story.answer(two, _at(SEQNO + 7), one, two)  # nobody learns whether it commits
    story.answer(three, _at(SEQNO + 2), one, two, three)
    story.commit(SEQNO + 2)


def commits_against_the_clock(story: Sequel) -> None:
    one = story.send("a")
    story.answer(one, _at(SEQNO + 1), one)
    two = story.send("b")
    story.answer(two, _at(SEQNO), two)
    story.commit(SEQNO + 1)


def _between_two_writes(story: Sequel) -> tuple[Op, Op, Op]:
    one, two = story.send("a"), story.send("a")
    story.answer(one, _at(SEQNO), one)
    story.answer(two, _at(SEQNO + 2), one, two)
    story.commit(SEQNO + 2)
    return one, two, story.send("a", is_write=False)


def reads_the_future(story: Sequel) -> None:
    one, two, read = _between_two_writes(story)
    story.answer(read, _at(SEQNO + 1), one, two)


def reads_the_past(story: Sequel) -> None:
    _, _, read = _between_two_writes(story)
    story.answer(read, _at(SEQNO + 1))


BROKEN: list[tuple[Property, Callable[[Sequel], None]]] = [
    (Property.UNIQUE_TX_REQUESTS, sends_twice),
    (Property.UNIQUE_TX_REQUESTS, answers_twice),
    (Property.ALL_RECEIVED_IS_FIRST_SENT, answers_unasked),
    (Property.UNIQUE_TXS, gives_one_id_to_two),
    (Property.SAME_OBSERVATIONS, shows_two_views_of_one_moment),
    (Property.OWN_WRITE_OBSERVED, hides_the_own_write),
    (Property.ONLY_OBSERVE_SENT_REQUESTS, shows_what_nobody_sent),
    (Property.ONLY_OBSERVE_SENT_REQUESTS, shows_another_objects_write),
    (Property.ONLY_OBSERVE_SENT_REQUESTS, counts_more_than_was_sent),
    (Property.AT_MOST_ONCE_OBSERVED, shows_a_write_twice),
    (Property.FINAL_STATUS_KEPT, takes_a_word_back),
    (Property.COMMITTED_OR_INVALID, says_both),
    (Property.UNIQUE_SEQNOS_COMMITTED, commits_two_at_one_seqno),
    (Property.ONCE_COMMITTED_PREV_COMMITTED, loses_one_before_a_commit),
    (Property.ONCE_COMMITTED_NEXT_INVALID, commits_what_was_displaced),
    (Property.ALL_COMMITTED_OBSERVED, overlooks_an_answered_write),
    (Property.COMMITTED_RW_SERIALIZABLE, shows_two_orders),
    (Property.INVALID_NOT_OBSERVED_BY_COMMITTED, builds_on_an_invalid_write),
    (Property.COMMITTED_RW_ORDERED_SERIALIZABLE, orders_otherwise_than_ids),
    (Property.COMMITTED_RW_ORDERED_SERIALIZABLE, applies_a_counted_write_twice),
    (Property.COMMITTED_RW_ORDERED_SERIALIZABLE, puts_an_answered_write_elsewhere),
    (Property.COMMITTED_RW_ORDERED_REAL_TIME, commits_against_the_clock),
    (Property.COMMITTED_RO_SERIALIZABLE, reads_the_future),
    (Property.COMMITTED_RO_SERIALIZABLE, reads_the_past),
]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(min_value=0))
def test_a_history_of_a_correct_service_is_accepted(seed: int) -> None:
    history = generate(seed)
    found = check(history)
    assert found.events == len(history.events)
    assert found.writes == found.committed + found.invalid + found.unknown


def test_generated_histories_hold_all_that_can_happen() -> None:
    found = [check(generate(seed)) for seed in range(20)]
    assert all(one.committed and one.reads for one in found)
    assert any(one.invalid for one in found)
    assert any(one.unknown for one in found)


@pytest.mark.parametrize(
    ("broken", "happens"), BROKEN, ids=[happens.__name__ for _, happens in BROKEN]
)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(min_value=0))
def test_a_broken_property_is_named_with_the_events_that_show_it(
    broken: Property, happens: Callable[[Sequel], None], seed: int
) -> None:
    story = Sequel(generate(seed))
    happens(story)
    with pytest.raises(Inconsistent) as caught:
        check(story.history())
    assert caught.value.broken is broken, caught.value
    assert str(caught.value).startswith(f"{broken}: ")
    assert caught.value.events


def test_every_property_of_clients_and_ledgers_is_broken_by_some_test() -> None:
    of_ledgers = {
        Property.ONLY_SENT_IN_LEDGER,
        Property.NOTHING_LOST,
        Property.NOTHING_DUPLICATED,
        Property.NOTHING_INVALID_KEPT,
        Property.NOTHING_REORDERED,
        Property.UNIQUE_KEY_IV,
    }
    of_etcd = {
        Property.LINEARIZABLE,
        Property.REFUSED_NOT_OBSERVED,
        Property.LAST_READ_COMPLETE,
        Property.LAST_READ_ONCE,
        Property.LAST_READ_SAME,
        Property.WATCH_ORDERED,
        Property.WATCH_UNIQUE,
        Property.WATCH_RELIABLE,
        Property.WATCH_TRUE,
        Property.LEASE_LASTS,
        Property.LEASE_ENDS,
    }
    assert {broken for broken, _ in BROKEN} == set(Property) - of_ledgers - of_etcd


def test_a_write_without_an_answer_may_have_happened_or_not() -> None:
    for happened in (False, True):
        story = Sequel(History(events=[]))
        silent, heard = story.send("a"), story.send("a")
        story.events.append(
            GivenUp(at_us=0, client="s", node="n0", op=silent, reason="time-out")
        )
        tail = (silent, heard) if happened else (heard,)
        story.answer(heard, _at(SEQNO), *tail)
        story.commit(SEQNO)
        found = check(story.history())
        assert (found.committed, found.unknown) == (1, 1)


def test_a_read_may_come_late_but_not_lie() -> None:
    """An old primary does not know what was committed since; it shows what was."""
    story = Sequel(History(events=[]))
    one, two, read = _between_two_writes(story)
    story.answer(read, _at(SEQNO), one)
    assert check(story.history()).reads == 1
    assert two


def test_old_and_final_statuses_of_different_nodes_may_differ() -> None:
    story = Sequel(History(events=[]))
    write = story.send("a")
    story.answer(write, _at(SEQNO), write)
    for node, status in (
        ("n0", TxStatus.COMMITTED),
        ("n1", TxStatus.PENDING),
        ("n2", TxStatus.UNKNOWN),
        ("n1", TxStatus.COMMITTED),
    ):
        story.tell(_at(SEQNO), status, node=node)
    assert check(story.history()).committed == 1


def test_a_commit_decides_what_nobody_asked_about() -> None:
    story = Sequel(History(events=[]))
    kept, lost = story.send("a"), story.send("b")
    story.answer(kept, _at(SEQNO), kept)
    story.answer(lost, TxId(VIEW - 1, SEQNO + 1), lost)
    story.commit(SEQNO + 1)
    found = check(story.history())
    assert (found.committed, found.invalid, found.unknown) == (1, 1, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_ledger_is_held_against_the_history(seed: int) -> None:
    history = generate(seed)
    assert history.ledger is not None
    wrong = replace(history.ledger[0], op=7_000_000)
    with pytest.raises(Inconsistent) as caught:
        check(replace(history, ledger=[wrong, *history.ledger[1:]]))
    assert caught.value.broken is Property.ONLY_SENT_IN_LEDGER
    assert isinstance(caught.value.events[0], InLedger)
