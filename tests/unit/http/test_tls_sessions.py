"""A session of TLS, whatever its client does with it."""

import itertools
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.http.openssl import RECORD_BYTES_MAX
from ccfpy.http.tls import (
    ServerContext,
    TlsFailure,
    TlsSession,
)
from tests.unit.http.tls_ends import NODE, SERVICE, Client

VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@cache
def server() -> ServerContext:
    return ServerContext(NODE.pem, NODE.key_pem)


@cache
def client_of(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=SERVICE.pem)
    context.maximum_version = version
    return context


@dataclass
class Conversation:
    """A client and a session that have shaken hands, and what each wrote and read."""

    version: ssl.TLSVersion
    asked: bytes = b""
    read: bytes = b""
    answered: bytes = b""
    received: bytes = b""

    def __post_init__(self) -> None:
        self.server = TlsSession(server())
        self.client = Client(context=client_of(self.version))
        self.client.shake_hands(self.server)
        self.client.receive(self.server)

    def feed(self, ciphertext: bytes) -> None:
        """Make the server read."""
        try:
            self.read += self.server.feed(ciphertext)
        except TlsFailure:
            assert self.server.is_failed

    def write(self, plaintext: bytes) -> None:
        """Make the server write."""
        self.answered += plaintext
        try:
            self.server.write(plaintext)
        except TlsFailure:
            assert self.server.is_failed

    def receive(self) -> None:
        """Make the client read."""
        with suppress(ssl.SSLError):
            self.received += self.client.receive(self.server)

    def sent(self, plaintext: bytes) -> bytes:
        """Return what the client sends for these bytes, if it can send yet."""
        try:
            ciphertext = self.client.send(plaintext)
        except ssl.SSLError:
            return b""
        self.asked += plaintext
        return ciphertext


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
    with suppress(ssl.SSLError):
        talk.client.tls.unwrap()
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


@pytest.mark.newest
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VERSIONS), st.lists(ACTS, min_size=1, max_size=6))
def test_whatever_a_client_does_each_end_reads_only_what_the_other_wrote(
    version: ssl.TLSVersion, acts: list[Act]
) -> None:
    talk = Conversation(version)
    for act in acts:
        act(talk)
    assert talk.asked.startswith(talk.read)
    assert talk.answered.startswith(talk.received)
    server = talk.server
    if not server.is_failed:
        assert talk.read == talk.asked or server.is_closed_by_peer or server.is_midway


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
def test_how_a_session_ends(version: ssl.TLSVersion, act: Act, ends: str) -> None:
    talk = Conversation(version)
    act(talk)
    server = talk.server
    assert {
        "failed": server.is_failed,
        "closed": server.is_closed_by_peer,
        "midway": server.is_midway and not server.is_failed,
        "open": not (server.is_failed or server.is_closed_by_peer or server.is_midway),
    }[ends]


@pytest.mark.parametrize("size", [RECORD_BYTES_MAX, RECORD_BYTES_MAX + 1, 1_000_000])
def test_what_is_encrypted_in_pieces_arrives_in_order(size: int) -> None:
    talk = Conversation(ssl.TLSVersion.TLSv1_3)
    answer = (bytes(range(251)) * (size // 251 + 1))[:size]
    talk.write(b"before")
    talk.write(answer)
    talk.write(b"after")
    talk.server.close()
    assert talk.client.receive(talk.server) == b"before" + answer + b"after"
    assert talk.server.take_output() == b""
