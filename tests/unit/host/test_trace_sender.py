"""Reports on their way to a collector that takes them, refuses them, or hangs."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from ccfpy.base import limits
from ccfpy.host.spans import Span
from ccfpy.host.trace_sender import TraceSender
from tests.attacks import attack
from tests.e2e.running import wait_until
from tests.unit.host.reported import NOW_MS, report

PATIENT_MS = 60_000
"""How long the sender may take to send what waits, on a slow machine."""


@dataclass
class _Exporter:
    """Takes spans when the test lets it."""

    batches: list[list[Span]] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    reason: str | None = None
    may_go_on: threading.Event = field(default_factory=threading.Event)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.may_go_on.set()
        self.is_in = threading.Event()

    def export(self, spans: Sequence[Span], *, node: str) -> str | None:
        self.is_in.set()
        self.may_go_on.wait()
        self.batches.append(list(spans))
        self.nodes.append(node)
        return self.reason

    def close(self) -> None:
        self.is_closed = True
        self.may_go_on.set()


@dataclass
class _Sending:
    exporter: _Exporter = field(default_factory=_Exporter)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sender = TraceSender(
            self.exporter, tell=self.lines.append, unix_ms=lambda: NOW_MS + 7
        )

    def send(self) -> None:
        """Send one report, and wait until the collector has had it."""
        before = len(self.exporter.batches)
        self.sender.reported(report())
        wait_until(
            lambda: sum(self.sender.counts.values()) > before, what="a report sent"
        )


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Sending]:
    monkeypatch.setattr(limits, "TRACES_GATHER_MS", 1)
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", PATIENT_MS)
    sending = _Sending()
    yield sending
    sending.sender.close()


def test_a_report_is_sent_as_spans_of_the_node(sending: _Sending) -> None:
    sending.sender.node = "abcd"
    sending.sender.start()
    sending.send()
    ((node, enclave),) = sending.exporter.batches
    assert len(node.span) == 8
    assert enclave.parent == node.span
    assert node.ended_ms == NOW_MS + 7
    assert sending.exporter.nodes == ["abcd"]
    assert sending.sender.counts == {"sent": 1, "dropped": 0, "refused": 0}
    assert sending.lines == []


def test_each_request_has_a_host_span_of_its_own(sending: _Sending) -> None:
    for _ in range(2):
        sending.sender.reported(report())
    sending.sender.start()
    sending.sender.close()
    spans = [span for batch in sending.exporter.batches for span in batch]
    assert len({span.span for span in spans if span.name != "enclave"}) == 2


def test_what_comes_while_too_many_wait_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TRACES_WAITING_MAX", 3)
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", PATIENT_MS)
    hanging = _Sending()
    for _ in range(3):
        hanging.sender.reported(report())
    assert hanging.sender.counts["dropped"] == 0
    hanging.sender.reported(report())
    assert hanging.sender.counts["dropped"] == 1
    hanging.sender.start()
    hanging.sender.close()
    assert hanging.sender.counts == {"sent": 3, "dropped": 1, "refused": 0}


def test_no_batch_is_larger_than_it_may_be(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACES_BATCH_MAX", 2)
    for _ in range(5):
        sending.sender.reported(report())
    sending.sender.start()
    sending.sender.close()
    assert [len(batch) // 2 for batch in sending.exporter.batches] == [2, 2, 1]


def test_a_collector_that_refuses_is_told_of_once_until_it_takes_them_again(
    sending: _Sending,
) -> None:
    sending.sender.start()
    sending.exporter.reason = "it is full"
    sending.send()
    sending.send()
    assert sending.lines == ["Traces are not taken: it is full"]
    sending.exporter.reason = None
    sending.send()
    sending.send()
    assert sending.lines[1:] == ["Traces are taken again"]
    assert sending.sender.counts == {"sent": 2, "dropped": 0, "refused": 2}


@attack("traces: a collector that hangs")
def test_a_collector_that_hangs_holds_up_neither_the_node_nor_its_end(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", 1)
    sending.exporter.may_go_on.clear()
    sending.sender.start()
    sending.sender.reported(report())
    sending.exporter.is_in.wait()
    for _ in range(limits.TRACES_WAITING_MAX + 1):
        sending.sender.reported(report())
    assert sending.sender.counts["dropped"] == 1
    sending.sender.close()
    assert sending.exporter.is_closed


def test_a_sender_that_never_started_closes() -> None:
    sending = _Sending()
    sending.sender.close()
    assert sending.exporter.is_closed
    assert sending.exporter.batches == []


def test_an_error_of_the_exporter_costs_the_reports_and_not_the_thread(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(spans: Sequence[Span], *, node: str) -> str | None:
        raise RuntimeError(f"{len(spans)} spans of {node!r}")

    sending.sender.start()
    with monkeypatch.context() as patch:
        patch.setattr(sending.exporter, "export", fail)
        sending.sender.reported(report())
        wait_until(lambda: sending.sender.counts["refused"] == 1, what="a refusal")
    sending.sender.reported(report())
    wait_until(lambda: sending.sender.counts["sent"] == 1, what="a report sent")
    assert sending.sender.counts == {"sent": 1, "dropped": 0, "refused": 1}
    assert sending.lines[0] == ("Traces are not taken: RuntimeError(\"2 spans of ''\")")
