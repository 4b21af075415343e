"""Asking the host for ledger entries, and not believing what does not answer."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.boundary.effects import LogLevel, ReadLedger, WriteLog
from ccfpy.boundary.events import LedgerRead
from ccfpy.node.host_reads import LedgerReads
from ccfpy.node.outbox import Outbox

Entries = Sequence[bytes] | None


class Asking:
    """A node's questions, and what it heard."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.reads = LedgerReads(self.outbox)
        self.heard: list[Entries] = []

    def ask(self, first: int, last: int) -> ReadLedger:
        self.reads.read(first, last, then=self.heard.append)
        (effect,) = self.outbox.take()
        assert isinstance(effect, ReadLedger)
        return effect

    def failures(self) -> list[str]:
        return [
            effect.message
            for effect in self.outbox.take()
            if isinstance(effect, WriteLog) and effect.level is LogLevel.FAIL
        ]


def answer(asked: ReadLedger, *entries: bytes) -> LedgerRead:
    """Answer as an honest host does."""
    last = asked.first + len(entries) - 1 if entries else asked.last
    return LedgerRead(
        request=asked.request, first=asked.first, last=last, entries=entries or None
    )


@pytest.mark.parametrize("entries", [(b"a",), (b"a", b"b"), (b"a", b"b", b"c")])
def test_as_many_entries_come_as_the_host_gives(entries: tuple[bytes, ...]) -> None:
    node = Asking()
    asked = node.ask(4, 6)
    assert (asked.first, asked.last) == (4, 6)
    node.reads.answered(answer(asked, *entries))
    assert node.heard == [entries]


def test_entries_that_are_not_there_are_nothing() -> None:
    node = Asking()
    node.reads.answered(answer(node.ask(4, 6)))
    assert node.heard == [None]
    assert node.failures() == []


@pytest.mark.parametrize(
    "lie", [{"first": 3}, {"first": 5}, {"last": 6}, {"last": 4}, {"entries": ()}]
)
def test_what_does_not_answer_the_question_counts_as_nothing(
    lie: dict[str, int | tuple[bytes, ...]],
) -> None:
    node = Asking()
    honest = answer(node.ask(4, 6), b"a", b"b")
    node.reads.answered(replace(honest, **lie))  # type: ignore[arg-type]
    assert node.heard == [None]


def test_more_than_was_asked_for_counts_as_nothing() -> None:
    node = Asking()
    node.reads.answered(answer(node.ask(4, 5), b"a", b"b", b"c"))
    assert node.heard == [None]
    assert node.failures() == [
        "The host answered another read of the ledger than asked"
    ]


def test_an_answer_counts_once() -> None:
    node = Asking()
    first, second = node.ask(1, 1), node.ask(2, 2)
    node.reads.answered(answer(second, b"2"))
    node.reads.answered(answer(second, b"two"))
    node.reads.answered(answer(first, b"1"))
    node.reads.answered(answer(replace(first, request=99), b"?"))
    assert node.heard == [(b"2",), (b"1",)]


def test_questions_that_await_their_answers_are_few() -> None:
    node = Asking()
    asked = [node.ask(1, 1) for _ in range(limits.LEDGER_READS_MAX)]
    with pytest.raises(LimitExceeded, match="reads of the ledger are under way"):
        node.ask(1, 1)
    node.reads.answered(answer(asked[0], b"a"))
    node.ask(1, 1)
