"""The straight path, held against pyOpenSSL's own methods; certificates as read."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from ccfpy.base.errors import Malformed
from ccfpy.http import openssl
from ccfpy.http.openssl import OpenSslConnection as Straight
from ccfpy.http.openssl import OpenSslServer
from ccfpy.http.tls import HTTP_1_1
from ccfpy.http.tls_calls import ClientContext
from ccfpy.testing.node import Person

if TYPE_CHECKING:
    from collections.abc import Callable

PERSON = Person.make("server")


def _plain_take_ciphertext(connection: SSL.Connection) -> bytes:
    try:
        return connection.bio_read(openssl.BUFFER_BYTES)
    except SSL.WantReadError:
        return b""


class Path:
    """Four calls, of one kind or the other."""

    def __init__(self, *, is_plain: bool) -> None:
        self.give_ciphertext: Callable[[SSL.Connection, bytes], object]
        self.give_plaintext: Callable[[SSL.Connection, bytes], object]
        self.take_ciphertext: Callable[[SSL.Connection], bytes]
        self.take_plaintext: Callable[[SSL.Connection], bytes]
        if is_plain:
            self.give_ciphertext = SSL.Connection.bio_write
            self.give_plaintext = SSL.Connection.sendall
            self.take_ciphertext = _plain_take_ciphertext
            self.take_plaintext = lambda c: c.recv(openssl.BUFFER_BYTES)
        else:
            self.give_ciphertext = lambda c, data: Straight(c).give(data)
            self.give_plaintext = lambda c, data: Straight(c).write(data)
            self.take_ciphertext = lambda c: Straight(c).take()
            self.take_plaintext = lambda c: Straight(c).read()


PLAIN = Path(is_plain=True)
STRAIGHT = Path(is_plain=False)


def pair() -> tuple[SSL.Connection, SSL.Connection]:
    """Return two ends that have shaken hands."""
    identity = openssl.load_identity(PERSON.certificate.pem, PERSON.key.pem)
    server = OpenSslServer(identity, [HTTP_1_1]).connect().connection
    called = ClientContext(
        trusted_pem=PERSON.certificate.pem,
        host="server",
        now=PERSON.certificate.not_before,
        checks_name=False,
    ).connect()
    assert isinstance(called, Straight)
    client = called.connection
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            data = PLAIN.take_ciphertext(one)
            if data:
                PLAIN.give_ciphertext(other, data)
    return client, server


def carry(path_out: Path, path_in: Path, message: bytes) -> bytes:
    """Send a message one way by one path and receive it by the other."""
    client, server = pair()
    path_out.give_plaintext(client, message)
    while data := path_out.take_ciphertext(client):
        path_in.give_ciphertext(server, data)
    received = b""
    while len(received) < len(message):
        received += path_in.take_plaintext(server)
    return received


@settings(max_examples=15)
@given(
    st.sampled_from([PLAIN, STRAIGHT]),
    st.sampled_from([PLAIN, STRAIGHT]),
    st.one_of(
        st.binary(min_size=1, max_size=200),
        st.sampled_from([16 * 1024, openssl.BUFFER_BYTES, 100_000]).map(bytes),
    ),
)
def test_either_path_reads_what_the_other_wrote(
    path_out: Path, path_in: Path, message: bytes
) -> None:
    assert carry(path_out, path_in, message) == message


@pytest.mark.parametrize("path", [PLAIN, STRAIGHT])
def test_nothing_to_read_is_said_alike(path: Path) -> None:
    _, server = pair()
    with pytest.raises(SSL.WantReadError):
        path.take_plaintext(server)
    assert path.take_ciphertext(server) in (b"", path.take_ciphertext(server))


@pytest.mark.parametrize("path", [PLAIN, STRAIGHT])
def test_garbage_is_refused_alike(path: Path) -> None:
    _, server = pair()
    path.give_ciphertext(server, b"\x17\x03\x03\x00\x05hello")
    with pytest.raises(SSL.Error):
        path.take_plaintext(server)


@pytest.mark.parametrize("path", [PLAIN, STRAIGHT])
def test_a_session_that_was_shut_down_writes_nothing(path: Path) -> None:
    client, _ = pair()
    client.shutdown()
    with pytest.raises(SSL.Error):
        path.give_plaintext(client, b"late")


BROKEN = "-----BEGIN CERTIFICATE-----\nMIIB-\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "pem",
    ["", "nothing", BROKEN, BROKEN + PERSON.certificate.pem],
    ids=["empty", "none", "a broken one", "a broken one and a sound one"],
)
def test_a_text_with_a_certificate_that_cannot_be_read_is_refused(pem: str) -> None:
    with pytest.raises(Malformed):
        openssl.load_certificates(pem)


def test_what_stands_between_certificates_means_nothing() -> None:
    own = PERSON.certificate
    read = openssl.load_certificates(f"a - b\n{own.pem}-----\n{own.pem}c")
    assert [openssl.der_of(each) for each in read] == [own.der, own.der]


def test_beginnings_of_certificates_without_an_end_take_no_time() -> None:
    hostile = "-----BEGIN CERTIFICATE-----" * 100_000
    began = time.thread_time()
    with pytest.raises(Malformed):
        openssl.load_certificates(hostile)
    assert time.thread_time() - began < 1
