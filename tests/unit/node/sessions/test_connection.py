"""One connection under TLS, and HTTP/1.1 on it."""

import pytest

from ccfpy.base import limits
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.crypto.certs import Certificate
from ccfpy.http.messages import Request, Response
from ccfpy.node.sessions.connection import Connection, Stall, readable_certificate
from ccfpy.node.sessions.http1 import serialise_reply
from ccfpy.testing.node import Person, listener
from tests.unit.http.tls_ends import Client
from tests.unit.node.watched import new_connection


@pytest.fixture
def connection() -> Connection:
    return new_connection(listener("plain", authority=InterfaceAuthority.UNSECURED))


@pytest.fixture
def secured() -> Connection:
    return new_connection(listener())


def stalled(connection: Connection) -> Stall | None:
    """Return for what the client is ended if nothing happens for long."""
    for _ in range(2 * limits.SESSION_UNFINISHED_MS_MAX // 1000):
        stall = connection.stall(1000)
        if stall is not None:
            return stall
    return None


def has_tls(connection: Connection) -> bool:
    """Return whether a connection holds memory of OpenSSL."""
    return connection._tls is not None


def test_nothing_of_a_new_connection_waits(connection: Connection) -> None:
    assert not connection.has_left
    assert not connection.wants_turn
    assert stalled(connection) is None


def test_tls_begins_with_a_clients_first_bytes(secured: Connection) -> None:
    client = Client()
    secured.keep(client.hello())
    assert not has_tls(secured), "the bytes wait for their turn"
    secured.begin_turn(1)
    answer, ends = secured.take()
    assert not ends
    assert has_tls(secured)
    client.incoming.write(answer)
    client.tls.do_handshake()
    secured.keep(client.outgoing.read())
    secured.begin_turn(1)
    assert secured.is_greeted


def test_a_client_that_never_begins_tls_is_not_waited_for(secured: Connection) -> None:
    assert stalled(secured) is Stall.UNFINISHED
    assert secured.dismiss() == b""
    assert not has_tls(secured)


def test_a_turn_takes_so_many_bytes_and_leaves_the_others(
    connection: Connection,
) -> None:
    most = limits.SESSION_TURN_BYTES_MAX
    connection.hear(b"x")
    assert len(connection.fitting(bytes(most - 1))) == most - 1
    assert len(connection.fitting(bytes(most))) == most - 1
    assert connection.keep(b"x")
    assert connection.fitting(b"x") == b"", "what came before is behind this turn"
    assert connection.has_left
    assert connection.wants_turn
    assert connection.keep(bytes(most))
    assert len(connection._take_bytes()) == most
    assert len(connection._take_bytes()) == 1
    assert not connection.has_left


@pytest.mark.parametrize("excess", [0, 1])
def test_so_many_bytes_wait_and_no_more(connection: Connection, excess: int) -> None:
    is_kept = connection.keep(bytes(limits.HELD_BYTES_MAX + excess))
    assert is_kept is not bool(excess)


@pytest.mark.parametrize("unread", [-1, 0])
def test_who_leaves_so_much_unread_has_no_turn(
    connection: Connection, unread: int
) -> None:
    connection.unread_bytes = limits.SESSION_UNREAD_BYTES_MAX + unread
    connection.keep(b"x")
    assert connection.wants_turn is bool(unread)
    connection.written(1)
    assert connection.wants_turn


def test_a_host_that_tells_of_more_than_was_sent_gains_nothing(
    connection: Connection,
) -> None:
    connection.written(limits.SESSION_UNREAD_BYTES_MAX)
    assert connection.unread_bytes == 0


def test_what_is_unread_is_the_clients_and_what_waits_is_the_nodes(
    connection: Connection,
) -> None:
    connection.unread_bytes = limits.SESSION_UNREAD_BYTES_MAX
    assert stalled(connection) is Stall.UNREAD
    connection.is_queued = True
    assert stalled(connection) is None


def test_bytes_that_a_client_sends_on_do_not_pay_for_what_it_does_not_read(
    connection: Connection,
) -> None:
    connection.unread_bytes = limits.SESSION_UNREAD_BYTES_MAX
    for _ in range(limits.SESSION_UNFINISHED_MS_MAX // 1000):
        assert connection.stall(1000) is None
        connection.received += 10 * limits.SESSION_BYTES_PER_S_MIN
    assert connection.stall(1000) is Stall.UNREAD


def _request(method: str) -> Request:
    return Request(method=method, path="/", query="", headers={}, body=b"")


def test_an_answer_to_head_has_the_body_left_out_and_its_length_kept() -> None:
    response = Response(status=200, headers={}, body=b"four")
    whole = serialise_reply(response, _request("GET"))
    assert serialise_reply(response, _request("HEAD")) == whole.removesuffix(b"four")
    assert b"content-length: 4\r\n" in whole


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "☃"])
def test_an_answer_that_cannot_be_written_becomes_an_error(value: str) -> None:
    response = Response(status=200, headers={"x": value}, body=b"private")
    written = serialise_reply(response, _request("GET"))
    assert written.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in written.partition(b"\r\n\r\n")[0]
    assert b"private" not in written


def test_a_certificate_that_cannot_be_read_is_as_good_as_none() -> None:
    der = Person.make("ann").certificate.der
    assert readable_certificate(der) == Certificate.from_der(der)
    assert readable_certificate(der[:-1]) is None
    assert readable_certificate(b"no certificate") is None


@pytest.mark.parametrize("excess", [0, 1])
def test_a_certificate_of_usual_size_is_read_once(
    excess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    der = Person.make("ann").certificate.der
    most = len(der) - excess
    monkeypatch.setattr(limits, "CERTIFICATE_CACHED_BYTES_MAX", most)
    first = readable_certificate(der)
    assert first == Certificate.from_der(der)
    assert (readable_certificate(der) is first) is not bool(excess)
