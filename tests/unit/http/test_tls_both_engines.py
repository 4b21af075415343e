"""Two engines are one TLS: whatever a client does, either does the same."""

import itertools
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.http import stdlib_tls
from ccfpy.http.tls import (
    WRITE_BYTES_MAX,
    EngineNotAvailable,
    ServerContext,
    TlsFailure,
    TlsSession,
    engine_to_use,
)
from ccfpy.http.tls_engine import RECORD_BYTES_MAX, TlsEngine
from tests.unit.http.tls_ends import ENGINES, NODE, SERVICE, Client

VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@cache
def server_of(engine: TlsEngine) -> ServerContext:
    return ServerContext(NODE.pem, NODE.key_pem, engine=engine)


@cache
def client_of(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=SERVICE.pem)
    context.maximum_version = version
    return context


@dataclass
class Conversation:
    """A client and a session that have shaken hands, and what each got to know."""

    engine: TlsEngine
    version: ssl.TLSVersion
    known: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = TlsSession(server_of(self.engine))
        self.client = Client(context=client_of(self.version))
        self.client.shake_hands(self.server)
        self.client.receive(self.server)

    def feed(self, ciphertext: bytes) -> None:
        """Feed the server; return what it read and became."""
        try:
            self.known.append(self.server.feed(ciphertext))
        except TlsFailure as failure:
            self.known.append(type(failure))  # of several reasons, `ssl` tells one
        server = self.server
        self.known.append(
            (server.is_failed, server.is_closed_by_peer, server.is_midway)
        )

    def write(self, plaintext: bytes) -> None:
        """Write as the server."""
        try:
            self.server.write(plaintext)
        except TlsFailure as failure:
            self.known.append(type(failure))

    def receive(self) -> None:
        """Feed the client; return what it read."""
        try:
            self.known.append(self.client.receive(self.server))
        except ssl.SSLError as error:
            self.known.append((type(error), error.reason))

    def sent(self, plaintext: bytes) -> bytes:
        """Return what the client sends for these bytes, if it can send yet."""
        try:
            return self.client.send(plaintext)
        except ssl.SSLError as error:
            self.known.append((type(error), error.reason))
            return b""


Act = Callable[[Conversation], None]


def _sends(plaintext: bytes, cuts: list[int]) -> Act:
    def act(talk: Conversation) -> None:
        ciphertext = talk.sent(plaintext)
        edges = [0, *sorted(min(cut, len(ciphertext)) for cut in cuts), None]
        for start, end in itertools.pairwise(edges):
            talk.feed(ciphertext[start:end])

    return act


def _sends_changed(plaintext: bytes, place: int) -> Act:
    def act(talk: Conversation) -> None:
        ciphertext = bytearray(talk.sent(plaintext))
        if ciphertext:
            ciphertext[place % len(ciphertext)] ^= 0x40
        talk.feed(bytes(ciphertext))

    return act


def _sends_as_is(data: bytes) -> Act:
    return lambda talk: talk.feed(data)


def _answers(size: int) -> Act:
    def act(talk: Conversation) -> None:
        talk.write(bytes(size))
        talk.receive()

    return act


def _client_closes(talk: Conversation) -> None:
    try:
        talk.client.tls.unwrap()
    except ssl.SSLError as error:
        talk.known.append((type(error), error.reason))
    talk.feed(talk.client.outgoing.read())


def _server_closes(talk: Conversation) -> None:
    talk.server.close()
    talk.receive()


SIZES: Final = st.one_of(
    st.integers(1, 300),
    st.sampled_from(
        [
            RECORD_BYTES_MAX - 1,
            RECORD_BYTES_MAX,
            RECORD_BYTES_MAX + 1,
            200_000,
        ]
    ),
)
ACTS: Final = st.one_of(
    st.builds(_sends, SIZES.map(bytes), st.lists(st.integers(0, 20_000), max_size=4)),
    st.builds(_answers, SIZES),
    st.builds(_sends_changed, st.binary(min_size=1, max_size=50), st.integers(0, 99)),
    st.builds(_sends_as_is, st.binary(min_size=1, max_size=50)),
    st.just(_client_closes),
    st.just(_server_closes),
)


@pytest.mark.slow
@pytest.mark.skipif(len(ENGINES) < 2, reason="but one engine can run here")
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VERSIONS), st.lists(ACTS, min_size=1, max_size=6))
def test_whatever_a_client_does_both_engines_do_the_same(
    version: ssl.TLSVersion, acts: list[Act]
) -> None:
    talks = [Conversation(engine, version) for engine in TlsEngine]
    for act in acts:
        for talk in talks:
            act(talk)
    assert talks[0].known == talks[1].known


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("act", "ends"),
    [
        (_sends_as_is(b"GET / HTTP/1.1\r\n\r\n"), "failed"),
        (_sends_as_is(b"\x17\x03\x03\x48\x00" + bytes(0x4800)), "failed"),
        (_sends_as_is(b"\x17\x03\x03\x00\x00"), "failed"),
        (_sends_changed(b"secret", 20), "failed"),
        (_sends_as_is(b"\x17\x03\x03\x00\x20half"), "midway"),
        (_client_closes, "closed"),
        (_server_closes, "open"),
    ],
    ids=[
        "no TLS",
        "a record larger than any",
        "an empty record",
        "a changed record",
        "half a record",
        "the client's end",
        "the server's end",
    ],
)
def test_how_a_session_ends(
    engine: TlsEngine, version: ssl.TLSVersion, act: Act, ends: str
) -> None:
    talk = Conversation(engine, version)
    act(talk)
    server = talk.server
    assert {
        "failed": server.is_failed,
        "closed": server.is_closed_by_peer,
        "midway": server.is_midway and not server.is_failed,
        "open": not (server.is_failed or server.is_closed_by_peer or server.is_midway),
    }[ends]


@pytest.mark.parametrize("size", [WRITE_BYTES_MAX, WRITE_BYTES_MAX + 1, 1_000_000])
def test_what_is_encrypted_in_pieces_arrives_in_order(
    engine: TlsEngine, size: int
) -> None:
    talk = Conversation(engine, ssl.TLSVersion.TLSv1_3)
    answer = (bytes(range(251)) * (size // 251 + 1))[:size]
    talk.write(b"before")
    talk.write(answer)
    talk.write(b"after")
    talk.server.close()
    assert talk.client.receive(talk.server) == b"before" + answer + b"after"
    assert talk.server.take_output() == b""


def test_the_interpreters_engine_is_preferred_where_it_can_run() -> None:
    able = stdlib_tls.OBSTACLE is None
    assert engine_to_use() is (TlsEngine.SSL if able else TlsEngine.PYOPENSSL)
    assert engine_to_use(TlsEngine.PYOPENSSL) is TlsEngine.PYOPENSSL


def test_an_engine_that_was_asked_for_runs_or_says_why_not() -> None:
    obstacle = stdlib_tls.OBSTACLE
    if obstacle is None:
        assert engine_to_use(TlsEngine.SSL) is TlsEngine.SSL
    else:
        with pytest.raises(EngineNotAvailable, match=re.escape(obstacle)):
            engine_to_use(TlsEngine.SSL)
