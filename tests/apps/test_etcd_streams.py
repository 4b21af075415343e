"""Watches and leases that are kept alive, over HTTP/2 as gRPC's clients speak."""

import gc
from functools import cache
from typing import TypeVar

import pytest
from h2.settings import SettingCodes

from apps import etcd
from apps.etcd.limits import (
    KEEP_ALIVES_MAX,
    STREAM_MESSAGE_BYTES_MAX,
    WATCH_PAST_BYTES_PER_CALLER_MAX,
    WATCH_STEP_BYTES,
    WATCHES_MAX,
    WATCHES_PER_CALLER_MAX,
)
from apps.etcd.messages import (
    Event,
    EventType,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseRevokeRequest,
    PutRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchProgressRequest,
    WatchRequest,
    WatchResponse,
)
from apps.etcd.wire import decode, encode
from ccfpy.app import GrpcMessages, grpc_message
from ccfpy.base import limits
from ccfpy.client.share import constitution
from ccfpy.testing.configuration import listener
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.http.h2_client import Answer
from tests.unit.node.h2_session import H2Session, http2_listener

T = TypeVar("T")

GRPC = [("content-type", "application/grpc"), ("te", "trailers")]
WATCH = "/etcdserverpb.Watch/Watch"
KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"
MEMBER, USER = Person.make("member0", can_recover=True), Person.make("user0")
WAITS = 20
LARGE = bytes(700 << 10)
NO_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 0}


@cache
def _constitution() -> str:
    return "\n".join(path.read_text() for path in constitution("default"))


class Clients:
    """A node, and a user's connection to it."""

    def __init__(self) -> None:
        self.node = InProcessNode(
            etcd.app,
            constitution=_constitution(),
            members=[MEMBER],
            interfaces=(listener(), http2_listener()),
        )
        self.node.open_service(USER)
        self.connection = H2Session(self.node, USER)

    def pass_time(self, ms: int = 200) -> None:
        self.node.advance(ms)
        self.connection.exchange()

    def call(self, path: str, request: object) -> Answer:
        """Make a call with one answer, and wait for the answer."""
        answer = self.connection.ask(
            *("POST", f"/etcdserverpb.{path}"),
            headers=GRPC,
            body=grpc_message(encode(request)),
        )
        for _ in range(WAITS):
            if answer.is_whole:
                break
            self.pass_time()
        assert answer.trailers == {"grpc-status": "0"}, answer
        return answer

    def put_large(self, key: bytes) -> None:
        """Set a key to a value that is longer than a window of HTTP/2."""
        request = grpc_message(encode(PutRequest(key=key, value=LARGE)))
        stream = OpenStream(self, "/etcdserverpb.KV/Put")
        for begin in range(0, len(request), 1 << 14):
            stream.say_bytes(request[begin : begin + (1 << 14)])
        stream.end()
        for _ in range(WAITS):
            self.pass_time()
        assert stream.answer.trailers == {"grpc-status": "0"}, stream.answer

    def put(self, key: bytes, value: bytes, lease: int = 0) -> None:
        self.call("KV/Put", PutRequest(key=key, value=value, lease=lease))


class OpenStream:
    """A stream that stays open."""

    def __init__(self, clients: Clients, path: str) -> None:
        self.clients = clients
        self.connection = clients.connection
        self.stream = self.connection.h2.ask("POST", path, headers=GRPC, ends=False)
        self.connection.exchange()
        self._read = 0

    @property
    def answer(self) -> Answer:
        return self.connection.h2.answers.setdefault(self.stream, Answer())

    def say(self, message: object) -> None:
        self.say_bytes(grpc_message(encode(message)))

    def say_bytes(self, content: bytes) -> None:
        self.connection.h2.h2.send_data(self.stream, content)
        self.connection.exchange()

    def end(self) -> None:
        self.connection.h2.h2.end_stream(self.stream)
        self.connection.exchange()

    def hear(self, cls: type[T]) -> list[T]:
        """Return the messages that came since the last call."""
        self.connection.exchange()
        messages = GrpcMessages().feed(self.answer.body)
        messages, self._read = messages[self._read :], len(messages)
        return [decode(cls, message) for message in messages]

    def events(self) -> list[tuple[int, bytes, bytes]]:
        """Return each event that came: its type, its key and its value."""
        return [
            _plain(event)
            for response in self.hear(WatchResponse)
            for event in response.events
        ]


