"""Reads of the host's ledger and snapshots count only if they answer the question."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.boundary.effects import LogLevel, ReadLedger, ReadSnapshot, WriteLog
from ccfpy.boundary.events import LedgerRead, SnapshotRead
from ccfpy.node.host_reads import Found, LedgerReads
from ccfpy.node.outbox import Outbox
from tests.unit.node.host_snapshots import HostSnapshots

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


NAME = "snapshot_5_7.committed"
DATA = bytes(range(100))


@pytest.fixture
def host() -> HostSnapshots:
    return HostSnapshots((NAME, DATA), ("snapshot_3_4.committed", b"older"))


@pytest.mark.parametrize(
    ("name", "since", "expected"),
    [
        (None, 0, Found(NAME, 100)),
        (None, 5, Found(NAME, 100)),
        (None, 6, None),
        ("snapshot_3_4.committed", 0, Found("snapshot_3_4.committed", 5)),
        ("snapshot_1_2.committed", 0, None),
    ],
)
def test_the_latest_or_a_named_one_is_found(
    host: HostSnapshots, name: str | None, since: int, expected: Found | None
) -> None:
    found: list[Found | None] = []
    host.reads.look(then=found.append, name=name, since=since)
    assert found == []
    host.perform()
    assert found == [expected]


@pytest.mark.parametrize(("start", "stop"), [(0, 100), (7, 93), (5, 5), (100, 100)])
def test_bytes_are_read_in_pieces(
    host: HostSnapshots, monkeypatch: pytest.MonkeyPatch, start: int, stop: int
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 10)
    read: list[bytes | None] = []
    host.reads.read(Found(NAME, 100), start=start, stop=stop, then=read.append)
    host.perform()
    assert read == [DATA[start:stop]]


def test_a_file_that_changes_or_goes_meanwhile_is_not_read(
    host: HostSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 60)
    read: list[bytes | None] = []
    host.reads.read(Found(NAME, 101), start=0, stop=101, then=read.append)
    host.perform()
    del host.files[NAME]
    host.reads.read(Found(NAME, 100), start=0, stop=100, then=read.append)
    host.perform()
    assert read == [None, None]


def test_what_nobody_wants_any_more_is_not_read_on(
    host: HostSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 60)
    read: list[bytes | None] = []
    host.reads.read(
        Found(NAME, 100), start=0, stop=100, then=read.append, is_wanted=lambda: False
    )
    host.perform()
    assert read == []


@pytest.mark.parametrize(
    "lie",
    [
        {"name": "snapshot_3_4.committed"},
        {"start": 1},
        {"size": -1},
        {"data": b"x" * 11},
        {"size": 5},
    ],
)
def test_an_answer_to_another_question_is_no_answer(
    host: HostSnapshots, lie: dict[str, object]
) -> None:
    read: list[bytes | None] = []
    host.reads.read(Found(NAME, 100), start=0, stop=10, then=read.append)
    (asked,) = host.outbox.take()
    assert isinstance(asked, ReadSnapshot)
    truth = host.read(asked)
    host.reads.answered(replace(truth, **lie))  # type: ignore[arg-type]  # fields by name
    assert read == [None]
    host.perform()
    assert host.logs == ["The host answered another read of a snapshot than asked"]


def test_a_host_that_gives_nothing_is_not_asked_for_ever(host: HostSnapshots) -> None:
    read: list[bytes | None] = []
    host.reads.read(Found(NAME, 100), start=0, stop=10, then=read.append)
    (asked,) = host.outbox.take()
    assert isinstance(asked, ReadSnapshot)
    host.reads.answered(replace(host.read(asked), data=b""))
    assert read == [None]
    assert host.outbox.take() == []


def test_an_answer_that_nobody_asked_for_means_nothing(host: HostSnapshots) -> None:
    host.reads.answered(SnapshotRead(request=9, name=None, size=0, start=0, data=b""))
    host.perform()
    assert host.logs == ["Nobody asked for snapshot read 9"]


def test_so_many_questions_may_wait_and_no_more(host: HostSnapshots) -> None:
    found: list[Found | None] = []
    for _ in range(limits.SNAPSHOT_READS_MAX):
        host.reads.look(then=found.append)
    with pytest.raises(LimitExceeded, match="16 reads"):
        host.reads.look(then=found.append)
    host.perform()
    assert found == [Found(NAME, 100)] * limits.SNAPSHOT_READS_MAX
