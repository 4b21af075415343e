"""Watches and leases that are kept alive, over HTTP/2 as gRPC's clients speak."""

from functools import cache
from typing import TypeVar

import pytest

from apps import etcd
from apps.etcd.limits import KEEP_ALIVES_MAX, STREAM_MESSAGE_BYTES_MAX
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
from ccfpy.client.share import constitution
from ccfpy.testing.configuration import listener
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.http.h2_client import Answer
from tests.unit.node.h2_session import H2Session, http2_listener

T = TypeVar("T")

GRPC = [("content-type", "application/grpc"), ("te", "trailers")]
WATCH = "/etcdserverpb.Watch/Watch"
KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"
MEMBER, USER = Person.make("member0", can_recover=True), Person.make("user0")
WAITS = 20


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