def _plain(event: Event) -> tuple[int, bytes, bytes]:
    assert event.kv is not None
    return event.type, event.kv.key, event.kv.value


def watch(**request: object) -> WatchRequest:
    return WatchRequest(create_request=WatchCreateRequest(**request))  # type: ignore[arg-type]


@pytest.fixture
def clients() -> Clients:
    return Clients()


def test_a_watch_is_told_of_writes_when_they_are_final(clients: Clients) -> None:
    clients.put(b"a", b"0")
    stream = OpenStream(clients, WATCH)
    assert stream.answer.status == 200
    stream.say(watch(key=b"a", range_end=b"c"))
    (created,) = stream.hear(WatchResponse)
    assert created.created
    assert created.header is not None
    assert (created.header.revision, created.header.raft_term) == (2, 2)
    clients.put(b"a", b"1")
    clients.put(b"c", b"not watched")
    both = tuple(
        RequestOp(request_put=PutRequest(key=key, value=b"2")) for key in (b"a", b"b")
    )
    clients.call("KV/Txn", TxnRequest(success=both))
    clients.pass_time()
    assert stream.events() == [(0, b"a", b"1"), (0, b"a", b"2"), (0, b"b", b"2")]
    assert not stream.answer.is_whole


def test_a_watch_begins_in_the_past_and_goes_on(clients: Clients) -> None:
    for value in (b"1", b"2", b"3"):
        clients.put(b"a", value)
    stream = OpenStream(clients, WATCH)
    stream.say(watch(key=b"a", start_revision=3))
    clients.put(b"a", b"4")
    clients.pass_time()
    assert [value for _, _, value in stream.events()] == [b"2", b"3", b"4"]


def test_a_watch_is_told_nothing_that_may_still_be_lost(clients: Clients) -> None:
    stream = OpenStream(clients, WATCH)
    stream.say(watch(key=b"a"))
    clients.connection.ask(
        *("POST", "/etcdserverpb.KV/Put"),
        headers=[*GRPC, ("x-ccfpy-answer", "applied")],
        body=grpc_message(encode(PutRequest(key=b"a", value=b"1"))),
    )
    late = OpenStream(clients, WATCH)
    late.say(watch(key=b"a", start_revision=1))
    assert (stream.events(), late.events()) == ([], [])
    clients.pass_time()
    clients.pass_time()
    assert stream.events() == late.events() == [(0, b"a", b"1")]


def test_a_watch_is_told_of_the_end_of_a_lease(clients: Clients) -> None:
    clients.call("Lease/LeaseGrant", LeaseGrantRequest(ttl=5, lease_id=7))
    clients.put(b"a", b"1", lease=7)
    stream = OpenStream(clients, WATCH)
    stream.say(watch(key=b"a", prev_kv=True))
    assert stream.hear(WatchResponse)[0].created
    for _ in range(8):
        clients.pass_time(1000)
    (told,) = stream.hear(WatchResponse)
    (event,) = told.events
    assert event.type == EventType.DELETE
    assert event.prev_kv is not None
    assert event.prev_kv.lease == 7


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how long each large event was that was written into an answer."""
    lengths: list[int] = []

    def counted(value: object) -> bytes:
        content = encode(value)
        if isinstance(value, Event) and len(content) > len(LARGE):
            lengths.append(len(content))
        return content

    monkeypatch.setattr("apps.etcd.wire.encode", counted)
    return lengths


def unsent_bytes(clients: Clients) -> int:
    booted = clients.node.trusted._booted
    assert booted is not None
    return booted.sessions._streams.unsent_bytes


@attack("applications: many watches of one key, and large values under it")
def test_a_large_value_is_written_once_for_all_watches(
    clients: Clients, written: list[int]
) -> None:
    streams = [OpenStream(clients, WATCH) for _ in range(3)]
    for stream in streams:
        for number in range(8):
            stream.say(watch(key=b"a", watch_id=1 + number, prev_kv=bool(number % 2)))
    clients.put_large(b"a")
    clients.pass_time()
    for stream in streams:
        told = [each.watch_id for each in stream.hear(WatchResponse) if each.events]
        assert told == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(written) == 1, "nothing stood there before"
    clients.put_large(b"a")
    clients.pass_time()
    assert len(written) == 3, "once with what stood there before, and once without"


@attack("applications: many watches of one key, and large values under it")
def test_a_step_sends_little_to_a_client_that_does_not_read(
    clients: Clients, written: list[int]
) -> None:
    clients.connection = H2Session(clients.node, USER, settings=NO_WINDOW)
    stream = OpenStream(clients, WATCH)
    stream.say_bytes(grpc_message(encode(watch(key=b"a"))) * WATCHES_MAX)
    clients.connection = H2Session(clients.node, USER)
    for _ in range(3):
        clients.put_large(b"a")
        clients.pass_time()
    most = WATCH_STEP_BYTES + len(LARGE) + 100 * WATCHES_MAX
    assert len(LARGE) < unsent_bytes(clients) < most
    assert len(written) <= 3
    assert stream.answer.reset is None, "it waits for its client"


def test_a_client_that_reads_late_is_told_everything_in_order(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.etcd.streams.WATCH_STEP_BYTES", 1000)
    monkeypatch.setattr(limits, "STREAM_DRAINED_BYTES_MAX", 1000)
    monkeypatch.setattr(limits, "STREAM_UNSENT_BYTES_MAX", 5000)
    writer = clients.connection
    reader = clients.connection = H2Session(clients.node, USER, settings=NO_WINDOW)
    stream = OpenStream(clients, WATCH)
    stream.say_bytes(b"".join(grpc_message(encode(watch(key=b"a"))) for _ in "ab"))
    clients.connection = writer
    values = [b"%d" % number * 500 for number in range(30)]
    for value in values:
        clients.put(b"a", value)
    clients.pass_time()
    assert unsent_bytes(clients) < 5000
    assert reader.h2.answers[stream.stream].body == b""
    reader.h2.h2.increment_flow_control_window(1 << 20, stream.stream)
    for _ in range(10):
        reader.exchange()
        clients.pass_time()
    told = [each for each in stream.hear(WatchResponse) if each.events]
    for watch_id in (0, 1):
        events = [e for each in told if each.watch_id == watch_id for e in each.events]
        assert [_plain(each)[2] for each in events] == values


@pytest.mark.parametrize("excess", [0, 1])
def test_the_watches_of_a_user_are_bounded(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    assert WATCHES_PER_CALLER_MAX == 2000
    monkeypatch.setattr("apps.etcd.streams.WATCHES_PER_CALLER_MAX", 3)
    gc.collect()  # nodes of other tests, whose user and node have the same ids
    first, second = (OpenStream(clients, WATCH) for _ in range(2))
    for stream, count in ((first, 2), (second, 1 + excess)):
        stream.say_bytes(grpc_message(encode(watch(key=b"a"))) * count)
    last = second.hear(WatchResponse)[-1]
    assert (last.created, last.canceled) == (True, bool(excess))
    assert last.cancel_reason == "etcdserver: too many requests" * excess
    clients.connection.h2.h2.reset_stream(first.stream)
    clients.connection.exchange()
    second.say(watch(key=b"a"))
    assert not second.hear(WatchResponse)[-1].canceled, "what has ended leaves room"


@pytest.mark.parametrize("excess", [0, 1])
def test_what_waits_of_the_past_is_bounded_for_a_user(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    assert WATCH_PAST_BYTES_PER_CALLER_MAX == 64 << 20
    monkeypatch.setattr("apps.etcd.streams.WATCH_PAST_BYTES_PER_CALLER_MAX", 22)
    gc.collect()
    monkeypatch.setattr("apps.etcd.watches.WATCH_STEP_BYTES", 1)
    monkeypatch.setattr("apps.etcd.streams.WATCH_STEP_BYTES", 50)
    clients.put(b"k", bytes(9 + excess))
    clients.put(b"k", b"1")
    stream = OpenStream(clients, WATCH)
    stream.say(watch(key=b"k", start_revision=1))
    answers = stream.hear(WatchResponse)
    assert answers[0].created
    told = [each.cancel_reason for each in answers[1:]]
    assert told == ["etcdserver: too many requests"] if excess else ["", ""]


def test_progress_is_told_when_asked_for(clients: Clients) -> None:
    stream = OpenStream(clients, WATCH)
    stream.say(watch(key=b"a"))
    clients.put(b"b", b"1")
    clients.pass_time()
    stream.say(WatchRequest(progress_request=WatchProgressRequest()))
    created, progress = stream.hear(WatchResponse)
    assert created.created
    assert progress.header is not None
    assert (progress.watch_id, progress.header.revision) == (-1, 2)


def test_a_message_may_come_in_pieces(clients: Clients) -> None:
    stream = OpenStream(clients, WATCH)
    content = grpc_message(encode(watch(key=b"a")))
    for each in content:
        stream.say_bytes(bytes([each]))
    assert [each.created for each in stream.hear(WatchResponse)] == [True]


def test_a_message_that_is_none_ends_the_stream(clients: Clients) -> None:
    stream = OpenStream(clients, WATCH)
    stream.say_bytes(grpc_message(b"\n\x05"))
    assert stream.answer.is_whole
    assert stream.answer.trailers["grpc-status"] == "3"
    assert "invalid request" in stream.answer.trailers["grpc-message"]


@pytest.mark.parametrize("path", [WATCH, KEEP_ALIVE])
def test_no_stream_keeps_the_beginning_of_a_very_long_message(
    clients: Clients, path: str
) -> None:
    longest, longer = OpenStream(clients, path), OpenStream(clients, path)
    longest.say_bytes(b"\0" + STREAM_MESSAGE_BYTES_MAX.to_bytes(4))
    longer.say_bytes(b"\0" + (STREAM_MESSAGE_BYTES_MAX + 1).to_bytes(4))
    assert not longest.answer.is_whole
    assert longer.answer.trailers["grpc-status"] == "8"


def test_a_watch_ends_when_its_client_has_said_all(clients: Clients) -> None:
    stream = OpenStream(clients, WATCH)
    stream.end()
    assert stream.answer.trailers == {"grpc-status": "0"}


def test_a_lease_is_kept_alive(clients: Clients) -> None:
    clients.call("Lease/LeaseGrant", LeaseGrantRequest(ttl=5, lease_id=7))
    stream = OpenStream(clients, KEEP_ALIVE)
    for _ in range(4):
        clients.pass_time(2000)
        stream.say(LeaseKeepAliveRequest(lease_id=7))
        clients.pass_time()
        (answer,) = stream.hear(LeaseKeepAliveResponse)
        assert (answer.lease_id, answer.ttl) == (7, 5)
        assert answer.header is not None
    stream.say(LeaseKeepAliveRequest(lease_id=8))
    (answer,) = stream.hear(LeaseKeepAliveResponse)
    assert (answer.lease_id, answer.ttl) == (8, 0)
    clients.call("Lease/LeaseRevoke", LeaseRevokeRequest(lease_id=7))
    clients.pass_time()
    (gone,) = stream.hear(LeaseKeepAliveResponse)
    assert (gone.lease_id, gone.ttl) == (7, 0)


def test_a_client_that_asks_once_is_answered_and_the_stream_ends(
    clients: Clients,
) -> None:
    clients.call("Lease/LeaseGrant", LeaseGrantRequest(ttl=5, lease_id=7))
    stream = OpenStream(clients, KEEP_ALIVE)
    stream.say(LeaseKeepAliveRequest(lease_id=7))
    stream.end()
    assert not stream.answer.is_whole
    clients.pass_time()
    clients.pass_time()
    (answer,) = stream.hear(LeaseKeepAliveResponse)
    assert answer.ttl == 5
    assert stream.answer.trailers == {"grpc-status": "0"}


def test_the_number_of_leases_of_a_stream_is_bounded(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KEEP_ALIVES_MAX == 1000
    monkeypatch.setattr("apps.etcd.streams.KEEP_ALIVES_MAX", 1)
    stream = OpenStream(clients, KEEP_ALIVE)
    for lease_id in (7, 8):
        clients.call("Lease/LeaseGrant", LeaseGrantRequest(ttl=60, lease_id=lease_id))
        stream.say(LeaseKeepAliveRequest(lease_id=lease_id))
    assert stream.answer.is_whole
    assert "1 leases at most" in stream.answer.trailers["grpc-message"]
